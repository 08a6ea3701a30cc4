"""The fit: a few physical corrections of each core, and each session's clock, from all rows at once.

A row's time is

    exp(pipeline) * (cycles + exp(branches) * penalty * mispredictions) / clock + exp(memory) * memory_s

with three corrections of its core, and its session's clock. What is fitted is the logarithm of each, with a
normal prior: a core's corrections stand around those of its kind (in-order, out-of-order), and these around
the mechanistic model's own word, 0; a session's clock stands around what its evidence says. So a core with
many samples gets its own corrections, one with three little more than its kind's, and one without any, its
kind's. The loss of rows is quadratic near 0 and hardly grows far from it (Cauchy), so that what the
mechanistic model is wrong of does not bend the corrections for all else; that of priors is quadratic, so that
no source is believed in by bending its clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from emulab.calibration.fitting.rows import Table

    Floats = NDArray[np.float64]

CORRECTIONS: Final = ("pipeline", "branches", "memory")

MODEL_ERROR: Final = 0.04
"""What is expected of the mechanistic model after correction, relative: the scale of the loss."""
LEFT_OPEN: Final = 0.03
"""What the mechanistic model is wrong of where its corrections are known: a standard deviation likewise."""
KIND_SPREAD: Final = {"pipeline": 0.15, "branches": 0.3, "memory": 0.3}
"""How far the corrections of a kind of core stand from the mechanistic model's word, as a standard
deviation of the logarithm."""
CORE_SPREAD: Final = {"pipeline": 0.12, "branches": 0.3, "memory": 0.3}
"""How far those of a core stand from its kind's, likewise."""


@dataclass(frozen=True)
class ClockPrior:
    """What is known of a session's clock before the fit.

    :param hz: the middle.
    :param spread: the standard deviation of its logarithm.
    """

    hz: float
    spread: float


@dataclass(frozen=True)
class CorePrior:
    """What the mechanistic model says of a core.

    :param kind: cores of one kind stand near each other.
    :param penalty: cycles of a misprediction.
    """

    kind: str
    penalty: float


@dataclass(frozen=True)
class Correction:
    """Logarithms of factors, and the standard deviation of what is left open of each."""

    pipeline: float = 0.0
    branches: float = 0.0
    memory: float = 0.0
    pipeline_spread: float = 0.0
    branches_spread: float = 0.0
    memory_spread: float = 0.0


@dataclass(frozen=True)
class Solution:
    """What was fitted.

    :param cores: corrections of each core.
    :param kinds: those of each kind of core, for cores without samples.
    :param clocks: each session's, in hertz.
    """

    cores: Mapping[str, Correction]
    kinds: Mapping[str, Correction]
    clocks: Mapping[str, float]


def predict(
    correction: Correction,
    penalty: float,
    cycles: Floats,
    mispredictions: Floats,
    memory_s: Floats,
    hz: Floats,
) -> Floats:
    """Return seconds from the parts of the mechanistic model.

    :param cycles, mispredictions, memory_s, hz: arrays of one shape.
    """
    branches = np.exp(correction.branches) * penalty * mispredictions
    seconds: Floats = (
        np.exp(correction.pipeline) * (cycles + branches) / hz + np.exp(correction.memory) * memory_s
    )
    return seconds


def uncertainty(
    correction: Correction,
    penalty: float,
    cycles: Floats,
    mispredictions: Floats,
    memory_s: Floats,
    hz: Floats,
) -> Floats:
    """Return how uncertain predictions are relative to each other: a standard deviation of their logarithm.

    What is left open of each correction counts by its part of the time, beside what the mechanistic model is
    wrong of anyway. How far intervals reach is for the errors of what was left out to say.

    :param cycles, mispredictions, memory_s, hz: as for :func:`predict`.
    """
    branches = np.exp(correction.branches) * penalty * mispredictions
    pipeline = np.exp(correction.pipeline) * (cycles + branches) / hz
    memory = np.exp(correction.memory) * memory_s
    whole = pipeline + memory
    share = pipeline / whole
    found: Floats = np.sqrt(
        LEFT_OPEN**2
        + (correction.pipeline_spread * share) ** 2
        + (correction.branches_spread * share * branches / (cycles + branches)) ** 2
        + (correction.memory_spread * memory / whole) ** 2
    )
    return found


def fit(table: Table, cores: Mapping[str, CorePrior], clocks: Mapping[str, ClockPrior]) -> Solution:
    """Fit all rows of a table.

    :param cores: every core that a solution is wanted for, with samples or without.
    :param clocks: of every session of the table.
    """
    return _System(table, cores, clocks).solve()


class _System:
    """The unknowns as one vector: kinds, cores, sessions; corrections side by side."""

    def __init__(
        self, table: Table, cores: Mapping[str, CorePrior], clocks: Mapping[str, ClockPrior]
    ) -> None:
        self.table = table
        self.core_names = sorted(cores)
        self.kind_names = sorted({prior.kind for prior in cores.values()})
        place = {name: number for number, name in enumerate(self.core_names)}
        self.core = np.array([place[table.cores[number]] for number in table.core], np.int64)
        self.kind = np.array([self.kind_names.index(cores[name].kind) for name in self.core_names], np.int64)
        self.penalty = np.array([cores[name].penalty for name in self.core_names])[self.core]
        priors = [clocks[name] for name in table.sessions]
        self.prior_hz = np.array([prior.hz for prior in priors])
        self.clock_spread = np.array([prior.spread for prior in priors])
        self.weight = table.weights() ** 0.5
        self.scale = np.hypot(MODEL_ERROR, table.precision)
        self.log_seconds = np.log(table.seconds)

    def solve(self) -> Solution:
        from scipy.optimize import least_squares

        start = np.zeros(3 * (len(self.kind_names) + len(self.core_names)) + len(self.prior_hz))
        found = least_squares(self._residuals, start, method="lm", xtol=1e-10, ftol=1e-10)
        kinds, cores, sessions = self._parts(found.x)
        spread = np.sqrt(np.diag(np.linalg.pinv(found.jac.T @ found.jac)))
        kind_spread, core_spread, _ = self._parts(spread)
        clocks = self.prior_hz * np.exp(sessions)
        return Solution(
            {name: Correction(*cores[i], *core_spread[i]) for i, name in enumerate(self.core_names)},
            {name: Correction(*kinds[i], *kind_spread[i]) for i, name in enumerate(self.kind_names)},
            dict(zip(self.table.sessions, clocks.tolist(), strict=True)),
        )

    def _parts(self, unknowns: Floats) -> tuple[Floats, Floats, Floats]:
        kinds, cores = 3 * len(self.kind_names), 3 * len(self.core_names)
        return (
            unknowns[:kinds].reshape(-1, 3),
            unknowns[kinds : kinds + cores].reshape(-1, 3),
            unknowns[kinds + cores :],
        )

    def _residuals(self, unknowns: Floats) -> Floats:
        kinds, cores, sessions = self._parts(unknowns)
        table = self.table
        factor = np.exp(cores)[self.core]
        hz = (self.prior_hz * np.exp(sessions))[table.session]
        pipeline = factor[:, 0] * (table.cycles + factor[:, 1] * self.penalty * table.mispredictions) / hz
        expected = np.log(pipeline + factor[:, 2] * table.memory_s)
        rows = self.weight * _soften((self.log_seconds - expected) / self.scale)
        kind_spread = np.array([KIND_SPREAD[name] for name in CORRECTIONS])
        core_spread = np.array([CORE_SPREAD[name] for name in CORRECTIONS])
        priors = (
            (kinds / kind_spread).reshape(-1),
            ((cores - kinds[self.kind]) / core_spread).reshape(-1),
            sessions / self.clock_spread,
        )
        return np.concatenate([rows, *priors])


def _soften(residual: Floats) -> Floats:
    """Return residuals whose squares are the Cauchy loss of what is given."""
    softened: Floats = np.sign(residual) * np.sqrt(np.log1p(residual**2))
    return softened
