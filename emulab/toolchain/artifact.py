"""A program that is ready to run: a file, its digest and its facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulab import cache
from emulab.errors import UsageError
from emulab.toolchain.elf import inspect

if TYPE_CHECKING:
    from pathlib import Path

    from emulab.toolchain.elf_facts import ElfFacts


@dataclass(frozen=True)
class Artifact:
    """A program that is ready to run.

    :param path: the file.
    :param sha256: the hexadecimal SHA-256 of its content.
    :param size: its size in bytes.
    :param facts: what its ELF file says about it.
    """

    path: Path
    sha256: str
    size: int
    facts: ElfFacts

    @property
    def name(self) -> str:
        """The file's name, which the guest sees as the program's."""
        return self.path.name


def artifact_of_binary(path: Path) -> Artifact:
    """Return the artifact of a program that somebody else built.

    :raises UsageError: the file is missing, unreadable, damaged, or not an ELF program.
    """
    path = path.expanduser().absolute()
    facts = inspect(path)
    if facts.kind != "program":
        what = {"library": "a shared library", "core": "a core dump"}.get(facts.kind, "an object file")
        raise UsageError(f"{path} is {what}, not a program", hint="name an executable file")
    return Artifact(path, cache.file_digest(path), path.stat().st_size, facts)
