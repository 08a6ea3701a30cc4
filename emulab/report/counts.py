"""What tables call the figures of counted programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_STRETCHES = {"": "", "-start": " to ready", "-request": " of a request"}
_PHASES = {
    "to-entry": "exec to entry",
    "to-schedinit": "entry to schedinit",
    "to-mallocinit": "schedinit to mallocinit",
    "to-main": "mallocinit to main.main",
    "to-ready": "main.main to ready",
    "in-main": "main.main to end",
}
_OWNERS = {"instructions": "instructions", "kernel-instructions": "kernel instructions"}
_OTHERS = {
    "page-faults": "page faults",
    "context-switches": "context switches",
    "system-calls": "system calls",
}


def _titles() -> Iterator[tuple[str, str]]:
    for suffix, words in _STRETCHES.items():
        yield from ((f"{name}{suffix}", f"{title}{words}") for name, title in _OWNERS.items())
        if suffix != "-request":
            yield from ((f"{name}{suffix}", f"{title}{words}") for name, title in _OTHERS.items())
        if suffix == "-start":
            for phase, place in _PHASES.items():
                yield from ((f"{name}-{phase}", f"{title}, {place}") for name, title in _OWNERS.items())
    yield from ((f"{name}-request", f"{title} of a request") for name, title in _OTHERS.items())


COUNT_TITLES = dict(_titles())
"""Titles by the figures' names, in the order of a table's rows."""
