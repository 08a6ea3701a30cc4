from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulab.calibration.fitting.conformal import Scores
from emulab.calibration.fitting.evaluation import LeftOut, half_width, leave_out, summary

from .conftest import CORES

if TYPE_CHECKING:
    from .conftest import World


def _scores(random: np.random.Generator, groups: int, each: int) -> Scores:
    own = random.normal(0.0, 0.1, groups)
    error = own[:, None] + random.normal(0.0, 0.05, (groups, each))
    return Scores(error.reshape(-1), np.repeat(np.arange(groups), each), np.ones(groups))


def test_intervals_hold_the_share_of_new_groups_that_they_promise() -> None:
    random = np.random.default_rng(11)
    held = []
    for _ in range(300):
        width = _scores(random, 30, 8).reach(0.9)
        new = random.normal(0.0, 0.1) + random.normal(0.0, 0.05, 8)
        held.append(np.mean(np.abs(new) <= width))
    assert 0.87 < float(np.mean(held)) < 0.97


def test_a_large_group_weighs_no_more_than_a_small_one() -> None:
    error = np.concatenate([np.full(1000, 0.5), np.repeat(np.linspace(0.01, 0.1, 29), 2)])
    group = np.concatenate([np.zeros(1000, np.int64), np.repeat(np.arange(1, 30), 2)])
    assert Scores(error, group, np.ones(30)).reach(0.9) < 0.11


def test_without_any_group_the_interval_is_as_wide_as_any_may_be() -> None:
    reach = Scores(np.zeros(0), np.zeros(0, np.int64), np.zeros(0)).reach(0.9)
    assert half_width(reach, np.array([0.03, 0.3])).tolist() == [1.5, 1.5]


def test_intervals_are_wider_where_a_prediction_is_less_certain() -> None:
    random = np.random.default_rng(3)
    open_by = np.exp(random.uniform(np.log(0.02), np.log(0.4), 4000))
    error = random.normal(0.0, open_by)
    known, new = slice(0, 2000), slice(2000, 4000)
    reach = Scores(error[known] / open_by[known], np.arange(2000), np.ones(2000)).reach(0.9)
    held = np.abs(error[new]) <= half_width(reach, open_by[new])
    certain = open_by[new] < 0.09
    assert 0.87 < float(held[certain].mean()) < 0.93
    assert 0.87 < float(held[~certain].mean()) < 0.93


@pytest.mark.parametrize("what", list(LeftOut))
def test_what_is_left_out_is_predicted_within_its_interval(world: World, what: LeftOut) -> None:
    judged = leave_out(what, world.table, CORES, world.clocks)
    assert len(judged) == len(world.rows)
    said = summary(judged)
    assert said is not None
    assert said.median < (0.10 if what is LeftOut.BOARD else 0.05)
    assert said.coverage > 0.85


def test_a_package_that_is_left_out_does_not_help_itself(world: World) -> None:
    alone = [row for row in world.rows if row.core == "fast" and row.package == "package0"]
    rest = [row for row in world.rows if row.core != "fast"]
    from emulab.calibration.fitting.rows import Table

    judged = [
        one
        for one in leave_out(LeftOut.PACKAGE, Table([*rest, *alone]), CORES, world.clocks)
        if one.row.core == "fast"
    ]
    # Nothing else is known of this core, so its true correction of -0.15 has to show as the error.
    assert float(np.median([one.error for one in judged])) == pytest.approx(-0.15, abs=0.08)
