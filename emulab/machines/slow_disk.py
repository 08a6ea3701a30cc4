"""A guest's second disk, which can do so much and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulab.machines.qemu_command import MEBIBYTE

if TYPE_CHECKING:
    from emulab.machines.adversity import Disk
    from emulab.machines.agent_client import AgentClient

_PATH = "/run/slow-disk"
_SIZE = 16 * MEBIBYTE


def attach(host: AgentClient, disk: Disk) -> list[str]:
    """Make an empty disk beside the emulator and return QEMU's arguments for it; it is the last one.

    :param host: the agent in the emulator's container.
    """
    host.put(bytes(_SIZE), _PATH)
    limits = f"throttling.bps-total={disk.bytes_per_s},throttling.iops-total={disk.requests_per_s}"
    return [
        *("-drive", f"if=none,id=slow,file={_PATH},format=raw,{limits}"),
        *("-device", "virtio-blk-pci,drive=slow"),
    ]
