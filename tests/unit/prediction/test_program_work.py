"""From a whole machine's profile to what a start, a request and a boot execute."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulab.machines.marks import Account
from emulab.prediction.program_work import boot_work, request_work, start_work
from emulab.profiling.file_format import BLOCK, COUNT
from emulab.profiling.memory_model import MemoryModel
from emulab.profiling.profile import Measure, Profile, Space, Window, WindowKind
from emulab.profiling.stretches import stretches
from emulab.workloads.counted import BEFORE, FEW, MANY, START, CountedLoad, CountedRun

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# nop; nop in the program, `dc zva, x0`; nop in the kernel, nop; nop in another program.
NOP, DC_ZVA = bytes.fromhex("1f2003d5"), bytes.fromhex("20740bd5")
CODE = NOP + NOP + DC_ZVA + NOP + NOP + NOP
PROGRAM, KERNEL, OTHER = 0, 1, 2
ADDRESSES = (0x10000, 0xFFFF_8000_0000_0000, 0x50000)
MODEL = MemoryModel(prefetch=1)


def blocks() -> np.ndarray[tuple[int], np.dtype[np.void]]:
    found = np.zeros(3, BLOCK)
    for place, address in enumerate(ADDRESSES):
        found[place] = (address, 8 * place, 8, 2)
    return found


def window(marker: int, counts: Sequence[int], spaces: Sequence[Space], misses: Sequence[int]) -> Window:
    """Return a window in which each block was executed so often and missed the first level so often."""
    rows = np.array([(block, 0, count) for block, count in enumerate(counts)], COUNT)
    slots = len(CODE) and 16
    measures = np.array(
        [(block * slots + Measure.L1D_LOAD_MISS, 0, count) for block, count in enumerate(misses)], COUNT
    )
    return Window(
        WindowKind.MARKER,
        "",
        marker,
        marker,
        rows,
        {},
        {64: counts[PROGRAM]},
        tuple(spaces),
        measures,
        blocks(),
    )


def space(*, is_process: bool, kernel: int, program: int) -> Space:
    return Space(1 + is_process, is_process, kernel, program, 0)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """An ELF file with the program's block at its address, and nothing else."""
    header = b"\x7fELF\2\1\1" + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", 2, 183, 1, ADDRESSES[0], 64, 0, 0, 64, 56, 1, 64, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 120, ADDRESSES[0], ADDRESSES[0], 8, 8, 4)
    path = tmp_path / "program"
    path.write_bytes(header + segment + CODE[:8])
    return path


@pytest.fixture
def run() -> CountedRun:
    def stretch(marker: int, own: int, kernel: int) -> Window:
        # The program has a quarter of the kernel's work, and ten instructions that are not in its file.
        spaces = (
            space(is_process=True, kernel=kernel // 2, program=2 * own + 10),
            space(is_process=False, kernel=2 * kernel - kernel // 2, program=14),
        )
        return window(marker, (own, kernel, 7), spaces, (own // 10, kernel // 10, 99))

    windows = tuple(
        stretch(marker, own, kernel)
        for marker, own, kernel in (
            (BEFORE, 0, 5000),
            (START, 100, 400),
            (FEW, 1000, 800),
            (MANY, 3000, 2000),
        )
    )
    profile = Profile("arm64", True, "", "", blocks(), windows, windows[0], CODE)
    _, start, few, many = stretches(profile)[:4]
    return CountedRun(
        profile,
        start,
        Account(40, 2, 3, 1),
        CountedLoad(10, few, Account(10, 0, 0, 0)),
        CountedLoad(30, many, Account(50, 0, 40, 0)),
    )


def test_a_start_has_the_programs_own_code_and_a_sample_of_the_kernels(
    run: CountedRun, program: Path
) -> None:
    work = start_work(run, program, MODEL)
    assert work.user.instructions == 200
    assert work.user_instructions == 210
    assert work.kernel.instructions == 800
    assert work.kernel_instructions == 200
    assert (work.faults, work.switches, work.calls) == (42, 4, 100)
    assert work.user.measures is not None
    assert work.user.measures[Measure.L1D_LOAD_MISS] == 10
    assert work.kernel.measures is not None
    assert work.kernel.measures[Measure.L1D_LOAD_MISS] == 40


def test_lines_that_an_instruction_clears_are_the_programs_by_its_share(
    run: CountedRun, program: Path
) -> None:
    # The kernel's block has one such instruction of two, and a quarter of its work is the program's.
    assert start_work(run, program, MODEL).cleared_lines == 100


def test_a_request_is_what_the_larger_load_has_more(run: CountedRun, program: Path) -> None:
    work = request_work(run, program, MODEL)
    assert work is not None
    assert work.user.instructions == 2 * (3000 - 1000) / 20
    assert work.user_instructions == work.user.instructions
    assert work.kernel_instructions == (2000 - 800) / 2 / 20
    assert (work.faults, work.switches) == (2, 2)
    assert work.user.measures is not None
    assert work.user.measures[Measure.L1D_LOAD_MISS] == 10
    assert request_work(replace(run, many=None), program, MODEL) is None


def test_a_boot_is_everything_before_the_first_marker(run: CountedRun) -> None:
    work = boot_work(run, MODEL)
    assert work is not None
    assert work.kernel_instructions == 10_000
    assert work.user_instructions == 24
    assert work.cleared_lines == 5000


def test_without_a_model_of_caches_nothing_is_measured(run: CountedRun, program: Path) -> None:
    work = start_work(run, program, None)
    assert work.user.measures is None
    assert work.kernel.measures is None
