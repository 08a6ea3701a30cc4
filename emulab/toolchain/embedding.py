"""Which directories decide what a ``//go:embed`` pattern matches."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_WILD = frozenset("*?[")


def embedded_directories(package: Path, patterns: list[str]) -> tuple[set[str], set[str]]:
    """Return the directories whose listing, and the files whose content, the patterns depend on.

    A directory that is named is embedded with all below it; a wildcard is answered by the listing of
    the directory that it stands in.
    """
    directories: set[str] = set()
    files: set[str] = set()
    for pattern in patterns:
        _follow(package, pattern.removeprefix("all:").split("/"), directories, files)
    return directories, files


def _follow(place: Path, parts: list[str], directories: set[str], files: set[str]) -> None:
    if not parts:
        _take(place, directories, files)
        return
    head, rest = parts[0], parts[1:]
    if not _WILD & set(head):
        _follow(place / head, rest, directories, files)
        return
    directories.add(str(place))
    for match in sorted(place.glob(head)):
        _follow(match, rest, directories, files)


def _take(place: Path, directories: set[str], files: set[str]) -> None:
    if not place.is_dir():
        files.add(str(place))
        return
    for top, _, names in os.walk(place):
        directories.add(top)
        files.update(f"{top}/{name}" for name in names)
