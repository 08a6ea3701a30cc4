"""RISC-V's vector instructions: their groups and registers, and how many registers each works on.

Encodings: "The RISC-V Instruction Set Manual, Volume I" (20240411), chapter 30.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from emulab.timing.instruction import FLAGS, FP, VECTOR, Instruction, group_name

if TYPE_CHECKING:
    from collections.abc import Sequence

VECTOR_WIDTHS: Final = {0: 0, 5: 1, 6: 2, 7: 3}
"""By the field ``width`` of a load or store, the logarithm of its elements' bytes."""
_SET_LENGTH, _MASKS, _REDUCTIONS, _TO_INTEGER, _SET_MASK = 7, range(0x18, 0x20), range(8), 0x10, 0x14
_COMPARISONS = (0x11, 0x13, *range(0x18, 0x20))
_FP_COMPARISONS = (0x18, 0x19, 0x1B, 0x1C, 0x1D, 0x1F)
_SLIDES, _GATHER = (0x0E, 0x0F), 0x0C
_INTEGER_VECTOR, _FP_VECTOR, _PRODUCTS, _FP_SCALAR = (0, 3, 4), 1, (2, 6), 5
_WHOLE, _FAULT_FIRST, _MASK_BYTES = 0x08, 0x10, 0x0B


def vector_memory(word: int, group: str, *, is_load: bool) -> Instruction:
    """Return what a vector load or store does."""
    rd, rs1, other = word >> 7 & 31, word >> 15 & 31, word >> 20 & 31
    mode = word >> 26 & 3
    registers = (word >> 29) + 1
    address = _integer(rs1, other) if mode == 2 else _integer(rs1)
    index = (VECTOR + other,) if mode in (1, 3) else ()
    form = (
        "strided"
        if mode
        else {_WHOLE: "whole", _FAULT_FIRST: "fault-first", _MASK_BYTES: "mask"}.get(other, "")
    )
    name = group_name(group, form)
    if is_load:
        return Instruction(name, 4, (*index, FLAGS), address, (), (VECTOR + rd,), elements=registers)
    return Instruction(name, 4, (*index, FLAGS), address, (VECTOR + rd,), elements=registers)


def vector_instruction(word: int, group: str) -> Instruction:
    """Return what a vector instruction does that is no load and no store."""
    rd, rs1, rs2, funct3 = word >> 7 & 31, word >> 15 & 31, word >> 20 & 31, word >> 12 & 7
    if word & 0x7F == 0x57 and funct3 == _SET_LENGTH:
        data = () if word >> 30 == 3 else _integer(rs1)
        return Instruction("integer.vector-length", 4, data=data, writes=(*_integer(rd), FLAGS))
    second: tuple[int, ...] = (VECTOR + rs2,)
    if funct3 in (0, 1, 2):
        second += (VECTOR + rs1,)
    elif funct3 in (4, 6):
        second += _integer(rs1)
    elif funct3 == _FP_SCALAR:
        second += (FP + rs1,)
    form = _form(word >> 26, funct3)
    if form == "to-integer":  # VMV.X.S, VCPOP.M, VFIRST.M
        name = group_name(group, form, "mask" if rs1 else "")
        return Instruction(name, 4, (VECTOR + rs2,), writes=_integer(rd))
    name = group_name(group, form)
    return Instruction(name, 4, (*second, FLAGS), late=(VECTOR + rd,), writes=(VECTOR + rd,))


def _form(operation: int, funct3: int) -> str:
    if funct3 in _PRODUCTS:
        if operation == _TO_INTEGER:
            return "to-integer" if funct3 == 2 else "from-integer"
        if funct3 == 2 and operation in _MASKS:
            return "mask"
        if funct3 == 2 and operation == _SET_MASK:
            return "mask.set"
        if funct3 == 2 and operation in _REDUCTIONS:
            return "reduce"
        if operation in _SLIDES:
            return "slide"
        return "multiply" if operation in range(0x24, 0x40) else ""
    if funct3 in _INTEGER_VECTOR:
        if operation in _COMPARISONS:
            return "compare"
        if operation in _SLIDES:
            return "slide" if funct3 else "gather"  # VRGATHEREI16.VV shares VSLIDEUP's place.
        return "gather" if operation == _GATHER else ""
    return "compare" if operation in _FP_COMPARISONS else ""


def _integer(*registers: int) -> tuple[int, ...]:
    """Return integer registers without the one that is always 0."""
    return tuple(register for register in registers if register)


def of_several_registers(words: Sequence[int], decoded: Sequence[Instruction]) -> list[Instruction]:
    """Return instructions with the registers that each vector instruction works on in its group's name.

    How many these are (LMUL) is set by another instruction, in Go's and compilers' code by the last one
    before it; ``simd.compare`` becomes ``simd.compare.m8``.

    :param words: the encodings, in the order of their addresses; ``decoded`` likewise.
    """
    found = list(decoded)
    setting: int | None = None
    for place, (word, instruction) in enumerate(zip(words, decoded, strict=True)):
        if instruction.group == "integer.vector-length":
            # VSETVL takes it from a register.
            setting = None if word >> 30 == 2 else word >> 20 & 0xFF
        elif setting is not None and "simd" in instruction.group.split(".", 2)[:2]:
            several = _registers(word, setting, instruction)
            found[place] = instruction._replace(group=f"{instruction.group}.{several}")
    return found


def _registers(word: int, setting: int, instruction: Instruction) -> str:
    logarithm = (setting & 7) - (8 if setting & 4 else 0)
    if not instruction.group.startswith("simd"):
        logarithm += VECTOR_WIDTHS[word >> 12 & 7] - (setting >> 3 & 7)
    return f"m{1 << logarithm}" if logarithm >= 0 else f"mf{1 << -logarithm}"
