"""The instructions of a profile, decoded once for each encoding there is."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from emulab.errors import UsageError
from emulab.timing.riscv import riscv_instruction
from emulab.timing.riscv_vectors import of_several_registers

if TYPE_CHECKING:
    from emulab.profiling.instructions import Instructions
    from emulab.timing.instruction import Instruction


@functools.lru_cache(maxsize=1 << 18)
def decode_instruction(isa: str, word: int, size: int, is_thumb: bool = False) -> Instruction:
    """Return what one instruction does and with which registers.

    :param isa: ``arm64``, ``armv7``, ``riscv64`` or ``amd64``.
    :param word: its encoding as a little-endian number of ``size`` bytes; of amd64 as many as fit 8 bytes.
    :raises UsageError: no such instruction set is known.
    """
    if isa == "riscv64":
        return riscv_instruction(word, size)
    if isa in ("arm64", "armv7"):
        from emulab.timing.arm import arm_instruction

        return arm_instruction(isa, word, size, is_thumb=is_thumb)
    if isa == "amd64":
        from emulab.timing.amd64 import amd64_instruction

        # What lies beyond 8 bytes are constants; zeros do as well, for what is read and written.
        return amd64_instruction(word.to_bytes(8, "little") + bytes(8))._replace(size=size)
    raise UsageError(f"instructions of {isa} are not timed", hint="arm64, armv7, riscv64 and amd64 are")


def decode_all(instructions: Instructions) -> list[Instruction]:
    """Return what each instruction of a profile does, in their order."""
    columns = instructions.word.tolist(), instructions.size.tolist(), instructions.is_thumb.tolist()
    decoded = [decode_instruction(instructions.isa, *each) for each in zip(*columns, strict=True)]
    return of_several_registers(columns[0], decoded) if instructions.isa == "riscv64" else decoded
