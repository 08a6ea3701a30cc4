"""Predicted figures as a table: a row for each benchmark and board, or for each board of a program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulab.figures import FigureClass
from emulab.report.tables import text_table
from emulab.report.units import quantity_with_interval

if TYPE_CHECKING:
    from emulab.figures import Document, Figure


_PROGRAM_COLUMNS = {
    "startup": "start-up",
    "run-time": "run time",
    "rss-rest": "RSS at rest",
    "rss-load": "RSS under load",
    "peak-rss": "peak RSS",
    "throughput": "throughput",
    "latency-p50": "latency p50",
    "latency-p99": "latency p99",
    "init-start": "start of init",
}


def program_rows(document: Document) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of a whole program's predictions: a row a board, in the order of starts."""
    rows: dict[str, dict[str, Figure]] = {}
    for figure in document.figures:
        if figure.kind is FigureClass.PREDICTED:
            rows.setdefault(figure.board or figure.arch, {})[figure.name] = figure
    names = [name for name in _PROGRAM_COLUMNS if any(name in row for row in rows.values())]

    def cells(row: dict[str, Figure]) -> list[str]:
        return [
            quantity_with_interval(row[name].value, row[name].low, row[name].high, row[name].unit)
            if name in row
            else ""
            for name in names
        ]

    header = ["board", *(_PROGRAM_COLUMNS[name] for name in names), "at", "rests on"]
    order = sorted(rows, key=lambda board: rows[board][names[0]].value)
    return header, [[board, *cells(rows[board]), *_basis(rows[board][names[0]])] for board in order]


def _basis(figure: Figure) -> tuple[str, str]:
    """Return the clock that a figure is meant at, and what it rests on."""
    counted = figure.evidence["counted"]
    where = f"counted on a machine like {counted['machine']}"
    return f"{figure.evidence['clock_hz'] / 1e6:.0f} MHz", f"{where}; {figure.evidence['support']}"


def predictions_table(document: Document) -> str:
    """Return the predicted times of a document, by benchmark, the fastest board first."""
    predicted = [figure for figure in document.figures if figure.kind is FigureClass.PREDICTED]
    order = {workload: place for place, workload in enumerate(dict.fromkeys(f.workload for f in predicted))}
    rows = [
        (
            figure.workload,
            figure.board or figure.arch,
            quantity_with_interval(figure.value, figure.low, figure.high, "s"),
            f"{figure.evidence['clock_hz'] / 1e6:.0f} MHz",
            str(figure.evidence["support"]),
        )
        for figure in sorted(predicted, key=lambda figure: (order[figure.workload], figure.value))
    ]
    return text_table(("benchmark", "board", "PREDICTED", "at", "rests on"), rows)
