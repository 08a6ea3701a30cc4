"""Waiting until a guest is at rest, so that its saved state lacks nothing.

QEMU 10.0 saves no timer that a RISC-V hart has set (seen: a clone with ``mtimecmp`` long past, and no timer
interrupt). A kernel whose next timer was lost sets no later one, so the clone hangs as soon as it has nothing
to do; one that is woken up before its next timer is due sets an earlier one, and all is well.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from emulab.architectures import RISCV64

if TYPE_CHECKING:
    from emulab.machines.monitor import Monitor
    from emulab.machines.qemu_command import SystemHardware

# Of QEMU's `virt` machine (hw/riscv/virt.c, include/hw/intc/riscv_aclint.h): where the moment lies at which
# each hart's timer is due, and the time now, in ticks.
_DUE = 0x200_4000
_NOW = 0x200_BFF8
_TICKS_PER_S = 10_000_000

_FAR_S = 0.1
"""How far away the next timer must be: far more than it takes to save, and to wake up a clone."""
_PATIENCE_S = 5.0
_POLL_S = 0.01


def await_rest(monitor: Monitor, hardware: SystemHardware) -> None:
    """Wait until no timer is due soon that a snapshot would lose; at most 5 s."""
    if hardware.architecture is not RISCV64:
        return
    deadline = time.monotonic() + _PATIENCE_S
    while _next_timer_s(monitor, hardware.cpus) < _FAR_S and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def _next_timer_s(monitor: Monitor, harts: int) -> float:
    """Return the seconds until the next timer of any hart."""
    (now,) = _words(monitor, _NOW, 1)
    # One that is over has been dealt with, unless that is happening right now.
    return min(abs(due - now) / _TICKS_PER_S for due in _words(monitor, _DUE, harts))


def _words(monitor: Monitor, address: int, count: int) -> list[int]:
    """Read 64-bit words at a physical address; their lines look like ``0000000002004000: 0x… 0x…``."""
    text: str = monitor.execute("human-monitor-command", command_line=f"xp /{count}gx {address:#x}")
    return [int(word, 16) for line in text.splitlines() for word in re.findall("0x[0-9a-f]+", line)]
