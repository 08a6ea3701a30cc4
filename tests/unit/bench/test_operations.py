"""Counted benchmarks as operations: blocks that do not overlap, and what else an operation has."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulab.bench.attribution import BlockCounts
from emulab.bench.counting import Counted, Window
from emulab.bench.execution import Code, Execution
from emulab.bench.operations import operation_of, without_overlaps
from emulab.bench.slopes import Slope
from emulab.profiling.file_format import BLOCK
from emulab.profiling.memory_model import MemoryModel
from emulab.profiling.profile import Measure

BASE = 0x1_0000
# arm64: a nop that says which it is, so that bytes in a wrong place show.
TEXT = b"".join((0xD2800000 | number << 5).to_bytes(4, "little") for number in range(64))


def counts_of(rows: list[tuple[int, int, int]]) -> BlockCounts:
    """Counts of arm64 blocks: (first instruction, instructions, count)."""
    blocks, code = [], b""
    for first, number, _ in rows:
        blocks.append((BASE + 4 * first, len(code), 4 * number, number))
        code += TEXT[4 * first : 4 * (first + number)]
    return BlockCounts("arm64", np.array(blocks, BLOCK), code, np.array([row[2] for row in rows], np.int64))


def by_place(found: BlockCounts) -> list[tuple[int, int, int]]:
    return [
        ((address - BASE) // 4, instructions, count)
        for (address, _, _, instructions), count in zip(
            found.blocks.tolist(), found.counts.tolist(), strict=True
        )
    ]


def test_a_block_entered_in_its_middle_is_cut_there() -> None:
    assert by_place(without_overlaps(counts_of([(2, 2, 5), (0, 4, 10)]))) == [(0, 2, 10), (2, 2, 15)]


def test_neighbours_stay_apart_where_blocks_end_even_with_one_count() -> None:
    assert by_place(without_overlaps(counts_of([(0, 3, 7), (3, 2, 7)]))) == [(0, 3, 7), (3, 2, 7)]


def test_what_two_processes_cut_otherwise_comes_out_alike() -> None:
    whole = counts_of([(0, 6, 9), (0, 4, -2), (4, 2, -2)])
    parts = counts_of([(0, 4, 7), (4, 2, 7)])
    assert by_place(without_overlaps(whole)) == by_place(without_overlaps(parts))


def test_what_is_below_zero_or_zero_is_left_out() -> None:
    assert by_place(without_overlaps(counts_of([(0, 2, -1), (8, 2, 0), (20, 1, 3)]))) == [(20, 1, 3)]


def test_compressed_instructions_keep_their_sizes() -> None:
    # addi a0, a0, 1; c.addi a0, 1; c.jr ra
    code = b"\x13\x05\x15\x00\x05\x05\x82\x80"
    blocks = np.array([(BASE, 0, 8, 3), (BASE + 4, 4, 4, 2)], BLOCK)
    found = without_overlaps(BlockCounts("riscv64", blocks, code, np.array([3, 4], np.int64)))
    assert found.blocks[["address", "size", "instructions"]].tolist() == [(BASE, 4, 1), (BASE + 4, 4, 2)]
    assert found.counts.tolist() == [3, 7]
    assert found.code == code


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(1, 20), st.integers(1, 10**12)), min_size=1, max_size=12
    )
)
def test_every_instruction_keeps_its_executions_and_its_bytes(rows: list[tuple[int, int, int]]) -> None:
    found = without_overlaps(counts_of(rows))
    expected = np.zeros(64, np.int64)
    for first, number, count in rows:
        expected[first : first + number] += count
    executed = np.zeros(64, np.int64)
    for block, (first, number, count) in zip(found.blocks, by_place(found), strict=True):
        assert not executed[first : first + number].any(), "blocks overlap"
        executed[first : first + number] = count
        start = int(block["code"])
        assert found.code[start : start + int(block["size"])] == TEXT[4 * first : 4 * (first + number)]
    assert executed.tolist() == expected.tolist()
    assert len(Code("arm64", found.blocks, found.code).instructions()[0]) == np.count_nonzero(expected)


def counted(measures: dict[Measure, list[int]] | None = None) -> Counted:
    """A benchmark of two windows, of 10 and of 110 operations."""
    blocks = np.array([(BASE, 0, 8, 2)], BLOCK)
    table = None
    if measures is not None:
        table = np.zeros((2, len(Measure), 1), np.uint64)
        for measure, values in measures.items():
            table[:, measure, 0] = values
    counts = np.array([[30], [330]], np.uint64)
    execution = Execution("arm64", blocks, TEXT[:8], (10, 110), counts, table)
    reported = {"B/op": 48.0, "allocs/op": 2.0}
    low, high = Window(10, execution, 0), Window(110, execution, 1, reported=reported)
    return Counted("BenchmarkX", Slope(6.0, 0.0003), low, high, (low, high), ("GC: 1 cycles an operation",))


def test_an_operation_has_the_counts_between_two_windows_and_what_go_reported() -> None:
    found = operation_of(counted())
    assert (found.operations, found.counts.tolist(), found.instructions) == (100, [300], 6.0)
    assert (found.bytes_per_op, found.allocs_per_op, found.spread) == (48.0, 2.0, 0.0003)
    assert found.causes == ("GC: 1 cycles an operation",)
    assert (found.measures, found.memory_model) == (None, "")


def test_measures_are_those_of_the_heavy_counting_per_operation() -> None:
    heavy = counted({Measure.L1D_LOAD_MISS: [50, 250], Measure.MEMORY: [7, 6]})
    found = operation_of(counted(), heavy, MemoryModel(prefetch=4))
    assert found.measures is not None
    assert found.measures[Measure.L1D_LOAD_MISS] == pytest.approx(2.0)
    assert found.measures[Measure.MEMORY] == 0.0
    assert found.memory_model == "prefetch=4 cores=1"


def test_what_other_blocks_measured_is_no_part_of_an_operation() -> None:
    blocks = np.array([(BASE, 0, 8, 2), (BASE + 0x100, 8, 4, 1)], BLOCK)
    measures = np.zeros((2, len(Measure), 2), np.uint64)
    measures[:, Measure.MISPREDICTED] = [[1, 900], [101, 7000]]
    # The second block, of another thread, is in the windows of the heavy counting alone.
    execution = Execution(
        "arm64", blocks, TEXT[:12], (10, 110), np.array([[30, 5], [330, 5]], np.uint64), measures
    )
    low, high = Window(10, execution, 0), Window(110, execution, 1)
    heavy = Counted("BenchmarkX", Slope(6.0, 0.0), low, high, (low, high))
    found = operation_of(counted(), heavy, MemoryModel())
    assert found.measures is not None
    assert found.measures[Measure.MISPREDICTED] == pytest.approx(1.0)


def test_measures_of_what_was_counted_without_a_model_are_refused() -> None:
    with pytest.raises(ValueError, match="was not counted with a model"):
        operation_of(counted(), counted(), MemoryModel())
