"""How wrong predictions are for what the fit has not seen: whole packages, sources, boards left out.

Never rows at random: the sizes of one benchmark are near copies of each other, and figures of one source
share its clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np

from emulab.calibration.fitting.conformal import Scores, joined
from emulab.calibration.fitting.solve import Correction, Solution
from emulab.calibration.fitting.trust import fit_what_is_sound, residuals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from emulab.calibration.fitting.rows import Row, Table
    from emulab.calibration.fitting.solve import ClockPrior, CorePrior

    Floats = NDArray[np.float64]

COVERAGE: Final = 0.9
_KIN_WEIGHT: Final = 0.25
"""A family of figures of another core of the same kind weighs so much beside one of the core's own..."""
_ENOUGH: Final = 20
"""...where there are none of these; the weight falls to nothing at so many."""


class LeftOut(StrEnum):
    """What is left out together."""

    PACKAGE = "package"
    SOURCE = "source"
    BOARD = "board"


@dataclass(frozen=True)
class Judged:
    """A row that was predicted without its like.

    :param error: logarithm of measured over predicted.
    :param half_width: of the interval, likewise.
    """

    row: Row
    error: float
    half_width: float

    @property
    def relative(self) -> float:
        """Return the error relative to what was measured, not negative."""
        return abs(float(np.expm1(-self.error)))

    @property
    def is_covered(self) -> bool:
        """Tell whether the interval holds what was measured."""
        return abs(self.error) <= self.half_width


def leave_out(
    what: LeftOut, table: Table, cores: Mapping[str, CorePrior], clocks: Mapping[str, ClockPrior]
) -> tuple[Judged, ...]:
    """Predict every row by a fit without its package, source or board."""
    group = {
        # A package's operations are alike on every core.
        LeftOut.PACKAGE: np.array([table.packages.index(row.package) for row in table.rows]),
        LeftOut.SOURCE: table.session,
        LeftOut.BOARD: table.board,
    }[what]
    error = np.zeros(len(table))
    for each in np.unique(group):
        out = group == each
        error[out] = _errors(table.where(~out) if (~out).any() else None, table.where(out), cores, clocks)
    width = _widths(table, error, group, cores)
    return tuple(
        Judged(row, float(wrong), float(half))
        for row, wrong, half in zip(table.rows, error, width, strict=True)
    )


def _errors(
    rest: Table | None, out: Table, cores: Mapping[str, CorePrior], clocks: Mapping[str, ClockPrior]
) -> Floats:
    """Return the errors of left-out rows; their sessions' clocks are what the evidence says, or the fit."""
    solution = (
        fit_what_is_sound(rest, cores, clocks)[0]
        if rest is not None
        else Solution({name: Correction() for name in cores}, {}, {})
    )
    hz = {session: solution.clocks.get(session, clocks[session].hz) for session in out.sessions}
    return residuals(out, solution, cores, hz)


def scores_of(table: Table, error: Floats, core: str) -> Scores:
    """Return the left-out errors of one core's rows, by families of near copies."""
    here = np.array([row.core == core for row in table.rows])
    _, number = np.unique(table.family[here], return_inverse=True)
    return Scores(error[here], number.reshape(-1), np.sqrt(np.bincount(number.reshape(-1))))


def _widths(table: Table, error: Floats, group: NDArray[np.int64], cores: Mapping[str, CorePrior]) -> Floats:
    """Return for each row how wide its interval is, from the errors of all other groups."""
    width = np.zeros(len(table))
    for each in np.unique(group):
        out = group == each
        if out.all():
            width[out] = Scores(np.zeros(0), np.zeros(0, np.int64), np.zeros(0)).half_width(COVERAGE)
            continue
        rest, rest_error = table.where(~out), error[~out]
        for core in {row.core for row in table.where(out).rows}:
            here = out & np.array([row.core == core for row in table.rows])
            width[here] = interval_scores(rest, rest_error, core, cores).half_width(COVERAGE)
    return width


def interval_scores(table: Table, error: Floats, core: str, cores: Mapping[str, CorePrior]) -> Scores:
    """Return the errors that an interval for a core rests on: its own, and its kin's at a smaller weight."""
    own = scores_of(table, error, core)
    kin = [
        scores_of(table, error, other)
        for other in table.cores
        if other != core and cores[other].kind == cores[core].kind
    ]
    return joined(own, kin, _KIN_WEIGHT * max(0.0, 1.0 - len(own.weight) / _ENOUGH))


@dataclass(frozen=True)
class Summary:
    """Errors of many figures.

    :param median, p90: relative errors.
    :param coverage: the share of figures within their intervals.
    """

    figures: int
    groups: int
    median: float
    p90: float
    coverage: float


def summary(judged: Sequence[Judged]) -> Summary | None:
    """Return the summary of some figures, None of none."""
    if not judged:
        return None
    relative = np.array([one.relative for one in judged])
    return Summary(
        len(judged),
        len({one.row.package for one in judged}),
        float(np.median(relative)),
        float(np.quantile(relative, 0.9)),
        float(np.mean([one.is_covered for one in judged])),
    )
