"""Running a fixed plan in a guest whose every instruction is determined.

Bytes from the host would reach a guest at moments that differ from run to run, so the plan lies in the
initial RAM filesystem together with the program, and what came of it is printed on the console after
the last request has ended.
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from emulab.errors import MachineError
from emulab.machines.agent_errors import refused, to
from emulab.machines.guest import Guest
from emulab.machines.initramfs import agent_initramfs, file
from emulab.machines.qemu_command import (
    SystemHardware,
    boot_arguments,
    deterministic,
    kernel_command_line,
    machine_command,
)
from emulab.machines.snapshots import host_guest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from emulab.engine import Engine
    from emulab.machines.agent_client import AgentClient
    from emulab.machines.snapshots import GuestSystem, Instrument
    from emulab.machines.tools import Tools

T = TypeVar("T")

_PREFIX = "EMULAB-BATCH "
_PLAN = "batch.json"
_POLL_S = 0.05


@dataclass(frozen=True)
class BatchAnswer:
    """What came of one request: its document, its payload, and what it sent on its channels."""

    document: dict[str, Any]
    payload: bytes
    data: tuple[bytes, ...]

    def value(self, kind: type[T], **more: Any) -> T:
        """Return the answer as a value of the agent's protocol."""
        return to(kind, self.document, **more)


def run_batch(
    engine: Engine,
    system: GuestSystem,
    hardware: SystemHardware,
    tools: Tools,
    files: Mapping[str, Path],
    requests: Sequence[Mapping[str, Any]],
    *,
    timeout_s: float,
    instrument: Instrument | None = None,
    collect: Callable[[AgentClient], None] = lambda host: None,
) -> list[BatchAnswer]:
    """Boot a guest that performs the requests and powers itself off, and return the answers.

    :param files: path in the guest, without a leading slash, to a program on this machine.
    :param timeout_s: seconds of this host until it is given up.
    :param instrument: what observes the guest from its first instruction on.
    :param collect: called with the agent beside the emulator once that has ended, to fetch what it left.
    :raises UsageError: a program can not be executed.
    :raises MachineError: the guest did not finish, with its console's last lines.
    """
    fixed, arguments = deterministic(hardware)
    entries = [file(path, content.read_bytes(), 0o755) for path, content in files.items()]
    entries.append(file(_PLAN, json.dumps({"requests": list(requests)}).encode()))
    line = kernel_command_line(hardware.architecture, "nokaslr", "emulab.batch=1")
    with host_guest(engine, system, fixed, tools) as hosting:
        hosting.agent.put(system.kernel.path(), "/run/kernel")
        hosting.agent.put(agent_initramfs(system.agent.read_bytes(), entries), "/run/initramfs")
        command = [
            # No device that answers at the host's pace: neither the agent's port nor random numbers.
            *machine_command(fixed, ["mem-path=/run/ram", "share=on"]),
            *boot_arguments("/run/kernel", "/run/initramfs", line),
            *arguments,
        ]
        if instrument is not None:
            command += instrument.arguments
            for path, content in instrument.files.items():
                hosting.agent.put(content, path, mode=0o755)
        with Guest(hosting.agent, command) as guest:
            answers = _answers(_console_of(guest, timeout_s), guest)
            collect(hosting.agent)
            return answers


def _console_of(guest: Guest, timeout_s: float) -> list[str]:
    deadline = time.monotonic() + timeout_s
    while guest.is_running():
        if time.monotonic() > deadline:
            raise guest.diagnosed(MachineError(f"the guest did not finish within {timeout_s:g} s"))
        time.sleep(_POLL_S)
    return guest.console()


def _answers(console: Sequence[str], guest: Guest) -> list[BatchAnswer]:
    rows = [json.loads(line.partition(_PREFIX)[2]) for line in console if _PREFIX in line]
    if not rows or "end" not in rows[-1]:
        raise guest.diagnosed(MachineError("the guest ended before it had done what it was asked"))
    answers = []
    for row in rows[:-1]:
        if "failure" in row:
            raise refused("the guest's plan", json.dumps(row["failure"]).encode())
        channels = sorted(name for name in row if name.startswith("data"))
        data = tuple(base64.b64decode(row[name]) for name in channels)
        answers.append(BatchAnswer(row["answer"], base64.b64decode(row["payload"]), data))
    return answers
