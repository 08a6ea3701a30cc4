"""Arm instructions, A64 and A32, by the text that capstone makes of them."""

from __future__ import annotations

import re

from emulab.profiling.work import Kind, Work

_VECTOR = re.compile(r"\bv\d+\.")
_FP_REGISTER = re.compile(r"^[bhsdq]\d+\b")
_ANY_FP_REGISTER = re.compile(r"\b[bhsdq]\d+\b")
_TWO_REGISTERS = re.compile(r"\[\w+, -?[wxr]\w+|\[\w+, -?(?:ip|fp|lr|sl|sb)\b")
_WRITEBACK = re.compile(r"\]!|\], ")
_SHIFTED = re.compile(r", (?:lsl|lsr|asr|ror|rrx|[su]xt[bhwx]) ?#?")

_CRYPTO = re.compile(r"aes|sha\d|sm[34]|pmull|eor3|rax1|bcax|xar")
_ATOMIC_64 = re.compile(r"ldx|ldax|stx|stlx|cas|swp|(?:ld|st)(?:add|clr|set|eor|smax|smin|umax|umin)")
_SYSTEM_64 = re.compile(
    r"svc|hvc|smc|brk|hlt|mrs|msr|sys|dc$|ic$|at$|tlbi|wf[ei]|sev|yield|clrex|eret|udf|hint|bti"
)
_MULTIPLY_64 = {"mul", "madd", "msub", "mneg", "smull", "umull", "smaddl", "umaddl", "smsubl", "umsubl",
                "smnegl", "umnegl", "smulh", "umulh"}  # fmt: skip
_BRANCH_64 = {"cbz", "cbnz", "tbz", "tbnz"}
_WIDTHS_64 = {"w": 4, "x": 8, "b": 1, "h": 2, "s": 4, "d": 8, "q": 16, "v": 16}
_BARRIERS = {"dmb", "dsb", "isb", "sb"}


def arm64_kind(mnemonic: str, operands: str) -> Kind:
    """Return what an A64 instruction does."""
    control = _control_64(mnemonic)
    if control is not None:
        return control
    if mnemonic in _BARRIERS:
        return Kind(Work.SYSTEM, form="fence")
    if _SYSTEM_64.match(mnemonic):
        return Kind(Work.SYSTEM)
    if _ATOMIC_64.match(mnemonic):
        return Kind(Work.ATOMIC, _width_64(mnemonic, operands))
    if mnemonic in ("ldr", "ldrsw", "prfm") or (mnemonic.startswith(("ld", "st", "prf")) and "[" in operands):
        return _memory_64(mnemonic, operands)
    if _CRYPTO.match(mnemonic):
        return Kind(Work.CRYPTO)
    if mnemonic.startswith("crc32"):
        return Kind(Work.INTEGER, form="checksum")
    if _VECTOR.search(operands):
        return Kind(Work.SIMD, form=_vector_form(mnemonic))
    if mnemonic.startswith("f") or _ANY_FP_REGISTER.search(operands):
        return Kind(Work.FP, form=_fp_form(mnemonic))
    if mnemonic in _MULTIPLY_64:
        return Kind(Work.MULTIPLY, form="long" if mnemonic.endswith(("h", "l")) and mnemonic != "mul" else "")
    if mnemonic in ("sdiv", "udiv"):
        return Kind(Work.DIVIDE)
    return Kind(Work.INTEGER, form="shifted" if _SHIFTED.search(operands) else "")


def _control_64(mnemonic: str) -> Kind | None:
    if mnemonic.startswith(("b.", "bc.")) or mnemonic in _BRANCH_64:
        return Kind(Work.BRANCH)
    if mnemonic == "b":
        return Kind(Work.JUMP)
    if mnemonic.startswith("br") and mnemonic != "brk":
        return Kind(Work.JUMP, form="indirect")
    if mnemonic == "bl":
        return Kind(Work.CALL)
    if mnemonic.startswith("blr"):
        return Kind(Work.CALL, form="indirect")
    return Kind(Work.RETURN) if mnemonic.startswith("ret") else None


def _width_64(mnemonic: str, operands: str) -> int:
    if mnemonic.endswith("sw"):
        return 4
    if not _FP_REGISTER.match(operands):
        stem = mnemonic.removesuffix("l") if mnemonic.startswith(("cas", "swp", "ldadd")) else mnemonic
        if stem.endswith("b"):
            return 1
        if stem.endswith("h"):
            return 2
    return _WIDTHS_64.get(operands.lstrip("{ ")[:1], 8)


def _memory_64(mnemonic: str, operands: str) -> Kind:
    if mnemonic.startswith("prf"):
        return Kind(Work.LOAD, 0, "prefetch")
    work = Work.LOAD if mnemonic.startswith("ld") else Work.STORE
    width = _width_64(mnemonic, operands)
    if operands.startswith("{"):
        return Kind(work, width, "simd")
    if mnemonic in ("ldp", "stp", "ldnp", "stnp", "ldpsw"):
        return Kind(work, width, "pair")
    if mnemonic.startswith(("ldar", "stlr", "ldapr", "stllr", "ldlar")):
        return Kind(work, width, "ordered")
    return Kind(work, width, _address_form(operands) or ("fp" if _FP_REGISTER.match(operands) else ""))


def _address_form(operands: str) -> str:
    if "[" not in operands:
        return "literal"
    if _TWO_REGISTERS.search(operands):
        return "indexed"
    if _WRITEBACK.search(operands):
        return "writeback"
    return "literal" if "[pc" in operands else ""


def _fp_form(mnemonic: str) -> str:
    name = mnemonic.split(".")[0].lstrip("v")
    if "sqrt" in name:
        return "sqrt"
    if "div" in name:
        return "divide"
    if name.startswith(("fm", "fnm", "m", "nm", "fm")) and name.endswith(
        ("add", "sub", "la", "ls", "fma", "fms")
    ):
        return "fused"
    if name.startswith(("fma", "fms", "fnma", "fnms")):
        return "fused"
    if "mul" in name:
        return "multiply"
    if "cvt" in name or name.startswith("frint"):
        return "convert"
    if "cmp" in name:
        return "compare"
    return "move" if name.startswith(("fmov", "mov", "mrs", "msr")) else ""


def _vector_form(mnemonic: str) -> str:
    form = _fp_form(mnemonic)
    return "" if form == "move" else form


_SYSTEM_32 = re.compile(r"svc|hvc|smc|bkpt|udf|mrs|msr|mcr|mrc|mrrc|cps|rfe|srs|wf[ei]|sev|yield|clrex")
_ATOMIC_32 = re.compile(r"ldrex|strex|ldaex|stlex|swp")
_MULTIPLY_32 = re.compile(r"mul|ml[as]|smul|sml[as]|smm|umull|umlal|umaal|smuad|smusd")
_LONG_32 = re.compile(r"umull|umlal|umaal|smull|smlal|smmul|smmla")
_FP_PRECISION = re.compile(r"\.f(?:16|32|64)")


def armv7_kind(mnemonic: str, operands: str) -> Kind:
    """Return what an A32 or T32 instruction does.

    :param mnemonic: without its condition.
    """
    control = _control_32(mnemonic, operands)
    if control is not None:
        return control
    name = mnemonic.split(".")[0]
    if mnemonic in ("dmb", "dsb", "isb"):
        return Kind(Work.SYSTEM, form="fence")
    if _SYSTEM_32.match(mnemonic):
        return Kind(Work.SYSTEM)
    if _ATOMIC_32.match(mnemonic):
        return Kind(Work.ATOMIC, _width_32(name))
    memory = _memory_32(name, operands)
    if memory is not None:
        return memory
    if _CRYPTO.match(mnemonic.lstrip("v")) and name != "shadd8":
        return Kind(Work.CRYPTO)
    if name.startswith("v"):
        is_scalar = _FP_PRECISION.search(mnemonic) and not re.search(r"\bq\d", operands)
        scalar_move = name in ("vmov", "vmrs", "vmsr") and not re.search(r"\bq\d", operands)
        work = Work.FP if is_scalar or scalar_move else Work.SIMD
        return Kind(work, form=_fp_form(mnemonic))
    if _MULTIPLY_32.match(name):
        return Kind(Work.MULTIPLY, form="long" if _LONG_32.match(name) else "")
    if name in ("sdiv", "udiv"):
        return Kind(Work.DIVIDE)
    if name.startswith("crc32"):
        return Kind(Work.INTEGER, form="checksum")
    return Kind(Work.INTEGER, form="shifted" if _SHIFTED.search(operands) else "")


def _control_32(mnemonic: str, operands: str) -> Kind | None:
    name = mnemonic.removesuffix(".w")
    if name in ("b", "cbz", "cbnz"):
        # The condition, if any, stands in capstone's mnemonic and is passed on as "b?".
        return Kind(Work.JUMP) if name == "b" else Kind(Work.BRANCH)
    if name == "b?":
        return Kind(Work.BRANCH)
    if name in ("bl", "blx"):
        return Kind(Work.CALL, form="" if operands.startswith("#") else "indirect")
    if name in ("bx", "bxj"):
        return Kind(Work.RETURN) if operands == "lr" else Kind(Work.JUMP, form="indirect")
    if name in ("tbb", "tbh"):
        return Kind(Work.JUMP, form="indirect")
    if name in ("pop", "ldm") and "pc" in operands:
        return Kind(Work.RETURN, 4)
    if operands.startswith("pc,") and name not in ("cmp", "tst", "cmn", "teq", "str", "push"):
        returns = operands.startswith(("pc, [sp", "pc, lr"))
        return Kind(Work.RETURN) if returns else Kind(Work.JUMP, form="indirect")
    return None


def _width_32(name: str) -> int:
    if name.endswith("b") and name != "b":
        return 1
    if name.endswith("h"):
        return 2
    return 8 if name.endswith("d") else 4


def _memory_32(name: str, operands: str) -> Kind | None:
    if name in ("pld", "pldw", "pli"):
        return Kind(Work.LOAD, 0, "prefetch")
    if name in ("push", "vpush") or name.startswith(("stm", "vstm")):
        return Kind(Work.STORE, 4, "many")
    if name in ("pop", "vpop") or name.startswith(("ldm", "vldm")):
        return Kind(Work.LOAD, 4, "many")
    if name.startswith(("vldr", "vstr")):
        width = 8 if operands.startswith("d") else 4
        return Kind(Work.LOAD if name.startswith("vldr") else Work.STORE, width, "fp")
    if re.match(r"v(ld|st)[1-4]", name):
        return Kind(Work.LOAD if name.startswith("vld") else Work.STORE, 8, "simd")
    if not name.startswith(("ldr", "str", "lda", "stl")):
        return None
    work = Work.LOAD if name.startswith("ld") else Work.STORE
    stem = name.removesuffix("t") if name not in ("ldrt", "strt") else name
    if name.startswith(("lda", "stl")):
        return Kind(work, _width_32(stem), "ordered")
    return Kind(work, _width_32(stem), "pair" if stem.endswith("d") else _address_form(operands))
