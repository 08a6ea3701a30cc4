"""What a run of a package's tests means: the program's failure, the emulator's, or nobody's.

A failure in user mode is not the program's until a whole machine, with a kernel of its own, agrees. What QEMU
is known to do wrong there (golang/go #42080: ``/proc/self/exe``; #36981: preemption by signals; system calls
that it has not) is named, so that the reader knows why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulab.testing.locations import Location


class Verdict(StrEnum):
    """What is said of a cell."""

    PASS = "pass"
    FAIL = "fail"
    UNSUPPORTED = "unsupported"
    """It can not be there, with the reason: no root's privileges in user mode, no race detector, ...."""
    EMULATOR_FAULT = "emulator-fault"
    """It failed by the emulator's doing, with the evidence."""
    ERROR = "error"
    """Something beneath failed twice."""
    NOT_RUN = "not-run"


@dataclass(frozen=True)
class Counts:
    """What test2json counted.

    :param failures: the names of the tests that failed, the innermost only.
    :param unfinished: the tests that had begun and not ended.
    """

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()

    @property
    def ran(self) -> int:
        """Return how many tests ran and were not skipped."""
        return self.passed + self.failed


@dataclass(frozen=True)
class TestRun:
    """One process of a test binary.

    :param ending: how it ended, a clause: ``ended with status 1``.
    :param output: its output, of a long one the beginning and the end.
    :param exhausted: the memory of its machine in bytes, when that ran out.
    :param locations: the places in the user's files that its failures speak of.
    """

    __test__ = False

    mode: str
    succeeded: bool
    ending: str
    counts: Counts
    output: str
    seconds: float
    timed_out: bool = False
    exhausted: int | None = None
    locations: tuple[Location, ...] = ()

    @property
    def passed(self) -> bool:
        """Tell whether it ended well and counted a test."""
        return self.ended_well and self.counts.ran > 0

    @property
    def ended_well(self) -> bool:
        """Tell whether no test failed, and none was left when the process ended with status 0."""
        return self.succeeded and not self.counts.failed and not self.counts.unfinished


@dataclass(frozen=True)
class Judgement:
    """A verdict with its reason and remedy.

    :param evidence: lines that it rests on.
    """

    verdict: Verdict
    reason: str = ""
    remedy: str = ""
    tests: int = 0
    evidence: tuple[str, ...] = field(default=())


# What a line shows, and what that means. The first that fits names the cause.
_GAPS = (
    (
        re.compile(r"qemu.*: unknown option|Error while loading /proc/self/exe"),
        "the program started itself by /proc/self/exe, which in user mode is QEMU",
    ),
    (
        re.compile(r"qemu.*: Unsupported|Unsupported (?:syscall|ioctl|setsockopt)", re.IGNORECASE),
        "QEMU's user mode lacks a system call",
    ),
    (re.compile(r"lfstack.push invalid packing"), "QEMU's user mode gave out addresses that Go can not pack"),
    (
        re.compile(r"fatal: (?:morestack|bad g) on|signal arrived on non-Go thread|unexpected signal during"),
        "QEMU's user mode delivered a signal where Go's runtime can not have it",
    ),
    (re.compile(r"qemu: uncaught target signal.*"), "QEMU's user mode ended the program by a signal"),
    (re.compile(r"function not implemented"), "QEMU's user mode lacks a system call"),
)
_RUNNING = re.compile(r"^\s*running tests:\n((?:\t+\S+ \([^)]*\)\n)+)", re.MULTILINE)
_PRIVILEGES = re.compile(r"operation not permitted|must be (?:run as )?root|requires root", re.IGNORECASE)
_TELLING = re.compile(r"^\s*(?:panic: |fatal error: |\S+_test\.go:\d+: |qemu|SIG[A-Z]+: )")
WHOLE_MACHINE = "run it on a whole machine: --mode system"


def judge(first: TestRun, again: TestRun | None = None, third: TestRun | None = None) -> Judgement:
    """Return the verdict on a package's tests.

    :param first: the run that the cell asks for.
    :param again: the second look at one that failed: in system mode, on a fresh machine.
    :param third: the first run repeated, where :func:`is_unexplained`.
    """
    tests = first.counts.ran
    if first.passed:
        return Judgement(Verdict.PASS, tests=tests)
    if first.ended_well:
        return _without_tests(first)
    if again is None:
        return _failed(first)
    if not again.passed:
        return _failed(again)
    if first.mode != "user" or (third is not None and third.passed):
        reason = f"{_what(first)} once and passed when it was run again"
        return Judgement(Verdict.PASS, reason, "", again.counts.ran, _evidence(first))
    line, cause = gap_in(first.output)
    if cause == "" and (needs := _PRIVILEGES.search(first.output)) is not None:
        reason = "it needs privileges of root's that user mode does not give; on a whole machine it passes"
        return Judgement(Verdict.UNSUPPORTED, reason, WHOLE_MACHINE, tests, (_line_of(first.output, needs),))
    reason = f"{cause or _what(first)}; on a whole machine the same tests pass"
    evidence = (*((line,) if line else ()), *_evidence(first))
    return Judgement(Verdict.EMULATOR_FAULT, reason, WHOLE_MACHINE, tests, tuple(dict.fromkeys(evidence)))


def silenced(failed: Judgement, message: str) -> Judgement:
    """Return a failure whose second look ended, twice, with a machine that answered nothing any more."""
    reason = f"{failed.reason}; two whole machines stopped answering while it ran"
    return replace(failed, reason=reason, evidence=(*failed.evidence, message))


def is_unexplained(first: TestRun, again: TestRun) -> bool:
    """Tell whether nothing says why a run failed in user mode and not on a whole machine.

    A test that fails now and then does so too, and is nobody's fault but its own.
    """
    if first.mode != "user" or first.passed or not again.passed:
        return False
    return not gap_in(first.output)[1] and _PRIVILEGES.search(first.output) is None


def gap_in(output: str) -> tuple[str, str]:
    """Return the line that shows what QEMU is known not to do, and what that is; two empty ones for none."""
    for pattern, cause in _GAPS:
        if (match := pattern.search(output)) is not None:
            return _line_of(output, match), cause
    return "", ""


def _without_tests(run: TestRun) -> Judgement:
    if run.counts.skipped:
        reason = f"all of its {run.counts.skipped} tests were skipped"
        return Judgement(Verdict.NOT_RUN, reason, "see why with -v", 0)
    return Judgement(Verdict.NOT_RUN, "it ran no test", "leave out --run, or name a package with tests", 0)


def _failed(run: TestRun) -> Judgement:
    remedy = f"run it alone: go test -run '^{run.counts.failures[0]}$'" if run.counts.failures else ""
    if run.timed_out:
        remedy = "its goroutines' stacks are in the output; give it longer with --timeout"
    elif run.exhausted is not None:
        remedy = "give it more with --memory"
    return Judgement(Verdict.FAIL, _what(run), remedy, run.counts.ran, _evidence(run))


def _what(run: TestRun) -> str:
    """Return what went wrong in a clause: ``TestA and 2 more failed``."""
    failures = run.counts.failures
    if run.timed_out:
        # Go's own alarm names what ran; others that had begun may only have waited for their turn.
        running = _RUNNING.search(run.output)
        names = [line.split()[0] for line in running[1].splitlines()] if running else run.counts.unfinished
        return f"{names[-1]} did not end in time" if names else "the tests did not end in time"
    if failures:
        more = f" and {len(failures) - 1} more" if len(failures) > 1 else ""
        return f"{failures[0]}{more} failed"
    within = f" in {run.counts.unfinished[0]}" if run.counts.unfinished else ""
    return f"the test binary {run.ending}{within}"


def _evidence(run: TestRun, most: int = 3) -> tuple[str, ...]:
    lines = [line.strip() for line in run.output.splitlines() if _TELLING.match(line)]
    return tuple(lines[:most]) or tuple(line.strip() for line in run.output.splitlines()[-most:])


def _line_of(text: str, match: re.Match[str]) -> str:
    start = text.rfind("\n", 0, match.start()) + 1
    end = text.find("\n", match.end())
    return text[start : end if end >= 0 else len(text)].strip()
