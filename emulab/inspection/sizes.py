"""What takes a program's room: its sections by what they are for, its code and data by package."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from emulab.toolchain.elf_facts import ElfFacts

STRIPPABLE = ("symbols", "debugging")
"""The uses that ``-ldflags=-s`` (and ``strip``) removes; nothing of them is loaded."""

ASSEMBLY, C_CODE = "(assembly)", "(C and assembly)"
"""What functions and data without a package are counted as, in pure Go programs and in others."""

_USES = (
    ("code", r"\.(text|init|fini|plt)(\..*)?"),
    ("Go's tables", r"(\.data\.rel\.ro)?\.(gopclntab|typelink|itablink)|\.go\.(buildinfo|fipsinfo|module)"),
    ("zeroed data", r"\.(no?ptr)?t?bss(\..*)?|\.noptrbss|\.relro_padding"),
    ("linking", r"\.(dyn.*|rela?(\..*)?|relr(\..*)?|got(\..*)?|gnu\..*|hash|interp|note.*)"),
    ("symbols", r"\.(symtab|strtab)"),
    ("debugging", r"\.z?debug.*|\.gdb_index"),
    ("constants", r"\.(rodata|data\.rel\.ro|eh_frame(_hdr)?|ARM\..*|gcc_except_table)(\..*)?"),
    ("data", r"\.(no?ptr)?t?data(\..*)?|\.noptrdata|\.(init|fini|preinit)_array"),
)
_PATTERNS = tuple((use, re.compile(pattern)) for use, pattern in _USES)


@dataclass(frozen=True)
class Piece:
    """A function or a variable of a program.

    :param kind: ``code`` or ``data``.
    :param size: bytes.
    """

    kind: str
    size: int
    name: str


@dataclass(frozen=True)
class PackageSize:
    """What a package takes in a program, in bytes."""

    package: str
    code: int
    data: int

    @property
    def total(self) -> int:
        """Return code and data together."""
        return self.code + self.data


def use_of(section: str) -> str:
    """Return what a section is for: ``code``, ``constants``, ``data``, ``zeroed data``, ….

    >>> use_of(".text"), use_of(".debug_info"), use_of(".note.go.buildid")
    ('code', 'debugging', 'linking')
    """
    return next((use for use, pattern in _PATTERNS if pattern.fullmatch(section)), "other")


def sizes_by_use(facts: ElfFacts) -> dict[str, int]:
    """Return the bytes of each use of a program's sections, the largest first.

    ``zeroed data`` takes memory, but no room in the file.
    """
    found: dict[str, int] = {}
    for name, size in facts.sections:
        if size:
            found[use_of(name)] = found.get(use_of(name), 0) + size
    return dict(sorted(found.items(), key=lambda each: -each[1]))


def stripped_saving(facts: ElfFacts) -> int:
    """Return the bytes that stripping takes off a program's file; the memory it needs stays the same."""
    # A stripped file keeps the names of its sections.
    return sum(size for name, size in facts.sections if use_of(name) in STRIPPABLE)


def package_of(name: str, nameless: str = ASSEMBLY) -> str:
    """Return the import path of the package that a symbol belongs to.

    >>> package_of("crypto/sha256.(*digest).Write"), package_of("slices.SortFunc[go.shape.*example.com/a.T]")
    ('crypto/sha256', 'slices')
    >>> package_of("gopkg.in/yaml%2ev3.Unmarshal"), package_of("type:.eq.[2]string"), package_of("memset")
    ('gopkg.in/yaml.v3', '(types)', '(assembly)')
    """
    if name.startswith(("type:", "type.", "go:itab", "go.itab")):
        return "(types)"
    if name.startswith(("go:", "go.")):
        return "(strings and constants)"
    plain = name.partition("[")[0]
    slash = plain.rfind("/") + 1
    dot = plain.find(".", slash)
    if dot < 1:
        return nameless
    return re.sub("%([0-9a-f]{2})", lambda code: chr(int(code[1], 16)), plain[:dot])


def sizes_by_package(pieces: Iterable[Piece], *, has_c: bool) -> list[PackageSize]:
    """Return what each package takes, the largest first.

    :param has_c: whether the program holds C code, whose functions have no package.
    """
    found: dict[str, dict[str, int]] = {}
    for piece in pieces:
        package = package_of(piece.name, C_CODE if has_c else ASSEMBLY)
        sizes = found.setdefault(package, {"code": 0, "data": 0})
        sizes[piece.kind] += piece.size
    rows = [PackageSize(package, sizes["code"], sizes["data"]) for package, sizes in found.items()]
    return sorted(rows, key=lambda row: (-row.total, row.package))


def largest(rows: Sequence[PackageSize], count: int) -> list[PackageSize]:
    """Return the largest packages, and the rest as one."""
    rest = rows[count:]
    if not rest:
        return list(rows)
    others = PackageSize(f"({len(rest)} more)", sum(row.code for row in rest), sum(row.data for row in rest))
    return [*rows[:count], others]
