"""The choice of iterations, against benchmarks whose counts are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulab.bench.iterations import Effort, counting_samples, first_iterations, next_iterations
from emulab.bench.slopes import Sample, slope_of

if TYPE_CHECKING:
    from collections.abc import Callable

EFFORT = Effort()


def _runs(cost: Callable[[int], float], seconds: float) -> list[Sample]:
    """Do as a runner does, with a formula in place of a processor."""
    samples = [Sample(1, cost(1))]
    iterations: int | None = first_iterations(seconds, EFFORT)
    while iterations is not None:
        samples.append(Sample(iterations, cost(iterations)))
        assert len(samples) < 12
        iterations = next_iterations(samples, EFFORT)
    return samples


@given(
    each=st.floats(0.5, 1e10),
    once=st.floats(0, 1e9),
    slowness=st.floats(1e-9, 1e-7),
)
def test_the_cost_of_an_operation_is_found_whatever_is_done_once(
    each: float, once: float, slowness: float
) -> None:
    samples = _runs(lambda n: once + each * n, (once + each) * slowness)
    slope = slope_of(counting_samples(samples, EFFORT))
    assert slope.per_operation == pytest.approx(each, rel=2e-3)
    assert slope.spread < EFFORT.tolerance


@given(st.floats(1, 3e7), st.floats(1e-9, 1e-6), st.floats(1e-9, 1e-6))
def test_a_slower_host_comes_to_the_same_iterations(each: float, fast: float, slow: float) -> None:
    chosen = []
    for slowness in (fast, slow):
        samples = _runs(lambda n: 5000 + each * n, (5000 + each) * slowness)
        chosen.append({sample.iterations for sample in counting_samples(samples, EFFORT)} - {1})
    assert chosen[0] == chosen[1]


def test_a_stable_benchmark_is_run_at_three_iteration_counts() -> None:
    samples = _runs(lambda n: 1000 + 700 * n, 1e-6)
    assert sorted({sample.iterations for sample in counting_samples(samples, EFFORT)}) == [6561, 19683, 59049]


def test_no_window_is_larger_than_the_effort_allows() -> None:
    samples = _runs(lambda n: 1e8 * n * (1 + (n % 2)), 0.1)
    assert max(sample.iterations for sample in samples) <= 9


def test_what_is_done_once_makes_no_window_large() -> None:
    samples = _runs(lambda n: 4_000_000 + 4000 * n, 1e-3)
    slope = slope_of(counting_samples(samples, EFFORT))
    assert slope.per_operation == pytest.approx(4000)
    assert min(sample.iterations for sample in counting_samples(samples, EFFORT)) * 4000 > 3e6


def test_an_operation_that_is_huge_is_run_as_seldom_as_can_be() -> None:
    samples = _runs(lambda n: 2e9 * n, 4.0)
    assert sum(sample.instructions for sample in samples) <= 8e9
    assert slope_of(counting_samples(samples, EFFORT)).per_operation == 2e9


def test_two_windows_are_run_where_there_is_none_of_one_operation() -> None:
    samples = [Sample(first_iterations(4.0, EFFORT), 3 * 2e9)]
    further = next_iterations(samples, EFFORT)
    assert further is not None
    assert next_iterations([*samples, Sample(further, further * 2e9)], EFFORT) is None


def test_a_cost_that_depends_on_the_iterations_is_no_stable_one() -> None:
    samples = _runs(lambda n: n**1.1 * 1000, 1e-6)
    assert slope_of(counting_samples(samples, EFFORT)).spread > EFFORT.tolerance
