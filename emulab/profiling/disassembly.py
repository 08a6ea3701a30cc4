"""The disassembler library, set up for each instruction set."""

from __future__ import annotations

import functools
from typing import Any


@functools.cache
def disassembler(isa: str) -> Any:
    """Return capstone's disassembler for one of emulab's instruction sets."""
    import capstone as cs

    modes = {
        "arm64": (cs.CS_ARCH_ARM64, cs.CS_MODE_ARM),
        "armv7": (cs.CS_ARCH_ARM, cs.CS_MODE_ARM | cs.CS_MODE_V8),
        "thumb": (cs.CS_ARCH_ARM, cs.CS_MODE_THUMB | cs.CS_MODE_V8),
        "riscv64": (cs.CS_ARCH_RISCV, cs.CS_MODE_RISCV64 | cs.CS_MODE_RISCVC),
        "amd64": (cs.CS_ARCH_X86, cs.CS_MODE_64),
    }
    made = cs.Cs(*modes[isa])
    # What it does not know is skipped as data, so that the rest is still found.
    made.skipdata = True
    return made


def is_return(isa: str, mnemonic: str, operands: str) -> bool:
    """Tell whether an instruction returns from a function, as Go's compiler writes returns."""
    if isa == "armv7":
        popped = mnemonic in ("pop", "ldm") and "pc" in operands
        loaded = mnemonic == "ldr" and operands.startswith("pc, [sp")
        added = mnemonic == "add" and operands.startswith("pc, lr")
        return popped or loaded or added or (mnemonic == "bx" and operands == "lr")
    if isa == "riscv64":
        jumped = mnemonic in ("jr", "c.jr") and operands in ("ra", "x1")
        linked = mnemonic == "jalr" and operands.replace(" ", "") in ("zero,ra", "zero,0(ra)", "zero,ra,0")
        return mnemonic == "ret" or jumped or linked
    return mnemonic == "ret"


# Arm's conditions, as capstone writes them behind the mnemonic.
_CONDITIONS = ("eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le")


def decode(isa: str, code: bytes) -> tuple[str, str] | None:
    """Return an instruction's mnemonic and operands, None where the library does not know it.

    Of A32 and T32 instructions the condition is left out; of ``b`` it becomes ``b?``, which is a branch. A
    place that ``code`` refers to counts from address 0.
    """
    for instruction in disassembler(isa).disasm(code, 0):
        if not instruction.id:  # skipped data
            return None
        mnemonic = str(instruction.mnemonic)
        if isa in ("armv7", "thumb"):
            mnemonic = _without_condition(mnemonic, str(instruction.insn_name()))
        return mnemonic, str(instruction.op_str)
    return None


def _without_condition(mnemonic: str, name: str) -> str:
    stem, dot, rest = mnemonic.partition(".")
    if stem != name and stem.startswith(name) and stem[len(name) :] in _CONDITIONS:
        return "b?" if name == "b" else f"{name}{dot}{rest}"
    return mnemonic
