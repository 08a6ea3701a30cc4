"""Machines start when they fit in memory, and none waits for ever."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, cast

from emulab.architectures import ARM64
from emulab.machines.target import Target
from emulab.testing.room import Room, available_memory, need_of

if TYPE_CHECKING:
    from pathlib import Path

    from emulab.engine import Engine


def _peak(room: Room, sizes: list[int]) -> tuple[int, int]:
    """Take room for all sizes at once; return the most that was taken together, and how many had theirs."""
    lock = threading.Lock()
    now = most = done = 0

    def take(size: int) -> None:
        nonlocal now, most, done
        with room.taken(size):
            with lock:
                now += size
                most = max(most, now)
            time.sleep(0.02)
            with lock:
                now -= size
                done += 1

    threads = [threading.Thread(target=take, args=(size,)) for size in sizes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return most, done


def test_what_runs_at_once_fits() -> None:
    assert _peak(Room(lambda: 100), [40] * 6) == (80, 6)


def test_what_fits_nowhere_runs_alone() -> None:
    assert _peak(Room(lambda: 100), [500, 500, 60]) == (500, 3)


def test_memory_that_others_have_taken_since_counts() -> None:
    free = [100, 30]
    assert _peak(Room(lambda: free[-1] if len(free) == 1 else free.pop(0)), [40, 40]) == (40, 2)


def test_a_whole_machine_needs_its_memory_and_its_emulator() -> None:
    system = Target(ARM64, "musl", "system", "", 1 << 30, 1)
    assert need_of(system) > 1 << 30
    # A container's limit is a bound: of a board with 8 GiB no program in user mode takes that.
    assert need_of(Target(ARM64, "musl", "user", "", 8 << 30, 1)) < 1 << 30
    assert need_of(Target(ARM64, "musl", "user", "", 64 << 20, 1)) == 64 << 20


class _Engine:
    memory = 4 << 30

    def __init__(self, *, is_local: bool) -> None:
        self.is_local = is_local


def test_available_is_what_this_host_has_left_or_half_of_a_distant_one(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 8388608 kB\nMemAvailable: 2097152 kB\n")
    here = available_memory(cast("Engine", _Engine(is_local=True)), tmp_path / "meminfo")
    assert 1 << 30 < here < 2 << 30
    assert available_memory(cast("Engine", _Engine(is_local=False)), tmp_path / "meminfo") == 2 << 30
