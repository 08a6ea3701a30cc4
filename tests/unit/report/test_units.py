"""Values are shown with a unit that suits them, and lose nothing that matters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulab.report.units import quantity, quantity_with_interval


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.1161, "s", "116 ms"),
        (0.0000012, "s", "1.20 µs"),
        (2.5, "s", "2.50 s"),
        (0, "s", "0 s"),
        (5 * 1024 * 1024, "B", "5.00 MiB"),
        (512, "B", "512 B"),
        (2170.4, "1/s", "2,170 1/s"),
    ],
)
def test_a_value_is_scaled(value: float, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


def test_an_interval_has_the_values_unit() -> None:
    assert quantity_with_interval(0.116, 0.0911, 0.131, "s") == "116 ms (91.1 to 131)"
    assert quantity_with_interval(0.116, None, None, "s") == "116 ms"


@given(st.floats(1e-9, 1e5))
def test_three_digits_survive(seconds: float) -> None:
    number, unit = quantity(seconds, "s").split()
    factor = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}[unit]
    assert float(number.replace(",", "")) * factor == pytest.approx(seconds, rel=0.006)
