"""The models that ship: made by one command from the samples, and not moved by samples that are wrong."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulab.boards import load_catalogue
from emulab.calibration.files import load, samples_directory
from emulab.calibration.fitting.making import Made, Problem, digests, make, problem_of
from emulab.calibration.fitting.rows import Row, Table
from emulab.calibration.fitting.solve import ClockPrior
from emulab.calibration.fitting.trust import fit_what_is_sound
from emulab.calibration.models import models_directory, write
from emulab.calibration.operations import Operations, operations_directory
from emulab.calibration.rated_programs import RatedOperations, programs_directory
from emulab.report.models import card

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def problem() -> Problem:
    """Everything there is to fit."""
    return problem_of(load(), Operations(), RatedOperations(), load_catalogue())


@pytest.fixture(scope="module")
def made(problem: Problem) -> Made:
    """The fit of it."""
    return make(problem, digests([samples_directory()], operations_directory(), programs_directory()))


def test_the_fit_makes_the_shipped_files_byte_for_byte(problem: Problem, made: Made, tmp_path: Path) -> None:
    write(made.models, problem.latencies, tmp_path)
    shipped = {path.name: path.read_bytes() for path in models_directory().glob("*.json")}
    assert {path.name for path in tmp_path.iterdir()} == set(shipped)
    for name, content in sorted(shipped.items()):
        assert (tmp_path / name).read_bytes() == content, f"{name}: run `make models`"


def test_the_errors_on_the_page_are_those_of_the_evaluation(problem: Problem, made: Made) -> None:
    page = (Path(__file__).parents[3] / "docs" / "calibration.md").read_text()
    table = re.search("<!-- errors:begin -->\n(.*)<!-- errors:end -->", page, re.DOTALL)
    assert table is not None
    assert table[1] == card(problem, made, 10), "run `make docs-calibration`"


def _wrong_clock(seconds: float, _random: np.random.Generator) -> float:
    return seconds / 2.0


def _swapped_unit(seconds: float, _random: np.random.Generator) -> float:
    return seconds * 1000.0


def _random_number(_seconds: float, random: np.random.Generator) -> float:
    return float(10 ** random.uniform(-9, -3))


@pytest.mark.parametrize("core", ["sifive-u74"])
def test_planted_sources_move_no_prediction_by_two_per_cent_and_are_named(
    problem: Problem, core: str
) -> None:
    random = np.random.default_rng(17)
    before, suspects, table = fit_what_is_sound(problem.table, problem.cores, problem.clocks)
    victim = max(
        {row.session for row in table.rows if row.core == core},
        key=lambda session: (sum(row.session == session for row in table.rows), session),
    )
    clocks = dict(problem.clocks)
    planted: list[Row] = []
    faults: dict[str, Callable[[float, np.random.Generator], float]] = {
        "planted: wrong clock": _wrong_clock,
        "planted: swapped unit": _swapped_unit,
        "planted: random numbers": _random_number,
    }
    for name, fault in faults.items():
        clocks[name] = ClockPrior(clocks[victim].hz, clocks[victim].spread)
        planted += [
            dataclasses.replace(row, session=name, seconds=fault(row.seconds, random))
            for row in table.rows
            if row.session == victim
        ]
    after, found, _ = fit_what_is_sound(Table([*problem.table.rows, *planted]), problem.cores, clocks)
    assert {one.session for one in found} == {one.session for one in suspects} | set(faults)
    for name in problem.cores:
        for correction in ("pipeline", "branches", "memory"):
            moved = getattr(after.cores[name], correction) - getattr(before.cores[name], correction)
            assert abs(np.expm1(moved)) < 0.02, (name, correction)
