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
from emulab.calibration.fitting.trust import fit_what_is_sound, residuals, uncertainties

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from emulab.calibration.fitting.rows import Row, Table
    from emulab.calibration.fitting.solve import ClockPrior, CorePrior

    Floats = NDArray[np.float64]

COVERAGE: Final = 0.9
_WIDEST: Final = 1.5
"""How far an interval reaches at most, as a logarithm: where next to nothing is known."""
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
    :param open_by: the prediction's uncertainty (:func:`~emulab.calibration.fitting.solve.uncertainty`).
    """

    row: Row
    error: float
    half_width: float
    open_by: float

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
    error, open_by = np.zeros(len(table)), np.zeros(len(table))
    for each in np.unique(group):
        out = group == each
        rest = table.where(~out) if (~out).any() else None
        error[out], open_by[out] = _errors(rest, table.where(out), cores, clocks)
    width = half_width(_reaches(table, error / open_by, group, cores), open_by)
    return tuple(
        Judged(row, float(wrong), float(half), float(uncertain))
        for row, wrong, half, uncertain in zip(table.rows, error, width, open_by, strict=True)
    )


def _errors(
    rest: Table | None, out: Table, cores: Mapping[str, CorePrior], clocks: Mapping[str, ClockPrior]
) -> tuple[Floats, Floats]:
    """Return the errors of left-out rows and their uncertainties.

    Their sessions' clocks are what the evidence says, or the fit.
    """
    solution = (
        fit_what_is_sound(rest, cores, clocks)[0]
        if rest is not None
        else Solution({name: Correction() for name in cores}, {}, {})
    )
    hz = {session: solution.clocks.get(session, clocks[session].hz) for session in out.sessions}
    return residuals(out, solution, cores, hz), uncertainties(out, solution, cores, hz)


def half_width(reach: Floats | float, open_by: Floats, apart: float = 0.0) -> Floats:
    """Return how far intervals reach to either side, as a logarithm.

    :param reach: how many times its uncertainty.
    :param open_by: the uncertainty of each figure.
    :param apart: how far a board may be from others with its core, likewise.
    """
    found: Floats = np.minimum(np.hypot(reach * open_by, apart), _WIDEST)
    return found


def scores_of(table: Table, score: Floats, core: str) -> Scores:
    """Return the left-out scores of one core's rows, by families of near copies; each row weighs the same."""
    here = np.array([row.core == core for row in table.rows])
    _, number = np.unique(table.family[here], return_inverse=True)
    return Scores(score[here], number.reshape(-1), np.bincount(number.reshape(-1)).astype(np.float64))


def _reaches(table: Table, score: Floats, group: NDArray[np.int64], cores: Mapping[str, CorePrior]) -> Floats:
    """Return for each row how far its interval reaches, from the scores of all other groups."""
    reach = np.zeros(len(table))
    for each in np.unique(group):
        out = group == each
        if out.all():
            reach[out] = np.inf
            continue
        rest, rest_score = table.where(~out), score[~out]
        for core in {row.core for row in table.where(out).rows}:
            here = out & np.array([row.core == core for row in table.rows])
            reach[here] = interval_scores(rest, rest_score, core, cores).reach(COVERAGE)
    return reach


def interval_scores(table: Table, score: Floats, core: str, cores: Mapping[str, CorePrior]) -> Scores:
    """Return the scores that an interval for a core rests on: its own, and its kin's at a smaller weight."""
    own = scores_of(table, score, core)
    kin = [
        scores_of(table, score, other)
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
