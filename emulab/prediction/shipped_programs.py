"""Counts of the workloads that ship with emulab, one for each architecture, which serve every board of it.

``emulab calibrate programs`` makes them; with them a board is predicted without an engine. What they lack is
the board's own: code for its processor's level, and what misses in caches of its size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from emulab.data import data_directory
from emulab.prediction.program_counts import read

if TYPE_CHECKING:
    from pathlib import Path

    from emulab.prediction.program_counts import ProgramCounts

REPRESENTATIVES: Final = {
    "arm64": ("raspberry-pi-4", "raspberry-pi-5"),
    "armv7": ("stm32mp157a",),
    "riscv64": ("visionfive-2", "lichee-rv"),
}
"""The boards of each architecture whose machines its counts are of: work of the first, memory of all."""


def programs_directory() -> Path:
    """Return where the counts of programs are that ship with emulab."""
    return data_directory("calibration") / "programs"


def shipped_counts(workload: str, arch: str, directory: Path | None = None) -> ProgramCounts | None:
    """Return the counts of a workload that ship with emulab, None where there are none.

    :raises UsageError: a file of them is damaged.
    """
    place = (programs_directory() if directory is None else directory) / workload / arch
    return read(place) if place.is_dir() else None
