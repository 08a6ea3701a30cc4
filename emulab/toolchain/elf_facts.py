"""The facts about a program that its ELF file gives, as plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from emulab.toolchain.buildinfo import GoBuild, GoModule


@dataclass(frozen=True)
class ElfFacts:
    """What an ELF file says about itself.

    :param architecture: emulab's and Go's name of the architecture: ``arm64``, ``armv7``, ``riscv64``,
        ``amd64``, …; 32-bit ARM with its level (``armv5``, ``armv6``, ``armv7``, ``armv8``), or ``arm``
        where the file does not tell it.
    :param system: ``linux``, or the other operating system that the file is marked for.
    :param kind: ``program``, ``library``, ``object`` or ``core``.
    :param bits: size of a pointer in bits.
    :param endianness: ``little`` or ``big``.
    :param float_abi: ``hard`` or ``soft`` where the architecture has both and the file tells, or ``None``.
    :param instruction_set: the level that the file's attributes name, such as ``rv64i2p1_m2p0_…``, or empty.
    :param interpreter: the dynamic linker's path, or ``None``.
    :param needed: the shared libraries that it names, in order.
    :param symbol_versions: the highest version needed of each family: ``(("GLIBC", "2.34"), …)``.
    :param dynamic: whether a dynamic linker must be there to start it.
    :param pie: whether it is position independent.
    :param stripped: whether it has no symbol table.
    :param segment_alignment: the largest alignment of a loaded segment in bytes: a kernel with larger
        pages can not load the file.
    :param sections: name and size in bytes of each section that has a name.
    :param go: how Go built it, or ``None`` when it is no Go program (or of Go before 1.18).
    """

    architecture: str
    system: str
    kind: str
    bits: int
    endianness: str
    float_abi: str | None
    instruction_set: str
    interpreter: str | None
    needed: tuple[str, ...]
    symbol_versions: tuple[tuple[str, str], ...]
    dynamic: bool
    pie: bool
    stripped: bool
    segment_alignment: int
    sections: tuple[tuple[str, int], ...]
    go: GoBuild | None

    def symbol_version(self, family: str) -> str | None:
        """Return the highest version needed of ``GLIBC``, ``GLIBCXX``, …, or ``None``."""
        return next((version for name, version in self.symbol_versions if name == family), None)

    def section_size(self, name: str) -> int:
        """Return a section's size in bytes, 0 when there is none of that name."""
        return sum(size for section, size in self.sections if section == name)


def facts_to_json(facts: ElfFacts) -> dict[str, Any]:
    """Return facts as a value that JSON can hold."""
    return asdict(facts)


def facts_from_json(value: dict[str, Any]) -> ElfFacts:
    """Return the facts that :func:`facts_to_json` wrote."""
    go = value["go"]
    return ElfFacts(
        **{
            **value,
            "needed": tuple(value["needed"]),
            "symbol_versions": tuple((name, version) for name, version in value["symbol_versions"]),
            "sections": tuple((name, size) for name, size in value["sections"]),
            "go": None if go is None else _go_from_json(go),
        }
    )


def _go_from_json(value: dict[str, Any]) -> GoBuild:
    module = value["module"]
    return GoBuild(
        version=value["version"],
        path=value["path"],
        module=None if module is None else GoModule(**module),
        dependencies=tuple(GoModule(**each) for each in value["dependencies"]),
        settings=tuple((name, text) for name, text in value["settings"]),
    )
