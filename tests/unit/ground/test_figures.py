"""Figures and their intervals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulab.figures import Document, Figure, FigureClass, median_interval

samples = st.lists(st.floats(1e-9, 1e9), min_size=1, max_size=30)


@given(samples)
def test_the_interval_holds_the_median_and_lies_within_the_samples(values: list[float]) -> None:
    middle, low, high = median_interval(values)
    assert min(values) <= low <= middle <= high <= max(values)


@given(samples)
def test_equal_samples_give_equal_intervals(values: list[float]) -> None:
    assert median_interval(values) == median_interval(list(values))


def test_a_wider_coverage_gives_a_wider_interval() -> None:
    values = [float(v) for v in range(20)]
    _, narrow_low, narrow_high = median_interval(values, 0.5)
    _, wide_low, wide_high = median_interval(values, 0.99)
    assert wide_low < narrow_low
    assert narrow_high < wide_high


def test_no_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="no samples"):
        median_interval([])


def test_the_document_has_the_agreed_shape() -> None:
    figure = Figure("startup", 0.1, "s", FigureClass.EMULATED, "healthd", "arm64", "user")
    document = Document("run", {"emulab": "x"}, [figure]).to_json()
    assert document["schema"] == "emulab/1"
    assert list(document) == ["schema", "command", "environment", "figures", "verdicts", "notes"]
    assert document["figures"][0]["class"] == "EMULATED"
    assert list(document["figures"][0]) == [
        "board", "arch", "libc", "mode", "workload", "name", "class", "value", "low", "high", "coverage",
        "unit", "n", "evidence",
    ]  # fmt: skip
