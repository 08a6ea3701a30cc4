"""What makes counts differ."""

from __future__ import annotations

from emulab.bench.causes import causes_of


def test_causes_are_told_with_how_often_they_happen() -> None:
    calls = {"runtime.gcStart": 25, "main.work": 14_000, "runtime.newproc": 4000}
    assert causes_of(calls, 2000) == [
        "GC: 0.0125 cycles an operation",
        "goroutines: 2 switches an operation",
    ]


def test_what_a_collection_itself_calls_is_no_further_cause() -> None:
    calls = {"runtime.gcStart": 20, "runtime.newproc": 40, "time.now": 2000}
    assert [cause.split(":")[0] for cause in causes_of(calls, 2000)] == ["GC", "time"]


def test_a_call_by_chance_is_no_cause() -> None:
    assert causes_of({"runtime.newproc": 1}, 1_500_000) == []


def test_a_single_collection_is_one() -> None:
    assert causes_of({"runtime.gcStart": 1}, 100) == ["GC: 0.01 cycles an operation"]


def test_random_seeds_of_maps_are_a_cause() -> None:
    [cause] = causes_of({"runtime.mapaccess1_fast64": 1000}, 1000)
    assert cause.startswith("maps: 1 uses")


def test_functions_that_only_sound_alike_are_no_cause() -> None:
    assert causes_of({"runtime.gcStartImpostor": 1000, "mytime.now": 3000}, 1000) == []
