"""Opening emulated machines: the images, volumes and agents they need, and then the machine itself."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from emulab.engine import connect, sweep

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulab.engine import Engine
    from emulab.images import BuiltImage
    from emulab.machines.agent_machine import AgentMachine
    from emulab.machines.target import Target
    from emulab.progress import Progress


def images_of(target: Target) -> list[str]:
    """Return the names of the images that a machine is made of."""
    arch = target.architecture.name
    if target.mode == "user":
        return [f"rootfs-{target.libc}-{arch}", "qemu-user"]
    return [f"disk-{target.libc}-{arch}", "qemu-system", f"kernel-{target.kernel}-{arch}"]
