"""System mode: a whole emulated machine with its own kernel, restored from a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulab.errors import MachineError
from emulab.machines.agent_machine import AgentMachine, machine_facts
from emulab.machines.protocol import SEARCH_PATH, Command
from emulab.machines.qemu_command import SystemHardware, without_randomness
from emulab.machines.snapshots import (
    GuestSystem,
    RunningGuest,
    boot,
    ensure_snapshot,
    forget_snapshot,
    restore,
)

if TYPE_CHECKING:
    from emulab.engine import Engine
    from emulab.machines.adversity import Adversity
    from emulab.machines.target import Target
    from emulab.machines.tools import Tools
    from emulab.progress import Progress

_SETUP_S = 60.0


def hardware_of(target: Target, kernel_facts: dict[str, Any]) -> SystemHardware:
    """Return the virtual machine of a target, checked.

    :param kernel_facts: what the kernel's image says of itself.
    :raises UsageError: memory or processors out of range.
    """
    hardware = SystemHardware(
        architecture=target.architecture,
        cpu_model=target.cpu_model,
        memory=target.memory,
        cpus=target.cpus,
        machine_options=tuple(kernel_facts["machine_options"]),
    )
    hardware.check()
    adversity = target.adversity
    return without_randomness(hardware) if adversity and adversity.without_randomness else hardware


def open_system_machine(
    engine: Engine,
    target: Target,
    system: GuestSystem,
    hardware: SystemHardware,
    tools: Tools,
    progress: Progress,
    details: dict[str, Any],
) -> AgentMachine:
    """Open a system-mode machine: a clone of its snapshot, which is made where there is none.

    A machine with a network is booted, since the snapshot has no network card; and so is one with which
    something is wrong from its first moment on.

    :param details: versions and image digests, for the result's environment.
    :raises MachineError: the guest does not boot, with its console's last lines.
    """
    adversity = target.adversity
    if target.network or (adversity is not None and adversity.needs_a_boot):
        running = boot(engine, system, hardware, tools, network=target.network, adversity=adversity)
    else:
        facts = ensure_snapshot(engine, system, hardware, tools, progress)
        try:
            running = restore(engine, system, hardware, tools, facts)
        except MachineError as error:
            progress.note(f"the snapshot could not be restored ({error.message}); it is being made again")
            forget_snapshot(engine, system, hardware)
            facts = ensure_snapshot(engine, system, hardware, tools, progress)
            running = restore(engine, system, hardware, tools, facts)
    return machine_of(target, running, details)


def boot_machine(
    engine: Engine,
    target: Target,
    system: GuestSystem,
    hardware: SystemHardware,
    tools: Tools,
    details: dict[str, Any],
) -> AgentMachine:
    """Open a system-mode machine by booting it, without any snapshot.

    :raises MachineError: the guest does not boot, with its console's last lines.
    """
    return machine_of(target, boot(engine, system, hardware, tools, adversity=target.adversity), details)


def _mount_small(machine: AgentMachine, adversity: Adversity) -> None:
    """Put file systems of an adversity's sizes where they belong, before anything lies there."""
    for directory, size in adversity.small.items():
        options = f"mode=1777,size={size}"
        argv = ("/bin/mount", "-t", "tmpfs", "-o", options, "tmpfs", directory)
        ended = machine.run(Command(argv, {"PATH": SEARCH_PATH}, "/", timeout_s=_SETUP_S))
        if not ended.succeeded:
            said = (ended.stdout + ended.stderr).decode(errors="replace")
            raise MachineError(f"no file system could be mounted at {directory}", detail=said)


def machine_of(target: Target, running: RunningGuest, details: dict[str, Any]) -> AgentMachine:
    """Return the machine that a running guest is."""
    facts = machine_facts(
        running.agent,
        details,
        arch=target.architecture.name,
        mode="system",
        libc=target.libc,
        cpu_model=target.cpu_model,
    )
    machine = AgentMachine(running.agent, facts, running.close, memory=target.memory)
    if target.adversity is not None:
        _mount_small(machine, target.adversity)
        machine.afflict(target.adversity, target.architecture.goarch)
    return machine
