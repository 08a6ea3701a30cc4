"""The files around a test binary, and where they lie on a machine: at the paths that they have here.

Tests read ``testdata``, name ``../other/file``, and find their sources by ``runtime.Caller``. So a package's
module appears on the machine under its own absolute path; where that can not be, below ``/work/module``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulab.machines.agent_client import AgentClient

_MODULE = PurePosixPath("/work/module")
_IN_MEMORY = ("/tmp", "/run", "/work")
_SYSTEM = ("/bin", "/sbin", "/lib", "/etc", "/proc", "/sys", "/dev", "/usr/bin", "/usr/sbin", "/usr/lib")
_NOT_DATA = frozenset({".git", ".hg", ".svn", "node_modules", ".venv", "__pycache__"})
_TESTDATA = "testdata"
_MOST_FILES = 1500
_MOST_BYTES = 24 << 20


@dataclass(frozen=True)
class Stage:
    """A directory of this host with the module around it, as a machine sees them.

    :param directory: where the program runs, on this host.
    :param root: the module's directory, or ``directory`` where there is no module.
    :param base: where ``root`` lies on the machine.
    """

    directory: Path
    root: Path
    base: PurePosixPath

    @property
    def guest_directory(self) -> str:
        """Where the program runs on the machine."""
        return str(self.base / self.directory.relative_to(self.root))

    @property
    def writable(self) -> tuple[str, ...]:
        """Return the directories that a machine must have in memory for it (``Target.writable``)."""
        return () if _is_below(self.base, _IN_MEMORY) else (str(self.base),)

    def files(self) -> Iterator[tuple[Path, str]]:
        """Yield what belongs on the machine and where: the whole module, or of a large one what tests read.

        That is what lies in the package's directory and in every ``testdata`` below it, and the ``testdata``
        and ``go.mod`` of the directories above it.
        """
        whole = _few(self.root)
        for path in whole if whole is not None else self._selection():
            yield path, str(self.base / path.relative_to(self.root))

    def _selection(self) -> Iterator[Path]:
        yield from (path for path in sorted(self.directory.iterdir()) if path.is_file())
        for place in (self.directory, *self.directory.parents):
            if not place.is_relative_to(self.root):
                break
            yield from _tree(place / _TESTDATA)
            if place != self.directory:
                yield from (path for name in ("go.mod", "go.sum") if (path := place / name).is_file())


def stage_of(directory: Path) -> Stage:
    """Return the stage of a program that runs in a directory of this host."""
    directory = directory.absolute()
    root = next((each for each in (directory, *directory.parents) if (each / "go.mod").is_file()), directory)
    return stage_in(directory, root)


def stage_in(directory: Path, root: Path) -> Stage:
    """Return the stage of a package's directory in its module's."""
    place = PurePosixPath(root)
    is_possible = len(place.parts) > 1 and str(place) not in ("/usr", "/tmp", "/run", "/work")
    is_possible = is_possible and not _is_below(place, _SYSTEM) and ":" not in str(place)
    return Stage(directory, root, place if is_possible else _MODULE)


def lay_out(stage: Stage, agent: AgentClient) -> None:
    """Put a stage's files on a machine."""
    agent.mkdir(stage.guest_directory)
    for path, place in stage.files():
        agent.put(path, place, mode=path.stat().st_mode & 0o777)


def _is_below(path: PurePosixPath, places: tuple[str, ...]) -> bool:
    return any(path.is_relative_to(place) for place in places)


def _few(root: Path) -> list[Path] | None:
    """Return every file of a directory, None where they are too many."""
    found: list[Path] = []
    size = 0
    for path in _tree(root):
        found.append(path)
        size += path.stat().st_size
        if len(found) > _MOST_FILES or size > _MOST_BYTES:
            return None
    return found


def _tree(root: Path) -> Iterator[Path]:
    for top, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name not in _NOT_DATA)
        for name in sorted(files):
            if (path := Path(top) / name).is_file():
                yield path
