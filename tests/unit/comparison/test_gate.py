"""The gate's verdicts."""

from __future__ import annotations

import random

import pytest

from emulab.comparison.gate import Change, Verdict, compare
from emulab.comparison.results import Measurement, Subject


def _count(
    value: float, unit: str = "insn/op", spread: float = 0.0, causes: tuple[str, ...] = ()
) -> Measurement:
    return Measurement(Subject("p.BenchmarkX", unit), (value,), True, spread=spread, causes=causes)


def _times(values: list[float], unit: str = "ns/op") -> Measurement:
    return Measurement(Subject("p.BenchmarkX", unit), tuple(values), False, n=len(values))


def _interval(value: float, low: float, high: float, n: int = 10, unit: str = "s") -> Measurement:
    return Measurement(Subject("healthd", unit), (value,), False, low, high, 0.9, n)


def _only(base: Measurement, head: Measurement, fail_over: float = 0.01) -> Change:
    [change] = compare([base], [head], fail_over).changes
    return change


@pytest.mark.parametrize(
    ("base", "head", "verdict"),
    [
        (1000, 1000, Verdict.SAME),
        (1000, 1010, Verdict.SAME),
        (1000, 1011, Verdict.WORSE),
        (1000, 980, Verdict.BETTER),
        (0, 1, Verdict.WORSE),
        (0, 0, Verdict.SAME),
        (0.0001, 0.009, Verdict.SAME),
    ],
)
def test_counts_are_judged_exactly(base: float, head: float, verdict: Verdict) -> None:
    assert _only(_count(base), _count(head)).verdict is verdict


def test_a_count_is_not_judged_closer_than_it_repeats() -> None:
    change = _only(_count(1000, spread=0.05, causes=("GC",)), _count(1040))
    assert change.verdict is Verdict.UNSURE
    assert not change.fails
    assert "GC" in change.reason
    assert _only(_count(1000, spread=0.05), _count(1060)).fails


def test_a_regression_of_a_count_that_is_only_shown_fails_nothing() -> None:
    change = _only(_count(100, "branches/op"), _count(200, "branches/op"))
    assert change.verdict is Verdict.WORSE
    assert not change.fails


def test_a_slower_program_is_seen_beyond_its_noise() -> None:
    generator = random.Random(7)
    base = [100 + generator.gauss(0, 3) for _ in range(20)]
    assert _only(_times(base), _times([value * 1.2 for value in base])).fails
    assert _only(_times([value * 1.2 for value in base]), _times(base)).verdict is Verdict.BETTER


def test_noise_is_no_regression() -> None:
    generator = random.Random(8)
    for _ in range(200):
        base, head = ([100 + generator.gauss(0, 10) for _ in range(8)] for _ in range(2))
        assert not _only(_times(base), _times(head), 0.0).fails


def test_a_single_time_tells_nothing() -> None:
    assert _only(_times([100]), _times([200])).verdict is Verdict.UNSURE


def test_intervals_that_overlap_prove_nothing() -> None:
    assert _only(_interval(1.0, 0.9, 1.1), _interval(1.15, 1.05, 1.25)).verdict is Verdict.UNSURE
    assert _only(_interval(1.0, 0.99, 1.01), _interval(1.15, 1.14, 1.16)).fails


def test_more_throughput_is_better() -> None:
    base, head = _interval(100, 99, 101, unit="1/s"), _interval(120, 119, 121, unit="1/s")
    assert _only(base, head).verdict is Verdict.BETTER
    assert _only(head, base).fails


def test_what_only_one_result_has_is_told() -> None:
    gone, new = _count(1), Measurement(Subject("p.BenchmarkNew", "insn/op"), (1.0,), True)
    comparison = compare([gone], [new], 0.01)
    assert not comparison.changes
    assert [each.workload for each in comparison.missing] == ["p.BenchmarkX"]
    assert [each.workload for each in comparison.added] == ["p.BenchmarkNew"]
