"""A failure is the program's only where a whole machine agrees."""

from __future__ import annotations

import pytest

from emulab.testing.verdicts import Counts, TestRun, Verdict, gap_in, is_unexplained, judge

_FAILED = Counts(passed=2, failed=1, failures=("TestA",))


def _run(
    mode: str = "user",
    *,
    succeeded: bool = False,
    counts: Counts = _FAILED,
    output: str = "    a_test.go:7: no\n",
    timed_out: bool = False,
) -> TestRun:
    ending = "ended with status 0" if succeeded else "ended with status 1"
    return TestRun(mode, succeeded, ending, counts, output, 1.0, timed_out)


_PASSED = _run("system", succeeded=True, counts=Counts(passed=3), output="PASS\n")


def test_tests_that_ran_and_passed_are_a_pass() -> None:
    judged = judge(_PASSED)
    assert (judged.verdict, judged.tests) == (Verdict.PASS, 3)


@pytest.mark.parametrize("counts", [Counts(), Counts(skipped=4)])
def test_where_no_test_ran_there_is_no_pass(counts: Counts) -> None:
    judged = judge(_run(succeeded=True, counts=counts))
    assert judged.verdict is Verdict.NOT_RUN
    assert judged.tests == 0


def test_a_process_that_ends_well_with_a_failed_test_is_no_pass() -> None:
    assert judge(_run(succeeded=True)).verdict is Verdict.FAIL


@pytest.mark.parametrize("passed", [0, 3])
def test_a_process_that_ends_well_in_the_middle_of_a_test_is_no_pass(passed: int) -> None:
    judged = judge(_run("system", succeeded=True, counts=Counts(passed=passed, unfinished=("TestB",))))
    assert judged.verdict is Verdict.FAIL
    assert judged.reason == "the test binary ended with status 0 in TestB"


def test_a_failure_that_a_whole_machine_repeats_is_the_program_s() -> None:
    judged = judge(_run(), _run("system", output="    a_test.go:9: still no\n"))
    assert judged.verdict is Verdict.FAIL
    assert "TestA" in judged.reason
    assert judged.evidence == ("a_test.go:9: still no",)


@pytest.mark.parametrize(
    "line",
    [
        "qemu: unknown option 'test.timeout=10m0s'",
        "qemu: Unsupported syscall: 434",
        "runtime: lfstack.push invalid packing: node=0xffff80003c00",
        "qemu: uncaught target signal 11 (Segmentation fault) - core dumped",
        "fatal: morestack on g0",
        "x_test.go:5: openat2: function not implemented",
    ],
)
def test_what_qemu_is_known_to_lack_is_named_where_a_whole_machine_passes(line: str) -> None:
    judged = judge(_run(output=f"before\n{line}\nafter\n"), _PASSED)
    assert judged.verdict is Verdict.EMULATOR_FAULT
    assert judged.evidence[0] == line
    assert "user mode" in judged.reason
    assert "--mode system" in judged.remedy


def test_a_known_gap_alone_is_no_excuse_where_a_whole_machine_fails_too() -> None:
    judged = judge(_run(output="qemu: uncaught target signal 11\n"), _run("system"))
    assert judged.verdict is Verdict.FAIL


def test_a_failure_that_nothing_explains_is_tried_a_third_time_and_may_come_and_go() -> None:
    first = _run()
    assert is_unexplained(first, _PASSED)
    assert judge(first, _PASSED, _run(succeeded=True, counts=Counts(passed=3))).verdict is Verdict.PASS
    assert (
        "passed when it was run again"
        in judge(first, _PASSED, _run(succeeded=True, counts=Counts(passed=3))).reason
    )
    assert judge(first, _PASSED, _run()).verdict is Verdict.EMULATOR_FAULT


@pytest.mark.parametrize("output", ["qemu: Unsupported syscall: 434\n", "chroot: operation not permitted\n"])
def test_a_failure_that_is_explained_is_not_tried_a_third_time(output: str) -> None:
    assert not is_unexplained(_run(output=output), _PASSED)


def test_an_unknown_failure_that_a_whole_machine_does_not_repeat_is_the_emulator_s() -> None:
    judged = judge(_run(), _PASSED)
    assert judged.verdict is Verdict.EMULATOR_FAULT
    assert "a_test.go:7: no" in judged.evidence


def test_what_needs_root_s_privileges_is_unsupported_in_user_mode() -> None:
    judged = judge(_run(output="    a_test.go:3: mount: operation not permitted\n"), _PASSED)
    assert judged.verdict is Verdict.UNSUPPORTED
    assert "privileges" in judged.reason


def test_a_failure_of_a_whole_machine_that_does_not_repeat_is_told_beside_the_pass() -> None:
    judged = judge(_run("system"), _PASSED)
    assert judged.verdict is Verdict.PASS
    assert "once" in judged.reason


def test_a_hang_is_told_by_the_test_that_did_not_end() -> None:
    hung = _run("system", counts=Counts(passed=1, unfinished=("TestHangs",)), timed_out=True)
    judged = judge(_run(), hung)
    assert judged.verdict is Verdict.FAIL
    assert judged.reason == "TestHangs did not end in time"


def test_of_the_tests_that_had_begun_the_one_that_go_s_alarm_names_is_told() -> None:
    said = "panic: test timed out after 25s\n\trunning tests:\n\t\tTestSlow (20s)\n\t\tTestSlow/deep (7s)\n\n"
    hung = _run("system", counts=Counts(unfinished=("TestWaiting", "TestSlow")), output=said, timed_out=True)
    assert judge(hung).reason == "TestSlow/deep did not end in time"


def test_output_without_a_known_gap_shows_none() -> None:
    assert gap_in("--- FAIL: TestA\n    a_test.go:1: want 2\n") == ("", "")
