"""The mechanistic model's parts of an operation, kept on disk: a whole program's take seconds to simulate."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import emulab.timing
from emulab import cache
from emulab.calibration.fitting.joining import Parts, parts_of

if TYPE_CHECKING:
    from emulab.profiling.operation import Operation

_KIND: Final = "simulated-parts"
_FILE: Final = "parts.json"


def kept_parts(operation: Operation, core: str) -> Parts:
    """Return what :func:`~emulab.calibration.fitting.joining.parts_of` does, from the cache where it can.

    :raises UsageError: the core is not known, or does not execute the operation's instructions.
    """
    found = hashlib.sha256(_of_timing().encode())
    measures = operation.measures
    for piece in (
        operation.isa.encode(),
        operation.blocks.tobytes(),
        operation.code,
        operation.counts.tobytes(),
        str(operation.operations).encode(),
        b"" if measures is None else measures.tobytes(),
        core.encode(),
    ):
        found.update(len(piece).to_bytes(8, "little") + piece)

    def make(directory: Path) -> None:
        parts = parts_of(operation, core)
        (directory / _FILE).write_text(json.dumps([parts.cycles, parts.mispredictions]))

    cycles, mispredictions = json.loads((cache.entry(_KIND, found.hexdigest(), make) / _FILE).read_text())
    return Parts(cycles, mispredictions, measures)


@functools.cache
def _of_timing() -> str:
    """Return a digest of the model itself: its code and its cores."""
    root = Path(emulab.timing.__file__).parent
    files = sorted([*root.rglob("*.py"), *root.rglob("*.toml")])
    return cache.digest([[str(each.relative_to(root)), cache.file_digest(each)] for each in files])
