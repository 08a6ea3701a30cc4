"""Arm instructions, A64 and A32: their groups and registers, by capstone.

What capstone 5 leaves out is added here: that A32's instructions with ``s`` write the flags and those with a
condition read them and their result, and what long multiplications add to.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from emulab.profiling.arm_text import arm64_kind, armv7_kind
from emulab.profiling.disassembly import decode, disassembler
from emulab.profiling.work import Kind, Work
from emulab.timing.capstone_registers import our_registers, registers
from emulab.timing.instruction import FLAGS, FP, Instruction, group_name

_CONSTANT, _MEMORY = 2, 3  # capstone's CS_OP_IMM and CS_OP_MEM
_LINK_64, _LINK_32, _STACK_32 = 30, 14, 13
_ACCUMULATES_64 = ("madd", "msub", "smaddl", "umaddl", "smsubl", "umsubl")
_ACCUMULATES_32 = ("mla", "mls", "umlal", "smlal", "umaal")
_LITTLE_SHIFT = re.compile(r", lsl #[1-4]$")
_STACK_MOVES = ("push", "pop", "vpush", "vpop")
_CARRY = re.compile(r"adc|sbc|ngc|rsc")
_ADDING = re.compile(r"v?(?:fml|ml|fm|fnm|[us]mlal|[us]mlsl|[us]aba|usra|ssra|sdot|udot)")
_MULTIPLIES = re.compile(r"v?(?:mul|mla|mls|[us]mull|[us]mlal|[us]mlsl|mull|mlal|pmull?|sdot|udot)\d?$")
_TABLE = re.compile(r"v?tb[lx]")
_ACROSS = re.compile(r"(?:[us]?add|[us]?m(?:ax|in)|f(?:max|min)(?:nm)?)l?v$")
_DOUBLE = re.compile(r"\bd\d+|f64")
_QUAD = re.compile(r"\bq\d+|\.(?:16b|8h|4s|2d)")
_COMPARES = {"cmp", "cmn", "tst", "ccmp", "ccmn", "teq"}
_MOVES = {"mov", "mvn", "movz", "movn", "movk", "movw", "movt", "adr", "adrp"}
_SHIFTS = {"lsl", "lsr", "asr", "ror", "rrx", "ubfx", "sbfx", "ubfiz", "sbfiz", "bfi", "bfxil", "bfc", "extr",
           "ubfm", "sbfm", "bfm", "sxtw", "sxth", "sxtb", "uxtw", "uxth", "uxtb"}  # fmt: skip
_COUNTS = {"clz", "cls", "rbit", "rev", "rev16", "rev32", "revsh"}
_CHOICES = {"csel", "csinc", "csinv", "csneg", "cset", "csetm", "cinc", "cinv", "cneg"}
_FORMS = {"compare": _COMPARES, "move": _MOVES, "shift": _SHIFTS, "count": _COUNTS, "choose": _CHOICES}


@functools.cache
def _detailed(isa: str) -> Any:
    made = type(disassembler(isa))(disassembler(isa).arch, disassembler(isa)._mode)
    made.detail = True
    return made


def arm_instruction(isa: str, word: int, size: int, *, is_thumb: bool = False) -> Instruction:
    """Return what an instruction does and with which registers.

    :param isa: ``arm64`` or ``armv7``.
    """
    name = "thumb" if is_thumb else isa
    code = word.to_bytes(size, "little")
    text = decode(name, code)
    found = next(_detailed(name).disasm(code, 0), None) if text is not None else None
    if text is None or found is None:
        return Instruction("system", size)
    kind = arm64_kind(*text) if isa == "arm64" else armv7_kind(*text)
    read, written = found.regs_access()
    reads = registers(isa, found, read)
    writes = registers(isa, found, written)
    if isa == "arm64":
        return _arm64(text, kind, found, reads, writes)
    return _armv7(text, kind, found, reads, writes, size)


def _address(isa: str, found: Any) -> tuple[int, ...]:
    """Return the registers of an instruction's address."""
    numbers: list[int] = []
    for operand in found.operands:
        if operand.type == _MEMORY:
            for register in (operand.mem.base, operand.mem.index):
                if register:
                    numbers += our_registers(isa, str(found.reg_name(register)))
    return tuple(numbers)


def _arm64(
    text: tuple[str, str], kind: Kind, found: Any, reads: tuple[int, ...], writes: tuple[int, ...]
) -> Instruction:
    mnemonic, operands = text
    if kind.work in (Work.LOAD, Work.STORE, Work.ATOMIC):
        address, moves = _address("arm64", found), bool(found.writeback)
        made = _memory(kind, 4, address, reads, writes, moves=moves, wide=operands.startswith("q"))
        is_plain = kind.work is not Work.ATOMIC and not moves
        return made._replace(offset=_offset(found)) if is_plain else made
    if mnemonic in ("cbz", "cbnz", "tbz", "tbnz"):
        return Instruction("branch", 4, data=_without(reads, FLAGS))
    if kind.work is Work.RETURN:
        return Instruction("return", 4, address=reads or (_LINK_64,))
    if kind.form == "indirect":
        return Instruction(group_name(kind.work.name, kind.form), 4, address=reads, writes=writes)
    late: tuple[int, ...] = ()
    if mnemonic in _ACCUMULATES_64:
        late = reads[2:] if len(reads) == 3 else ()
    elif kind.work in (Work.FP, Work.SIMD) and _ADDING.match(mnemonic):
        late = tuple(each for each in reads if each in writes)
        if kind.work is Work.FP and len(reads) == 3:
            late = reads[2:]
    elif kind.work is Work.CRYPTO:
        late = ()
    data = tuple(each for each in reads if each not in late)
    group = group_name(kind.work.name, *_forms(mnemonic, operands, kind, data))
    return Instruction(group, 4, data, (), late, writes, offset=_added(mnemonic, found, data))


def _offset(found: Any) -> int | None:
    """Return what is added to the one register of an address, None where that is not known."""
    for operand in found.operands:
        if operand.type == _MEMORY:
            return None if operand.mem.index or not operand.mem.base else int(operand.mem.disp)
    return None


def _added(mnemonic: str, found: Any, data: tuple[int, ...]) -> int | None:
    """Return what an addition or a move adds to its one register."""
    if mnemonic == "mov" and len(data) == 1 and data[0] < FP:
        return 0
    last = found.operands[-1] if mnemonic in ("add", "sub") and len(data) == 1 else None
    if last is None or last.type != _CONSTANT or last.shift.type:
        return None
    return int(last.imm) if mnemonic == "add" else -int(last.imm)


def _forms(mnemonic: str, operands: str, kind: Kind, data: tuple[int, ...]) -> tuple[str, ...]:
    """Return what an instruction's time depends on, beside its work."""
    name = mnemonic.split(".")[0]
    if kind.work is Work.INTEGER:
        if kind.form == "shifted":
            return "shifted", "little" if _LITTLE_SHIFT.search(operands) else ""
        if kind.form:
            return (kind.form,)
        if name == "extr":
            return ("shift", "two-registers")
        for form, names in _FORMS.items():
            if name in names:
                return (form,)
        return ("carry",) if _CARRY.match(name) else ("",)
    if kind.work in (Work.MULTIPLY, Work.DIVIDE):
        is_word = not kind.form and operands.startswith(("w", "r"))
        return kind.form, "word" if is_word else ""
    if kind.work is Work.SIMD:
        width = "wide" if _QUAD.search(operands) else ""
        if kind.form:
            return kind.form, width
        special = (("multiply", _MULTIPLIES), ("table", _TABLE), ("across", _ACROSS))
        return next((form for form, pattern in special if pattern.match(name)), ""), width
    if kind.work is Work.FP:
        if kind.form == "move" and any(each < FP for each in data):
            return "move", "from-integer"
        if kind.form == "move" and re.match(r"[wxr]\d", operands):
            return "move", "to-integer"
        return kind.form, "double" if _DOUBLE.search(f"{mnemonic} {operands}") else ""
    if kind.work is Work.CRYPTO:
        # AESMC after AESE, as it always stands, is one with it on cores that fuse the two.
        mixes = "mix" if name in ("aesmc", "aesimc") else ""
        return ("aes" if name.startswith(("aes", "pmull")) else "sha", mixes)
    return (kind.form,)


def _memory(
    kind: Kind,
    size: int,
    address: tuple[int, ...],
    reads: tuple[int, ...],
    writes: tuple[int, ...],
    *,
    moves: bool,
    wide: bool = False,
) -> Instruction:
    base = tuple(each for each in writes if moves and each in address)
    group = group_name(kind.work.name, kind.form, "wide" if wide else "")
    if kind.work is Work.STORE:
        late = tuple(each for each in reads if each not in address and each != FLAGS)
        return Instruction(group, size, (), address, late, (), base, max(len(late), 1))
    moved = tuple(each for each in writes if each not in base and each != FLAGS)
    late = () if kind.work is Work.LOAD else tuple(each for each in reads if each not in address)
    return Instruction(group, size, (), address, late, moved, base, max(len(moved), 1))


def _armv7(
    text: tuple[str, str], kind: Kind, found: Any, reads: tuple[int, ...], writes: tuple[int, ...], size: int
) -> Instruction:
    mnemonic, operands = text
    reads = _without(reads, FLAGS)
    is_conditional = found.cc not in (0, 15)  # capstone's ARM_CC_INVALID and ARM_CC_AL
    flags_read = (FLAGS,) if is_conditional or _CARRY.match(mnemonic) else ()
    if kind.work is Work.BRANCH:
        return Instruction("branch", size, data=reads or (FLAGS,))
    if kind.work in (Work.LOAD, Work.STORE, Work.ATOMIC) or (kind.work is Work.RETURN and kind.width):
        address = _address("armv7", found)
        if not any(operand.type == _MEMORY for operand in found.operands):
            address = (_first_base(mnemonic, found),)
        moves = bool(found.writeback) or mnemonic in _STACK_MOVES
        made = _memory(kind, size, address, reads, writes, moves=moves)
        # A result under a condition may stay what it was.
        kept = (*flags_read, *made.writes) if is_conditional else ()
        return made._replace(late=(*made.late, *kept))
    if kind.work is Work.RETURN or kind.form == "indirect":
        address = _address("armv7", found) or reads or (_LINK_32,)
        moved = tuple(each for each in writes if each in address)
        return Instruction(
            group_name(kind.work.name, kind.form), size, flags_read, address, base=moved,
            writes=_without(writes, *moved),
        )  # fmt: skip
    late: tuple[int, ...] = ()
    if mnemonic.startswith(_ACCUMULATES_32):
        late = writes if "l" in mnemonic[2:] or mnemonic == "umaal" else reads[2:]
    elif kind.work in (Work.FP, Work.SIMD) and _ADDING.match(mnemonic):
        late = writes
    data = (*(each for each in reads if each not in late), *flags_read)
    if is_conditional:
        late = (*late, *writes)
    writes_flags = found.update_flags or mnemonic in _COMPARES
    results = (*_without(writes, FLAGS), *((FLAGS,) if writes_flags or FLAGS in writes else ()))
    forms = _forms(mnemonic, operands, kind, data)
    if kind.work is Work.INTEGER and operands.startswith("pc"):
        results = _without(results, 15)
    return Instruction(group_name(kind.work.name, *forms), size, data, (), late, results)


def _first_base(mnemonic: str, found: Any) -> int:
    """Return the base register of instructions that move many: the stack's, or the first one named."""
    if mnemonic in _STACK_MOVES:
        return _STACK_32
    names = our_registers("armv7", str(found.reg_name(found.operands[0].reg)))
    return names[0] if names else _STACK_32


def _without(registers: tuple[int, ...], *gone: int) -> tuple[int, ...]:
    return tuple(each for each in registers if each not in gone)
