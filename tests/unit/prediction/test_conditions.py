"""What-if: at which clock a board is predicted."""

from __future__ import annotations

import math

import pytest

from emulab.boards import load_catalogue
from emulab.errors import UsageError
from emulab.prediction.conditions import Conditions

VISIONFIVE = load_catalogue().board("visionfive-2")
ROCK = load_catalogue().board("rock-5b")


def test_the_boards_own_clock_is_its_highest_and_powersave_its_lowest() -> None:
    assert Conditions().clock(VISIONFIVE, VISIONFIVE.fastest) == 1.5e9
    assert Conditions(governor="performance").clock(VISIONFIVE, VISIONFIVE.fastest) == 1.5e9
    assert Conditions(governor="powersave").clock(VISIONFIVE, VISIONFIVE.fastest) == 375e6


def test_other_cores_keep_their_ratio_to_the_fastest() -> None:
    clocks = {each.core.id: Conditions(clock_hz=1.2e9).clock(ROCK, each) for each in ROCK.clusters}
    assert clocks == {"cortex-a76": pytest.approx(1.2e9), "cortex-a55": pytest.approx(0.9e9)}


def test_a_clock_that_rises_late_may_make_a_start_as_slow_as_the_lowest_one() -> None:
    assert Conditions(governor="schedutil").late_clock(VISIONFIVE) == pytest.approx(math.log(4))
    assert Conditions(governor="performance").late_clock(VISIONFIVE) == 0
    assert Conditions(governor="ondemand", clock_hz=375e6).late_clock(VISIONFIVE) == 0


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        (Conditions(governor="turbo"), "'turbo' is not known"),
        (Conditions(governor="powersave", clock_hz=1e9), "exclude each other"),
    ],
)
def test_what_a_board_can_not_do_is_refused(conditions: Conditions, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        conditions.check(VISIONFIVE)


def test_a_lowest_clock_that_nobody_knows_is_asked_for() -> None:
    unknown = [
        board
        for board in map(load_catalogue().board, load_catalogue().ids())
        if board.kind == "board" and board.clusters and not board.fastest.operating_points_mhz
    ]
    for board in unknown:
        with pytest.raises(UsageError, match=f"{board.id}: its operating points are not known"):
            Conditions(governor="powersave").check(board)
