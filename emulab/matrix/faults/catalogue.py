"""The faults that there are: one file each."""

from __future__ import annotations

import difflib
import functools
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from emulab.errors import UsageError
from emulab.matrix.faults.schema import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable

_ROOT = Path(__file__).resolve().parent
_FILES = _ROOT / "catalogue"
PROGRAMS = _ROOT / "programs"
"""The Go module of the demonstrations."""
EVERY = "all"


def read_fault(path: Path) -> Fault:
    """Return the fault that a file describes.

    :raises UsageError: it is not valid, with the file and the field.
    """
    try:
        fault = msgspec.toml.decode(path.read_bytes(), type=Fault)
    except msgspec.DecodeError as error:
        raise UsageError(f"{path}: {error}") from error
    if fault.id != path.stem:
        raise UsageError(f"{path}: its id is {fault.id!r}, and its file's name another")
    if not fault.case:
        raise UsageError(f"{path}: it has no case that shows it")
    for case in fault.case:
        if all(each.arch is not None for each in case.seen):
            known = {each.arch for each in case.seen}
            if known != {"arm64", "armv7", "riscv64"}:
                raise UsageError(f"{path}: case {case.id!r} does not say what is seen on every architecture")
    return fault


@functools.cache
def faults() -> dict[str, Fault]:
    """Return every fault by its id.

    :raises UsageError: a file is not valid.
    """
    found = [read_fault(path) for path in sorted(_FILES.glob("*.toml"))]
    return {fault.id: fault for fault in found}


def fault_ids() -> list[str]:
    """Return the ids of all faults, without reading their files."""
    return sorted(path.stem for path in _FILES.glob("*.toml"))


def chosen(names: Iterable[str]) -> list[Fault]:
    """Return the faults of these names; ``all`` means every one.

    :raises UsageError: there is none of a name; the nearest one is named.
    """
    known = faults()
    found: dict[str, Fault] = {}
    for name in names:
        if name == EVERY:
            found |= known
        elif name in known:
            found[name] = known[name]
        else:
            near = difflib.get_close_matches(name, known, 1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise UsageError(
                f"there is no fault {name!r}", hint=f"{hint}`emulab matrix --list-faults` shows all of them"
            )
    return list(found.values())
