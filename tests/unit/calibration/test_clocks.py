from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulab.calibration.clocks import Evidence, Kind, session_clocks
from emulab.calibration.grid import find_grid
from emulab.calibration.ratios import compare
from emulab.calibration.schema import Record, Sample, Session


def _printed(value: float) -> tuple[float, float]:
    """Return a time as benchstat prints it, with four digits, and its resolution."""
    text = f"{value:.3e}"
    return float(text), 10.0 ** (int(text.partition("e")[2]) - 3)


@settings(max_examples=25, deadline=None)
@given(clock=st.floats(0.6e9, 2.5e9), seed=st.integers(0, 1000))
def test_the_clock_of_whole_cycles_is_found(clock: float, seed: int) -> None:
    cycles = random.Random(seed).sample(range(3, 40), 12)
    grid = find_grid(*zip(*(_printed(count / clock) for count in [*cycles, 7, 11]), strict=True))
    assert grid is not None
    assert grid.is_decisive
    assert grid.clock_hz == pytest.approx(clock, rel=1e-3)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_times_that_lie_anywhere_have_no_grid(seed: int) -> None:
    generator = random.Random(seed)
    grid = find_grid(*zip(*(_printed(generator.uniform(2e-9, 60e-9)) for _ in range(30)), strict=True))
    assert grid is None or not grid.is_decisive


def test_equal_values_are_one_evidence() -> None:
    values, steps = zip(*(_printed(count / 1e9) for count in (5, 7, 9, 11, 13)), strict=True)
    once, often = find_grid(values, steps), find_grid(values * 9, steps * 9)
    assert once == often


def test_what_is_printed_too_coarsely_says_nothing() -> None:
    assert find_grid([5e-9, 7e-9, 9e-9], [1e-9] * 3) is None


def _record(name: str, clock: float, cycles: dict[str, float], core: str = "c") -> Record:
    samples = tuple(
        Sample(f"p.Benchmark{key}", "time", count / clock, "s/op", core) for key, count in cycles.items()
    )
    return Record(Session(name, name, date="2025-01-01"), samples, "", "")


def test_a_ratio_outlives_a_benchmark_that_changed() -> None:
    cycles = {f"B{number}": 10.0 + number for number in range(20)}
    ratio = compare(_record("a", 1.6e9, cycles), _record("b", 1.2e9, {**cycles, "B3": 40.0}))
    assert ratio is not None
    assert ratio.value == pytest.approx(4 / 3)
    assert ratio.is_of_clocks


def test_too_few_common_benchmarks_have_no_ratio() -> None:
    assert compare(_record("a", 1e9, {"X": 1, "Y": 2}), _record("b", 1e9, {"X": 1, "Z": 2})) is None


def test_the_two_x60_sources_differ_by_their_clocks_in_every_row(records: list[Record]) -> None:
    fast, slow = (
        next(record for record in records if part in record.session.source)
        for part in ("fcc036f03b07e58f", "320df537cc554610")
    )
    ratio = compare(fast, slow)
    assert ratio is not None
    assert ratio.benchmarks == 72
    assert ratio.within == 1.0
    assert ratio.low < ratio.value < ratio.high
    assert ratio.value == pytest.approx(1.302, rel=2e-3)


def test_the_clocks_of_the_collection(records: list[Record]) -> None:
    go = [record for record in records if not record.session.id.startswith("sbc-bench-")]
    clocks = session_clocks(go)
    found = [
        best
        for record in go
        if record.session.board == "visionfive-2" and record.session.author == "Joel Sing"
        if (best := clocks[record.session.id].best) is not None
    ]
    assert len(found) == 14
    assert all(745e6 <= best.clock_hz <= 749e6 for best in found)
    assert sum(best.kind is Kind.GRID for best in found) >= 9
    for part, hertz in (
        ("fcc036f03b07e58f", 1597e6),
        ("320df537cc554610", 1226e6),
        ("c683ab8128e3d26a", 1593e6),
    ):
        session = next(record.session.id for record in go if part in record.session.source)
        best = clocks[session].best
        assert best is not None
        assert best.kind is Kind.GRID
        assert best.clock_hz == pytest.approx(hertz, rel=1e-3)


def test_a_measured_clock_is_believed_before_any_other(records: list[Record]) -> None:
    runs = [record for record in records if record.session.id == "sbc-bench-4xOY"]
    best = session_clocks(runs)["sbc-bench-4xOY"].best
    assert best is not None
    assert best.kind is Kind.MEASURED
    assert best.clock_hz == pytest.approx(1498.5e6, rel=1e-3)


def test_further_evidence_can_be_given_as_a_source() -> None:
    record = _record("a", 1e9, {"X": 1})
    counted = Evidence(Kind.INSTRUCTIONS, 9e8, 8e8, 1e9, "instructions per cycle of another author's board")
    clocks = session_clocks([record], [lambda records, known: {"a": [counted]}])
    assert clocks["a"].best is counted
