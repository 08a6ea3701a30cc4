from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulab.calibration.fitting.rows import Row, Table
from emulab.calibration.fitting.solve import ClockPrior, fit
from emulab.calibration.fitting.trust import fit_what_is_sound

from .conftest import CORES

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import World


def test_the_true_corrections_are_found(world: World) -> None:
    solution = fit(world.table, CORES, world.clocks)
    for core, true in world.pipeline.items():
        assert solution.cores[core].pipeline == pytest.approx(true, abs=0.02)


def test_a_core_without_samples_gets_its_kinds_correction_and_says_that_it_is_open(world: World) -> None:
    solution = fit(world.table, CORES, world.clocks)
    unseen, fast = solution.cores["unseen"], solution.cores["fast"]
    assert unseen.pipeline == pytest.approx(solution.kinds["out-of-order"].pipeline)
    assert fast.pipeline < unseen.pipeline < 0  # between what its kin has and the model's own word
    assert unseen.pipeline_spread > 5 * fast.pipeline_spread


def test_a_session_whose_clock_is_not_known_finds_it_by_its_figures(world: World) -> None:
    slowed = [
        dataclasses.replace(row, seconds=row.seconds * 1.25) if row.session == "slow-3" else row
        for row in world.rows
    ]
    clocks = {**world.clocks, "slow-3": ClockPrior(750e6, 0.5)}
    solution = fit(Table(slowed), CORES, clocks)
    assert solution.clocks["slow-3"] == pytest.approx(750e6 / 1.25, rel=0.02)


def _wrong_clock(row: Row, _random: np.random.Generator) -> float:
    return row.seconds * 2.0


def _wrong_unit(row: Row, _random: np.random.Generator) -> float:
    return row.seconds * 1000.0


def _anything(_row: Row, random: np.random.Generator) -> float:
    return float(10 ** random.uniform(-8, -3))


WRONG: dict[str, Callable[[Row, np.random.Generator], float]] = {
    "wrong-clock": _wrong_clock,
    "wrong-unit": _wrong_unit,
    "random-numbers": _anything,
}


@pytest.mark.parametrize("planted", [*([name] for name in WRONG), list(WRONG)])
def test_wrong_sources_are_named_and_move_nothing(world: World, planted: list[str]) -> None:
    random = np.random.default_rng(3)
    before, suspects, _ = fit_what_is_sound(world.table, CORES, world.clocks)
    assert suspects == ()
    rows, clocks = list(world.rows), dict(world.clocks)
    for name in planted:
        clocks[name] = ClockPrior(750e6, 0.002)
        for row in world.rows:
            if row.session == "slow-0":
                rows.append(dataclasses.replace(row, session=name, seconds=WRONG[name](row, random)))
    after, suspects, _ = fit_what_is_sound(Table(rows), CORES, clocks)
    assert {one.session for one in suspects} == set(planted)
    assert all(one.reason for one in suspects)
    for core in CORES:
        assert abs(np.expm1(after.cores[core].pipeline - before.cores[core].pipeline)) < 0.02


def test_the_same_rows_in_another_order_give_the_same_fit(world: World) -> None:
    order = np.random.default_rng(5).permutation(len(world.rows))
    one = fit(world.table, CORES, world.clocks)
    other = fit(Table([world.rows[place] for place in order]), CORES, world.clocks)
    for core in CORES:
        assert other.cores[core].pipeline == pytest.approx(one.cores[core].pipeline, abs=1e-6)
