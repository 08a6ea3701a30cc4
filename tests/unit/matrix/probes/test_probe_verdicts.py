"""A probe that fails is nobody's pass, and the emulator's failure only where a whole machine has it."""

from __future__ import annotations

import pytest

from emulab.machines.protocol import Completed, Usage
from emulab.matrix.probes.table import Known, Probe
from emulab.matrix.probes.verdicts import Sighting, Word, judge_probe, sighting_of
from emulab.testing.verdicts import Verdict

_PROBE = Probe("statx", "statx", remedy="do without")
_PASSES = Known("pass", "")
_USAGE = Usage(0.25, 0, 0, 0, 0, 0, 0, 0)


def _ended(status: int | None = 0, signal: int | None = None, *, timed_out: bool = False) -> Completed:
    return Completed(status, signal, timed_out, b"", b"", _USAGE)


def _seen(word: Word, saw: str = "it is so", evidence: tuple[str, ...] = ()) -> Sighting:
    return Sighting(word, saw, evidence)


def test_a_line_is_what_the_probe_saw() -> None:
    seen = sighting_of(b'noise\n{"verdict":"pass","saw":"all of it"}\n', b"", _ended(), 30)
    assert (seen.word, seen.saw, seen.seconds) == ("pass", "all of it", 0.25)


@pytest.mark.parametrize(
    "stdout",
    [
        b"",
        b"hello",
        b'{"verdict":"splendid","saw":"x"}',
        b'{"verdict":"pass"}',
        b'{"verdict":"pass","saw":1}',
    ],
)
def test_a_probe_without_its_line_has_failed(stdout: bytes) -> None:
    seen = sighting_of(stdout, b"panic: no\n", _ended(2), 30)
    assert seen.word == "fail"
    assert "ended with status 2" in seen.saw
    assert seen.evidence == ("panic: no",)


def test_a_probe_that_dies_after_its_line_has_failed() -> None:
    seen = sighting_of(b'{"verdict":"pass","saw":"x"}\n', b"", _ended(None, 11), 30)
    assert seen.word == "fail"
    assert "SIGSEGV" in seen.saw


def test_a_probe_that_does_not_end_has_failed_whatever_it_said() -> None:
    seen = sighting_of(b'{"verdict":"pass","saw":"x"}\n', b"SIGQUIT: quit\n", _ended(timed_out=True), 30)
    assert seen.word == "fail"
    assert "30 s" in seen.saw
    assert seen.evidence == ("SIGQUIT: quit",)


@pytest.mark.parametrize(
    ("mode", "seen", "whole", "verdict"),
    [
        ("system", "pass", None, Verdict.PASS),
        ("system", "fail", None, Verdict.FAIL),
        ("system", "missing", None, Verdict.UNSUPPORTED),
        ("system", "unsupported", None, Verdict.UNSUPPORTED),
        ("user", "pass", None, Verdict.PASS),
        ("user", "unsupported", None, Verdict.UNSUPPORTED),
        ("user", "unsupported", "pass", Verdict.UNSUPPORTED),
        ("user", "fail", "pass", Verdict.EMULATOR_FAULT),
        ("user", "missing", "pass", Verdict.EMULATOR_FAULT),
        ("user", "fail", "fail", Verdict.FAIL),
        ("user", "missing", "missing", Verdict.UNSUPPORTED),
        ("user", "fail", "missing", Verdict.UNSUPPORTED),
        ("user", "fail", "unsupported", Verdict.UNSUPPORTED),
    ],
)
def test_whose_failure_it_is(mode: str, seen: Word, whole: Word | None, verdict: Verdict) -> None:
    second = _seen(whole) if whole is not None else None
    judged = judge_probe(_PROBE, _PASSES, mode, _seen(seen), second)
    assert judged.verdict is verdict
    assert judged.reason


def test_what_is_known_makes_no_pass_of_a_failure() -> None:
    known = Known("pass", "it always did")
    judged = judge_probe(_PROBE, known, "system", _seen("fail", "it broke", ("a line",)))
    assert (judged.verdict, judged.reason, judged.remedy) == (Verdict.FAIL, "it broke", "do without")
    assert judged.evidence == ("what is known of it is pass, since it always did", "a line")


def test_a_pass_that_is_known_to_fail_says_so() -> None:
    judged = judge_probe(_PROBE, Known("unsupported", "nobody has it"), "system", _seen("pass"))
    assert judged.verdict is Verdict.PASS
    assert judged.evidence == ("what is known of it is unsupported, since nobody has it",)


def test_an_emulator_s_fault_tells_both_sides() -> None:
    seen = _seen("missing", "clone3: function not implemented")
    judged = judge_probe(_PROBE, _PASSES, "user", seen, _seen("pass", "it made a process"))
    assert judged.reason.startswith("clone3: function not implemented (QEMU's user mode lacks a system call)")
    assert "it made a process" in judged.reason
    assert "--mode system" in judged.remedy
