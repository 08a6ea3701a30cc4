"""What is kept of a profile, and what is read off it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulab.bench.attribution import difference
from emulab.bench.execution import Execution
from emulab.errors import InfrastructureError
from emulab.profiling.file_format import BLOCK
from emulab.profiling.work import Work

if TYPE_CHECKING:
    from pathlib import Path

# arm64: ldr x0, [x1]; str x0, [x1]; b.ne .; bl .
CODE = bytes.fromhex("200040f9 200000f9 01000054 00000094")


def _execution(rows: list[tuple[int, int, int, int]], counts: list[list[int]]) -> Execution:
    windows = tuple(range(len(counts)))
    return Execution("arm64", np.array(rows, BLOCK), CODE, windows, np.array(counts, np.uint64))


def test_it_is_read_back_as_it_was_saved(tmp_path: Path) -> None:
    saved = _execution([(0x1000, 0, 12, 3), (0x100C, 12, 4, 1)], [[1, 0], [10, 20]])
    saved.save(tmp_path / "windows")
    loaded = Execution.load(tmp_path / "windows")
    assert (loaded.isa, loaded.code, loaded.arguments) == (saved.isa, saved.code, saved.arguments)
    assert loaded.blocks.tolist() == saved.blocks.tolist()
    assert loaded.counts.tolist() == saved.counts.tolist()
    assert [loaded.instructions(window) for window in (0, 1)] == [3, 50]


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "windows").write_bytes(b"PK\x03\x04 but no more")
    with pytest.raises(InfrastructureError, match="damaged"):
        Execution.load(tmp_path / "windows")


def test_classes_are_counted_window_by_window() -> None:
    execution = _execution([(0x1000, 0, 12, 3), (0x100C, 12, 4, 1)], [[1, 0], [10, 20]])
    first, second = execution.classes
    assert [first[work] for work in (Work.LOAD, Work.STORE, Work.BRANCH, Work.CALL)] == [1, 1, 1, 0]
    assert [second[work] for work in (Work.LOAD, Work.STORE, Work.BRANCH, Work.CALL)] == [10, 10, 10, 20]


def test_blocks_of_two_processes_are_matched_by_address_and_size() -> None:
    low = _execution([(0x100C, 12, 4, 1), (0x1000, 0, 12, 3)], [[5, 7]])
    high = _execution([(0x1000, 0, 12, 3), (0x1000, 0, 4, 1)], [[27, 2]])
    counts = difference(high, 0, low, 0)
    found = {
        (int(block["address"]), int(block["size"])): int(count)
        for block, count in zip(counts.blocks, counts.counts, strict=True)
    }
    assert found == {(0x1000, 12): 20, (0x1000, 4): 2, (0x100C, 4): -5}
    assert int(counts.instructions.sum()) == 3 * 20 + 2 - 5
    for block in counts.blocks:
        start = int(block["code"])
        place = int(block["address"]) - 0x1000
        assert counts.code[start : start + int(block["size"])] == CODE[place : place + int(block["size"])]
