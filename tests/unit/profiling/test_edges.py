"""Branches' edges from counts, against walks through programs whose every step was noted."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from emulab.profiling.edges import branches_of
from emulab.profiling.instructions import Instructions

NOP, RETURN = 0x00000013, 0x00008067
BASE = 0x10000


def branch(offset: int) -> int:
    """Encode ``bne a0, a1, offset``."""
    bits = offset & 0x1FFF
    return (
        0x00B51063
        | (bits >> 12 & 1) << 31
        | (bits >> 5 & 0x3F) << 25
        | (bits >> 1 & 0xF) << 8
        | (bits >> 11 & 1) << 7
    )


def jump(offset: int) -> int:
    """Encode ``j offset``."""
    bits = offset & 0x1FFFFF
    return (
        0x6F
        | (bits >> 20 & 1) << 31
        | (bits >> 1 & 0x3FF) << 21
        | (bits >> 11 & 1) << 20
        | (bits >> 12 & 0xFF) << 12
    )


def program(words: list[int]) -> Instructions:
    count = len(words)
    return Instructions(
        "riscv64",
        BASE + 4 * np.arange(count, dtype=np.uint64),
        np.full(count, 4, np.uint8),
        np.array(words, np.uint64),
        np.array([0, count]),
        np.arange(count),
        np.zeros(count, np.bool_),
    )


def walk(
    words: list[int], targets: dict[int, int], seed: int, steps: int
) -> tuple[list[int], dict[int, int]]:
    """Run a program, tossing a coin at branches; return executions, and how often each branch was taken."""
    chance = random.Random(seed)
    executions, taken = [0] * len(words), {place: 0 for place in targets if words[place] & 0x7F == 0x63}
    place = 0
    while True:
        executions[place] += 1
        if words[place] == RETURN:
            return executions, taken
        steps -= 1
        is_jump = words[place] & 0x7F == 0x6F
        # Jumps lead forward only, so without taken branches it ends.
        if is_jump or (place in taken and steps > 0 and chance.random() < 0.6):
            if not is_jump:
                taken[place] += 1
            place = targets[place]
        else:
            place += 1


@given(st.data())
def test_edges_that_are_called_exact_are(data: st.DataObject) -> None:
    size = data.draw(st.integers(3, 40))
    # The first instruction is a function's entry, which no branch leads to.
    words, targets = [NOP], {}
    for place in range(1, size - 1):
        kind = data.draw(st.sampled_from(["plain", "plain", "branch", "branch", "jump"]))
        if kind == "plain" or (kind == "jump" and place + 2 >= size):
            words.append(NOP)
            continue
        target = data.draw(st.integers(1 if kind == "branch" else place + 2, size - 1))
        if kind == "branch" and target == place + 1:
            words.append(NOP)
            continue
        targets[place] = target
        offset = 4 * (target - place)
        words.append(branch(offset) if kind == "branch" else jump(offset))
    words.append(RETURN)
    executions, taken = walk(words, targets, data.draw(st.integers(0, 1000)), 2000)
    # A profile has only what was executed.
    code = program(words)
    found = branches_of(code, np.array(executions, np.uint64))
    for index, number, exact in zip(
        found.index.tolist(), found.taken.tolist(), found.exact.tolist(), strict=True
    ):
        assert 0 <= number <= executions[index]
        if exact:
            assert number == taken[index]


def test_a_loop_with_a_condition_is_determined() -> None:
    # The loop's head; a branch over one instruction; back to the head 100 times.
    words = [NOP, NOP, branch(8), NOP, NOP, branch(-16), RETURN]
    targets = {2: 4, 5: 1}
    executions, taken = walk(words, targets, 3, 400)
    found = branches_of(program(words), np.array(executions, np.uint64))
    assert found.exact.all()
    assert found.taken.tolist() == [taken[2], taken[5]]
    assert (found.not_taken + found.taken == found.executions).all()


def test_two_branches_that_share_both_targets_are_estimated() -> None:
    # Which of the two branches went to which of the two places, no count of instructions says.
    a, b, to, jump_back = branch(12), branch(-4), NOP, jump(8)
    words = [NOP, a, NOP, jump_back, b, NOP, RETURN]
    assert to == NOP
    targets = {1: 4, 3: 5, 4: 3}
    executions, taken = walk(words, targets, 1, 50)
    found = branches_of(program(words), np.array(executions, np.uint64))
    for index, number, exact in zip(
        found.index.tolist(), found.taken.tolist(), found.exact.tolist(), strict=True
    ):
        assert not exact or number == taken[index]
