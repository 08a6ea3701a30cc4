"""Where instructions lead, decoded for all of a program at once: kinds of transfers and their targets.

The encodings are those of the manuals: "Arm Architecture Reference Manual for A-profile" (C4 for A64, F4 for
A32, F3 for T32), "The RISC-V Instruction Set Manual, Volume I", and "Intel 64 and IA-32 Architectures
Software Developer's Manual", volume 2, appendix A.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Words = NDArray[np.uint64]


class Flow(IntEnum):
    """What comes after an instruction."""

    NEXT = 0
    """The next one."""
    BRANCH = 1
    """The next one or the target."""
    JUMP = 2
    """The target."""
    CALL = 3
    """The target, and later the next one."""
    RETURN = 4
    INDIRECT_JUMP = 5
    INDIRECT_CALL = 6
    TRAP = 7
    """The kernel, and later the next one."""


def flow_of(isa: str, words: Words, addresses: Words) -> tuple[NDArray[np.uint8], Words]:
    """Return what each instruction leads to (:class:`Flow`), and the target's address where there is one.

    :param isa: ``arm64``, ``armv7``, ``thumb``, ``riscv64`` or ``amd64``.
    :param words: the encodings, as they lie in memory; of short instructions the lower 16 bits, of amd64 the
        first 8 bytes.
    """
    kind = np.zeros(len(words), np.uint8)
    offset = np.zeros(len(words), np.int64)

    def note(mask: NDArray[np.bool_], flow: Flow, offsets: NDArray[np.int64] | None = None) -> None:
        kind[mask] = flow
        if offsets is not None:
            offset[mask] = offsets[mask]

    readers = {"arm64": _arm64, "armv7": _armv7, "thumb": _thumb, "riscv64": _riscv64, "amd64": _amd64}
    readers[isa](words, note)
    # Of ARM's program counter the offset counts from 8 bytes further, of Thumb's from 4.
    base = addresses + np.uint64({"armv7": 8, "thumb": 4}.get(isa, 0))
    has_target = (kind >= Flow.BRANCH) & (kind <= Flow.CALL)
    target = np.where(has_target, base + offset.view(np.uint64), 0).astype(np.uint64)
    if isa in ("armv7", "thumb"):
        target &= np.uint64(0xFFFFFFFF)
    return kind, target


def _signed(value: Words, bits: int) -> NDArray[np.int64]:
    """Read the lowest bits of each word as a signed number."""
    shift = np.int64(64 - bits)
    signed: NDArray[np.int64] = (value.view(np.int64) << shift) >> shift
    return signed


def _field(words: Words, low: int, bits: int, to: int = 0) -> Words:
    """Take some bits of each word and put them at the position ``to``."""
    taken: Words = ((words >> np.uint64(low)) & np.uint64((1 << bits) - 1)) << np.uint64(to)
    return taken


def _is(words: Words, mask: int, value: int) -> NDArray[np.bool_]:
    match: NDArray[np.bool_] = (words & np.uint64(mask)) == np.uint64(value)
    return match


def _arm64(words: Words, note) -> None:  # type: ignore[no-untyped-def]
    near = _signed(_field(words, 5, 19, 2), 21)
    note(_is(words, 0xFF000000, 0x54000000), Flow.BRANCH, near)  # B.cond, BC.cond
    note(_is(words, 0x7E000000, 0x34000000), Flow.BRANCH, near)  # CBZ, CBNZ
    note(_is(words, 0x7E000000, 0x36000000), Flow.BRANCH, _signed(_field(words, 5, 14, 2), 16))  # TBZ, TBNZ
    far = _signed(_field(words, 0, 26, 2), 28)
    note(_is(words, 0xFC000000, 0x14000000), Flow.JUMP, far)
    note(_is(words, 0xFC000000, 0x94000000), Flow.CALL, far)
    note(_is(words, 0xFEFFF000, 0xD61F0000), Flow.INDIRECT_JUMP)  # BR, BRAA
    note(_is(words, 0xFEFFF000, 0xD63F0000), Flow.INDIRECT_CALL)  # BLR, BLRAA
    note(_is(words, 0xFFFFF000, 0xD65F0000), Flow.RETURN)  # RET, RETAA
    note(_is(words, 0xFF00001F, 0xD4000001), Flow.TRAP)  # SVC


def _armv7(words: Words, note) -> None:  # type: ignore[no-untyped-def]
    condition = _field(words, 28, 4)
    always = condition == 14
    ordinary = condition < 15
    far = _signed(_field(words, 0, 24, 2), 26)
    branch = _is(words, 0x0F000000, 0x0A000000) & ordinary
    note(branch & ~always, Flow.BRANCH, far)
    note(branch & always, Flow.JUMP, far)
    note(_is(words, 0x0F000000, 0x0B000000) & ordinary, Flow.CALL, far)
    note(_is(words, 0x0FFFFFF0, 0x012FFF30) & ordinary, Flow.INDIRECT_CALL)  # BLX register
    note(_is(words, 0xFE000000, 0xFA000000), Flow.INDIRECT_CALL)  # BLX to Thumb code
    bx = _is(words, 0x0FFFFFF0, 0x012FFF10) & ordinary
    note(bx, Flow.INDIRECT_JUMP)
    note(bx & (_field(words, 0, 4) == 14), Flow.RETURN)
    to_pc = _field(words, 12, 4) == 15
    media = _is(words, 0x0E000010, 0x06000010)
    load = _is(words, 0x0C100000, 0x04100000) & ~media & to_pc & ordinary  # LDR pc
    from_stack = _field(words, 16, 4) == 13
    note(load, Flow.INDIRECT_JUMP)
    note(load & from_stack, Flow.RETURN)
    pop = _is(words, 0x0E108000, 0x08108000) & ordinary  # LDM with pc
    note(pop, Flow.RETURN)
    # Data processing that writes pc: ADD pc, lr, #0 and MOV pc, lr are returns. TST to CMN write nothing.
    compares = _is(words, 0x01800000, 0x01000000)
    data = _is(words, 0x0C000000, 0) & to_pc & ordinary & ~compares & ~_is(words, 0x0E000090, 0x00000090)
    note(data, Flow.INDIRECT_JUMP)
    returns = _is(words, 0x0FFFFFFF, 0x028EF000) | _is(words, 0x0FFFFFFF, 0x01A0F00E)
    note(data & returns, Flow.RETURN)
    note(_is(words, 0x0F000000, 0x0F000000) & ordinary, Flow.TRAP)  # SVC


def _thumb(words: Words, note) -> None:  # type: ignore[no-untyped-def]
    # An instruction in an IT block has its condition there: it is read as if it had none.
    wide = (_field(words, 11, 5) >= 0b11101) & (_field(words, 0, 16) >= 0xE800)
    _thumb_narrow(words, ~wide, note)
    sign, first, second = _field(words, 10, 1), _field(words, 29, 1), _field(words, 27, 1)
    near = _signed(
        (sign << np.uint64(20)) | (second << np.uint64(19)) | (first << np.uint64(18))
        | _field(words, 0, 6, 12) | _field(words, 16, 11, 1), 21,
    )  # fmt: skip
    one = np.uint64(1)
    far = _signed(
        (sign << np.uint64(24)) | ((first ^ sign ^ one) << np.uint64(23))
        | ((second ^ sign ^ one) << np.uint64(22)) | _field(words, 0, 10, 12) | _field(words, 16, 11, 1), 25,
    )  # fmt: skip
    branches = wide & _is(words, 0x8000F800, 0x8000F000)
    conditional = branches & _is(words, 0x50000000, 0) & (_field(words, 6, 4) < 14)
    note(conditional, Flow.BRANCH, near)
    note(branches & _is(words, 0x50000000, 0x10000000), Flow.JUMP, far)
    note(branches & _is(words, 0x50000000, 0x50000000), Flow.CALL, far)
    note(branches & _is(words, 0x50000000, 0x40000000), Flow.INDIRECT_CALL)  # BLX to ARM code
    to_pc = _field(words, 28, 4) == 15
    note(wide & _is(words, 0xFF70, 0xF850) & to_pc, Flow.INDIRECT_JUMP)  # LDR pc
    note(wide & _is(words, 0xFFFFFFFF, 0xFB04F85D), Flow.RETURN)  # LDR pc, [sp], #4
    note(wide & _is(words, 0xFFE0FFF0, 0xF000E8D0), Flow.INDIRECT_JUMP)  # TBB, TBH
    loads = wide & (_is(words, 0xFFD0, 0xE890) | _is(words, 0xFFD0, 0xE910))
    note(loads & _is(words, 0x80000000, 0x80000000), Flow.RETURN)  # LDM with pc


def _thumb_narrow(words: Words, narrow: NDArray[np.bool_], note) -> None:  # type: ignore[no-untyped-def]
    conditional = narrow & _is(words, 0xF000, 0xD000)
    note(conditional & (_field(words, 8, 4) < 14), Flow.BRANCH, _signed(_field(words, 0, 8, 1), 9))
    note(conditional & (_field(words, 8, 4) == 15), Flow.TRAP)  # SVC
    ahead = _signed(_field(words, 9, 1, 6) | _field(words, 3, 5, 1), 63)
    note(narrow & _is(words, 0xF500, 0xB100), Flow.BRANCH, ahead)  # CBZ, CBNZ
    note(narrow & _is(words, 0xF800, 0xE000), Flow.JUMP, _signed(_field(words, 0, 11, 1), 12))
    note(narrow & _is(words, 0xFF87, 0x4780), Flow.INDIRECT_CALL)  # BLX register
    to = narrow & (_is(words, 0xFF87, 0x4700) | _is(words, 0xFF87, 0x4687))  # BX; MOV pc
    note(to, Flow.INDIRECT_JUMP)
    note(to & (_field(words, 3, 4) == 14), Flow.RETURN)
    note(narrow & _is(words, 0xFF00, 0xBD00), Flow.RETURN)  # POP with pc


def _riscv64(words: Words, note) -> None:  # type: ignore[no-untyped-def]
    full = _is(words, 3, 3)
    conditional = _signed(
        _field(words, 31, 1, 12) | _field(words, 7, 1, 11) | _field(words, 25, 6, 5) | _field(words, 8, 4, 1),
        13,
    )
    note(full & _is(words, 0x7F, 0x63), Flow.BRANCH, conditional)
    far = _signed(
        _field(words, 31, 1, 20)
        | _field(words, 12, 8, 12)
        | _field(words, 20, 1, 11)
        | _field(words, 21, 10, 1),
        21,
    )
    rd, rs1 = _field(words, 7, 5), _field(words, 15, 5)
    jal = full & _is(words, 0x7F, 0x6F)
    note(jal, Flow.CALL, far)
    note(jal & (rd == 0), Flow.JUMP, far)
    jalr = full & _is(words, 0x7F, 0x67)
    links = (rs1 == 1) | (rs1 == 5)
    note(jalr, Flow.INDIRECT_CALL)
    note(jalr & (rd == 0), Flow.INDIRECT_JUMP)
    note(jalr & (rd == 0) & links, Flow.RETURN)
    note(full & _is(words, 0xFFFFFFFF, 0x00000073), Flow.TRAP)  # ECALL
    short = ~full
    near = _signed(
        _field(words, 12, 1, 8) | _field(words, 10, 2, 3) | _field(words, 5, 2, 6) | _field(words, 3, 2, 1)
        | _field(words, 2, 1, 5), 9,
    )  # fmt: skip
    note(short & _is(words, 0xC003, 0xC001), Flow.BRANCH, near)  # C.BEQZ, C.BNEZ
    jump = _signed(
        _field(words, 12, 1, 11) | _field(words, 11, 1, 4) | _field(words, 9, 2, 8) | _field(words, 8, 1, 10)
        | _field(words, 7, 1, 6) | _field(words, 6, 1, 7) | _field(words, 3, 3, 1) | _field(words, 2, 1, 5),
        12,
    )  # fmt: skip
    note(short & _is(words, 0xE003, 0xA001), Flow.JUMP, jump)  # C.J
    register = short & _is(words, 0xE07F, 0x8002) & (rd != 0)
    note(register & _is(words, 0x1000, 0x1000), Flow.INDIRECT_CALL)  # C.JALR
    jr = register & _is(words, 0x1000, 0)
    note(jr, Flow.INDIRECT_JUMP)  # C.JR
    note(jr & ((rd == 1) | (rd == 5)), Flow.RETURN)


def _amd64(words: Words, note) -> None:  # type: ignore[no-untyped-def]
    # Offsets count from the instruction's end; that is where its last byte of them is.
    note(_is(words, 0xF0, 0x70), Flow.BRANCH, _signed(_field(words, 8, 8), 8) + 2)  # Jcc rel8
    note(_is(words, 0xFC, 0xE0), Flow.BRANCH, _signed(_field(words, 8, 8), 8) + 2)  # LOOP, JRCXZ
    note(_is(words, 0xF0FF, 0x800F), Flow.BRANCH, _signed(_field(words, 16, 32), 32) + 6)  # Jcc rel32
    note(_is(words, 0xFF, 0xEB), Flow.JUMP, _signed(_field(words, 8, 8), 8) + 2)
    far = _signed(_field(words, 8, 32), 32) + 5
    note(_is(words, 0xFF, 0xE9), Flow.JUMP, far)
    note(_is(words, 0xFF, 0xE8), Flow.CALL, far)
    note(_is(words, 0xFE, 0xC2), Flow.RETURN)
    note(_is(words, 0xFFFF, 0x050F), Flow.TRAP)  # SYSCALL
    with_prefix = _is(words, 0xF0, 0x40)  # REX
    group = np.where(with_prefix, words >> np.uint64(8), words)
    note(_is(group, 0x38FF, 0x10FF), Flow.INDIRECT_CALL)
    note(_is(group, 0x38FF, 0x20FF), Flow.INDIRECT_JUMP)
