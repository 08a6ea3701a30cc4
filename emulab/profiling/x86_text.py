"""x86-64 instructions by their text, as capstone writes it: what kind of work each is.

An instruction that works on memory is of the class of its work: an addition to memory is no load.
"""

from __future__ import annotations

import re

from emulab.profiling.work import Kind, Work

_CONDITIONAL = re.compile(r"j(?!mp)|loop")
_WIDTH = {"byte": 1, "word": 2, "dword": 4, "qword": 8, "xmmword": 16, "ymmword": 32, "zmmword": 64}
_SIZE = re.compile(r"(\w+) ptr")
_VECTOR = re.compile(r"\b[xyz]?mm\d")
_INDEXED = re.compile(r"\[\w+(?: \+ [a-z]|\*)")
_MOVE = re.compile(r"v?mov|v?lddqu|v?broadcast|v?pbroadcast|v?maskmov")
_STRING = re.compile(r"(?:rep\w* )?(?:movs|stos|lods|cmps|scas)[bwdq]\b")
_CRYPTO = re.compile(r"v?aes|sha(?:1|256|512)|v?pclmul|v?gf2p8|crc32")
_SYSTEM = re.compile(
    r"syscall|cpuid|rdtscp?$|xgetbv|int\d?$|ud2|hlt|rd(?:rand|seed)|pause|[lms]fence|prefetch|clflush"
)
_SCALAR = re.compile(
    r"v?(?:add|sub|mul|div|sqrt|max|min|u?comi|cmp|round|cvt\w*2|f(?:n?m)(?:add|sub)\d+)s[sd]|v?cvt\w+2s[dis]|v?cvtt?s[sd]2si"
)
_FORMS = (("div", "divide"), ("sqrt", "sqrt"), ("madd", "fused"), ("msub", "fused"), ("mul", "multiply"),
          ("cvt", "convert"), ("com", "compare"))  # fmt: skip
_ATOMIC = re.compile(r"(?:lock )|cmpxchg|xadd")


def amd64_kind(mnemonic: str, operands: str) -> Kind:
    """Return what an instruction does.

    :param mnemonic: with prefixes in front (``lock cmpxchg``).
    """
    name = mnemonic.split()[-1]
    if _CONDITIONAL.match(name):
        return Kind(Work.BRANCH)
    if name in ("jmp", "call"):
        is_direct = operands.startswith(("0x", "-")) or operands.isdigit()
        return Kind(Work.JUMP if name == "jmp" else Work.CALL, 0, "" if is_direct else "indirect")
    if name.startswith("ret"):
        return Kind(Work.RETURN)
    if _SYSTEM.match(name):
        return Kind(Work.SYSTEM, 0, _system_form(name))
    has_memory = "[" in operands
    if has_memory and (_ATOMIC.match(mnemonic) or name == "xchg"):
        return Kind(Work.ATOMIC, _width(operands))
    if name == "nop" or name.startswith("endbr"):
        return Kind(Work.INTEGER)
    if _STRING.match(mnemonic):
        is_load = name.startswith(("lods", "cmps", "scas"))
        return Kind(Work.LOAD if is_load else Work.STORE, _width(operands), "many")
    if name in ("push", "pop"):
        return Kind(Work.STORE if name == "push" else Work.LOAD, 8)
    is_vector = _VECTOR.search(operands) is not None
    if has_memory and _MOVE.match(name):
        is_store = operands.partition(",")[0].rstrip().endswith("]")
        form = "simd" if is_vector else "indexed" if _INDEXED.search(operands) else ""
        return Kind(Work.STORE if is_store else Work.LOAD, _width(operands), form)
    if _CRYPTO.match(name):
        return Kind(Work.CRYPTO, 0, "checksum" if name == "crc32" else "")
    if name in ("mul", "imul", "mulx"):
        is_long = name != "imul" or "," not in operands
        return Kind(Work.MULTIPLY, 0, "long" if is_long else "")
    if name in ("div", "idiv"):
        return Kind(Work.DIVIDE)
    if _SCALAR.match(name):
        return Kind(Work.FP, 0, next((form for mark, form in _FORMS if mark in name), ""))
    return Kind(Work.SIMD if is_vector else Work.INTEGER)


def _system_form(name: str) -> str:
    return "fence" if name.endswith("fence") else "prefetch" if name.startswith("prefetch") else ""


def _width(operands: str) -> int:
    found = _SIZE.search(operands)
    return _WIDTH.get(found[1], 0) if found is not None else 0
