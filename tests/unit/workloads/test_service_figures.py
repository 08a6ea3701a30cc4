"""Figures of a service are computed from its runs as the field defines them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulab.machines.protocol import LoadResult, Memory
from emulab.workloads.service import ServiceRun, Subject, memory_disagreements, percentile, service_figures

SUBJECT = Subject("healthd", "arm64", "user", "musl", None)


def memory(rss: int, by_mapping: int | None = None) -> Memory:
    parts = rss if by_mapping is None else by_mapping
    return Memory(10 * rss, rss, rss, rss, parts, parts, ("[heap] 1 MiB",))


def run(startup: float, rss: int, elapsed: float) -> ServiceRun:
    load = LoadResult(elapsed, 100, 0, tuple(n / 1000 for n in range(1, 101)), (memory(rss), memory(2 * rss)))
    return ServiceRun(startup, memory(rss), load)


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


def test_memory_that_its_mappings_contradict_is_said_with_the_mappings() -> None:
    good = ServiceRun(0.1, memory(1000, 960), None)
    bad = ServiceRun(0.1, memory(1000, 940), None)
    assert memory_disagreements([good]) == []
    sentences = memory_disagreements([good, bad])
    assert len(sentences) == 2
    assert "run 2" in sentences[0]
    assert "[heap]" in sentences[0]
