"""Tests are counted by Go's own test2json, however long their output."""

from __future__ import annotations

import pytest

from emulab.progress import Silent
from emulab.testing.events import Transcript, count, events_of, readable
from emulab.testing.verdicts import Counts
from emulab.toolchain.go import GoToolchain, find_go

_OUTPUT = b"""\x16=== RUN   TestA
\x16--- PASS: TestA (0.00s)
\x16=== NAME \x20
\x16=== RUN   TestB
\x16=== RUN   TestB/one
\x16--- PASS: TestB/one (0.00s)
\x16=== NAME  TestB
\x16=== RUN   TestB/two
    s_test.go:4: no
\x16--- FAIL: TestB/two (0.00s)
\x16=== NAME  TestB
\x16--- FAIL: TestB (0.00s)
\x16=== NAME \x20
\x16=== RUN   TestC
    s_test.go:5: x
\x16--- SKIP: TestC (0.00s)
\x16=== NAME \x20
\x16FAIL
"""


@pytest.fixture(scope="module")
def go() -> GoToolchain:
    """Any Go toolchain."""
    return find_go(None, Silent())


def test_subtests_count_and_what_holds_them_does_not(go: GoToolchain) -> None:
    counts = count(events_of(_OUTPUT, "p", go))
    assert counts == Counts(passed=2, failed=1, skipped=1, failures=("TestB/two",))


def test_what_had_begun_when_the_process_ended_is_unfinished(go: GoToolchain) -> None:
    text = b"\x16=== RUN   TestA\npanic: test timed out after 1s\n\ngoroutine 5 [running]:\n"
    assert "TestA" in count(events_of(text, "p", go)).failures + count(events_of(text, "p", go)).unfinished


def test_a_test_that_prints_what_looks_like_a_result_is_not_believed(go: GoToolchain) -> None:
    text = b"\x16=== RUN   TestA\n--- PASS: TestFake (0.00s)\n\x16--- FAIL: TestA (0.00s)\n"
    text += b"\x16=== NAME  \n\x16FAIL\n"
    counts = count(events_of(text, "p", go))
    assert (counts.passed, counts.failures) == (0, ("TestA",))


def test_a_gigabyte_between_two_tests_loses_neither_and_is_not_kept(go: GoToolchain) -> None:
    transcript = Transcript()
    transcript.write(
        b"\x16=== RUN   TestA\n\x16--- PASS: TestA (0.00s)\n\x16=== NAME  \n\x16=== RUN   TestB\n"
    )
    noise = b"all work and no play\n" * 4096
    for _ in range(400):
        transcript.write(noise)
    transcript.write(b"\x16--- PASS: TestB (0.00s)\n\x16=== NAME  \n\x16=== RUN   TestC\n")
    for _ in range(100):
        transcript.write(noise)
    transcript.write(b"\x16--- PASS: TestC (0.00s)\n\x16=== NAME  \n\x16PASS\n")
    assert transcript.total > 40 << 20
    assert len(transcript.content()) < 2 << 20
    events = events_of(transcript.content(), "p", go)
    assert count(events) == Counts(passed=3)
    assert "all work and no play" in readable(events)
