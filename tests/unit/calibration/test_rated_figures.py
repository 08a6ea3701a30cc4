"""The figures of openssl and 7-zip that ship, each board's predicted without it."""

from __future__ import annotations

import re
import statistics
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulab.calibration.rated_programs import PROGRAMS, programs_directory
from emulab.cli.calibrate_rated import judged_programs
from emulab.profiling.operation_file import read
from emulab.report.calibration import markdown
from emulab.report.rated import boards_errors, rated_table

if TYPE_CHECKING:
    from emulab.calibration.fitting.rated import RatedFigure


@pytest.fixture(scope="module")
def judged() -> dict[str, dict[str, list[RatedFigure]]]:
    """Every figure with its prediction, by what was left out."""
    return judged_programs((), strictly=True)


@pytest.fixture(scope="module")
def figures(judged: dict[str, dict[str, list[RatedFigure]]]) -> list[RatedFigure]:
    """Every figure with its prediction by a fit without its board."""
    return [one for of_code in judged["board"].values() for one in of_code]


def test_the_table_on_the_page_is_what_the_command_prints(
    judged: dict[str, dict[str, list[RatedFigure]]],
) -> None:
    page = (Path(__file__).parents[3] / "docs" / "calibration.md").read_text()
    table = re.search("<!-- rated:begin -->\n(.*)<!-- rated:end -->", page, re.DOTALL)
    assert table is not None
    assert table[1] == markdown(*rated_table(judged)), "run `make docs-calibration`"


def test_every_program_was_counted() -> None:
    for program in PROGRAMS:
        content = read(programs_directory() / program.place)
        assert content.origin["version"] == program.version
        assert content.operations


@pytest.mark.parametrize("tool", ["openssl", "7-zip"])
def test_boards_that_the_fit_has_not_seen_are_predicted(figures: list[RatedFigure], tool: str) -> None:
    errors = boards_errors(one for one in figures if one.figure.rated.program.tool == tool)
    assert len(errors) >= 60
    assert statistics.median(errors.values()) < 0.06


def test_intervals_hold_nine_figures_of_ten(figures: list[RatedFigure]) -> None:
    covered = [one.judged.is_covered for one in figures]
    assert 0.85 < statistics.fmean(covered) < 0.98
