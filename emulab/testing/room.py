"""Room in memory for machines: one starts when it fits beside those that run."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from emulab.engine import Engine
    from emulab.machines.target import Target

_MEBIBYTE = 1 << 20
_EMULATOR = 128 * _MEBIBYTE
"""What QEMU has besides the guest's memory: translated code, above all."""
_USER_MODE = 256 * _MEBIBYTE
"""A test binary in user mode, with QEMU. Its container's limit is a bound, not what it takes."""
_RESERVE = 256 * _MEBIBYTE
_PATIENCE_S = 0.5


def need_of(target: Target) -> int:
    """Return the bytes that a machine may be expected to take of this host."""
    if target.mode == "user":
        return min(target.memory, _USER_MODE)
    return target.memory + _EMULATOR


def available_memory(engine: Engine, proc: Path = Path("/proc/meminfo")) -> int:
    """Return the bytes that machines can have now, where the engine runs."""
    total = engine.memory
    if not engine.is_local:
        return total // 2
    with contextlib.suppress(OSError, StopIteration, ValueError, IndexError):
        rows = proc.read_text().splitlines()
        line = next(row for row in rows if row.startswith("MemAvailable:"))
        return min(total, int(line.split()[1]) * 1024 - _RESERVE)
    return total // 2


class Room:
    """Room for machines. Safe to use from several threads.

    What does not fit at all has its turn when nothing else runs.

    :param available: tells the bytes that are free now.
    """

    def __init__(self, available: Callable[[], int]) -> None:
        self._available = available
        self._changed = threading.Condition()
        self._total = available()
        self._taken = 0

    @contextlib.contextmanager
    def taken(self, size: int) -> Iterator[None]:
        """Wait until there is room for so many bytes, and keep it while the block runs."""
        with self._changed:
            while not self._fits(size):
                # Others on this host give memory back without telling.
                self._changed.wait(_PATIENCE_S)
            self._taken += size
        try:
            yield
        finally:
            with self._changed:
                self._taken -= size
                self._changed.notify_all()

    def _fits(self, size: int) -> bool:
        if not self._taken:
            return True
        # Machines that have just begun have not taken yet what they will, so the sum counts too.
        return self._taken + size <= self._total and size <= self._available()
