"""What kind of work each instruction is: on Arm and x86-64 by capstone, on RISC-V by the manual's opcodes.

capstone 5 knows neither Zba, Zbb and the scalar cryptography of RISC-V nor its vectors, and RISC-V's opcodes
are so regular that all of them take less than a table of the missing ones; a test holds both to agree.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from emulab.errors import UsageError
from emulab.profiling.arm_text import arm64_kind, armv7_kind
from emulab.profiling.disassembly import decode
from emulab.profiling.instructions import instructions_of
from emulab.profiling.riscv_opcodes import riscv_kind
from emulab.profiling.work import Kind, Work
from emulab.profiling.x86_text import amd64_kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from emulab.profiling.instructions import Instructions
    from emulab.profiling.profile import Profile, Window


@functools.lru_cache(maxsize=1 << 18)
def kind_of(isa: str, word: int, size: int, is_thumb: bool = False) -> Kind:
    """Return what kind of work one instruction is.

    :param word: its encoding as a little-endian number of ``size`` bytes; of amd64 as many as fit 8 bytes.
    :raises UsageError: there are no classes for this instruction set.
    """
    if isa == "riscv64":
        return riscv_kind(word, size)
    if isa == "arm64":
        text = decode(isa, word.to_bytes(size, "little"))
        return arm64_kind(*text) if text is not None else Kind(Work.SYSTEM)
    if isa == "armv7":
        text = decode("thumb" if is_thumb else isa, word.to_bytes(size, "little"))
        return armv7_kind(*text) if text is not None else Kind(Work.SYSTEM)
    if isa == "amd64":
        # What lies beyond 8 bytes are constants; zeros do as well to tell what is done.
        text = decode(isa, word.to_bytes(8, "little") + bytes(8))
        return amd64_kind(*text) if text is not None else Kind(Work.SYSTEM)
    raise UsageError(f"instructions of {isa} are not classified", hint="arm64, armv7, riscv64 and amd64 are")


def kinds_of(instructions: Instructions) -> tuple[Sequence[Kind], NDArray[np.int64]]:
    """Return the different kinds among a profile's instructions, and which of them each instruction is."""
    key = np.empty(len(instructions), [("word", "<u8"), ("size", "u1"), ("thumb", "?")])
    key["word"], key["size"], key["thumb"] = instructions.word, instructions.size, instructions.is_thumb
    unique, inverse = np.unique(key, return_inverse=True)
    numbers: dict[Kind, int] = {}
    of_word = [
        numbers.setdefault(kind_of(instructions.isa, word, size, thumb), len(numbers))
        for word, size, thumb in unique.tolist()
    ]
    return tuple(numbers), np.array(of_word, np.int64)[inverse.reshape(-1)]


def classify(profile: Profile, window: Window | None = None) -> dict[Work, int]:
    """Return how many instructions of each class were executed, in a window or in the whole run.

    :raises UsageError: there are no classes for the profile's instruction set.
    """
    return {work: sum(by.values()) for work, by in classify_finely(profile, window).items()}


def classify_finely(profile: Profile, window: Window | None = None) -> dict[Work, dict[Kind, int]]:
    """Return how many instructions of each kind were executed, by their classes.

    :raises UsageError: there are no classes for the profile's instruction set.
    """
    instructions = instructions_of(profile)
    executions = instructions.executions((window or profile.whole).by_block())
    kinds, number = kinds_of(instructions)
    total = np.zeros(len(kinds), np.uint64)
    np.add.at(total, number, executions)
    found: dict[Work, dict[Kind, int]] = {work: {} for work in Work}
    for kind, count in zip(kinds, total.tolist(), strict=True):
        if count:
            found[kind.work][kind] = count
    return found
