"""Files of counted operations: what goes in comes out, always as the same bytes; what is none is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulab.errors import UsageError
from emulab.profiling.file_format import BLOCK
from emulab.profiling.operation import Operation
from emulab.profiling.operation_file import MAGIC, OperationFile, dumps, loads, read, write
from emulab.profiling.profile import Measure

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

ADD, LOAD, RETURN = b"\x13\x05\x15\x00", b"\x03\x35\x05\x00", b"\x82\x80"


def operation(
    rows: list[tuple[int, bytes, int, int]],
    operations: int = 10,
    measures: NDArray[np.float64] | None = None,
) -> Operation:
    """An operation of blocks (address, bytes, instructions, count), whose code lies in their order."""
    code, blocks = b"", []
    for address, data, instructions, _ in rows:
        blocks.append((address, len(code), len(data), instructions))
        code += data
    return Operation(
        isa="riscv64",
        blocks=np.array(blocks, BLOCK),
        code=code,
        counts=np.array([row[3] for row in rows], np.int64),
        operations=operations,
        measures=measures,
        memory_model="" if measures is None else "l1d=32768:4:64 prefetch=4",
        syscalls={64: 0.5},
        bytes_per_op=48.0,
        allocs_per_op=None,
        spread=0.0012,
        causes=("GC: 0.1 cycles an operation",),
    )


FIRST = operation([(0x10_0000, ADD + RETURN, 2, 70), (0x2000, LOAD, 1, 30)])
SECOND = operation([(0x2000, LOAD, 1, 5)], 7, np.arange(len(Measure)) / 3)
ORIGIN = {"package": "math/big", "go": "1.24.11"}
CONTENT = OperationFile(ORIGIN, {"b.BenchmarkB": SECOND, "b.BenchmarkA": FIRST})


def by_block(found: Operation) -> dict[tuple[int, bytes, int], int]:
    return {
        (address, found.code[place : place + size], instructions): count
        for (address, place, size, instructions), count in zip(
            found.blocks.tolist(), found.counts.tolist(), strict=True
        )
    }


def test_operations_come_back_as_they_were_written(tmp_path: Path) -> None:
    write(tmp_path / "u74" / "math-big.ops", CONTENT)
    got = read(tmp_path / "u74" / "math-big.ops")
    assert got.origin == CONTENT.origin
    assert list(got.operations) == ["b.BenchmarkA", "b.BenchmarkB"]
    for name, found in got.operations.items():
        meant = CONTENT.operations[name]
        assert by_block(found) == by_block(meant)
        assert found.instructions == meant.instructions
        for field in ("isa", "operations", "memory_model", "syscalls", "bytes_per_op", "allocs_per_op"):
            assert getattr(found, field) == getattr(meant, field), field
        assert (found.spread, found.causes) == (meant.spread, meant.causes)
    assert got.operations["b.BenchmarkA"].measures is None
    assert got.operations["b.BenchmarkB"].measures == pytest.approx(np.arange(15) / 3, abs=0, rel=0)


def test_code_is_shared_by_the_operations_of_a_file() -> None:
    got = loads(dumps(CONTENT), "it").operations
    assert got["b.BenchmarkA"].code is got["b.BenchmarkB"].code
    assert got["b.BenchmarkA"].code.count(LOAD) == 1


def test_the_bytes_do_not_depend_on_the_order_of_blocks_code_or_operations() -> None:
    turned = operation([(0x2000, LOAD, 1, 30), (0x10_0000, ADD + RETURN, 2, 70)])
    origin = dict(reversed(ORIGIN.items()))
    other = OperationFile(origin, {"b.BenchmarkA": turned, "b.BenchmarkB": SECOND})
    assert dumps(other) == dumps(CONTENT)


def test_an_operation_that_never_settled_keeps_its_infinite_spread() -> None:
    content = OperationFile({}, {"x": replace(FIRST, spread=float("inf"))})
    assert loads(dumps(content), "it").operations["x"].spread == float("inf")


def test_blocks_below_a_millionth_of_the_instructions_are_not_kept() -> None:
    rare = operation([(0x1000, ADD, 1, 10_000_000), (0x2000, LOAD, 1, 9), (0x3000, ADD, 1, 11)])
    got = loads(dumps(OperationFile({}, {"x": rare})), "it").operations["x"]
    assert got.blocks["address"].tolist() == [0x1000, 0x3000]


def test_operations_of_two_instruction_sets_are_not_put_in_one_file() -> None:
    with pytest.raises(ValueError, match="one instruction set"):
        dumps(OperationFile({}, {"x": FIRST, "y": replace(FIRST, isa="arm64")}))


@given(st.integers(1, len(dumps(CONTENT)) - 1))
def test_a_file_that_is_cut_short_is_refused(size: int) -> None:
    with pytest.raises(UsageError, match=r"^it is cut short"):
        loads(dumps(CONTENT)[:size], "it")


@given(st.integers(len(MAGIC), len(dumps(CONTENT)) - 1), st.integers(1, 255))
def test_a_changed_byte_is_noticed(place: int, change: int) -> None:
    data = bytearray(dumps(CONTENT))
    data[place] ^= change
    with pytest.raises(UsageError, match=r"^it (is (cut short|damaged)|holds counted operations of format)"):
        loads(bytes(data), "it")


@pytest.mark.parametrize("data", [b"", b"\x7fELF" + bytes(100), b"EMUPROF\0" + bytes(100)])
def test_a_foreign_file_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError, match="it is no file of counted operations"):
        loads(data, "it")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing\.ops can not be read: No such file"):
        read(tmp_path / "nothing.ops")


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2**63), st.binary(min_size=2, max_size=9), st.integers(1, 9), st.integers(1, 2**40)
        ),
        min_size=1,
        unique_by=lambda row: row[:3],
    )
)
def test_any_blocks_survive(rows: list[tuple[int, bytes, int, int]]) -> None:
    meant = operation(rows)
    got = loads(dumps(OperationFile({}, {"x": meant})), "it").operations["x"]
    total = sum(row[2] * row[3] for row in rows)
    kept = {key: count for key, count in by_block(meant).items() if key[2] * count > 1e-6 * total}
    assert by_block(got) == kept
