"""A program's file as far as it tells anything of itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from emulab.inspection.compatibility import Subject
from emulab.inspection.levels import levels_of
from emulab.inspection.linking import read_linking
from emulab.toolchain.elf import inspect
from emulab.toolchain.elf_attributes import parse_attributes

if TYPE_CHECKING:
    from pathlib import Path

_LARGEST = 1 << 16
_C_ENTRY = b"\0crosscall2\0"
"""The function by which C calls Go: in the names of every program with runtime/cgo, stripped or not."""


@dataclass(frozen=True)
class ProgramFile:
    """A program's file.

    :param size: bytes.
    :param has_c: whether it holds C code that Go calls; None where it is no Go program.
    """

    path: Path
    size: int
    subject: Subject
    has_c: bool | None

    @property
    def linkage(self) -> str:
        """Return how it is linked: ``static``, ``static PIE``, ``dynamic`` or ``dynamic PIE``."""
        facts = self.subject.facts
        return ("dynamic" if facts.dynamic else "static") + (" PIE" if facts.pie else "")

    def to_json(self) -> dict[str, Any]:
        """Return the facts as a document holds them; sizes in bytes."""
        facts, linking = self.subject.facts, self.subject.linking
        value: dict[str, Any] = asdict(facts)
        value["symbol_versions"] = dict(facts.symbol_versions)
        value["sections"] = [{"name": name, "bytes": size} for name, size in facts.sections]
        if facts.go is not None:
            value["go"]["settings"] = dict(facts.go.settings)
        needs: dict[str, list[str]] = {}
        for each in linking.versions:
            needs.setdefault(each.library, []).append(each.version)
        return {
            "name": self.subject.name,
            "bytes": self.size,
            **value,
            "linkage": self.linkage,
            "cgo": self.has_c,
            "search": list(linking.search),
            "needed_versions": needs,
            "imports": [f"{each.name}@{each.version}".rstrip("@") for each in linking.imports],
            "levels": [{"setting": each.setting, "needs": list(each.needs)} for each in self.subject.levels],
        }


def read_program(path: Path) -> ProgramFile:
    """Return what a program's file tells.

    :raises UsageError: the file is missing, unreadable, no ELF file, or damaged.
    """
    facts = inspect(path)
    linking = read_linking(path)
    attributes, names = _sections(path)
    subject = Subject(path.name, facts, linking, levels_of(facts, parse_attributes(attributes, "arm")))
    has_c = None if facts.go is None else _C_ENTRY in names
    return ProgramFile(path, path.stat().st_size, subject, has_c)


def _sections(path: Path) -> tuple[bytes, bytes]:
    """Return the build attributes of 32-bit ARM, and Go's table of functions with their names."""
    from elftools.elf.elffile import ELFFile

    with path.open("rb") as stream:
        elf = ELFFile(stream)
        attributes = elf.get_section_by_name(".ARM.attributes")
        small = attributes is not None and attributes["sh_size"] <= _LARGEST
        tables = (elf.get_section_by_name(name) for name in (".gopclntab", ".data.rel.ro.gopclntab"))
        names = b"".join(bytes(table.data()) for table in tables if table is not None)
        return bytes(attributes.data()) if small else b"", names
