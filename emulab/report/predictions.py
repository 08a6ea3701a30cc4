"""Predicted times as a table: a row for each benchmark and board."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulab.figures import FigureClass
from emulab.report.tables import text_table
from emulab.report.units import quantity_with_interval

if TYPE_CHECKING:
    from emulab.figures import Document


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
