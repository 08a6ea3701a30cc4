"""A profile's instructions: blocks that overlap, taken apart to single instructions with one count each."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from emulab.profiling.control_flow import flow_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emulab.profiling.profile import Profile


@dataclass(frozen=True)
class Instructions:
    """Every instruction that was translated, once, sorted by address.

    :param address: where it stands.
    :param size: bytes.
    :param word: its encoding as a little-endian number; of x86-64's only the first 8 bytes.
    :param first: of which block's instructions ``member`` begins where; one more than there are blocks.
    :param member: block by block, its instructions.
    """

    isa: str
    address: NDArray[np.uint64]
    size: NDArray[np.uint8]
    word: NDArray[np.uint64]
    first: NDArray[np.int64]
    member: NDArray[np.int64]
    is_thumb: NDArray[np.bool_] = field(repr=False)

    def __len__(self) -> int:
        return len(self.address)

    def executions(self, by_block: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return how often each instruction was executed, from how often each block was."""
        total = np.zeros(len(self), np.uint64)
        np.add.at(total, self.member, np.repeat(by_block, np.diff(self.first)))
        return total

    @cached_property
    def flow(self) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
        """What each instruction leads to, and the target's address: see :func:`.control_flow.flow_of`."""
        kind, target = flow_of(self.isa, self.word, self.address)
        if self.is_thumb.any():
            other, where = flow_of("thumb", self.word, self.address)
            kind, target = np.where(self.is_thumb, other, kind), np.where(self.is_thumb, where, target)
        return kind.astype(np.uint8), target


def instructions_of(profile: Profile) -> Instructions:
    """Return a profile's instructions."""
    blocks = profile.blocks
    count = blocks["instructions"].astype(np.int64)
    first = np.concatenate([[0], np.cumsum(count)])
    code = np.frombuffer(profile.all_code + bytes(16), np.uint8)
    offset, thumb = _offsets(profile, code, count, first)
    of_block = np.repeat(np.arange(len(blocks)), count)
    start = blocks["code"].astype(np.int64)[of_block] + offset
    address = blocks["address"][of_block] + offset.astype(np.uint64)
    ends = np.append(offset[1:], 0)
    last = first[1:] - 1
    ends[last[count > 0]] = blocks["size"][count > 0]
    size = ends - offset
    word = np.zeros(len(start), np.uint64)
    for byte in range(8):
        here = code[np.minimum(start + byte, len(code) - 1)].astype(np.uint64) << np.uint64(8 * byte)
        word |= np.where(byte < size, here, 0).astype(np.uint64)
    # The same address may have held other code before (a program that was replaced, or in another process).
    key = np.empty(len(word), [("address", "<u8"), ("word", "<u8"), ("size", "u1"), ("thumb", "?")])
    key["address"], key["word"], key["size"], key["thumb"] = address, word, size, thumb[of_block]
    unique, member = np.unique(key, return_inverse=True)
    return Instructions(
        profile.isa,
        unique["address"].copy(),
        unique["size"].copy(),
        unique["word"].copy(),
        first,
        member.reshape(-1).astype(np.int64),
        unique["thumb"].copy(),
    )


def _offsets(
    profile: Profile, code: NDArray[np.uint8], count: NDArray[np.int64], first: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the offset of each instruction in its block, and which blocks are Thumb code."""
    total = int(first[-1])
    thumb = np.zeros(len(count), np.bool_)
    if profile.isa == "amd64":
        return _offsets_by_disassembly(profile, count, total), thumb
    within = np.arange(total) - np.repeat(first[:-1], count)
    if profile.isa == "arm64":
        return within * 4, thumb
    start = profile.blocks["code"].astype(np.int64)
    if profile.isa == "armv7":
        thumb = _thumb_blocks(profile, code, count, within, first)
        if not thumb.any():
            return within * 4, thumb
    offset = within * 4
    walk = np.flatnonzero(thumb if profile.isa == "armv7" else count > 0)
    place = np.zeros(len(walk), np.int64)
    step = 0
    while len(walk):
        offset[first[walk] + step] = place
        low = code[start[walk] + place].astype(np.int64)
        high = code[start[walk] + place + 1].astype(np.int64)
        # RISC-V: two set bits at the bottom make 4 bytes. Thumb: 0b11101, 0b11110 or 0b11111 at the top do.
        wide = (low & 3) == 3 if profile.isa == "riscv64" else high >= 0xE8
        place = place + np.where(wide, 4, 2)
        step += 1
        on = count[walk] > step
        walk, place = walk[on], place[on]
    return offset, thumb


def _thumb_blocks(
    profile: Profile,
    code: NDArray[np.uint8],
    count: NDArray[np.int64],
    within: NDArray[np.int64],
    first: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Tell which blocks are Thumb code: those whose instructions are not all of 4 bytes.

    Where all of them are, and begin as only wide Thumb instructions do, it may still be either; such a block
    is what the block before it is.
    """
    mixed = profile.blocks["size"] != 4 * count
    place = np.repeat(profile.blocks["code"].astype(np.int64), count) + np.where(
        np.repeat(mixed, count), 0, within * 4
    )
    narrow = np.add.reduceat(np.append(code[place + 1] < 0xE8, False).astype(np.int64), first[:-1])
    order = np.argsort(profile.blocks["address"], kind="stable")
    is_sure = (mixed | (narrow > 0))[order]
    nearest = np.maximum.accumulate(np.where(is_sure, np.arange(len(order)), 0))
    thumb = np.empty(len(order), np.bool_)
    thumb[order] = mixed[order][nearest]
    return thumb


def _offsets_by_disassembly(profile: Profile, count: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    from emulab.profiling.disassembly import disassembler

    offset = np.zeros(total, np.int64)
    place = 0
    for block, expected in enumerate(count.tolist()):
        begins = [each[0] for each in disassembler("amd64").disasm_lite(profile.code(block), 0)]
        # What capstone does not know it takes apart byte by byte; the number of instructions is QEMU's.
        offset[place : place + expected] = (begins + [begins[-1]] * expected)[:expected]
        place += expected
    return offset
