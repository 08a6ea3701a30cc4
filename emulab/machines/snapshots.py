"""Snapshots of booted guests: made once, restored for every run.

A snapshot's volume holds the guest's RAM as a file, the state of its devices, and its disk. QEMU
writes the RAM through a shared mapping of the file, so that saving moves only the devices' state
(``x-ignore-shared``), and a clone maps the file copy-on-write: clones share every page that none of
them has written.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emulab.cache import digest
from emulab.engine.volumes import ensure_volume, remove_volume
from emulab.errors import MachineError
from emulab.machines.guest import Guest
from emulab.machines.initramfs import agent_initramfs
from emulab.machines.qemu_command import (
    SystemHardware,
    disk_arguments,
    kernel_command_line,
    system_command,
)

if TYPE_CHECKING:
    from emulab.engine import Engine
    from emulab.machines.agent_client import AgentClient
    from emulab.machines.hosting import Hosting

DIRECTORY = "/snapshot"
_RAM = f"{DIRECTORY}/ram"
_STATE = f"{DIRECTORY}/state"
_DISK = f"{DIRECTORY}/disk"
_KERNEL = f"{DIRECTORY}/kernel"
_INITRAMFS = f"{DIRECTORY}/initramfs"
_CAPABILITIES = [{"capability": "x-ignore-shared", "state": True}]
# Part of every snapshot's name: to be raised when what is written here changes what a snapshot is.
_FORMAT = 1


@dataclass(frozen=True)
class GuestSystem:
    """What a guest boots: everything that a snapshot depends on besides the hardware.

    :param kernel, disk: contents, and the ids of the images that they come from.
    :param agent: the agent, built for the guest's architecture.
    """

    kernel: bytes
    kernel_id: str
    disk: bytes
    disk_id: str
    agent: bytes

    def key(self, hardware: SystemHardware, emulator_id: str) -> str:
        """Return the snapshot's name's variable part."""
        agent = hashlib.sha256(self.agent).hexdigest()
        machine = system_command(hardware, [])
        return digest([_FORMAT, machine, self.kernel_id, self.disk_id, agent, emulator_id])[:16]
