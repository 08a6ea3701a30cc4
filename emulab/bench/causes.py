"""Why a benchmark's counts differ from run to run: what it calls that does not repeat."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

COLLECTIONS = "GC"
_CALLS_OF_A_COLLECTION = 10
_FEWEST = {COLLECTIONS: 1}
_FEW = 5
"""Calls among all operations below which a function was called by chance, not by the benchmark."""


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
        r"runtime\.(mapiterinit|mapIterStart|map(access|assign|delete)\w*)"
        r"|internal/runtime/maps\.\(\*Iter\)\.Init",
        "uses, in an order by random seeds,",
    ),
    _Suspect("random numbers", r"runtime\.(rand|rand32|fastrand\w*)|crypto/rand\.Read", "draws"),
    _Suspect("system calls", r"(internal/runtime/)?syscall\.(RawSyscall6?|Syscall6?)", "calls"),
    _Suspect("preemption", r"runtime\.(asyncPreempt2?|gopreempt_m)", "switches", True),
)


def causes_of(calls: Mapping[str, float], operations: int) -> list[str]:
    """Return what may make counts differ, the most telling first, each with how often it happens.

    :param calls: calls among all operations, by function.
    """
    found = []
    collections = 0.0
    for suspect in _SUSPECTS:
        wanted = re.compile(suspect.functions)
        count = max((count for name, count in calls.items() if wanted.fullmatch(name)), default=0.0)
        if suspect.name == COLLECTIONS:
            collections = count
        elif suspect.is_part_of_collections and count < collections * _CALLS_OF_A_COLLECTION:
            continue
        if count >= _FEWEST.get(suspect.name, _FEW):
            found.append(f"{suspect.name}: {count / operations:.3g} {suspect.unit} an operation")
    return found
