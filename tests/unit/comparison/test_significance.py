"""Differences beyond noise."""

from __future__ import annotations

import pytest
from scipy.stats import ttest_ind_from_stats

from emulab.comparison.results import Measurement, Subject
from emulab.comparison.significance import probability, significant


def test_holms_procedure_stops_at_the_first_that_is_not_real() -> None:
    assert significant([0.01, 0.04, 0.03, None], alpha=0.05) == [True, False, False, False]
    assert significant([0.01, 0.02, 0.04], alpha=0.05) == [True, True, True]
    assert significant([]) == []


def test_intervals_are_compared_as_welch_does() -> None:
    error, other_error, n, other_n = 1.0, 1.5, 8, 12
    quantile = 1.6448536269514722  # of the normal distribution, for 90 %
    base, head = (
        Measurement(
            Subject("w", "s"), (value,), False, value - quantile * e, value + quantile * e, 0.9, count
        )
        for value, e, count in ((10.0, error, n), (16.0, other_error, other_n))
    )
    expected = ttest_ind_from_stats(
        10.0, error * n**0.5, n, 16.0, other_error * other_n**0.5, other_n, equal_var=False
    ).pvalue
    assert probability(base, head) == pytest.approx(expected)


def test_a_value_without_an_interval_tells_nothing() -> None:
    alone = Measurement(Subject("w", "s"), (1.0,), False)
    assert probability(alone, alone) is None


def test_equal_samples_do_not_differ() -> None:
    same = Measurement(Subject("w", "ns/op"), (5.0, 5.0, 5.0), False, n=3)
    assert probability(same, same) == 1.0
