"""Opening emulated machines: the images, volumes and agents they need, and then the machine itself."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, Self

from emulab.cache import digest, entry
from emulab.engine import connect, sweep
from emulab.errors import EmulabError
from emulab.images import Builder
from emulab.machines.tools import Tools, agent_program, ensure_tools

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from emulab.engine import Engine
    from emulab.images import BuiltImage
    from emulab.machines.agent_machine import AgentMachine
    from emulab.machines.qemu_command import SystemHardware
    from emulab.machines.snapshots import GuestSystem
    from emulab.machines.target import Target
    from emulab.progress import Progress


def images_of(target: Target) -> list[str]:
    """Return the names of the images that a machine is made of."""
    arch = target.architecture.name
    if target.mode == "user":
        return [f"rootfs-{target.libc}-{arch}", "qemu-user"]
    return [f"disk-{target.libc}-{arch}", "qemu-system", f"kernel-{target.kernel}-{arch}"]


class Opener:
    """Opens machines on the container engine. Safe to use from several threads."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._images: dict[str, BuiltImage] = {}
        self._sweeper: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._sweeper is not None:
            self._sweeper.join()
        if self._engine is not None:
            self._engine.client.close()

    @property
    def engine(self) -> Engine:
        """Return the engine, connecting at the first use.

        :raises EngineError: none answers.
        """
        with self._lock:
            if self._engine is None:
                self._engine = connect()
                self._sweeper = threading.Thread(target=self._sweep, name="sweep", daemon=True)
                self._sweeper.start()
            return self._engine

    def prepare(self, targets: Iterable[Target]) -> None:
        """Make sure that every image exists that the targets need, building side by side what is missing.

        :raises InfrastructureError: no engine answers, or an image can not be built.
        """
        names = list(dict.fromkeys(name for target in targets for name in images_of(target)))
        self._images |= self._builder().ensure(names)

    def open(self, target: Target, *, fresh: bool = False) -> AgentMachine:
        """Open a machine; its images must have been prepared.

        :param fresh: boot a system-mode machine, rather than restore it from a snapshot.
        :raises UsageError: there is no such machine.
        :raises MachineError: it could not be started.
        """
        if target.mode == "user":
            return self._open_user(target)
        return self._open_system(target, fresh=fresh)

    def _open_user(self, target: Target) -> AgentMachine:
        from emulab.machines.user import open_user_machine

        rootfs, emulator = (self._images[name] for name in images_of(target))
        return open_user_machine(self.engine, target, rootfs, emulator, self.tools_of(target))

    def _open_system(self, target: Target, *, fresh: bool) -> AgentMachine:
        from emulab.machines.system import boot_machine, open_system_machine

        hardware, system, details = self.system_of(target)
        tools = self.tools_of(target)
        if fresh:
            return boot_machine(self.engine, target, system, hardware, tools, details)
        return open_system_machine(self.engine, target, system, hardware, tools, self._progress, details)

    def system_of(self, target: Target) -> tuple[SystemHardware, GuestSystem, dict[str, Any]]:
        """Return the virtual machine of a target, what it boots, and what to say of that.

        :raises UsageError: memory or processors out of range.
        """
        from emulab.machines.snapshots import GuestSystem, Part
        from emulab.machines.system import hardware_of, parse_kernel_facts

        disk, emulator, kernel = (self._images[name] for name in images_of(target))
        facts = parse_kernel_facts(self._file(kernel, "/kernel/facts.json").read_bytes())
        system = GuestSystem(
            emulator=emulator.id,
            kernel=Part(kernel.id, lambda: self._file(kernel, "/kernel/image")),
            root=Part(disk.id, lambda: self._file(disk, "/disk.squashfs")),
            agent=agent_program(target.architecture.goarch, self._progress),
        )
        details = {"images": {image.name: image.id for image in (disk, emulator, kernel)}}
        return hardware_of(target, facts), system, details

    def tools_of(self, target: Target) -> Tools:
        """Return the volume of tools that a target's containers mount."""
        return self._tools(self._images["qemu-user" if target.mode == "user" else "qemu-system"])

    def _file(self, image: BuiltImage, path: str) -> Path:
        """Return a file of an image on this machine's disk."""

        def make(directory: Path) -> None:
            (directory / "content").write_bytes(self._builder().read_file(image.name, path))

        return entry("image-files", digest([image.id, path]), make) / "content"

    def _builder(self) -> Builder:
        return Builder(self.engine.client, self._progress)

    def _tools(self, image: BuiltImage) -> Tools:
        return ensure_tools(self.engine, agent_program(self.engine.goarch, self._progress), image.id)

    def _sweep(self) -> None:
        assert self._engine is not None
        # What a dead run left must not be why this one fails.
        with contextlib.suppress(EmulabError):
            sweep(self._engine)
