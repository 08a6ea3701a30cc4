"""A published article's figures beside predictions, as rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulab.report.units import quantity, quantity_with_interval

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulab.prediction.article import ArticleRow


def article_table(rows: Iterable[ArticleRow]) -> tuple[list[str], list[list[str]]]:
    """Return header and rows."""
    header = ["board", "figure", "the article", "PREDICTED here", "times", "verdict", "why"]
    return header, [_cells(row) for row in rows]


def _cells(row: ArticleRow) -> list[str]:
    theirs, ours = row.theirs, row.ours
    value = theirs.value if isinstance(theirs.value, str) else quantity(theirs.value, theirs.unit)
    shown = quantity_with_interval(ours.value, ours.low, ours.high, ours.unit) if ours is not None else ""
    ratio = ""
    if ours is not None and isinstance(theirs.value, float) and ours.value:
        ratio = f"{theirs.value / ours.value:.2g}"
    return [theirs.board, theirs.figure, value, shown, ratio, theirs.verdict, theirs.reason]
