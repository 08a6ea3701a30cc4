"""Counts of one operation from counts of many: slopes between windows of different iterations.

A window is what a benchmark executed while its timer was on, for N operations. What does not depend on N
(the first use of something, the timer itself) is in every window once, and cancels in the difference of
two; what is left is divided by the difference of their iterations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Counts = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """One window.

    :param iterations: how many operations it had.
    :param instructions: executed in it.
    """

    iterations: int
    instructions: float


@dataclass(frozen=True)
class Slope:
    """Instructions of one operation.

    :param per_operation: the estimate, from the smallest and the largest iteration count.
    :param spread: the largest relative difference between slopes that should be equal: that one, the one
        of the smallest and the second-largest iteration count, and those of repeats.
    """

    per_operation: float
    spread: float


def slope_of(samples: Sequence[Sample]) -> Slope:
    """Return the instructions of one operation from windows of at least two different iteration counts.

    :raises ValueError: all windows have the same iterations.
    """
    groups: dict[int, list[float]] = {}
    for sample in samples:
        groups.setdefault(sample.iterations, []).append(sample.instructions)
    sizes = sorted(groups)
    if len(sizes) < 2:
        raise ValueError("a slope needs windows of two different iteration counts")
    middles = {size: float(np.median(groups[size])) for size in sizes}
    least = sizes[0]
    slopes = [(middles[size] - middles[least]) / (size - least) for size in sizes[1:]]
    best = slopes[-1]
    if best <= 0:
        return Slope(max(0.0, best), float("inf"))
    differences = [abs(slopes[-2] - best) / best] if len(slopes) > 1 else []
    # A repeat's difference weighs as much as the estimate that it would have given.
    for size in (least, sizes[-1]):
        within = max(groups[size]) - min(groups[size])
        differences.append(within / (best * (sizes[-1] - least)))
    return Slope(best, max(differences))


def per_operation(low: Counts, high: Counts, low_iterations: int, high_iterations: int) -> Counts:
    """Return each count's share of one operation from the counts of two windows.

    :raises ValueError: both windows have the same iterations.
    """
    if high_iterations == low_iterations:
        raise ValueError("a slope needs windows of two different iteration counts")
    return (high - low) / float(high_iterations - low_iterations)
