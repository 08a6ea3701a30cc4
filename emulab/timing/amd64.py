"""x86-64 instructions: their groups and registers, by capstone.

An instruction that works on memory is one: its group says that it loads (``.load``) or also stores
(``.update``).
"""

from __future__ import annotations

import functools
import re
from typing import Any

from emulab.profiling.disassembly import disassembler
from emulab.timing.capstone_registers import our_registers, registers
from emulab.timing.instruction import FLAGS, FP, Instruction, group_name

_MEMORY, _WRITES, _IMMEDIATE = 3, 2, 2  # capstone's CS_OP_MEM, CS_AC_WRITE and CS_OP_IMM
_STACK, _WORD = 4, 4
_BRANCH = re.compile(r"j(?!mp)")
_CRYPTO = re.compile(r"v?(?:aes|sha\d|pclmul)|crc32")
_FLOAT = re.compile(
    r"v?(?:add|sub|mul|div|sqrt|max|min|cmp|u?comi|cvt|round|fn?m(?:add|sub)\d+)\w*?(?:s[sdi]|p[sd])"
)
_FLOAT_FORMS = (
    ("cvt", "convert"),
    ("comi", "compare"),
    ("div", "divide"),
    ("sqrt", "sqrt"),
    ("madd", "fused"),
    ("msub", "fused"),
    ("mul", "multiply"),
)
_RENAMED = re.compile(r"mov|v?mov(?:[dq]|[au]p[sd]|dq[au])")
_SHIFT = re.compile(r"(?:sh|sa|ro)[lr]x?")
_COUNT = re.compile(r"popcnt|[lt]zcnt|bs[fr]")
_ZEROING = ("xor", "pxor", "vpxor", "xorps", "vxorps", "sub")


@functools.cache
def _detailed() -> Any:
    made = type(disassembler("amd64"))(disassembler("amd64").arch, disassembler("amd64")._mode)
    made.detail = True
    return made


def amd64_instruction(code: bytes) -> Instruction:
    """Return what the instruction at the beginning of ``code`` does and with which registers."""
    found = next(_detailed().disasm(code, 0), None)
    if found is None:
        return Instruction("system", len(code))
    name = str(found.mnemonic).removeprefix("lock ").removeprefix("rep ")
    read, written = found.regs_access()
    reads, writes = registers("amd64", found, read), registers("amd64", found, written)
    memory = [operand for operand in found.operands if operand.type == _MEMORY]
    address: tuple[int, ...] = ()
    for operand in memory:
        for register in (operand.mem.base, operand.mem.index):
            if register:
                address += our_registers("amd64", str(found.reg_name(register)))
    stored = any(operand.access & _WRITES for operand in memory)
    loaded = any(operand.access & ~_WRITES for operand in memory)
    data = tuple(each for each in reads if each not in address)
    offset = _offset(memory)
    is_vector = any(FP <= each < FLAGS for each in (*data, *writes))
    if str(found.mnemonic).startswith("lock") or (name.startswith("xchg") and memory):
        return Instruction("atomic", found.size, (), address, data, writes)
    if name in _ZEROING and len({operand.reg for operand in found.operands}) == 1 and not memory:
        return Instruction("integer.zero", found.size, writes=writes)
    if not memory and _RENAMED.fullmatch(name) and found.operands[0].size >= 4:
        is_transfer = len({FP <= each < FLAGS for each in (*reads, *writes)}) > 1
        group = ("simd.transfer" if is_transfer else "simd.move") if is_vector else "integer.move"
        same = 0 if group == "integer.move" and reads else None
        return Instruction(group if reads else "integer", found.size, data=reads, writes=writes, offset=same)
    if name == "lea":
        form = "sum" if len(reads) > 1 and offset is None and memory[0].mem.disp else ""
        return Instruction(
            group_name("integer.address", form), found.size, data=reads, writes=writes, offset=offset
        )
    if name.startswith(("mov", "vmov", "lddqu", "vlddqu")) and memory and not name.startswith("movs "):
        form = "simd" if is_vector else ""
        made = (
            Instruction(group_name("store", form), found.size, (), address, data, offset=offset)
            if stored
            else Instruction(group_name("load", form), found.size, data, address, (), writes, offset=offset)
        )
        return made._replace(is_narrow=is_vector or memory[0].size < _WORD)
    group = _group(name, is_vector, found)
    if group in ("branch", "jump", "call", "return") or group.endswith("indirect"):
        moves = {"call": -8, "return": 8}.get(group.partition(".")[0])
        base = (_STACK,) if moves is not None else ()
        early = data if group == "branch" else ()
        return Instruction(group, found.size, early, address, base=base, moves=moves)
    stack = (_STACK,)
    if name == "push":
        stored_too = tuple(each for each in data if each != _STACK)
        return Instruction("store", found.size, (), stack, stored_too, base=stack, offset=-8, moves=-8)
    if name == "pop":
        loads = tuple(each for each in writes if each != _STACK)
        return Instruction("load", found.size, (), stack, (), loads, base=stack, offset=0, moves=8)
    form = "update" if stored else "load" if loaded and memory else ""
    if name in ("add", "sub") and not memory and found.operands[1].type == _IMMEDIATE:
        offset = int(found.operands[1].imm) * (1 if name == "add" else -1)
    # What comes from memory is loaded first, whenever the other operands come.
    early, late = ((), data) if form else (data, ())
    return Instruction(group_name(group, form), found.size, early, address, late, writes, offset=offset)


def _offset(memory: list[Any]) -> int | None:
    """Return the constant part of the address of one operand in memory, None where there is more to it."""
    if len(memory) != 1 or memory[0].mem.index or memory[0].mem.segment:
        return None
    return int(memory[0].mem.disp)


def _group(name: str, is_vector: bool, found: Any) -> str:
    if _BRANCH.match(name):
        return "branch"
    indirect = "" if found.operands and found.operands[0].type == 2 else ".indirect"  # CS_OP_IMM
    if name in ("jmp", "call"):
        return ("jump" if name == "jmp" else "call") + indirect
    if name == "ret":
        return "return"
    if name in ("mul", "imul", "mulx"):
        return "multiply.long" if name != "imul" or len(found.operands) == 1 else "multiply"
    if name in ("div", "idiv"):
        return "divide" if found.operands[0].size == 8 else "divide.word"
    if name in ("adc", "sbb", "adcx", "adox"):
        return "integer.carry"
    if _SHIFT.fullmatch(name):
        return "integer.shift"
    if _COUNT.fullmatch(name):
        return "integer.count"
    if name in ("bswap", "movbe"):
        return "integer.swap"
    if name in ("inc", "dec") or (name in ("add", "sub") and found.operands[1].type == _IMMEDIATE):
        return "integer" if found.operands[0].type == _MEMORY else "integer.constant"
    if _CRYPTO.match(name):
        return group_name("crypto", "checksum" if name == "crc32" else "sha" if "sha" in name else "")
    if name.startswith(("prefetch", "nop", "endbr")):
        return "system.prefetch" if name.startswith("prefetch") else "integer.zero"
    if name in ("syscall", "cpuid", "rdtsc", "rdtscp", "xgetbv"):
        return "system"
    if name.startswith(("mfence", "lfence", "sfence")):
        return "system.fence"
    if _FLOAT.match(name):
        return group_name("fp", next((form for mark, form in _FLOAT_FORMS if mark in name), ""))
    if is_vector:
        return "simd.multiply" if "mul" in name else "simd"
    return "integer"
