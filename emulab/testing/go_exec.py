"""The programs that the go command looks for on PATH to run what it built for another processor."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from emulab.architectures import ARCHITECTURES
from emulab.errors import UsageError


def install(directory: Path | None = None) -> tuple[Path, list[Path]]:
    """Write ``go_linux_ARCH_exec`` for every architecture and return the directory and their paths.

    :param directory: where; beside this Python's own programs unless given, and in ``~/.local/bin`` where
        those can not be written.
    :raises UsageError: they can not be written.
    """
    place = directory or _place()
    # -P: a module's own directory named emulab must not be taken for this package.
    script = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m emulab exec "$@"\n'
    paths = [place / f"go_linux_{each.goarch}_exec" for each in ARCHITECTURES.values()]
    try:
        place.mkdir(parents=True, exist_ok=True)
        for path in paths:
            fresh = path.with_suffix(".new")
            fresh.write_text(script)
            fresh.chmod(0o755)
            fresh.rename(path)
    except OSError as error:
        raise UsageError(f"{place} can not be written: {error.strerror}") from error
    return place, paths


def advice_on_path(directory: Path) -> tuple[str, ...]:
    """Return what to do so that the go command finds a directory's programs; nothing where it does."""
    if str(directory) in os.environ.get("PATH", "").split(os.pathsep):
        return ()
    return (f"put {directory} on PATH, where the go command looks for go_linux_ARCH_exec",)


def _place() -> Path:
    beside = Path(sys.executable).parent
    return beside if os.access(beside, os.W_OK) else Path.home() / ".local" / "bin"
