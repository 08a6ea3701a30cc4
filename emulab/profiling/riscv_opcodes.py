"""RISC-V instructions by their opcodes: "The RISC-V Instruction Set Manual, Volume I" (20240411), chapters 34
(opcode map), 27 (C, Zcb), 28 (B), 30 (V), 31 and 32 (cryptography).
"""

from __future__ import annotations

from emulab.profiling.work import Kind, Work

_LINK = (1, 5)
_INTEGER = Kind(Work.INTEGER)


def riscv_kind(word: int, size: int) -> Kind:
    """Return what an instruction of ``size`` bytes does."""
    return _compressed(word) if size == 2 else _full(word)


def _full(word: int) -> Kind:
    opcode, funct3, funct7 = word & 0x7F, word >> 12 & 7, word >> 25 & 0x7F
    decode = _MAJOR.get(opcode)
    return decode(word, funct3, funct7) if decode is not None else Kind(Work.SYSTEM)


def _load(_: int, funct3: int, __: int) -> Kind:
    return Kind(Work.LOAD, 1 << (funct3 & 3))


def _store(_: int, funct3: int, __: int) -> Kind:
    return Kind(Work.STORE, 1 << (funct3 & 3))


# Widths of vector elements share the opcodes of FP loads and stores.
_VECTOR_WIDTH = {0: 1, 5: 2, 6: 4, 7: 8}
_FP_WIDTH = {1: 2, 2: 4, 3: 8, 4: 16}


def _load_fp(_: int, funct3: int, __: int) -> Kind:
    if funct3 in _VECTOR_WIDTH:
        return Kind(Work.LOAD, _VECTOR_WIDTH[funct3], "simd")
    return Kind(Work.LOAD, _FP_WIDTH[funct3], "fp")


def _store_fp(_: int, funct3: int, __: int) -> Kind:
    if funct3 in _VECTOR_WIDTH:
        return Kind(Work.STORE, _VECTOR_WIDTH[funct3], "simd")
    return Kind(Work.STORE, _FP_WIDTH[funct3], "fp")


def _immediate(word: int, funct3: int, _: int) -> Kind:
    upper = word >> 20 & 0xFFF
    # SHA-2 and SM3 sums, AES on 64 bits: unary instructions among the shifts to the left.
    if funct3 == 1 and upper >> 4 in (0x10, 0x30, 0x31):
        return Kind(Work.CRYPTO)
    return _INTEGER


def _register(_: int, funct3: int, funct7: int) -> Kind:
    if funct7 == 1:
        if funct3 >= 4:
            return Kind(Work.DIVIDE)
        return Kind(Work.MULTIPLY, form="" if funct3 == 0 else "long")
    if funct7 == 5 and funct3 in (1, 2, 3):  # carry-less
        return Kind(Work.MULTIPLY, form="long")
    if (funct3 == 0 and funct7 & 0x1F in (0x18, 0x19, 0x1A, 0x1B, 0x1D, 0x1F)) or funct7 == 0x3F:
        return Kind(Work.CRYPTO)
    return _INTEGER


def _register_word(_: int, funct3: int, funct7: int) -> Kind:
    if funct7 == 1:
        return Kind(Work.DIVIDE) if funct3 >= 4 else Kind(Work.MULTIPLY)
    return _INTEGER


def _atomic(_: int, funct3: int, __: int) -> Kind:
    return Kind(Work.ATOMIC, 1 << (funct3 & 3))


_FP_FORMS = {2: "multiply", 3: "divide", 11: "sqrt", 4: "move", 5: "compare", 20: "compare", 8: "convert",
             24: "convert", 26: "convert", 28: "move", 30: "move"}  # fmt: skip


def _fp(_: int, __: int, funct7: int) -> Kind:
    return Kind(Work.FP, form=_FP_FORMS.get(funct7 >> 2, ""))


def _fused(_: int, __: int, ___: int) -> Kind:
    return Kind(Work.FP, form="fused")


def _jal(word: int, _: int, __: int) -> Kind:
    return Kind(Work.CALL if word >> 7 & 31 else Work.JUMP)


def _jalr(word: int, _: int, __: int) -> Kind:
    if word >> 7 & 31:
        return Kind(Work.CALL, form="indirect")
    return Kind(Work.RETURN) if word >> 15 & 31 in _LINK else Kind(Work.JUMP, form="indirect")


_MAJOR = {
    0x03: _load,
    0x07: _load_fp,
    0x0F: lambda *_: Kind(Work.SYSTEM, form="fence"),
    0x13: _immediate,
    0x17: lambda *_: _INTEGER,
    0x1B: lambda *_: _INTEGER,
    0x23: _store,
    0x27: _store_fp,
    0x2F: _atomic,
    0x33: _register,
    0x37: lambda *_: _INTEGER,
    0x3B: _register_word,
    0x43: _fused,
    0x47: _fused,
    0x4B: _fused,
    0x4F: _fused,
    0x53: _fp,
    0x57: lambda *_: Kind(Work.SIMD),
    0x63: lambda *_: Kind(Work.BRANCH),
    0x67: _jalr,
    0x6F: _jal,
    0x77: lambda *_: Kind(Work.CRYPTO),
}

# By quadrant and the upper three bits; None: see below.
_SHORT: dict[tuple[int, int], Kind | None] = {
    (0, 0): _INTEGER,
    (0, 1): Kind(Work.LOAD, 8, "fp"),
    (0, 2): Kind(Work.LOAD, 4),
    (0, 3): Kind(Work.LOAD, 8),
    (0, 4): None,
    (0, 5): Kind(Work.STORE, 8, "fp"),
    (0, 6): Kind(Work.STORE, 4),
    (0, 7): Kind(Work.STORE, 8),
    (1, 4): None,
    (1, 5): Kind(Work.JUMP),
    (1, 6): Kind(Work.BRANCH),
    (1, 7): Kind(Work.BRANCH),
    (2, 1): Kind(Work.LOAD, 8, "fp"),
    (2, 2): Kind(Work.LOAD, 4),
    (2, 3): Kind(Work.LOAD, 8),
    (2, 4): None,
    (2, 5): Kind(Work.STORE, 8, "fp"),
    (2, 6): Kind(Work.STORE, 4),
    (2, 7): Kind(Work.STORE, 8),
}
# Zcb's loads and stores by bits 12 to 10.
_ZCB = {0: Kind(Work.LOAD, 1), 1: Kind(Work.LOAD, 2), 2: Kind(Work.STORE, 1), 3: Kind(Work.STORE, 2)}


def _compressed(word: int) -> Kind:
    place = word & 3, word >> 13
    kind = _SHORT.get(place, _INTEGER)
    if kind is not None:
        return kind
    if place == (0, 4):
        return _ZCB.get(word >> 10 & 7, _INTEGER)
    if place == (1, 4):
        is_product = word >> 10 & 7 == 7 and word >> 5 & 3 == 2  # C.MUL
        return Kind(Work.MULTIPLY) if is_product else _INTEGER
    register, other, links = word >> 7 & 31, word >> 2 & 31, word >> 12 & 1
    if other:  # C.MV, C.ADD
        return _INTEGER
    if not register:  # C.EBREAK
        return Kind(Work.SYSTEM)
    if links:
        return Kind(Work.CALL, form="indirect")
    return Kind(Work.RETURN) if register in _LINK else Kind(Work.JUMP, form="indirect")
