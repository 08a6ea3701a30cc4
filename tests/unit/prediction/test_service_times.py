"""Throughput and latencies of a service, from what a request takes on one core."""

from __future__ import annotations

import math
import random

import pytest

from emulab.boards import load_catalogue
from emulab.prediction.service_times import (
    CONTENTION,
    Shape,
    clusters_used,
    queue_quantile,
    service_times,
    shape_of,
)
from emulab.prediction.work_times import WorkTime

MILLISECOND = 1e-3


def request(seconds: float, half: float = 0.1) -> WorkTime:
    return WorkTime(seconds, half, half, seconds, 0.0, 0.0, 1e9, "cortex-a53", "")


def test_one_core_answers_as_many_as_a_second_holds() -> None:
    found = service_times([(request(MILLISECOND), 1)], 50, None)
    assert found.per_second.value == pytest.approx(1000)
    assert found.per_second.low == pytest.approx(1000 * math.exp(-0.1))
    assert found.per_second.high == pytest.approx(1000 * math.exp(0.1))
    assert found.p50 is None
    assert found.p99 is None


def test_four_cores_answer_less_than_four_times_as_many_and_the_interval_holds_all_of_it() -> None:
    found = service_times([(request(MILLISECOND, 0.0), 4)], 50, None)
    assert found.per_second.value == pytest.approx(4000 / (1 + 3 * CONTENTION))
    assert found.per_second.high == pytest.approx(4000)
    assert found.per_second.low == pytest.approx(4000 / 1.6)


def test_fast_and_slow_cores_add_up_and_no_more_take_part_than_there_are_requests() -> None:
    cores = [(request(MILLISECOND), 2), (request(2 * MILLISECOND), 2)]
    ideal = 2 * 1000 + 2 * 500
    assert service_times(cores, 50, None).per_second.value == pytest.approx(ideal / (1 + 3 * CONTENTION))
    assert service_times(cores, 1, None).per_second.value == pytest.approx(1000)
    assert service_times(cores, 3, None).per_second.value == pytest.approx(2500 / (1 + 2 * CONTENTION))


def test_latencies_average_to_what_littles_law_says() -> None:
    found = service_times([(request(MILLISECOND), 1)], 50, Shape(1.0, 2.0, 1000, 50))
    assert found.p50 is not None
    assert found.p99 is not None
    assert found.p50.value == pytest.approx(50 * MILLISECOND)
    assert found.p99.value == pytest.approx(100 * MILLISECOND)
    for each in (found.p50, found.p99):
        assert each.low < each.value < each.high


def test_an_interval_of_a_latency_holds_what_a_queue_would_show() -> None:
    found = service_times([(request(MILLISECOND, 0.01), 1)], 50, Shape(0.2, 6.0, 1000, 50))
    assert found.p50 is not None
    assert found.p99 is not None
    mean = 50 * MILLISECOND
    assert found.p50.high >= mean * queue_quantile(0.5, 1, 50)
    assert found.p99.low <= mean * queue_quantile(0.99, 1, 50)


@pytest.mark.parametrize(("servers", "customers"), [(1, 1), (1, 50), (4, 50), (8, 50), (4, 3)])
def test_quantiles_of_a_closed_queue_are_those_of_its_simulation(servers: int, customers: int) -> None:
    generator = random.Random(7)
    busy = min(servers, customers)
    # Each customer's next departure from the servers, first come first served; all begin at once.
    times, queue = list[float](), [0.0] * customers
    serving, now = list[tuple[float, float]](), 0.0
    while len(times) < 40_000:
        while queue and len(serving) < busy:
            serving.append((now + generator.expovariate(1.0), queue.pop(0)))
        done = min(serving)
        serving.remove(done)
        now = done[0]
        times.append(now - done[1])
        queue.append(now)
    times = sorted(times[1000:])
    mean = sum(times) / len(times)
    for share in (0.5, 0.99):
        seen = times[int(share * len(times))] / mean
        assert queue_quantile(share, busy, customers) == pytest.approx(seen, rel=0.08)


def test_a_shape_is_of_multiples_of_the_mean_and_needs_a_hundred_latencies() -> None:
    latencies = [float(each) for each in range(1, 102)]
    shape = shape_of(latencies, 50)
    assert shape is not None
    assert shape.p50 == pytest.approx(1.0)
    assert shape.p99 == pytest.approx(100 / 51)
    assert shape_of(latencies[:99], 50) is None


def test_the_fastest_cores_take_part_first_and_no_more_than_go_uses() -> None:
    board = load_catalogue().board("rock-5b")
    assert [(cluster.core.id, number) for cluster, number in clusters_used(board, None)] == [
        ("cortex-a76", 4),
        ("cortex-a55", 4),
    ]
    assert [(cluster.core.id, number) for cluster, number in clusters_used(board, 5)] == [
        ("cortex-a76", 4),
        ("cortex-a55", 1),
    ]
    assert [number for _, number in clusters_used(load_catalogue().board("lichee-rv"), 4)] == [1]
