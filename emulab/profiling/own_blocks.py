"""Whose code a whole machine's blocks are: a program's, or the kernel's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emulab.profiling.start_phases import code_segments

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from emulab.profiling.profile import Profile

_ARM_KERNEL = 0xBF000000
_FIRMWARE = (0x80000000, 0x80200000)


def own_blocks(profile: Profile, program: Path) -> NDArray[np.bool_]:
    """Tell of each block whether it is of the program: the program's file has its bytes at its address."""
    own = np.zeros(len(profile.blocks), np.bool_)
    for start, code in code_segments(program):
        address = profile.blocks["address"]
        ends = address + profile.blocks["size"].astype(np.uint64)
        for block in np.flatnonzero((address >= start) & (ends <= start + len(code))):
            offset = int(address[block]) - start
            own[block] = (
                profile.code(int(block)) == code[offset : offset + int(profile.blocks["size"][block])]
            )
    return own


def kernel_blocks(profile: Profile) -> NDArray[np.bool_]:
    """Tell of each block whether it is the kernel's, by its address, as the plugin does (``spaces.c``).

    RISC-V's firmware counts as the kernel: it has physical addresses.
    """
    address = profile.blocks["address"].astype(np.uint64)
    if profile.isa == "armv7":
        return np.asarray(address >= _ARM_KERNEL)
    upper = (address >> np.uint64(63)).astype(np.bool_)
    if profile.isa == "riscv64":
        upper |= (address >= _FIRMWARE[0]) & (address < _FIRMWARE[1])
    return np.asarray(upper)
