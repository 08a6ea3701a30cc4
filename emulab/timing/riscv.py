"""RISC-V instructions: their groups and registers.

Encodings: "The RISC-V Instruction Set Manual, Volume I" (20240411), chapters 27 (C, Zcb), 28 (B), 30
(V), 31, 34.
"""

from __future__ import annotations

from emulab.profiling.riscv_opcodes import riscv_kind
from emulab.profiling.work import Work
from emulab.timing.instruction import FP, Instruction, group_name
from emulab.timing.riscv_vectors import VECTOR_WIDTHS, vector_instruction, vector_memory

_LOAD, _LOAD_FP, _STORE, _STORE_FP = 0x03, 0x07, 0x23, 0x27
_IMMEDIATE, _IMMEDIATE_WORD, _REGISTER, _REGISTER_WORD = 0x13, 0x1B, 0x33, 0x3B


def riscv_instruction(word: int, size: int) -> Instruction:
    """Return what an instruction of ``size`` bytes does and with which registers."""
    return _compressed(word) if size == 2 else _full(word)


def _integer(*registers: int) -> tuple[int, ...]:
    """Return integer registers without the one that is always 0."""
    return tuple(register for register in registers if register)


def _signed(value: int, bits: int) -> int:
    return (value & (1 << bits) - 1) - (value >> bits - 1 & 1) * (1 << bits)


def _full(word: int) -> Instruction:
    opcode = word & 0x7F
    rd, rs1, rs2 = word >> 7 & 31, word >> 15 & 31, word >> 20 & 31
    funct3 = word >> 12 & 7
    kind = riscv_kind(word, 4)
    group = group_name(kind.work.name, kind.form)
    if opcode in (_LOAD_FP, _STORE_FP) and funct3 in VECTOR_WIDTHS:
        return vector_memory(word, group, is_load=opcode == _LOAD_FP)
    if opcode == _LOAD:
        return Instruction(
            group, 4, address=_integer(rs1), writes=_integer(rd), offset=_signed(word >> 20, 12)
        )
    if opcode == _LOAD_FP:
        return Instruction(group, 4, address=_integer(rs1), writes=(FP + rd,), offset=_signed(word >> 20, 12))
    if opcode in (_STORE, _STORE_FP):
        stored = _integer(rs2) if opcode == _STORE else (FP + rs2,)
        place = _signed(word >> 25 << 5 | word >> 7 & 31, 12)
        return Instruction(group, 4, address=_integer(rs1), late=stored, offset=place)
    if opcode == 0x2F:
        return Instruction(group, 4, address=_integer(rs1), late=_integer(rs2), writes=_integer(rd))
    if opcode == 0x63:
        return Instruction(group, 4, data=_integer(rs1, rs2))
    if opcode == 0x67:
        return Instruction(group, 4, address=_integer(rs1), writes=_integer(rd))
    if opcode in (0x37, 0x17, 0x6F):
        return Instruction(group, 4, writes=_integer(rd))
    if opcode in (_IMMEDIATE, _IMMEDIATE_WORD):
        form = _immediate_form(word) if kind.work is Work.INTEGER else kind.form
        added = _signed(word >> 20, 12) if opcode == _IMMEDIATE and funct3 == 0 else None
        return Instruction(
            group_name(kind.work.name, form), 4, data=_integer(rs1), writes=_integer(rd), offset=added
        )
    if opcode in (_REGISTER, _REGISTER_WORD):
        forms = _register_forms(word, kind.work, kind.form)
        return Instruction(
            group_name(kind.work.name, *forms), 4, data=_integer(rs1, rs2), writes=_integer(rd)
        )
    if opcode in (0x43, 0x47, 0x4B, 0x4F):
        read = (FP + rs1, FP + rs2)
        return Instruction(
            group_name("fp.fused", _precision(word)),
            4,
            data=read,
            late=(FP + (word >> 27),),
            writes=(FP + rd,),
        )
    if opcode == 0x53:
        return _fp(word, kind.form)
    if opcode in (0x57, 0x77):
        return vector_instruction(word, group)
    if opcode == 0x73:
        return Instruction(group, 4, data=_integer(rs1), writes=_integer(rd))
    return Instruction(group, 4)


def _immediate_form(word: int) -> str:
    """Return the form of OP-IMM and OP-IMM-32: what the bit-manipulation extensions added."""
    funct3, upper = word >> 12 & 7, word >> 26
    if funct3 == 1 and upper == 0x18:
        return "popcount" if word >> 20 & 31 == 2 else ("count" if word >> 20 & 31 < 2 else "extend")
    if funct3 == 5 and upper == 0x18:
        return "rotate"
    if funct3 == 5 and word >> 20 in (0x6B8, 0x698):
        return "reverse"
    if funct3 == 5 and word >> 20 == 0x287:
        return "combine"
    if funct3 == 1 and upper in (0x0A, 0x12, 0x1A):
        return "bit"
    if word & 0x7F == _IMMEDIATE_WORD and funct3 == 1 and upper == 0x02:
        return "shift-add"  # SLLI.UW
    return "extract" if funct3 == 5 and upper == 0x12 else ""


def _register_forms(word: int, work: Work, form: str) -> tuple[str, ...]:
    is_word = word & 0x7F == _REGISTER_WORD
    if work in (Work.MULTIPLY, Work.DIVIDE):
        return form, "word" if is_word else ""
    if work is not Work.INTEGER:
        return (form,)
    funct3, funct7 = word >> 12 & 7, word >> 25
    if funct7 == 0x10 or (is_word and funct7 == 4 and funct3 == 0):
        return ("shift-add",)
    if funct7 == 0x30:
        return ("rotate",)
    if funct7 == 5:
        return ("least",)
    if funct7 in (0x14, 0x24, 0x34):
        return ("extract" if (funct7, funct3) == (0x24, 5) else "bit",)
    if funct7 == 7:
        return ("zero-if",)
    if funct7 == 4:
        return ("extend",)
    if funct7 == 0x20 and funct3 in (4, 6, 7):
        return ("negated",)
    return ("",)


def _precision(word: int) -> str:
    return "double" if word >> 25 & 3 == 1 else ""


def _fp(word: int, form: str) -> Instruction:
    rd, rs1, rs2, operation = word >> 7 & 31, word >> 15 & 31, word >> 20 & 31, word >> 27
    precision = _precision(word)
    writes: tuple[int, ...] = (FP + rd,)
    data: tuple[int, ...] = (FP + rs1, FP + rs2)
    if operation == 0x14:  # FEQ, FLT, FLE
        writes = _integer(rd)
    elif operation in (0x18, 0x1C):  # to integers: FCVT, FMV, FCLASS
        writes, data = _integer(rd), (FP + rs1,)
        form = form if operation == 0x18 else "move"
        return Instruction(group_name("fp", form, "to-integer"), 4, data=data, writes=writes)
    elif operation in (0x1A, 0x1E):  # from integers
        return Instruction(group_name("fp", form, "from-integer"), 4, data=_integer(rs1), writes=writes)
    elif operation in (0x0B, 0x08):
        data = (FP + rs1,)
    if operation in (4, 5):
        form = "move" if operation == 4 else "compare"
    return Instruction(group_name("fp", form, precision), 4, data=data, writes=writes)


def _compressed(word: int) -> Instruction:
    kind = riscv_kind(word, 2)
    group = group_name(kind.work.name, kind.form)
    quadrant, funct3 = word & 3, word >> 13
    rd, rs2 = word >> 7 & 31, word >> 2 & 31
    low, other = 8 + (word >> 7 & 7), 8 + (word >> 2 & 7)
    if kind.work in (Work.LOAD, Work.STORE):
        is_fp = kind.form == "fp"
        moved = rs2 if quadrant == 2 and kind.work is Work.STORE else (rd if quadrant == 2 else other)
        place = 2 if quadrant == 2 else low
        registers = (FP + moved,) if is_fp else _integer(moved)
        offset = _short_offset(word, kind.width, is_stack=quadrant == 2, is_store=kind.work is Work.STORE)
        if kind.work is Work.LOAD:
            return Instruction(group, 2, address=(place,), writes=registers, offset=offset)
        return Instruction(group, 2, address=(place,), late=registers, offset=offset)
    if kind.work is Work.BRANCH:
        return Instruction(group, 2, data=(low,))
    if quadrant == 2 and funct3 == 4:
        if rs2:
            read = (rd, rs2) if word >> 12 & 1 else (rs2,)  # C.ADD, C.MV
            return Instruction(group, 2, data=_integer(*read), writes=_integer(rd))
        return Instruction(group, 2, address=_integer(rd), writes=(1,) if kind.work is Work.CALL else ())
    if kind.work is Work.JUMP:
        return Instruction(group, 2)
    if quadrant == 0:  # C.ADDI4SPN
        return Instruction(group, 2, data=(2,), writes=(other,))
    if quadrant == 1 and funct3 in (2, 3):  # C.LI, C.LUI, C.ADDI16SP
        return Instruction(group, 2, data=(2,) if (funct3, rd) == (3, 2) else (), writes=_integer(rd))
    if quadrant == 1 and funct3 == 4:
        return _arithmetic(word, group, low, other)
    return Instruction(group, 2, data=_integer(rd), writes=_integer(rd))  # C.ADDI, C.ADDIW, C.SLLI


def _short_offset(word: int, width: int, *, is_stack: bool, is_store: bool) -> int | None:
    """Return the offset of a compressed load or store, of 4 or 8 bytes."""
    if width not in (4, 8):
        return None
    if is_stack and is_store:
        field = word >> 7 & 0x3F
        return (field & 0x38 | (field & 7) << 6) if width == 8 else (field & 0x3C | (field & 3) << 6)
    if is_stack:
        high, low = word >> 12 & 1, word >> 2 & 31
        return high << 5 | (low & 0x18 | (low & 7) << 6 if width == 8 else low & 0x1C | (low & 3) << 6)
    middle, low = word >> 10 & 7, word >> 5 & 3
    return middle << 3 | (low << 6 if width == 8 else (low & 1) << 6 | (low >> 1) << 2)


def _arithmetic(word: int, group: str, low: int, other: int) -> Instruction:
    if word >> 10 & 3 != 3:
        return Instruction(group, 2, data=(low,), writes=(low,))
    if word >> 12 & 1 and word >> 5 & 3 == 3:  # Zcb: zero and sign extensions, NOT
        return Instruction(group, 2, data=(low,), writes=(low,))
    return Instruction(group, 2, data=(low, other), writes=(low,))
