"""Whether the files that a build read are still what they were, in a few milliseconds.

A :class:`Watch` names the files and directories that a build depends on, a :class:`Snapshot` holds
what they were: of each file its size, times and SHA-256 (or that it was absent), of each directory
the names that count. A file whose size and times are the same is the same; when they differ, or
were too fresh to be trusted when they were taken, its content is compared.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulab import cache

SOURCES, TEST_SOURCES, EVERYTHING = "sources", "test-sources", "everything"
"""Which names in a directory count: what Go compiles, that and the tests, or all of them."""

_SUFFIXES = (
    *(".go", ".c", ".cc", ".cpp", ".cxx", ".m", ".h", ".hh", ".hpp", ".hxx", ".f", ".F", ".for", ".f90"),
    *(".s", ".S", ".sx", ".swig", ".swigcxx", ".syso", ".a", ".so", ".o", ".inc", ".pgo"),
)
_NAMES = ("go.mod", "go.sum")
_FRESH_NS = 2_000_000_000
"""Two changes within a file system's time step look like one: such fresh times prove nothing."""

FileState = tuple[int, int, int, str]
"""Size in bytes, modification and change time in ns, and SHA-256 of a file."""

DirectoryState = tuple[str, str, int, int, tuple[str, ...]]
"""Path, which names count, modification and change time in ns, and the names."""


@dataclass
class Watch:
    """What a build depends on.

    :param files: files whose content counts, or that must stay absent.
    :param directories: path, and which names in it count; of sources the contents count too.
    """

    files: set[str] = field(default_factory=set)
    directories: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True)
class Snapshot:
    """What the watched files and directories were.

    :param taken_ns: when, in nanoseconds since the epoch.
    :param files: state by path; ``None`` for a file that was absent.
    :param directories: state of each directory.
    """

    taken_ns: int
    files: dict[str, FileState | None]
    directories: tuple[DirectoryState, ...]

    def content_digest(self, base: Path) -> str:
        """Return a digest of all names and contents, with paths relative to ``base``."""
        files = sorted(
            (os.path.relpath(path, base), state and state[3]) for path, state in self.files.items()
        )
        listings = sorted(
            (os.path.relpath(path, base), names)
            for path, kind, _, _, names in self.directories
            if kind == EVERYTHING
        )
        return cache.digest([files, listings])

    def newest_change_ns(self) -> int:
        """Return the time of the latest change to anything in it, in nanoseconds since the epoch."""
        times = [state[2] for state in self.files.values() if state is not None]
        return max([*times, *(state[3] for state in self.directories)], default=0)

    def to_json(self) -> dict[str, Any]:
        """Return it as a value that JSON can hold."""
        return {"taken_ns": self.taken_ns, "files": self.files, "directories": self.directories}

    @staticmethod
    def from_json(value: dict[str, Any]) -> Snapshot:
        """Return the snapshot that :meth:`to_json` wrote."""
        return Snapshot(
            value["taken_ns"],
            {path: None if state is None else tuple(state) for path, state in value["files"].items()},
            tuple(
                (path, kind, mtime, ctime, tuple(names))
                for path, kind, mtime, ctime, names in value["directories"]
            ),
        )


def take_snapshot(watch: Watch) -> Snapshot:
    """Read everything that is watched."""
    taken = time.time_ns()
    directories: list[DirectoryState] = []
    files = set(watch.files)
    for path, kind in sorted(watch.directories):
        state = _directory_state(path, kind)
        if state is not None:
            directories.append(state)
            files.update(f"{path}/{name}" for name in state[4] if kind != EVERYTHING)
    return Snapshot(taken, {path: _file_state(path) for path in sorted(files)}, tuple(directories))


def compare(snapshot: Snapshot) -> Snapshot | None:
    """Return a snapshot of now when everything is what it was, else ``None``.

    The very same object is returned when nothing has to be remembered anew.
    """
    trusted_before = snapshot.taken_ns - _FRESH_NS
    now = time.time_ns()
    directories: list[DirectoryState] = []
    renewed = False
    for state in snapshot.directories:
        path, kind, mtime_ns, ctime_ns, names = state
        if ctime_ns >= trusted_before or _directory_times(path) != (mtime_ns, ctime_ns):
            again = _directory_state(path, kind)
            if again is None or again[4] != names:
                return None
            renewed = True
            directories.append(again)
        else:
            directories.append(state)
    files: dict[str, FileState | None] = {}
    for path, known in snapshot.files.items():
        try:
            found = os.stat(path)
        except OSError:
            if known is not None:
                return None
            continue
        if known is None:
            return None
        same_times = (found.st_size, found.st_mtime_ns, found.st_ctime_ns) == known[:3]
        if same_times and known[2] < trusted_before and known[1] < trusted_before:
            continue
        again_file = _file_state(path)
        if again_file is None or again_file[3] != known[3]:
            return None
        files[path] = again_file
    if not files and not renewed:
        return snapshot
    return Snapshot(now, {**snapshot.files, **files}, tuple(directories))


def _file_state(path: str) -> FileState | None:
    try:
        found = os.stat(path)
        return found.st_size, found.st_mtime_ns, found.st_ctime_ns, cache.file_digest(Path(path))
    except OSError:
        return None


def _directory_times(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns


def _directory_state(path: str, kind: str) -> DirectoryState | None:
    times = _directory_times(path)
    if times is None:
        return None
    try:
        names = os.listdir(path)
    except OSError:
        return None
    return path, kind, *times, tuple(sorted(name for name in names if _counts(name, kind)))


def _counts(name: str, kind: str) -> bool:
    if kind == EVERYTHING:
        return True
    if name.startswith((".", "_")) or not (name.endswith(_SUFFIXES) or name in _NAMES):
        return False
    return kind == TEST_SOURCES or not name.endswith("_test.go")
