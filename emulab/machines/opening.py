"""Opening emulated machines: the images, volumes and agents they need, and then the machine itself."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Self

from emulab.agent import build_agent
from emulab.images import Builder

from emulab.engine import connect, sweep
from emulab.errors import EmulabError
from emulab.machines.tools import Tools, ensure_tools

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulab.images import BuiltImage

    from emulab.engine import Engine
    from emulab.machines.agent_machine import AgentMachine
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
        self._images |= Builder(self.engine.client, self._progress).ensure(names)

    def open(self, target: Target) -> AgentMachine:
        """Open a machine; its images must have been prepared.

        :raises UsageError: there is no such machine.
        :raises MachineError: it could not be started.
        """
        if target.mode == "user":
            from emulab.machines.user import open_user_machine

            rootfs, emulator = (self._images[name] for name in images_of(target))
            tools = self._tools(emulator)
            return open_user_machine(self.engine, target, rootfs, tools)
        from emulab.machines.system import open_system_machine

        disk, emulator, kernel = (self._images[name] for name in images_of(target))
        tools = self._tools(emulator)
        return open_system_machine(self.engine, target, emulator, kernel, disk, tools, self._progress)

    def _tools(self, image: BuiltImage) -> Tools:
        return ensure_tools(self.engine, build_agent(self.engine.goarch, self._progress), image.id)

    def _sweep(self) -> None:
        assert self._engine is not None
        # What a dead run left must not be why this one fails.
        with contextlib.suppress(EmulabError):
            sweep(self._engine)
