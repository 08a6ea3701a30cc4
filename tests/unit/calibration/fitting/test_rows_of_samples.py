"""Which code a sample executed, and how programs that boards are rated by become rows."""

from __future__ import annotations

import dataclasses
import math

import pytest

from emulab.boards import load_catalogue
from emulab.calibration.files import load
from emulab.calibration.fitting.general_rows import PACKAGE, general_rows
from emulab.calibration.fitting.joining import releases_executed
from emulab.calibration.fitting.rated import Figure, figures_of
from emulab.calibration.rated_programs import RatedOperations
from emulab.calibration.schema import Sample


def _pair(before: float, after: float, spread: float = 0.0) -> list[Sample]:
    return [
        Sample(
            "bytes.BenchmarkEqual/1", "time", value, "s/op", "spacemit-x60", 1e-11, 10, spread, go,
            {"column": column},
        )
        for value, go, column in ((before, "go1.25", "parent"), (after, "go1.26", "commit"))
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "spread", "executed"),
    [
        (2.132e-8, 2.132e-8, 0.0, "go1.25"),
        (2.132e-8, 2.134e-8, 0.0, "go1.25"),
        (2.132e-8, 2.24e-8, 0.0, "go1.26"),
        (2.132e-8, 2.24e-8, 0.06, "go1.25"),
    ],
)
def test_a_figure_that_a_commit_left_as_it_was_executed_its_parents_code(
    before: float, after: float, spread: float, executed: str
) -> None:
    assert releases_executed(_pair(before, after, spread)) == ["go1.25", executed]


def test_a_commit_whose_parent_is_not_there_is_counted_by_its_own_release() -> None:
    assert releases_executed(_pair(2e-8, 2e-8)[1:]) == ["go1.26"]


@pytest.fixture(scope="module")
def figures() -> list[Figure]:
    """What boards show of the programs that they are rated by."""
    return figures_of(load(), RatedOperations(), load_catalogue())


def test_7_zip_gives_each_core_a_row_for_each_instruction_set_and_direction(figures: list[Figure]) -> None:
    rows, clocks = general_rows(figures)
    assert {row.package for row in rows} == {PACKAGE}
    a72 = [row for row in rows if row.core == "cortex-a72"]
    assert sorted(row.workload for row in a72) == [
        "7-zip compress arm64", "7-zip compress armv7", "7-zip decompress arm64", "7-zip decompress armv7",
    ]  # fmt: skip
    assert len({row.session for row in a72}) == 1
    assert {row.session for row in rows} == set(clocks)


def test_many_runs_say_no_more_than_few_and_one_wrong_one_moves_nothing(figures: list[Figure]) -> None:
    once = [figure for figure in figures if figure.core == "cortex-a55" and figure.is_seven_zip]
    before, _ = general_rows(once)
    wrong = dataclasses.replace(once[0], seconds=once[0].seconds * 1000)
    after, _ = general_rows([*once, *once, wrong])
    assert len(after) == len(before)
    for one, other in zip(before, after, strict=True):
        assert abs(math.log(one.seconds / other.seconds)) < 0.01
