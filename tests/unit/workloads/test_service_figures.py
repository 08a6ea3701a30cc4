"""Figures of a service are computed from its runs as the field defines them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulab.machines.protocol import LoadResult, Memory, MemoryReading
from emulab.workloads.service import ServiceRun, Subject, memory_disagreements, percentile, service_figures

SUBJECT = Subject("healthd", "arm64", "user", "musl", None)


def reading(rss: int, *disagreements: str) -> MemoryReading:
    return MemoryReading(10 * rss, rss, rss, disagreements)


def run(startup: float, rss: int, elapsed: float) -> ServiceRun:
    memory = (Memory(rss, rss, rss), Memory(rss, 2 * rss, rss))
    load = LoadResult(elapsed, 100, 0, tuple(n / 1000 for n in range(1, 101)), memory)
    return ServiceRun(startup, reading(rss), load)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_a_sample_that_enough_do_not_exceed(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values)


def test_the_figures_are_medians_of_the_runs() -> None:
    figures = {
        f.name: f for f in service_figures(SUBJECT, [run(0.1, 100, 1), run(0.3, 120, 2), run(0.2, 90, 4)])
    }
    assert figures["startup"].value == pytest.approx(0.2)
    assert figures["throughput"].value == pytest.approx(50)
    assert figures["rss-load"].value == 200
    assert figures["latency-p50"].value == pytest.approx(0.050)
    assert figures["latency-p99"].value == pytest.approx(0.099)
    assert figures["startup"].n == 3
    low, high = figures["startup"].low, figures["startup"].high
    assert low is not None
    assert high is not None
    assert 0.1 <= low <= high <= 0.3


def test_a_single_run_has_no_interval() -> None:
    assert service_figures(SUBJECT, [run(0.1, 100, 1)])[0].low is None


def test_memory_that_its_mappings_contradict_is_said_with_the_run() -> None:
    good = ServiceRun(0.1, reading(1000), None)
    bad = ServiceRun(0.1, reading(1000, "rss is 1000 B, but its mappings add up to 940 B ([heap])"), None)
    assert memory_disagreements([good]) == []
    (sentence,) = memory_disagreements([good, bad])
    assert sentence.startswith("run 2: rss is")
