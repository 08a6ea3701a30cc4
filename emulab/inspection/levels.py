"""Which instructions a program was built for, beyond the least of its architecture.

Go writes its levels into the program; a C compiler writes what it was allowed to use into the attributes of
32-bit ARM and RISC-V files. A 64-bit ARM file says nothing of its C code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulab.toolchain.elf_attributes import (
    TAG_ARM_ADVANCED_SIMD_ARCH,
    TAG_ARM_DIV_USE,
    TAG_ARM_FP_ARCH,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulab.boards import Board
    from emulab.toolchain.elf_facts import ElfFacts

# What code of a level contains without asking the processor first, in Linux's names. Of Go 1.26's compiler
# and runtime: of GOARM64 only the atomic instructions (runtime/asm_arm64.s), of RVA22 Zba and Zbb
# (cmd/compile, RISCV64.rules), of RVA23 also the vector extension (runtime, hasV).
_GOARM = {"5": (), "6": ("vfp",), "7": ("vfpv3",)}
_GORISCV64 = {"rva20u64": (), "rva22u64": ("zba", "zbb"), "rva23u64": ("zba", "zbb", "v")}
_LSE = "atomics"
_SINCE_LSE = (8, 1)
_GOARM64 = re.compile(r"v([89])\.(\d)")

# Addenda to the ABI for the ARM architecture: Tag_FP_arch and Tag_Advanced_SIMD_arch.
_FP = {1: ("vfp",), 2: ("vfp",), 3: ("vfpv3",), 4: ("vfpv3",), 5: ("vfpv4",), 6: ("vfpv4",), 7: ("asimd",)}
_SIMD = {1: ("neon",), 2: ("neon", "vfpv4"), 3: ("asimd",), 4: ("asimd",)}
_DIVIDES = 2

# What every processor has that runs a standard distribution (RV64GC), and the parts of it that toolchains
# name one by one.
_RISCV_BASE = frozenset({
    "i", "m", "a", "f", "d", "c", "zicsr", "zifencei", "zicntr", "zihpm", "zmmul", "zaamo", "zalrsc", "zca",
    "zcd", "ziccif", "ziccrse", "ziccamoa", "zicclsm", "za128rs", "za64rs",
})  # fmt: skip
_RISCV_PARTS = re.compile(r"(?P<name>[a-z][a-z0-9]*?)\d+p\d+")
_VECTOR_PARTS = re.compile(r"zv(e\d+[xfd]|l\d+b)")


@dataclass(frozen=True)
class Level:
    """A level that a program was built for.

    :param setting: what names it: ``GOARM64=v9.0``; of C code ``rv64gc_v`` or ``C code with vfpv3 neon``.
    :param needs: the flags of /proc/cpuinfo that its code takes for granted.
    """

    setting: str
    needs: tuple[str, ...]


@dataclass(frozen=True)
class Processor:
    """What a processor can execute.

    :param name: the board's.
    :param flags: as Linux prints them in /proc/cpuinfo; extensions one by one on RISC-V.
    """

    name: str
    flags: frozenset[str]

    def lacks(self, level: Level) -> tuple[str, ...]:
        """Return what a level needs and the processor has not."""
        return tuple(each for each in level.needs if each not in self.flags)


def processor_of(board: Board, *, emulated: bool = False) -> Processor | None:
    """Return what a board's processor can execute, None where that is not known.

    :param emulated: the processor that stands in for the board's in user mode.
    """
    if board.isa is not None and not emulated:
        flags = board.isa.flags
    elif board.emulation is not None:
        flags = board.emulation.reports
    else:
        return None
    found = set(flags)
    # A later version of a floating-point unit runs what an earlier one does; Linux prints both, or only this.
    if found & {"vfpv3", "vfpv4"}:
        found |= {"vfp", "vfpv3"}
    return Processor(board.id, frozenset(found))


def levels_of(facts: ElfFacts, attributes: Mapping[int, int | str]) -> list[Level]:
    """Return the levels that a program was built for, of Go's compiler and of C's.

    :param attributes: the file's build attributes by tag (``.ARM.attributes``); RISC-V's are in the facts.
    """
    found = [_go_level(facts), _c_level(facts, attributes)]
    return [level for level in found if level is not None]


def _go_level(facts: ElfFacts) -> Level | None:
    if facts.go is None:
        return None
    if facts.architecture == "arm64" and (value := facts.go.setting("GOARM64")):
        match = _GOARM64.match(value)
        lse = "lse" in value.split(",") or (
            match is not None and (int(match[1]), int(match[2])) >= _SINCE_LSE
        )
        return Level(f"GOARM64={value}", (_LSE,) if lse else ())
    if facts.architecture == "riscv64" and (value := facts.go.setting("GORISCV64")):
        return Level(f"GORISCV64={value}", _GORISCV64.get(value, ()))
    if facts.bits == 32 and (value := facts.go.setting("GOARM")):
        soft = value.endswith(",softfloat")
        return Level(f"GOARM={value}", () if soft else _GOARM.get(value[:1], ()))
    return None


def _c_level(facts: ElfFacts, attributes: Mapping[int, int | str]) -> Level | None:
    if facts.architecture == "riscv64" and facts.instruction_set:
        further = riscv_extensions(facts.instruction_set)
        return Level("_".join(["rv64gc", *further]), further)
    if facts.bits == 32 and attributes:
        needs: list[str] = [*_FP.get(int(attributes.get(TAG_ARM_FP_ARCH, 0)), ())]
        needs += _SIMD.get(int(attributes.get(TAG_ARM_ADVANCED_SIMD_ARCH, 0)), ())
        if attributes.get(TAG_ARM_DIV_USE) == _DIVIDES:
            needs.append("idiva")
        each_once = tuple(dict.fromkeys(needs))
        return Level(" with ".join(filter(None, ["C code", " ".join(each_once)])), each_once)
    return None


def riscv_extensions(text: str) -> tuple[str, ...]:
    """Return the extensions beyond RV64GC that an attribute names.

    >>> riscv_extensions("rv64i2p1_m2p0_a2p1_f2p2_d2p2_c2p0_v1p0_zicsr2p0_zve64d1p0_zvl128b1p0")
    ('v',)
    """
    body = re.sub(r"^rv(32|64)", "", text.lower())
    names = [match["name"] for part in body.split("_") if (match := _RISCV_PARTS.fullmatch(part)) is not None]
    further = [name for name in names if name not in _RISCV_BASE]
    if "v" in further:  # it holds these
        further = [name for name in further if not _VECTOR_PARTS.fullmatch(name)]
    return tuple(dict.fromkeys(further))
