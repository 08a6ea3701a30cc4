"""Slopes between windows."""

from __future__ import annotations

import numpy as np
import pytest

from emulab.bench.slopes import Sample, per_operation, slope_of


def test_what_is_done_once_cancels() -> None:
    slope = slope_of([Sample(100, 1_000_000 + 100 * 7), Sample(300, 1_000_000 + 300 * 7)])
    assert slope.per_operation == 7


def test_the_spread_is_how_far_slopes_differ() -> None:
    slope = slope_of([Sample(1, 10), Sample(2, 20), Sample(5, 54)])
    assert slope.per_operation == 11
    assert slope.spread == pytest.approx(1 / 11)


def test_repeats_that_differ_are_part_of_the_spread() -> None:
    slope = slope_of([Sample(10, 100), Sample(20, 200), Sample(20, 210)])
    assert slope.per_operation == 10.5
    assert slope.spread == pytest.approx(10 / (10.5 * 10))


def test_windows_of_one_size_have_no_slope() -> None:
    with pytest.raises(ValueError, match="two different"):
        slope_of([Sample(5, 1), Sample(5, 2)])


def test_a_count_that_does_not_grow_is_never_stable() -> None:
    assert slope_of([Sample(1, 50), Sample(3, 50)]).spread == float("inf")


def test_every_count_is_divided_by_the_operations_between_two_windows() -> None:
    each = per_operation(np.array([10.0, 5.0]), np.array([30.0, 5.0]), 10, 20)
    assert each.tolist() == [2.0, 0.0]
