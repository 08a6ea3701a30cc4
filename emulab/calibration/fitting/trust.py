"""Sources that must not be believed: found by the fit, named with the reason, and left out of it.

A session's residuals tell three faults: all of them off by one factor (a wrong clock, a wrong unit), more
scattered than those of any honest session (random numbers), or both. The worst is left out first, and the
fit done again, since a bad source makes good ones look bad.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from emulab.calibration.fitting.solve import fit, predict, uncertainty

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from emulab.calibration.fitting.rows import Table
    from emulab.calibration.fitting.solve import ClockPrior, CorePrior, Solution

_OFFSET: Final = 0.18
"""How far off, as a logarithm, the middle of a session may be when others have its packages on its core."""
_OFFSET_ALONE: Final = 0.7
"""And when none has: the mechanistic model itself may be that wrong of what nobody else measured."""
_SCATTER: Final = 0.3
"""How far, as a logarithm, half of a session's figures may stand from its middle."""
_SCATTER_ALONE: Final = 0.7
"""The same where nobody else measured its benchmarks: the model itself may be that wrong of them."""
_FEW: Final = 3


@dataclass(frozen=True)
class Suspect:
    """A session that the fit does without.

    :param reason: why, in a phrase.
    :param badness: how many times what is allowed.
    """

    session: str
    reason: str
    badness: float


def residuals(
    table: Table, solution: Solution, cores: Mapping[str, CorePrior], clocks: Mapping[str, float]
) -> NDArray[np.float64]:
    """Return the logarithm of measured over predicted for every row, at given clocks of its session."""
    return np.log(table.seconds / _each(predict, table, solution, cores, clocks))


def uncertainties(
    table: Table, solution: Solution, cores: Mapping[str, CorePrior], clocks: Mapping[str, float]
) -> NDArray[np.float64]:
    """Return :func:`~emulab.calibration.fitting.solve.uncertainty` of every row."""
    return _each(uncertainty, table, solution, cores, clocks)


def _each(
    say: Callable[..., NDArray[np.float64]],
    table: Table,
    solution: Solution,
    cores: Mapping[str, CorePrior],
    clocks: Mapping[str, float],
) -> NDArray[np.float64]:
    """Return what a function of a core's correction and the parts of its rows says, for every row."""
    out = np.zeros(len(table))
    hz = np.array([clocks[session] for session in table.sessions])[table.session]
    for number, name in enumerate(table.cores):
        here = table.core == number
        out[here] = say(
            solution.cores[name], cores[name].penalty, table.cycles[here], table.mispredictions[here],
            table.memory_s[here], hz[here],
        )  # fmt: skip
    return out


def fit_what_is_sound(
    table: Table, cores: Mapping[str, CorePrior], clocks: Mapping[str, ClockPrior]
) -> tuple[Solution, tuple[Suspect, ...], Table]:
    """Fit the rows of all sessions that can be believed.

    :return: the fit, who was left out, and the rows that are in.
    """
    suspects: list[Suspect] = []
    while True:
        solution = fit(table, cores, clocks)
        worst = max(_judge(table, solution, cores), key=lambda one: one.badness, default=None)
        if worst is None or worst.badness <= 1.0 or len(table.sessions) == 1:
            return solution, tuple(suspects), table
        suspects.append(worst)
        table = table.where(table.session != table.sessions.index(worst.session))


def _judge(table: Table, solution: Solution, cores: Mapping[str, CorePrior]) -> list[Suspect]:
    error = residuals(table, solution, cores, solution.clocks)
    judged = []
    for number, session in enumerate(table.sessions):
        here = table.session == number
        middle = float(np.median(error[here]))
        scatter, bearable = _scatter(table, error, here, middle)
        offset, allowed = _offset(table, error, here, middle)
        if scatter / bearable > offset / allowed:
            reason = f"half of its figures are off by more than {np.expm1(scatter):.0%}, to either side"
            judged.append(Suspect(session, reason, scatter / bearable))
        else:
            says = "other sources say" if allowed == _OFFSET else "is predicted, and nobody else has them"
            reason = f"all its figures together are {np.exp(middle):.3g} times what {says}"
            judged.append(Suspect(session, reason, offset / allowed))
    return judged


def _scatter(
    table: Table, error: NDArray[np.float64], here: NDArray[np.bool_], middle: float
) -> tuple[float, float]:
    """Return how far half of a session's figures stand from its middle, and how far they may.

    Where others measured the same benchmarks, what they all have is the model's fault, and does not count.
    """
    own = float(np.median(np.abs(error[here] - middle)))
    elsewhere: dict[tuple[str, str], list[float]] = {}
    for place in np.flatnonzero(~here).tolist():
        row = table.rows[place]
        elsewhere.setdefault((row.core, row.workload), []).append(float(error[place]))
    apart = np.array(
        [
            float(error[place]) - float(np.median(elsewhere[row.core, row.workload]))
            for place, row in enumerate(table.rows)
            if here[place] and (row.core, row.workload) in elsewhere
        ]
    )
    if len(apart) < _FEW:
        return own, _SCATTER_ALONE
    return min(own, float(np.median(np.abs(apart - np.median(apart))))), _SCATTER


def _offset(
    table: Table, error: NDArray[np.float64], here: NDArray[np.bool_], middle: float
) -> tuple[float, float]:
    """Return how far off a session is, and how far it may be.

    Where other sessions have the same packages on the same core, it is off by what they do not share: when
    all of them say the same, it is the model that is wrong of that package.
    """
    like = np.isin(table.core, table.core[here]) & np.isin(table.package, table.package[here]) & ~here
    if not like.any():
        return abs(middle), _OFFSET_ALONE
    others = [
        float(np.median(error[like & (table.session == one)])) for one in np.unique(table.session[like])
    ]
    return min(abs(middle), abs(middle - float(np.median(others)))), _OFFSET
