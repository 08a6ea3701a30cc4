"""The cycle grid: short figures are whole multiples of the cycle, and so give the clock away.

A loop that is in the caches takes a whole number of cycles per turn. Where a time is printed finely enough,
its remainder after division by the cycle tells whether a clock can be right. The model: of the figures a
share are multiples of the cycle, with the printed precision and a relative jitter as noise; the others lie
anywhere. Share and jitter are unknown and integrated over; clocks are alike likely on a logarithmic scale.
What the figures say of the clock is then the posterior over it, and how much they say is the Bayes factor
against figures that lie anywhere (Jeffreys, "Theory of Probability", appendix B: over 100 is decisive).
A clock whose cycle is half as long fits whatever the true one fits, but at half the density per figure, so
the longest cycle that fits wins by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

LOWEST_HZ, HIGHEST_HZ = 0.3e9, 3.2e9
"""Below and above the clocks of every board of the catalogue that runs Linux."""

_STEP = 5e-5
_JITTERS = (1e-4, 3e-4, 1e-3)
"""Relative: what timer interrupts and the division by few turns leave, from a quiet board to a busy one."""
_SHARES = (0.3, 0.6, 0.9)
_MOST_CYCLES_OF_A_STEP = 0.2
_MOST_FIGURES = 60
_WIDEST_PEAK = 0.01


@dataclass(frozen=True)
class Grid:
    """What the cycle grid says of a session's clock.

    :param clock_hz: the most likely clock.
    :param low_hz, high_hz: the central 90 % of the posterior around it.
    :param log10_evidence: of the Bayes factor against no grid at all.
    :param share: how much of the whole posterior lies around this clock.
    :param figures: how many different figures took part.
    :param rival_hz: the most likely clock elsewhere.
    """

    clock_hz: float
    low_hz: float
    high_hz: float
    log10_evidence: float
    share: float
    figures: int
    rival_hz: float

    @property
    def is_decisive(self) -> bool:
        """Tell whether a grid is there beyond doubt, and which."""
        return self.log10_evidence >= 2 and self.share >= 0.9


def find_grid(values_s: Sequence[float], resolutions_s: Sequence[float]) -> Grid | None:
    """Return what times say of the clock, None when none of them can say anything.

    Equal values count once: sizes and revisions of one benchmark are near copies.

    :param values_s: times per operation, seconds.
    :param resolutions_s: how far apart neighbouring printed values are, seconds; 0 is not known.
    """
    import numpy as np

    pairs = sorted({value: step for value, step in zip(values_s, resolutions_s, strict=True) if step}.items())
    # What is printed more coarsely than a fifth of the shortest cycle has no remainder to speak of.
    kept = [
        (value, step) for value, step in pairs if value > 0 and step * HIGHEST_HZ < 5 * _MOST_CYCLES_OF_A_STEP
    ]
    kept = [(value, step) for value, step in kept if _JITTERS[0] * value * LOWEST_HZ < _MOST_CYCLES_OF_A_STEP]
    kept = kept[:_MOST_FIGURES]
    if len(kept) < 2:
        return None
    values, steps = np.array(kept).T
    count = int(math.log(HIGHEST_HZ / LOWEST_HZ) / _STEP)
    clocks = LOWEST_HZ * np.exp(_STEP * np.arange(count))
    logs = _log_likelihood(clocks, values, steps)
    top = float(logs.max())
    weights = np.exp(logs - top)
    evidence = (top + math.log(float(weights.mean()))) / math.log(10)
    best = int(logs.argmax())
    around = np.abs(np.log(clocks / clocks[best])) < _WIDEST_PEAK
    peak = np.cumsum(np.where(around, weights, 0.0))
    elsewhere = np.where(around, -np.inf, logs)
    low, high = (int(np.searchsorted(peak, share * peak[-1])) for share in (0.05, 0.95))
    return Grid(
        clock_hz=float(clocks[best]),
        low_hz=float(clocks[low]),
        high_hz=float(clocks[high]),
        log10_evidence=evidence,
        share=float(peak[-1] / weights.sum()),
        figures=len(kept),
        rival_hz=float(clocks[int(elsewhere.argmax())]),
    )


def _log_likelihood(clocks: Any, values: Any, steps: Any) -> Any:
    """Return, per clock, the natural logarithm of the likelihood ratio to figures that lie anywhere."""
    import numpy as np

    totals: list[Any] = []
    for jitter in _JITTERS:
        sums = np.zeros((len(_SHARES), len(clocks)))
        for value, step in zip(values, steps, strict=True):
            cycles = value * clocks
            # A printed value is rounded evenly within its step: a deviation of step / sqrt(12).
            deviation = clocks * math.hypot(step / math.sqrt(12), jitter * value)
            remainder = cycles - np.rint(cycles)
            density = np.exp(-0.5 * (remainder / deviation) ** 2) / (deviation * math.sqrt(2 * math.pi))
            # Wide beyond a fifth of a cycle, the wrapped density is flat.
            density = np.where((deviation < 0.2) & (cycles > 0.5), density, 1.0)
            for row, share in enumerate(_SHARES):
                sums[row] += np.log1p(share * (density - 1.0))
        totals.extend(sums)
    stacked = np.array(totals)
    top = stacked.max(axis=0)
    mean: Any = top + np.log(np.exp(stacked - top).mean(axis=0))
    return mean
