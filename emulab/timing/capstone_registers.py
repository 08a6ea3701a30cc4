"""Registers as capstone numbers them, as ours: integers from 0, FP and vectors from FP, flags."""

from __future__ import annotations

import functools
import re
from typing import Any

from emulab.timing.instruction import FLAGS, FP

_NUMBERED = re.compile(r"([a-z]+)(\d+)")
_NAMED_64 = {"sp": 31, "wsp": 31, "fp": 29, "lr": 30, "nzcv": FLAGS}
_NAMED_32 = {"sb": 9, "sl": 10, "fp": 11, "ip": 12, "sp": 13, "lr": 14, "cpsr": FLAGS, "apsr": FLAGS,
             "apsr_nzcv": FLAGS, "fpscr": FLAGS, "fpscr_nzcv": FLAGS}  # fmt: skip
_X86 = ("ax", "cx", "dx", "bx", "sp", "bp", "si", "di")


@functools.cache
def our_registers(isa: str, name: str) -> tuple[int, ...]:
    """Return our numbers of what capstone calls ``name``: none for the program counter and zero."""
    if isa == "amd64":
        return _amd64(name)
    named = (_NAMED_64 if isa == "arm64" else _NAMED_32).get(name)
    if named is not None:
        return (named,)
    match = _NUMBERED.fullmatch(name)
    if match is None:
        return ()
    kind, number = match[1], int(match[2])
    if kind in ("x", "w", "r"):
        return () if isa == "armv7" and number == 15 else (number,)
    if isa == "arm64":
        return (FP + number,)
    # Of 32-bit Arm, two single registers share a double one, and two of these a quad one.
    if kind == "s":
        return (FP + number // 2,)
    return (FP + 2 * number, FP + 2 * number + 1) if kind == "q" else (FP + number,)


def _amd64(name: str) -> tuple[int, ...]:
    if name in ("rflags", "eflags", "flags"):
        return (FLAGS,)
    match = re.fullmatch(r"[xyz]mm(\d+)", name)
    if match is not None:
        return (FP + int(match[1]),)
    match = re.fullmatch(r"r(\d+)[dwb]?", name)
    if match is not None:
        return (int(match[1]),)
    stem = name.lstrip("re").removesuffix("l").removesuffix("h")
    for number, known in enumerate(_X86):
        if stem in (known, known[:-1]):
            return (number,)
    return ()


def registers(isa: str, instruction: Any, numbers: Any) -> tuple[int, ...]:
    """Return our numbers of several of capstone's, each once and in order."""
    found: dict[int, None] = {}
    for number in numbers:
        for ours in our_registers(isa, str(instruction.reg_name(number))):
            found[ours] = None
    return tuple(found)
