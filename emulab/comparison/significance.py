"""Whether two measurements with noise differ by more than their noise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulab.comparison.results import Measurement

ALPHA = 0.001
"""How probable one false alarm in a whole comparison may be: twenty comparisons a day, one in fifty days."""


def probability(base: Measurement, head: Measurement) -> float | None:
    """Return how probable a difference as large is when nothing changed; None when nobody can tell.

    Samples are compared by the Mann-Whitney U test, as benchstat does. Where only intervals are known, each
    is taken for that of a normally distributed estimate and their difference for Student's t (Welch's
    degrees of freedom); intervals that overlap prove nothing.
    """
    if len(base.values) > 1 and len(head.values) > 1:
        return _of_samples(base.values, head.values)
    return _of_intervals(base, head)


def significant(probabilities: Sequence[float | None], alpha: float = ALPHA) -> list[bool]:
    """Return which of many differences are real, by Holm's step-down procedure.

    :param probabilities: each difference's own; None is never significant.
    :param alpha: how probable it may be that even one of those returned is not real.
    """
    order = sorted((p, place) for place, p in enumerate(probabilities) if p is not None)
    real = [False] * len(probabilities)
    for rank, (p, place) in enumerate(order):
        if p > alpha / (len(order) - rank):
            break
        real[place] = True
    return real


def _of_samples(base: Sequence[float], head: Sequence[float]) -> float:
    if min(base) == max(base) == min(head) == max(head):
        return 1.0
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(base, head, alternative="two-sided").pvalue)


def _of_intervals(base: Measurement, head: Measurement) -> float | None:
    first, second = _interval(base), _interval(head)
    if first is None or second is None:
        return None
    (low, high, error, free), (other_low, other_high, other_error, other_free) = first, second
    if low <= other_high and other_low <= high:
        return 1.0
    from scipy.stats import t

    variance, other_variance = error**2, other_error**2
    both = variance + other_variance
    if both == 0:
        return 0.0
    freedom = both**2 / (variance**2 / free + other_variance**2 / other_free)
    return float(2 * t.sf(abs(head.value - base.value) / math.sqrt(both), freedom))


def _interval(each: Measurement) -> tuple[float, float, float, int] | None:
    """Return a measurement's interval, the standard error behind it and its degrees of freedom."""
    if each.low is None or each.high is None or each.coverage is None or each.n < 3:
        return None
    from scipy.stats import norm

    error = (each.high - each.low) / 2 / float(norm.ppf((1 + each.coverage) / 2))
    return each.low, each.high, error, each.n - 1
