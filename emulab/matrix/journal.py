"""What the cells of a matrix came to, written down as they come, so that a killed matrix can go on.

One line of JSON a cell, by a key that is made of everything the cell's verdict depends on: a cell whose
program, data, flags or machine changed since is not found, and runs again.
"""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING, Any

from emulab.cache import cache_root, digest, out_of_space_is_said

if TYPE_CHECKING:
    from pathlib import Path


def journal_of(directory: Path) -> Path:
    """Return where the journal of a module's matrix lies."""
    return cache_root() / "matrix" / f"{digest(str(directory))[:24]}.jsonl"


class Journal:
    """A journal, open for further cells. Safe to use from several threads.

    :param path: its file.
    :param resume: whether to go on with what it has; otherwise it begins anew.
    """

    def __init__(self, path: Path, *, resume: bool) -> None:
        self._known = _read(path) if resume else {}
        self._lock = threading.Lock()
        with out_of_space_is_said():
            path.parent.mkdir(parents=True, exist_ok=True)
            # Without a line that was half written when the process was killed.
            fresh = path.with_suffix(f".{os.getpid()}.new")
            fresh.write_text("".join(_line(key, row) for key, row in self._known.items()))
            fresh.rename(path)
            self._file = path.open("a")

    def recall(self, key: str) -> dict[str, Any] | None:
        """Return what is known of a cell, None where it must run."""
        return self._known.get(key)

    def write(self, key: str, verdict: dict[str, Any]) -> None:
        """Write a cell down, before anything else happens."""
        with self._lock, out_of_space_is_said():
            self._known[key] = verdict
            self._file.write(_line(key, verdict))
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _line(key: str, verdict: dict[str, Any]) -> str:
    return json.dumps({"key": key, "verdict": verdict}) + "\n"


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """Return the cells of a journal; what is no whole line is left out."""
    known: dict[str, dict[str, Any]] = {}
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return known
    for line in lines:
        try:
            row = json.loads(line)
            known[row["key"]] = dict(row["verdict"])
        except (ValueError, KeyError, TypeError):
            continue
    return known
