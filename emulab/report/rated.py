"""How far predictions of openssl's and 7-zip's figures are off, board by board."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

import numpy as np

from emulab.figures import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from emulab.calibration.fitting.rated import RatedFigure

    Judged = Mapping[str, Sequence[RatedFigure]]

_ALL = "all"


def rated_table(judged: Mapping[str, Judged]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the errors of each program, over all cores and core by core.

    :param judged: by what was left out.
    """
    header = ("left out", "program", "core", "boards", "figures", "median of boards", "of figures", "p90",
              "in the 90 % interval")  # fmt: skip
    rows: list[tuple[str, ...]] = []
    for what, programs in judged.items():
        tools: dict[str, list[RatedFigure]] = {}
        for code, figures in programs.items():
            tools.setdefault(code.partition(" ")[0], []).extend(figures)
        rows += [_row(what, tool, _ALL, figures) for tool, figures in tools.items()]
        for code, figures in programs.items():
            for core in sorted({one.figure.core for one in figures}):
                rows.append(_row(what, code, core, [one for one in figures if one.figure.core == core]))
    return header, rows


def _row(what: str, program: str, core: str, figures: Sequence[RatedFigure]) -> tuple[str, ...]:
    error = [one.relative for one in figures]
    boards = boards_errors(figures)
    return (
        what, program, core, str(len(boards)), str(len(figures)),
        f"{statistics.median(boards.values()):.1%}", f"{statistics.median(error):.1%}",
        f"{float(np.quantile(error, 0.9)):.1%}",
        f"{statistics.fmean(one.judged.is_covered for one in figures):.0%}",
    )  # fmt: skip


def boards_errors(figures: Iterable[RatedFigure]) -> dict[str, float]:
    """Return each board's error: the middle of those of its figures."""
    found: dict[str, list[float]] = {}
    for one in figures:
        found.setdefault(one.figure.board, []).append(one.relative)
    return {board: statistics.median(errors) for board, errors in sorted(found.items())}


def rated_figures(judged: Judged) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return every figure beside what was predicted."""
    header = ("board", "core", "clock (MHz)", "figure", "measured", "predicted", "error")
    rows: list[tuple[str, ...]] = [
        (
            one.figure.device,
            one.figure.core,
            f"{one.figure.clock_hz / 1e6:.0f}",
            one.figure.workload,
            _printed(one, one.measured),
            _printed(one, one.predicted),
            f"{one.predicted / one.measured - 1.0:+.1%}",
        )
        for figures in judged.values()
        for one in sorted(figures, key=_order)
    ]
    return header, rows


def rated_document(command: str, judged: Mapping[str, Judged]) -> dict[str, Any]:
    """Return every figure with its prediction, by what was left out."""
    return {
        "schema": SCHEMA,
        "command": command,
        "figures": [
            {
                "left_out": what,
                "session": one.figure.session,
                "device": one.figure.device,
                "board": one.figure.board,
                "soc": one.figure.soc,
                "core": one.figure.core,
                "clock_hz": one.figure.clock_hz,
                "program": one.figure.rated.program.place.removesuffix(".ops"),
                "workload": one.figure.workload,
                "measured": one.measured,
                "predicted": one.predicted,
                "unit": "1/s" if one.figure.is_seven_zip else "B/s",
                "half_width": one.judged.half_width,
                "error": one.relative,
            }
            for what, programs in judged.items()
            for figures in programs.values()
            for one in figures
        ],
    }


def _printed(one: RatedFigure, value: float) -> str:
    """Return a figure in the unit that its program prints."""
    return f"{value / 1e6:.0f} MIPS" if one.figure.is_seven_zip else f"{value / 1e3:.0f} kB/s"


def _order(one: RatedFigure) -> tuple[str, ...]:
    return one.figure.board, one.figure.session, one.figure.core, one.figure.workload
