"""What makes counts differ."""

from __future__ import annotations

from emulab.bench.causes import causes_of


def test_causes_are_told_with_how_often_they_happen() -> None:
    calls = {"runtime.gcStart": 0.0125, "main.work": 7.0, "runtime.newproc": 2.0}
    assert causes_of(calls) == [
        "GC: 0.0125 cycles an operation",
        "goroutines: 2 switches an operation",
    ]


def test_what_a_collection_itself_calls_is_no_further_cause() -> None:
    calls = {"runtime.gcStart": 0.01, "runtime.newproc": 0.02, "time.now": 1.0}
    assert [cause.split(":")[0] for cause in causes_of(calls)] == ["GC", "time"]


def test_a_call_by_chance_is_no_cause() -> None:
    assert causes_of({"runtime.gcStart": 1e-9}) == []


def test_functions_that_only_sound_alike_are_no_cause() -> None:
    assert causes_of({"runtime.gcStartImpostor": 1.0, "mytime.now": 3.0}) == []
