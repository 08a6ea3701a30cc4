"""Which function and line the addresses of a program belong to.

The program's own tables say it, read by a small Go program whose sources lie beside this file: Go's debug
packages read the tables of every Go release, of stripped programs too.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emulab.errors import InfrastructureError
from emulab.toolchain.native import build_own

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from emulab.progress import Progress

_SOURCES = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Location:
    """Where an address lies.

    :param function: its name as Go writes it, ``crypto/sha256.(*digest).Write``; "" where it is not known.
    :param entry: the function's first address.
    :param file: its source file as the program has it, "" where it is not known.
    :param line: the line of the address in it, 0 where it is not known.
    """

    function: str
    entry: int
    file: str
    line: int


def locate(program: Path, addresses: Iterable[int], progress: Progress) -> dict[int, Location]:
    """Return the locations of addresses in an ELF program, as the program's own tables have them.

    :param addresses: as linked: without the base that a position-independent program was loaded at.
    :raises InfrastructureError: the program's tables can not be read.
    :raises ToolchainError: no Go toolchain can be had to build the reader.
    """
    wanted = sorted(set(addresses))
    lines = _answers(program, [f"{address:x}" for address in wanted], progress)
    return dict(zip(wanted, lines, strict=True))


def find(program: Path, functions: Sequence[str], progress: Progress) -> dict[str, Location]:
    """Return where an ELF program has its functions of these names, of a stripped one too if Go built it.

    :raises InfrastructureError: the program's tables can not be read.
    :raises ToolchainError: no Go toolchain can be had to build the reader.
    """
    lines = _answers(program, [f"={name}" for name in functions], progress)
    return {name: line for name, line in zip(functions, lines, strict=True) if line.function}


def pieces(program: Path, progress: Progress) -> list[tuple[str, int, str]]:
    """Return every function of an ELF program and, where it is not stripped, every variable.

    :returns: ``code`` or ``data``, the size in bytes, and the name of each. A stripped program that Go did
        not build has none.
    :raises InfrastructureError: the program's tables can not be read.
    :raises ToolchainError: no Go toolchain can be had to build the reader.
    """
    rows = (line.split("\t") for line in _ask(program, ["*"], progress) if line)
    return [(kind, int(size), name) for kind, size, name in rows]


def _answers(program: Path, questions: Sequence[str], progress: Progress) -> list[Location]:
    lines = _ask(program, questions, progress)
    if len(lines) != len(questions):
        raise InfrastructureError(f"the symbols of {program} can not be read")
    return [_location(line) for line in lines]


def _ask(program: Path, questions: Sequence[str], progress: Progress) -> list[str]:
    done = subprocess.run(
        [_reader(progress), program],
        input="".join(f"{question}\n" for question in questions),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise InfrastructureError(f"the symbols of {program} can not be read", detail=done.stderr.strip())
    return done.stdout.splitlines()


def _location(line: str) -> Location:
    entry, number, function, file = line.split("\t")
    return Location(function, int(entry, 16), file, int(number))


def _reader(progress: Progress) -> Path:
    def go_root() -> Path:
        from emulab.toolchain.go import find_go

        return find_go(None, progress).root

    return build_own(_SOURCES, "emulab-symbols", "symbol-readers", go_root)
