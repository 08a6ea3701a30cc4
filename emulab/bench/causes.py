"""Why a benchmark's counts differ from run to run: what it calls that does not repeat."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

COLLECTIONS = "GC"
_CALLS_OF_A_COLLECTION = 10
_SELDOM = 1e-7
"""Calls per operation below which a function was called by chance, not by the benchmark."""


@dataclass(frozen=True)
class _Suspect:
    name: str
    functions: str
    unit: str
    is_part_of_collections: bool = False


_SUSPECTS = (
    _Suspect(COLLECTIONS, r"runtime\.gcStart", "cycles"),
    _Suspect("goroutines", r"runtime\.(newproc|ready|gopark|chansend|chanrecv)", "switches", True),
    _Suspect("time", r"time\.(now|Now|runtimeNow|Sleep|newTimer)|runtime\.time_now", "readings", True),
    _Suspect(
        "maps",
        r"runtime\.(mapiterinit|mapIterStart)|internal/runtime/maps\.\(\*Iter\)\.Init",
        "iterations in random order",
    ),
    _Suspect("random numbers", r"runtime\.(rand|rand32|fastrand\w*)|crypto/rand\.Read", "draws"),
    _Suspect("system calls", r"(internal/runtime/)?syscall\.(RawSyscall6?|Syscall6?)", "calls"),
    _Suspect("preemption", r"runtime\.(asyncPreempt2?|gopreempt_m)", "switches", True),
)


def causes_of(calls: Mapping[str, float]) -> list[str]:
    """Return what may make counts differ, the most telling first, each with how often it happens.

    :param calls: calls per operation, by function.
    """
    found = []
    collections = 0.0
    for suspect in _SUSPECTS:
        wanted = re.compile(suspect.functions)
        rate = max((count for name, count in calls.items() if wanted.fullmatch(name)), default=0.0)
        if suspect.name == COLLECTIONS:
            collections = rate
        elif suspect.is_part_of_collections and rate < collections * _CALLS_OF_A_COLLECTION:
            continue
        if rate > _SELDOM:
            found.append(f"{suspect.name}: {rate:.3g} {suspect.unit} an operation")
    return found
