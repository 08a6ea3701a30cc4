"""Conditions that predictions are made for: the board's own, or what-if."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from emulab.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from emulab.boards.board import Board, Cluster

GOVERNORS: Final = ("performance", "powersave", "schedutil", "ondemand", "conservative")
_RISING: Final = ("schedutil", "ondemand", "conservative")


@dataclass(frozen=True)
class Conditions:
    """Conditions other than the board's own.

    :param clock_hz: of the fastest cores, None for the highest that the board is sold with; other cores keep
        their ratio to it.
    :param governor: the kernel's policy for the clock. ``performance`` and None hold the highest one,
        ``powersave`` the lowest; with the others a program that has just started may still find the lowest.
    :param cpus: how many cores take part, as far as there are so many; None for as many as Go uses there.
    :param models: a directory of models, None for the shipped ones.
    """

    clock_hz: float | None = None
    governor: str | None = None
    cpus: int | None = None
    models: Path | None = None

    def check(self, board: Board) -> None:
        """Refuse what a board can not do.

        :raises UsageError: with the reason.
        """
        if self.governor is not None and self.governor not in GOVERNORS:
            raise UsageError(f"--governor {self.governor!r} is not known", hint=f"use {', '.join(GOVERNORS)}")
        if self.governor == "powersave" and self.clock_hz is not None:
            raise UsageError(
                "--clock-mhz and --governor powersave exclude each other",
                hint="powersave is the lowest clock",
            )
        if self.governor not in (None, "performance") and not board.fastest.operating_points_mhz:
            raise UsageError(
                f"{board.id}: its operating points are not known, so --governor {self.governor} has no lowest"
                " clock",
                hint="say the clock itself: --clock-mhz",
            )

    def clock(self, board: Board, cluster: Cluster) -> float:
        """Return at which clock a cluster runs, in hertz."""
        if self.governor == "powersave":
            return min(cluster.operating_points_mhz, default=cluster.nominal_mhz) * 1e6
        if self.clock_hz is None:
            return cluster.nominal_mhz * 1e6
        return self.clock_hz * cluster.nominal_mhz / board.fastest.nominal_mhz

    def late_clock(self, board: Board) -> float:
        """Return by how much a start may be slower since the clock has yet to rise, as a logarithm."""
        points = board.fastest.operating_points_mhz
        if self.governor not in _RISING or not points:
            return 0.0
        return max(0.0, math.log(self.clock(board, board.fastest) / (min(points) * 1e6)))
