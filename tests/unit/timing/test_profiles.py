"""Cycles of whole profiles: blocks after each other, mispredictions, memory."""

from __future__ import annotations

import numpy as np
import pytest

from emulab.errors import UsageError
from emulab.profiling.profile import Measure
from emulab.timing.core import load_core
from emulab.timing.cycles import cycles_of
from emulab.timing.memory import MemoryTimes, memory_seconds
from emulab.timing.pipeline import pipeline_cycles
from tests.unit.timing.encodings import (
    BASE,
    RET,
    add,
    add64,
    addi,
    bne,
    jal,
    ld,
    mul,
    operation,
    rate,
)  # fmt: skip

U74 = load_core("sifive-u74")


def test_a_loop_is_charged_its_steady_state() -> None:
    words = [mul(5, 5, 6), addi(7, 7), bne(7, 8, -8)]
    counted = operation("riscv64", [(BASE, words, 1000)])
    assert pipeline_cycles(counted, U74).cycles == pytest.approx(3000, rel=0.001)


def test_cycles_are_per_operation() -> None:
    words = [mul(5, 5, 6), addi(7, 7), bne(7, 8, -8)]
    counted = operation("riscv64", [(BASE, words, 1000)], operations=10)
    found = pipeline_cycles(counted, U74)
    assert found.cycles == pytest.approx(300, rel=0.001)
    assert found.instructions == 300
    assert sum(found.by_work.values()) == pytest.approx(found.cycles)
    assert sum(block.cycles for block in found.blocks) == pytest.approx(found.cycles)


def test_blocks_that_overlap_are_run_as_one_loop() -> None:
    # The same loop, entered in its middle: QEMU has a block of its own for that.
    words = [mul(5, 5, 6), addi(7, 7), bne(7, 8, -8)]
    counted = operation("riscv64", [(BASE, words, 999), (BASE + 4, words[1:], 1)])
    assert pipeline_cycles(counted, U74).cycles == pytest.approx(2997, rel=0.005)


def test_what_comes_before_a_block_delays_it() -> None:
    # Two blocks in a loop; the second needs what the first has loaded for its address.
    first = [ld(5, 6), jal(0, 12)]
    second = [ld(7, 5), addi(8, 8), bne(8, 9, -24)]
    loop = [(BASE, first, 1000), (BASE + 16, second, 1000)]
    waiting = pipeline_cycles(operation("riscv64", loop), U74).cycles
    other = [(BASE, first, 1000), (BASE + 16, [ld(7, 10), *second[1:]], 1000)]
    free = pipeline_cycles(operation("riscv64", other), U74).cycles
    assert waiting - free == pytest.approx(1000, rel=0.05)


def test_a_call_is_followed_into_and_out_of_its_function() -> None:
    caller = [jal(1, 0x100)]
    after = [mul(7, 5, 5), bne(7, 8, -8)]
    callee = [mul(5, 6, 6), RET]
    pieces = [(BASE, caller, 1000), (BASE + 4, after, 1000), (BASE + 0x100, callee, 1000)]
    chained = pipeline_cycles(operation("riscv64", pieces), U74).cycles
    callee[0] = add(9, 6, 6)
    pieces[2] = (BASE + 0x100, callee, 1000)
    # The second product needs the function's product, which takes three cycles and not one.
    assert chained > pipeline_cycles(operation("riscv64", pieces), U74).cycles


def test_rare_blocks_are_charged_the_average() -> None:
    hot = [mul(5, 5, 6), addi(7, 7), bne(7, 8, -8)]
    counted = operation("riscv64", [(BASE, hot, 1_000_000), (BASE + 0x1000, [addi(5, 5), RET], 1)])
    found = pipeline_cycles(counted, U74)
    assert [block.is_simulated for block in found.blocks] == [True, False]
    assert found.blocks[1].cycles == pytest.approx(2 * found.per_instruction, rel=0.01)
    assert 0.9999 < found.covered < 1


def test_a_core_refuses_what_it_does_not_execute() -> None:
    with pytest.raises(UsageError, match="sifive-u74 executes riscv64, not arm64"):
        pipeline_cycles(operation("arm64", [(BASE, [add64(0, 0, 1)], 1)]), U74)


def test_straight_code_takes_what_a_loop_of_it_does() -> None:
    words = [add64(0, 0, 1), add64(2, 1, 1), add64(0, 0, 2), add64(3, 1, 1)] * 8
    core = load_core("cortex-a72")
    # b back to the beginning
    words.append(0x14000000 | (-len(words) & 0x3FFFFFF))
    counted = operation("arm64", [(BASE, words, 500)])
    assert pipeline_cycles(counted, core).cycles / 500 == pytest.approx(
        rate(core, "arm64", words, loops=True), abs=0.5
    )


def test_a_branch_either_way_costs_mispredictions() -> None:
    # The branch skips two instructions every other time.
    head = [addi(5, 5), bne(5, 6, 12)]
    pieces = [
        (BASE, head, 1000),
        (BASE + 8, [addi(7, 7)] * 2, 500),
        (BASE + 16, [addi(8, 8), jal(0, -20)], 1000),
    ]
    found = cycles_of(operation("riscv64", pieces), U74)
    assert found.mispredictions == found.estimated_mispredictions == 500
    assert found.branches == 500 * U74.facts.mispredict
    assert not found.are_branches_measured


@pytest.mark.parametrize(
    ("call", "is_taken_for_a_return"),
    [(0x000280E7, True), (0x000380E7, False), (0x000080E7, False)],
    ids=["jalr ra, t0", "jalr ra, t2", "jalr ra, ra"],
)
def test_a_call_through_the_other_link_register_is_foretold_wrongly(
    call: int, is_taken_for_a_return: bool
) -> None:
    blocks = [
        (BASE, [ld(5, 6), call], 100),
        (BASE + 8, [addi(7, 7), bne(7, 8, -12)], 100),
        (BASE + 64, [RET], 100),
    ]
    for measures in (None, np.zeros(len(Measure))):
        found = cycles_of(operation("riscv64", blocks, measures=measures), U74)
        assert found.mispredictions == (100 if is_taken_for_a_return else 0)


def test_a_branch_over_one_instruction_costs_none_where_both_become_one() -> None:
    head = [addi(5, 5), bne(5, 6, 8)]
    pieces = [(BASE, head, 1000), (BASE + 8, [addi(7, 7)], 500), (BASE + 12, [addi(8, 8), jal(0, -16)], 1000)]
    assert cycles_of(operation("riscv64", pieces), U74).mispredictions == 0
    assert cycles_of(operation("riscv64", pieces), load_core("spacemit-x60")).mispredictions == 500


def test_measured_mispredictions_and_memory_are_taken_as_they_are() -> None:
    measures = np.zeros(len(Measure))
    measures[Measure.MISPREDICTED], measures[Measure.TARGET_MISPREDICTED] = 3, 1
    measures[Measure.L1D_LOAD_MISS], measures[Measure.L2_DATA_MISS], measures[Measure.MEMORY] = 10, 4, 4
    counted = operation("riscv64", [(BASE, [addi(5, 5), RET], 1)], measures=measures, syscalls={64: 2.0})
    found = cycles_of(counted, U74, MemoryTimes(l2=1e-8, memory=1e-7))
    assert (found.mispredictions, found.are_branches_measured, found.system) == (4, True, 2)
    assert found.estimated_mispredictions == 0
    assert found.memory is not None
    assert found.memory.total == pytest.approx(6e-8 + 4e-7)
    assert found.seconds(1e9) == pytest.approx((found.core + 4 * U74.facts.mispredict) / 1e9 + 4.6e-7)


def test_stores_that_miss_cost_their_share() -> None:
    measures = np.zeros(len(Measure))
    measures[Measure.L1D_STORE_MISS] = 10
    times = MemoryTimes(l2=1e-8, memory=1e-7, store=0.25)
    assert memory_seconds(measures, times).total == pytest.approx(2.5e-8)


def test_prefetched_lines_cost_the_second_level_or_their_share_of_a_stream() -> None:
    measures = np.zeros(len(Measure))
    measures[Measure.PREFETCHED], measures[Measure.PREFETCH_MEMORY] = 10, 4
    times = MemoryTimes(l2=1e-8, memory=1e-7, line=3e-8)
    assert memory_seconds(measures, times).total == pytest.approx(6e-8 + 12e-8)


def test_translations_that_miss_cost_a_lookup_or_a_walk() -> None:
    measures = np.zeros(len(Measure))
    measures[Measure.DTLB_MISS], measures[Measure.PAGE_WALK] = 10, 2
    assert memory_seconds(measures, MemoryTimes(0, 0, tlb=1e-8, page_walk=1e-7)).translation == pytest.approx(
        2.8e-7
    )


def test_an_operation_that_executes_nothing_takes_nothing() -> None:
    counted = operation("riscv64", [(BASE, [addi(5, 5), RET], 0)])
    found = cycles_of(counted, U74)
    assert (found.core, found.mispredictions, found.pipeline.per_instruction) == (0, 0, 0)


def test_negative_counts_of_a_slope_are_taken_for_none() -> None:
    counted = operation(
        "riscv64", [(BASE, [addi(5, 5), jal(0, -4)], 100), (BASE + 64, [addi(5, 5), RET], -1)]
    )
    assert pipeline_cycles(counted, U74).instructions == 200
