"""Snapshots of booted guests: made once, restored for every run.

A snapshot's volume holds the guest's RAM as a file, the state of its devices, and its disk. QEMU
writes the RAM through a shared mapping of the file, so that saving moves only the devices' state
(``x-ignore-shared``), and a clone maps the file copy-on-write: clones share every page that none of
them has written.
"""

from __future__ import annotations

import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emulab.cache import file_digest
from emulab.engine import VolumeMount
from emulab.engine.volumes import ensure_volume, remove_volume, volume_key
from emulab.errors import MachineError
from emulab.machines.agent_documents import Program
from emulab.machines.agent_errors import RequestError
from emulab.machines.guest import Guest
from emulab.machines.hosting import Hosting
from emulab.machines.initramfs import agent_initramfs, entries_of_tar
from emulab.machines.monitor import load_monitor
from emulab.machines.qemu_command import (
    GIBIBYTE,
    MEBIBYTE,
    NETWORK_SETUP,
    SystemHardware,
    boot_arguments,
    disk_arguments,
    kernel_command_line,
    network_arguments,
    system_command,
)
from emulab.machines.rest import await_rest
from emulab.machines.slow_disk import attach

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from emulab.engine import Engine
    from emulab.machines.adversity import Adversity
    from emulab.machines.agent_client import AgentClient
    from emulab.machines.agent_stream import RelayStream
    from emulab.machines.tools import Tools
    from emulab.progress import Progress

_DIRECTORY = "/snapshot"
_RAM = f"{_DIRECTORY}/ram"
_STATE = f"{_DIRECTORY}/state"
_DISK = f"{_DIRECTORY}/disk"
_KERNEL = f"{_DIRECTORY}/kernel"
_INITRAMFS = f"{_DIRECTORY}/initramfs"
_IGNORE_SHARED = [{"capability": "x-ignore-shared", "state": True}]
_ROLE = "snapshot"
_BOOT_TIMEOUT_S = 60.0
# Far more than it takes, since whoever gives up too early throws a good snapshot away.
_RESTORE_TIMEOUT_S = 30.0
_NAP_S = 0.05
_WAKE_UP_S = 5.0
_ATTEMPTS = 3
_COMFORTABLE_MEMORY = 64 * MEBIBYTE
# For QEMU itself and its translated code, beside the guest's RAM.
_EMULATOR_MEMORY = GIBIBYTE
# Part of every snapshot's name: to be raised when what is written here changes what a snapshot is.
_FORMAT = 3


@dataclass(frozen=True)
class Part:
    """A file that guests are made of: what its content is known by, and how to get it."""

    identity: str
    path: Callable[[], Path]


@dataclass(frozen=True)
class GuestSystem:
    """Everything that a guest boots, and with what.

    :param emulator: the id of the image with QEMU.
    :param agent: the agent's program, built for the guest's architecture.
    :param root_in_memory: the root is a tar archive that goes into the initial RAM filesystem, for kernels
        that need modules to read a disk; otherwise it is a disk.
    :param root: the root filesystem's disk.
    """

    emulator: str
    kernel: Part
    root: Part
    agent: Path
    root_in_memory: bool = False

    def initramfs(self) -> bytes:
        """Return the initial RAM filesystem."""
        if not self.root_in_memory:
            return agent_initramfs(self.agent.read_bytes())
        with self.root.path().open("rb") as stream:
            return agent_initramfs(self.agent.read_bytes(), entries_of_tar(stream))

    def disk_arguments(self, path: str) -> list[str]:
        """Return QEMU's arguments for the disk at a path, none where the root is in memory."""
        return [] if self.root_in_memory else disk_arguments(path)

    def snapshot_name(self, hardware: SystemHardware) -> str:
        """Return the name of the volume that holds this system booted on that hardware."""
        agent = file_digest(self.agent)
        machine = system_command(hardware, [])
        key = volume_key(_FORMAT, machine, self.emulator, self.kernel.identity, self.root.identity, agent)
        return f"emulab-snapshot-{hardware.architecture.name}-{key[:16]}"


@dataclass(frozen=True)
class Instrument:
    """What observes a guest from within its emulator.

    :param files: files that go into the emulator's container, by their paths there.
    :param arguments: QEMU's further arguments.
    """

    files: Mapping[str, Path]
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class RunningGuest:
    """A guest whose agent has answered.

    :param boot_s: from the start of QEMU to the agent's answer, in seconds of this host.
    """

    hosting: Hosting
    guest: Guest
    agent: AgentClient
    boot_s: float

    def close(self) -> None:
        """Remove the guest's container, and the guest with it."""
        self.agent.close()
        self.guest.hang_up()
        self.hosting.close()


def ensure_snapshot(
    engine: Engine, system: GuestSystem, hardware: SystemHardware, tools: Tools, progress: Progress
) -> dict[str, Any]:
    """Return the facts of a snapshot, booting a guest to make it when there is none.

    :raises MachineError: the guest does not boot, with its console's last lines.
    """

    def fill(volume: str) -> dict[str, Any]:
        title = f"booting a {hardware.architecture.name} guest for its snapshot"
        with progress.step(title):
            for _ in range(_ATTEMPTS):
                facts = _make(engine, system, hardware, tools, volume)
                if _wakes_up(engine, system, hardware, tools, facts):
                    return facts
        raise MachineError(f"clones of the {hardware.architecture.name} guest's snapshot do not wake up")

    return ensure_volume(engine, system.snapshot_name(hardware), _ROLE, fill)


def forget_snapshot(engine: Engine, system: GuestSystem, hardware: SystemHardware) -> None:
    """Remove a snapshot, so that the next call makes it again."""
    remove_volume(engine, system.snapshot_name(hardware))


def boot(
    engine: Engine,
    system: GuestSystem,
    hardware: SystemHardware,
    tools: Tools,
    *,
    volume: str | None = None,
    network: bool = False,
    adversity: Adversity | None = None,
) -> RunningGuest:
    """Boot a guest and wait for its agent.

    :param volume: where its files go; without one, into the container's own memory.
    :param adversity: what is wrong with it from the first moment.
    :raises MachineError: it panics, hangs or dies, with its console's last lines.
    """
    mounts = [VolumeMount(volume, _DIRECTORY, writable=True)] if volume else []
    hosting = host_guest(engine, system, hardware, tools, mounts, network=network)
    try:
        if volume is not None:
            hosting.agent.remove(_RAM)  # of an earlier attempt
        contents: dict[str, bytes | Path] = {
            _KERNEL: system.kernel.path(),
            _INITRAMFS: system.initramfs(),
        }
        if not system.root_in_memory:
            contents[_DISK] = system.root.path()
        for path, content in contents.items():
            hosting.agent.put(content, _place(path, volume))
        settings = [] if system.root_in_memory else ["emulab.root=/dev/vda"]
        random, slow = True, []
        if adversity is not None:
            settings += adversity.kernel_arguments
            random = not adversity.without_randomness
            slow = attach(hosting.agent, adversity.disk) if adversity.disk is not None else []
        line = kernel_command_line(hardware.architecture, *settings)
        kernel, initramfs, disk, ram = (_place(p, volume) for p in (_KERNEL, _INITRAMFS, _DISK, _RAM))
        command = [
            *system_command(hardware, [f"mem-path={ram}", "share=on"], random=random),
            *boot_arguments(kernel, initramfs, line),
            *system.disk_arguments(disk),
            *slow,
            *(network_arguments() if network else ()),
        ]
        guest = Guest(hosting.agent, command)
        try:
            running = _greeted(hosting, guest, guest.dial_agent(), _BOOT_TIMEOUT_S)
        except MachineError as error:
            raise _not_booted(hardware, error) from error
        if network:
            _raise_network(running.agent)
        return running
    except BaseException:
        hosting.close()
        raise


def _not_booted(hardware: SystemHardware, error: MachineError) -> MachineError:
    size = f"{hardware.memory // MEBIBYTE} MiB of memory"
    return MachineError(
        f"the {hardware.architecture.name} guest did not boot with {size}: {error.message}",
        hint="give it more with --memory" if hardware.memory < _COMFORTABLE_MEMORY else error.hint,
        detail=error.detail,
    )


def restore(
    engine: Engine,
    system: GuestSystem,
    hardware: SystemHardware,
    tools: Tools,
    facts: dict[str, Any],
    instrument: Instrument | None = None,
) -> RunningGuest:
    """Start a private clone of a snapshot and wait for its agent.

    :param facts: the snapshot's, as :func:`ensure_snapshot` returned them.
    :param instrument: what observes the clone from its first instruction on.
    :raises MachineError: the snapshot is damaged or the emulator failed.
    """
    mounts = [VolumeMount(system.snapshot_name(hardware), _DIRECTORY)]
    # What talks to QEMU is loaded while the container starts.
    threading.Thread(target=load_monitor, name="monitor", daemon=True).start()
    hosting = host_guest(engine, system, hardware, tools, mounts)
    try:
        command = [
            *system_command(hardware, [f"mem-path={_RAM}", "share=off", "readonly=on", "rom=off"]),
            *system.disk_arguments(_DISK),
            *("-incoming", "defer"),
        ]
        if instrument is not None:
            command += instrument.arguments
            for path, file in instrument.files.items():
                hosting.agent.put(file, path, mode=0o755)
        guest = Guest(hosting.agent, command)
        with ThreadPoolExecutor(1, "digest") as beside:
            saved = beside.submit(_digest_of, hosting, _STATE)
            try:
                # The port must have its listener before the guest runs, or it would see it closed.
                stream = guest.dial_agent()
                # The guest runs as soon as its state is there, and its agent's answer is what says so.
                guest.command_monitor(
                    ("migrate-set-capabilities", {"capabilities": _IGNORE_SHARED}),
                    ("migrate-incoming", {"uri": f"file:{_STATE}"}),
                )
                running = _greeted(hosting, guest, stream, _RESTORE_TIMEOUT_S)
            finally:
                # Where the state is damaged, that is the reason for whatever went wrong.
                if saved.result() != facts["state_sha256"]:
                    raise MachineError("the snapshot's state is not what was saved")
        running.agent.restore()
        return running
    except BaseException:
        hosting.close()
        raise


def _make(
    engine: Engine,
    system: GuestSystem,
    hardware: SystemHardware,
    tools: Tools,
    volume: str,
) -> dict[str, Any]:
    """Boot a guest on a volume, save its state there and end it."""
    running = boot(engine, system, hardware, tools, volume=volume)
    try:
        _warm_up(running.agent)
        # The clone's session must begin anew: nothing of this one may be under way in the state.
        running.agent.close()
        guest = running.guest
        await_rest(guest.monitor, hardware)
        # It is saved as a running one, so that a clone runs by itself: the saving is what stops it.
        guest.command_monitor(
            ("migrate-set-capabilities", {"capabilities": _IGNORE_SHARED}),
            ("migrate", {"uri": f"file:{_STATE}"}),
        )
        try:
            guest.monitor.await_migration()
            guest.monitor.execute("quit")
        except MachineError as error:
            raise guest.diagnosed(error) from error
        host = running.hosting.agent
        for path in (_KERNEL, _INITRAMFS):
            host.remove(path)
        return {"boot_s": running.boot_s, "state_sha256": _digest_of(running.hosting, _STATE)}
    finally:
        running.close()


def _wakes_up(
    engine: Engine, system: GuestSystem, hardware: SystemHardware, tools: Tools, facts: dict[str, Any]
) -> bool:
    """Tell whether a clone's timers wake up who sleeps; one that lost some hangs as soon as somebody does."""
    with ThreadPoolExecutor(1, "nap") as beside:
        clone = restore(engine, system, hardware, tools, facts)
        try:
            # Nobody listens there, which the agent says after its sleep.
            nap = beside.submit(clone.agent.dial, "unix:/nobody", timeout_s=_NAP_S)
            return isinstance(nap.exception(_WAKE_UP_S), RequestError)
        except TimeoutError:
            return False
        finally:
            clone.close()


def _digest_of(hosting: Hosting, path: str) -> str:
    return hashlib.sha256(hosting.agent.get(path)).hexdigest()


# What nearly every program's start needs: the shell's and the applets' file, whole.
_WARM_UP = "cat /bin/sh >/dev/null; ls / >/dev/null; echo warm"


def _warm_up(agent: AgentClient) -> None:
    """Bring what every run needs into the guest's page cache: a clone would unpack it from its disk again."""
    agent.run(Program(("/bin/sh", "-c", _WARM_UP)), timeout_s=_BOOT_TIMEOUT_S)


def _raise_network(agent: AgentClient) -> None:
    result = agent.run(Program(("/bin/sh", "-c", NETWORK_SETUP)), timeout_s=_BOOT_TIMEOUT_S)
    if result.exit != 0:
        said = (result.stdout + result.stderr).decode(errors="replace")
        raise MachineError("the guest's network card could not be set up", detail=said)


def host_guest(
    engine: Engine,
    system: GuestSystem,
    hardware: SystemHardware,
    tools: Tools,
    volumes: Sequence[VolumeMount] = (),
    *,
    network: bool = False,
) -> Hosting:
    """Start the container that a guest's emulator will run in."""
    return Hosting(
        engine,
        system.emulator,
        "system",
        tools,
        volumes=volumes,
        memory=hardware.memory + _EMULATOR_MEMORY,
        cpus=hardware.cpus + 1,
        network=network,
    )


def _greeted(hosting: Hosting, guest: Guest, stream: RelayStream, timeout_s: float) -> RunningGuest:
    agent = guest.greet(stream, timeout_s)
    return RunningGuest(hosting, guest, agent, time.monotonic() - guest.started)


def _place(path: str, volume: str | None) -> str:
    """Return where a file goes: on the volume, or in the container's own memory."""
    return path if volume is not None else path.replace(_DIRECTORY, "/run", 1)
