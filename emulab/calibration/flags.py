"""What makes a sample implausible: one rule each, with the reason in a sentence.

The rules know formats, kernels and the history of Go; none was made to fit a figure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from emulab.calibration.schema import Flag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from emulab.calibration.schema import Sample, Session

_LEAST_CYCLES = 0.25
"""The widest core of the catalogue retires eight instructions a cycle, and a loop has two at least."""
_THROTTLED_BELOW = 0.97
"""A clock measured after load below this share of the one before: what the collection's description says."""
_OLDEST_ABI = (1, 17)
_OF_A_COLUMN = frozenset({"column", "commit"})
_SATURATED_S = (2**31 - 1) * 1e-9
_UNALIGNED = re.compile(r"Unaligned|offset=[1-7]\b", re.IGNORECASE)
_TRAP = 5.0
"""Code that avoids traps is at least so much faster: a trap takes hundreds of cycles, a load by bytes
seven more instructions. In the collection these are over 11-fold, all others under 2.1-fold."""
_CLOCK_READ = re.compile(r"\.Benchmark(Now\w*|TimeNow\w*|Since|Until)(/|$)")
_GO = re.compile(r"go1\.(\d+)")


def flagged(session: Session, samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples with the flags that the rules give them, beside those that they have.

    :param samples: all samples of the session.
    """
    timed = {_identity(sample) for sample in samples if sample.unit == "s/op"}
    throttled = _throttled_cores(samples)
    rewritten = {code_of(sample): sample for sample in samples if sample.settings.get("column") == "commit"}
    out = []
    for sample in samples:
        found = dict(zip(sample.flags, sample.reasons, strict=True))
        for flag, reason in _faults(session, sample, timed, throttled):
            found.setdefault(flag, reason)
        if session.arch == "riscv64" and _is_trap(sample, rewritten.get(code_of(sample))):
            found.setdefault(Flag.KERNEL_TRAP, "unaligned accesses that the kernel emulates")
        out.append(msgspec.structs.replace(sample, flags=tuple(found), reasons=tuple(found.values())))
    return out


def _faults(
    session: Session, sample: Sample, timed: set[tuple[object, ...]], throttled: dict[str, str]
) -> Iterator[tuple[Flag, str]]:
    if sample.unit == "B/s" and _identity(sample) in timed:
        yield Flag.DUPLICATE, "the time per operation of the same runs stands beside it"
    if ".Benchmark" in sample.workload:
        yield from _go_faults(session, sample)
    if sample.settings.get("superseded") == "1":
        yield Flag.DUPLICATE, "the run was repeated and this one superseded"
    threads = sample.settings.get("threads", "1")
    if sample.workload.startswith("7-zip.single-thread") and threads != "1":
        yield Flag.THREADS_PINNED, f"{threads} threads on one core"
    if sample.workload.startswith("openssl.") and sample.settings.get("block") == "16":
        yield Flag.NOISE, "blocks of 16 bytes measure the calls"
    reason = throttled.get(sample.core)
    if reason is None and "multi-thread" in sample.workload:
        reason = throttled.get("")
    if reason is not None and sample.figure != "clock":
        yield Flag.THROTTLED, reason


def _go_faults(session: Session, sample: Sample) -> Iterator[tuple[Flag, str]]:
    release = _GO.match(sample.go)
    if not sample.go:
        yield Flag.NO_RELEASE, "no release of Go is known to behave like it"
    elif release is None or (1, int(release[1])) < _OLDEST_ABI:
        yield Flag.OLD_TOOLCHAIN, f"{sample.go} has another ABI: ratios only"
    if _CLOCK_READ.search(sample.workload):
        yield Flag.KERNEL_FIGURE, "reads the clock, by a system call or the kernel's shortcut"
    clock = session.claimed_clock_hz
    if sample.unit == "s/op":
        if sample.value == 0 or (clock and sample.value * clock < _LEAST_CYCLES):
            yield Flag.IMPOSSIBLE, "less than a quarter of a cycle"
        if abs(sample.value - _SATURATED_S) < 1e-8:
            yield Flag.IMPOSSIBLE, "the timer was saturated at 2^31-1 ns"


def _is_trap(sample: Sample, rewritten: Sample | None) -> bool:
    """Tell whether a figure of unaligned data is what the code that replaced it shows to be a trap's."""
    if rewritten is None or not _UNALIGNED.search(sample.workload) or sample is rewritten:
        return False
    slow, quick = (sample, rewritten) if sample.unit == "s/op" else (rewritten, sample)
    return slow.value > _TRAP * quick.value


def code_of(sample: Sample) -> tuple[object, ...]:
    """Return what a commit's figure and its parent's have in common: benchmark, unit, core and settings."""
    kept = tuple(sorted((key, value) for key, value in sample.settings.items() if key not in _OF_A_COLUMN))
    return sample.workload, sample.unit, sample.core, kept


def _identity(sample: Sample) -> tuple[object, ...]:
    return sample.workload, sample.go, sample.core, tuple(sorted(sample.settings.items()))


def _throttled_cores(samples: Iterable[Sample]) -> dict[str, str]:
    """Return the reason by core, and under "" that of what keeps every core busy.

    A run that reports throttling does not say when it did; with one core at work it is the measured clock
    that tells.
    """
    reasons: dict[str, str] = {}
    before: dict[tuple[str, str], float] = {}
    for sample in samples:
        place = sample.core, sample.settings.get("cpus", "")
        if sample.workload == "throttling" and sample.value:
            reasons[""] = "the run itself reports throttling"
        elif sample.figure == "clock" and sample.settings.get("when") == "before":
            before[place] = sample.value
        elif sample.figure == "clock" and place in before and sample.settings.get("when") == "after_load":
            share = sample.value / before[place]
            if share < _THROTTLED_BELOW:
                reasons[sample.core] = f"the clock after load was {share:.0%} of the one before"
    return reasons
