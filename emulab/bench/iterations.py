"""How many iterations a benchmark is run with: as few as make its counts stable.

An emulated processor executes some 10^8 to 10^9 instructions a second while it is counted, and a process
takes a tenth of a second to start; so a window of a few million instructions costs little beside its
process, and one of a few hundred million is the longest that anybody waits for.

Iterations are powers of three that follow from counts alone, so that another run of the same benchmark, on
a slower host, comes to the same ones: a benchmark whose cost depends on its iterations then still gives the
same figure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulab.bench.slopes import slope_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulab.bench.slopes import Sample

FACTOR = 3
"""How many times more iterations the next window has."""
_FARTHEST = 729
_NEARLY = 0.9


@dataclass(frozen=True)
class Effort:
    """How far the search for stable counts goes.

    :param first: instructions that the smallest window that counts has at least.
    :param most: instructions of the largest window.
    :param tolerance: relative difference between slopes that is called stable.
    :param windows: how many iteration counts are tried at least, and at most.
    """

    first: float = 4e6
    most: float = 4e8
    tolerance: float = 1e-3
    windows: tuple[int, int] = (3, 5)


def first_iterations(seconds: float, effort: Effort) -> int:
    """Return the iterations of the first counted run.

    :param seconds: how long the first operation took; it has all that is done once in it, so this is
        rather too few iterations than too many.
    """
    # An emulated processor executes at most some 10^9 instructions in a second.
    return _power(effort.first / (max(seconds, 1e-7) * 1e9))


def next_iterations(samples: Sequence[Sample], effort: Effort, *, thorough: bool = False) -> int | None:
    """Return the iterations to run next, or None when the counts are stable or no more is worth its time.

    :param samples: the windows so far; at least one of more than one iteration.
    :param thorough: whether to go on to the largest window however stable the counts look, as is right
        where something happens once in many operations.
    """
    each = _instructions_each(samples)
    smallest = _smallest(samples, effort)
    largest = max(sample.iterations for sample in samples)
    if smallest > largest * _FARTHEST:
        return largest * _FARTHEST  # the estimate rests on few operations: a step on the way
    have = {sample.iterations for sample in samples}
    for number in range(effort.windows[1]):
        iterations = int(smallest * FACTOR**number)
        # The second window may be larger: two are the least that tell anything.
        most = effort.most * (1 if number >= 2 else 4)
        if len(have) >= 2 and iterations not in have and iterations * each > most:
            return None
        if number >= effort.windows[0] and not thorough and _is_stable(samples, effort):
            return None
        if iterations not in have:
            return iterations
    return None


def _is_stable(samples: Sequence[Sample], effort: Effort) -> bool:
    return slope_of(counting_samples(samples, effort)).spread <= effort.tolerance


def counting_samples(samples: Sequence[Sample], effort: Effort) -> list[Sample]:
    """Return the samples whose windows are large enough; the largest two iteration counts at least."""
    smallest = _smallest(samples, effort)
    largest = sorted({sample.iterations for sample in samples})[-2:]
    return [each for each in samples if each.iterations >= smallest or each.iterations in largest]


def _smallest(samples: Sequence[Sample], effort: Effort) -> int:
    """Return the iterations of the smallest window that counts: one that there is, or one to come."""
    # What the benchmark does once is in the window of one operation, and no part of the others' size.
    once = min((each.instructions for each in samples if each.iterations == 1), default=0.0)
    large = [
        each.iterations
        for each in samples
        if each.iterations > 1 and each.instructions - once >= effort.first * _NEARLY
    ]
    return min(large) if large else _power(effort.first / _instructions_each(samples))


def _instructions_each(samples: Sequence[Sample]) -> float:
    """Return about how many instructions one operation has: the slope of the two largest windows."""
    sizes = {sample.iterations: sample.instructions for sample in samples}
    *_, largest = sorted(sizes)
    each = sizes[largest] / largest
    if len(sizes) > 1:
        below = sorted(sizes)[-2]
        slope = (sizes[largest] - sizes[below]) / (largest - below)
        # The first operation may do what all others profit from, and then the slope says nothing.
        each = slope if slope > 0 else each
    return max(each, 1.0)


def _power(least: float) -> int:
    """Return the smallest power of three that is no less, and more than one."""
    return int(FACTOR ** max(1, math.ceil(math.log(max(least, 1.0), FACTOR) - 1e-9)))
