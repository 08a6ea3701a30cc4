"""Places in the user's files that a failure speaks of: from tests' output, stacks and compile errors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from emulab.testing.staging import Stage

_SAID = re.compile(r"^\s*([\w.\-/]+\.go):(\d+): (.*)$")
_FRAME = re.compile(r"^\t(/.+\.go):(\d+)(?: \+0x[0-9a-f]+)?$")
_COMPILED = re.compile(r"^(?:vet: )?(\S.*?\.(?:go|c|cc|cpp|h|s|S|mod)):(\d+)(?::(\d+))?: (.+)$")
_MOST = 20


@dataclass(frozen=True)
class Location:
    """A line of a file.

    :param file: its path from the top of the user's repository, with slashes.
    :param column: from 1; 0 where it is not known.
    :param test: the test that failed there, "" for none.
    """

    file: str
    line: int
    column: int = 0
    test: str = ""
    message: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as it stands in a verdict."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "test": self.test,
            "message": self.message,
        }


def top_of(root: Path) -> Path:
    """Return the top of the repository that a module lies in, the module itself where there is none."""
    return next((each for each in (root, *root.parents) if (each / ".git").exists()), root)


def module_file(directory: Path) -> str | None:
    """Return the path of the go.mod that a directory belongs to, from the top of its repository."""
    root = next((each for each in (directory, *directory.parents) if (each / "go.mod").is_file()), None)
    return None if root is None else _within(root / "go.mod", top_of(root))


def of_compiler(said: str, root: Path) -> tuple[Location, ...]:
    """Return the places that a compiler's messages name.

    :param root: the directory that it ran in.
    """
    found = []
    for line in said.splitlines():
        if (match := _COMPILED.match(line)) is None:
            continue
        path = (root / match[1]).resolve()
        if (file := _within(path, top_of(root))) is not None:
            found.append(Location(file, int(match[2]), int(match[3] or 0), "", match[4]))
    return tuple(found[:_MOST])


def of_tests(events: Iterable[dict[str, Any]], failures: Iterable[str], stage: Stage) -> tuple[Location, ...]:
    """Return a place for each test that failed: what it said, where it panicked, or where it begins.

    :param events: test2json's.
    :param failures: the names of the tests.
    """
    lines: dict[str, list[str]] = {}
    for event in events:
        if event["Action"] == "output":
            lines.setdefault(event.get("Test", ""), []).append(event["Output"].rstrip("\n"))
    named = list(failures)[:_MOST]
    found = [each for name in named if (each := _of_test(name, lines, stage)) is not None]
    if found:
        return tuple(found)
    # A process that ended in the middle of a test: whoever's output has the stack.
    frames = (frame for said in lines.values() for frame in _frames(said, stage))
    return tuple(Location(file, line) for file, line in frames)[:1]


def _of_test(name: str, lines: dict[str, list[str]], stage: Stage) -> Location | None:
    said = lines.get(name, [])
    for line in said:
        if (match := _SAID.match(line)) is not None:
            file = _within(stage.directory / match[1], top_of(stage.root))
            if file is not None:
                return Location(file, int(match[2]), 0, name, match[3])
    message = next((line.strip() for line in said if line.startswith("panic: ")), "")
    # A stack that came when the process died may be nobody's.
    for file, number in _frames([*said, *lines.get("", [])], stage):
        return Location(file, number, 0, name, message)
    return _definition(name, stage)


def _frames(said: list[str], stage: Stage) -> Iterator[tuple[str, int]]:
    """Yield the frames of stacks that lie in the module, the innermost first."""
    for line in said:
        if (match := _FRAME.match(line)) is None:
            continue
        # On the machine the module may lie elsewhere.
        path = match[1]
        if path.startswith(f"{stage.base}/"):
            path = str(stage.root / path.removeprefix(f"{stage.base}/"))
        place = stage.root / path
        if place.is_relative_to(stage.root) and (file := _within(place, top_of(stage.root))) is not None:
            yield file, int(match[2])


def _definition(name: str, stage: Stage) -> Location | None:
    function = re.compile(rf"^func {re.escape(name.split('/')[0])}\(")
    for path in sorted(stage.directory.glob("*_test.go")):
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if function.match(line) and (file := _within(path, top_of(stage.root))) is not None:
                return Location(file, number, 0, name, f"{name} failed")
    return None


def _within(path: Path, top: Path) -> str | None:
    """Return a file's path from the top, None for one that is not there or that lies elsewhere."""
    if not path.is_file():
        return None
    for place, base in ((path, top), (path.resolve(), top.resolve())):
        if place.is_relative_to(base):
            return place.relative_to(base).as_posix()
    return None
