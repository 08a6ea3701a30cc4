"""The windows of one benchmark in the profile of its process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class WindowPair:
    """Which windows of a process are a benchmark's own: one for each time that it was run.

    :param first: the places of its windows of one operation; empty where there is none.
    :param many: the places of its windows of all operations.
    """

    first: tuple[int, ...]
    many: tuple[int, ...]


def own_windows(arguments: Sequence[int], iterations: int) -> WindowPair:
    """Find the windows of the one benchmark that a process ran.

    The benchmarks that it is a part of have a window of one operation each in front of its own, since they
    run until they reach it. A benchmark with ``b.N`` then has a window of one operation and, for more than
    one, a window of all. One with ``b.Loop`` has a single window, which says one operation and has them all.

    :param arguments: what each window says of its operations, in the order of the process.
    :param iterations: how many operations the process said that the benchmark had.
    """
    if iterations > 1 and iterations in arguments:
        many = tuple(place for place, argument in enumerate(arguments) if argument == iterations)
        return WindowPair(tuple(place - 1 for place in many if place > 0), many)
    last = len(arguments) - 1
    return WindowPair((), (last,) if last >= 0 else ())
