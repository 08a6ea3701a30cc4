"""The flags of a test binary that name files of this host: where those lie on a machine, and come back to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

OUTPUT = PurePosixPath("/tmp/.emulab-output")
_FLAG = re.compile(r"--?test\.(\w+)=(.*)", re.DOTALL)
_FILES = frozenset({
    "coverprofile", "cpuprofile", "memprofile", "blockprofile", "mutexprofile", "trace", "testlogfile",
})  # fmt: skip
_DIRECTORIES = frozenset({"outputdir", "gocoverdir", "fuzzcachedir"})


@dataclass(frozen=True)
class Errand:
    """A file or directory that a program writes.

    :param guest: its place on the machine.
    :param host: where it belongs on this host.
    :param is_input: what this host has there already is given to the program first.
    """

    guest: str
    host: Path
    is_directory: bool
    is_input: bool = False


@dataclass(frozen=True)
class Translated:
    """A program's arguments for a machine, and what is to be brought back."""

    arguments: tuple[str, ...]
    errands: tuple[Errand, ...]


def translate(arguments: Sequence[str], directory: Path) -> Translated:
    """Return a test binary's arguments with paths of the machine in place of this host's.

    Arguments after ``-args`` (which the go command has taken away) look like any others: only flags of the
    package ``testing`` are touched.

    :param directory: where the program runs, on this host.
    """
    words: list[str] = []
    errands: list[Errand] = []
    for word in arguments:
        match = _FLAG.fullmatch(word)
        name, value = (match[1], match[2]) if match else ("", "")
        if value and (name in _DIRECTORIES or (name in _FILES and Path(value).is_absolute())):
            guest = str(OUTPUT / f"{len(errands)}-{name}")
            is_directory = name in _DIRECTORIES
            errands.append(Errand(guest, directory / value, is_directory, is_input=name == "fuzzcachedir"))
            words.append(f"-test.{name}={guest}")
        else:
            words.append(word)
            if name in _FILES and value and not any("outputdir" in each.guest for each in errands):
                # Without an output directory it is written where the program runs.
                errands.append(Errand(value, directory / value, is_directory=False))
    return Translated(tuple(words), tuple(errands))
