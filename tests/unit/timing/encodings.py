"""Instructions as numbers, and loops of them on a core."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emulab.profiling.file_format import BLOCK
from emulab.profiling.operation import Operation
from emulab.timing.core import load_core
from emulab.timing.decoding import decode_instruction
from emulab.timing.in_order import in_order_times
from emulab.timing.out_of_order import out_of_order_times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulab.timing.core import Core

BASE = 0x10000
NOP = 0x00000013
RET = 0x00008067


def add(rd: int, rs1: int, rs2: int) -> int:
    return 0x33 | rd << 7 | rs1 << 15 | rs2 << 20


def addi(rd: int, rs1: int, value: int = 1) -> int:
    return 0x13 | rd << 7 | rs1 << 15 | (value & 0xFFF) << 20


def mul(rd: int, rs1: int, rs2: int) -> int:
    return 0x02000033 | rd << 7 | rs1 << 15 | rs2 << 20


def mulhu(rd: int, rs1: int, rs2: int) -> int:
    return 0x02003033 | rd << 7 | rs1 << 15 | rs2 << 20


def divu(rd: int, rs1: int, rs2: int) -> int:
    return 0x02005033 | rd << 7 | rs1 << 15 | rs2 << 20


def ld(rd: int, rs1: int, offset: int = 0) -> int:
    return 0x3003 | rd << 7 | rs1 << 15 | (offset & 0xFFF) << 20


def sd(rs2: int, rs1: int, offset: int = 0) -> int:
    return 0x3023 | rs1 << 15 | rs2 << 20 | (offset & 31) << 7 | (offset >> 5 & 0x7F) << 25


def bne(rs1: int, rs2: int, offset: int) -> int:
    bits = offset & 0x1FFF
    return (
        0x1063
        | rs1 << 15
        | rs2 << 20
        | (bits >> 12 & 1) << 31
        | (bits >> 5 & 0x3F) << 25
        | (bits >> 1 & 0xF) << 8
        | (bits >> 11 & 1) << 7
    )


def jal(rd: int, offset: int) -> int:
    bits = offset & 0x1FFFFF
    return (
        0x6F
        | rd << 7
        | (bits >> 20 & 1) << 31
        | (bits >> 1 & 0x3FF) << 21
        | (bits >> 11 & 1) << 20
        | (bits >> 12 & 0xFF) << 12
    )


def add64(rd: int, rn: int, rm: int) -> int:
    """A64's ``add xD, xN, xM``."""
    return 0x8B000000 | rd | rn << 5 | rm << 16


def ldr64(rt: int, rn: int) -> int:
    return 0xF9400000 | rt | rn << 5


def ldp64(rt: int, rt2: int, rn: int) -> int:
    return 0xA9400000 | rt | rn << 5 | rt2 << 10


def mul64(rd: int, rn: int, rm: int) -> int:
    return 0x9B007C00 | rd | rn << 5 | rm << 16


def rate(core: Core | str, isa: str, words: Sequence[int], *, loops: bool = False) -> float:
    """Return the cycles of one round of ``words`` in steady state.

    :param loops: a taken branch leads back to the first word; else the words follow one another in the code.
    """
    core = load_core(core) if isinstance(core, str) else core
    size, rounds, warm = 4, 160, 80
    steps = [core.step(decode_instruction(isa, word, size)) for word in words] * rounds
    places = range(len(steps))
    addresses = [BASE + size * (place % len(words) if loops else place) for place in places]
    taken = [loops and place % len(words) == len(words) - 1 for place in places]
    run = in_order_times if core.facts.kind == "in-order" else out_of_order_times
    times = run(core.facts, steps, addresses, taken)
    return (times[-1] - times[len(words) * warm - 1]) / (rounds - warm)


def operation(
    isa: str, pieces: Sequence[tuple[int, Sequence[int], int]], operations: int = 1, **known: object
) -> Operation:
    """Return an operation of blocks: (address, words of 4 bytes, executions)."""
    blocks = np.zeros(len(pieces), BLOCK)
    code = b""
    for row, (address, words, _) in enumerate(pieces):
        blocks[row] = (address, len(code), 4 * len(words), len(words))
        code += b"".join(word.to_bytes(4, "little") for word in words)
    counts = np.array([piece[2] for piece in pieces], np.int64)
    fields: dict[str, object] = {
        "measures": None, "memory_model": "", "syscalls": {}, "bytes_per_op": None, "allocs_per_op": None,
        "spread": 0.0, "causes": (), **known,
    }  # fmt: skip
    return Operation(isa, blocks, code, counts, operations, **fields)  # type: ignore[arg-type]
