"""The cells of a matrix as a table that fills while they are judged."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emulab.testing.cells import Cell, Slot

_MARKS = {
    "pass": ("✓", "green"),
    "fail": ("✗", "bold red"),
    "emulator-fault": ("≈", "yellow"),
    "unsupported": ("–", "dim"),
    "error": ("!", "bold red"),
    "not-run": ("∅", "dim"),
    "building": ("⚒", "dim"),
    "waiting": ("·", "dim"),
    "running": ("▸", "cyan"),
    "second look": ("▸▸", "cyan"),
}
_ENDED = ("pass", "fail", "emulator-fault", "unsupported", "error", "not-run")
_AROUND = 10
"""Lines of the terminal that are not rows: the head, the legend, what is being built."""


class CellTable:
    """What is known of each cell: a row a package, a column a machine. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: dict[tuple[str, str], dict[str, tuple[str, float]]] = {}
        self._columns: dict[str, None] = {}

    def state(self, slot: Slot, state: str) -> None:
        """Take what is being done for a cell."""
        self._set(slot, state, 0.0)

    def ended(self, cell: Cell) -> None:
        """Take what came of a cell."""
        self._set(cell.slot, str(cell.judgement.verdict), cell.seconds)

    def _set(self, slot: Slot, state: str, seconds: float) -> None:
        target = slot.place.target
        column = f"{target.board or target.architecture.name}\n{target.libc}\n{target.mode}"
        with self._lock:
            self._columns.setdefault(column)
            row = self._states.setdefault((slot.package, f"go{slot.go} {slot.build}"), {})
            row[column] = (state, seconds)

    def __rich_console__(self, console: Any, options: Any) -> Any:
        """Draw it, as many rows as there is room for: those that are not done first."""
        yield self._table(max(3, console.size.height - _AROUND))

    def whole(self) -> Any:
        """Return the table with all of its rows, for rich to draw."""
        return self._table(None)

    def _table(self, most: int | None) -> Any:
        from rich.table import Table
        from rich.text import Text

        with self._lock:
            states = {row: dict(cells) for row, cells in self._states.items()}
            columns = list(self._columns)
        ways = {way for _, way in states}
        rows = list(states)
        if most is not None and len(rows) > most:
            rows = sorted(rows, key=lambda row: all(state in _ENDED for state, _ in states[row].values()))
            rows = rows[:most]
        table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
        table.add_column("package", no_wrap=True, overflow="ellipsis", vertical="bottom")
        for column in columns:
            table.add_column(column, no_wrap=True)
        for package, way in rows:
            cells = [_mark(*states[package, way][at]) if at in states[package, way] else "" for at in columns]
            table.add_row(Text(package if len(ways) < 2 else f"{package} {way}"), *cells)
        hidden = len(states) - len(rows)
        marks = "  ".join(f"{_MARKS[name][0]} {name}" for name in self._seen(states))
        table.caption = f"{f'{hidden} more rows; ' if hidden else ''}{marks}"
        table.caption_justify = "left"
        return table

    def _seen(self, states: dict[tuple[str, str], dict[str, tuple[str, float]]]) -> list[str]:
        found = {state for cells in states.values() for state, _ in cells.values()}
        return [name for name in _MARKS if name in found]


def _mark(state: str, seconds: float) -> Any:
    from rich.text import Text

    mark, style = _MARKS[state]
    return Text(f"{mark} {seconds:.1f}" if seconds else mark, style=style)
