"""Whole machines that are counted: a program of known counts among everything else that runs there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulab.architectures import architecture
from emulab.boards import generic_board
from emulab.errors import UsageError
from emulab.machines.protocol import Command
from emulab.machines.target import Target
from emulab.profiling.gate import function_marks
from emulab.profiling.profile import Profile, WindowKind
from emulab.profiling.system_counting import CountedGuest
from emulab.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from emulab.machines.opening import Opener
    from emulab.profiling import Window

MEBIBYTE = 1 << 20
# As in test_counting.py.
START, MIDDLE, REST = 3002, 2002, 26
MARKER = {"arm64": 3, "armv7": 3, "riscv64": 4}
GETPID_AND_EXIT = {"arm64": {172: 1, 94: 1}, "armv7": {20: 1, 248: 1}, "riscv64": {172: 1, 94: 1}}


def target(arch: str, mode: str = "system") -> Target:
    emulation = generic_board(arch).emulation
    assert emulation is not None
    return Target(architecture(arch), "musl", mode, emulation.system, 64 * MEBIBYTE, 1)


def of_the_program(window: Window) -> int:
    return sum(space.program for space in window.spaces if space.is_process)


@pytest.fixture(scope="module", params=["arm64", "armv7", "riscv64"])
def counted(
    request: pytest.FixtureRequest, opener: Opener, assemble: Callable[[str, str], Path]
) -> tuple[str, Profile]:
    """A machine's profile in which the loops ran, between two marks from outside."""
    arch = request.param
    program = assemble("loops", arch)
    opener.prepare([target(arch)])
    gate = function_marks(program, ["_start", "middle", "finish"])
    with CountedGuest(opener, target(arch), Silent(), gate) as guest:
        guest.machine.push(program, "/work/loops")
        guest.mark("before")
        assert guest.machine.run(Command(("/work/loops",))).succeeded
        guest.mark("after")
        assert guest.machine.run(Command(("/bin/true",))).succeeded
        return arch, guest.finish()


def test_a_program_is_counted_to_the_instruction_among_others(counted: tuple[str, Profile]) -> None:
    arch, profile = counted
    assert profile.is_system
    assert of_the_program(profile.whole) == START + MIDDLE + MARKER[arch] + REST
    assert profile.whole.process_syscalls == GETPID_AND_EXIT[arch]
    assert sum(profile.whole.syscalls.values()) > sum(profile.whole.process_syscalls.values())


def test_phases_and_marks_from_outside_and_from_within_are_windows(counted: tuple[str, Profile]) -> None:
    arch, profile = counted
    names = [window.name for window in profile.windows]
    assert names == ["", "before", "_start", "middle", "finish", "", "after"]
    phases = [of_the_program(window) for window in profile.windows[2:6]]
    assert phases == [START, MIDDLE, MARKER[arch], REST]
    marked = profile.windows[4]
    assert (marked.kind, marked.argument) == (WindowKind.MARKER, 7)


def test_every_instruction_is_somebodys(counted: tuple[str, Profile]) -> None:
    _, profile = counted
    # A mark from outside meets a running machine, whose counters go on while they are read.
    for window, tolerance in [(profile.whole, 0.0), *((each, 0.02) for each in profile.windows)]:
        total = sum(space.kernel + space.program for space in window.spaces)
        assert total == pytest.approx(window.instructions, rel=tolerance)
    (own,) = (space for space in profile.whole.spaces if space.is_process)
    # The kernel started it, and ended it.
    assert own.kernel > 10_000
    assert own.switches >= 1


def test_the_kernels_blocks_are_in_its_half_of_the_addresses(counted: tuple[str, Profile]) -> None:
    arch, profile = counted
    address = profile.blocks["address"]
    of_kernel = address >= np.uint64(0xBF000000 if arch == "armv7" else 1 << 63)
    if arch == "riscv64":  # the firmware has physical addresses
        of_kernel |= (address >= 0x80000000) & (address < 0x80200000)
    executed = profile.whole.by_block() * profile.blocks["instructions"]
    kernel = sum(space.kernel for space in profile.whole.spaces)
    assert executed[of_kernel].sum() == kernel


def test_user_mode_is_refused(opener: Opener) -> None:
    with pytest.raises(UsageError, match="system mode"):
        CountedGuest(opener, target("arm64", "user"), Silent())
