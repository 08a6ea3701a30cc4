"""What is fitted: a sample beside what the mechanistic model says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

FITS_BELOW: Final = 0.05
"""The share of a figure's time beyond the first-level caches below which it fits the caches."""


@dataclass(frozen=True)
class Row:
    """A sample and the mechanistic model's parts of it, for one operation.

    :param package: what is left out together: the import path, or the suite.
    :param family: near copies of each other, such as the sizes of one benchmark.
    :param seconds: what was measured.
    :param precision: of that, relative: half its last printed digit, or its spread if that is more.
    :param cycles: of the core's pipelines, without misses of any kind.
    :param mispredictions: branches that went elsewhere than foretold.
    :param memory_s: the time that data and code take from beyond the first-level caches, in seconds.
    :param fits: whether next to nothing comes from beyond the caches.
    """

    session: str
    board: str
    core: str
    package: str
    workload: str
    family: str
    seconds: float
    precision: float
    cycles: float
    mispredictions: float = 0.0
    memory_s: float = 0.0
    fits: bool = True


class Table:
    """Rows as arrays, with the numbers of their cores, sessions and so on.

    :param rows: at least one.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = tuple(rows)
        self.cores, self.core = _numbered(rows, lambda row: row.core)
        self.sessions, self.session = _numbered(rows, lambda row: row.session)
        self.packages, self.package = _numbered(rows, lambda row: row.package)
        self.boards, self.board = _numbered(rows, lambda row: row.board)
        _, self.family = _numbered(rows, lambda row: f"{row.core}\0{row.package}\0{row.family}")
        self.seconds = np.array([row.seconds for row in rows], np.float64)
        self.precision = np.array([row.precision for row in rows], np.float64)
        self.cycles = np.array([row.cycles for row in rows], np.float64)
        self.mispredictions = np.array([row.mispredictions for row in rows], np.float64)
        self.memory_s = np.array([row.memory_s for row in rows], np.float64)
        self.fits = np.array([row.fits for row in rows], np.bool_)

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, chosen: NDArray[np.bool_]) -> Table:
        """Return some of the rows."""
        return Table([row for row, is_chosen in zip(self.rows, chosen, strict=True) if is_chosen])

    def weights(self) -> NDArray[np.float64]:
        """Return a weight for each row: near copies weigh together as the square root of their number."""
        number = np.bincount(self.family)
        weight: NDArray[np.float64] = 1.0 / np.sqrt(number[self.family])
        return weight


def _numbered(rows: Sequence[Row], key: Callable[[Row], str]) -> tuple[list[str], NDArray[np.int64]]:
    names = sorted({key(row) for row in rows})
    place = {name: number for number, name in enumerate(names)}
    return names, np.array([place[key(row)] for row in rows], np.int64)
