"""Opening emulated machines: the images, volumes and agents they need, and then the machine itself."""

from __future__ import annotations

import contextlib
import json
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Self

from emulab.architectures import ARM64
from emulab.cache import digest, entry, sweep_scratch
from emulab.engine import connect, sweep
from emulab.errors import EmulabError
from emulab.images.builder import LABEL_FACTS, Builder
from emulab.machines.qemu_command import PLUGIN
from emulab.machines.tools import Tools, agent_program, ensure_tools

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from emulab.engine import Engine
    from emulab.images.builder import BuiltImage
    from emulab.machines.agent_machine import AgentMachine
    from emulab.machines.qemu_command import SystemHardware
    from emulab.machines.snapshots import GuestSystem
    from emulab.machines.target import Target
    from emulab.progress import Progress

STOCK = "stock"


# What emulates user mode: emulab's own, which counts and takes minutes to compile, or Debian's, which has no
# plugins and is there in seconds.
COUNTING_EMULATOR = "qemu-user"
STOCK_EMULATOR = "qemu-user-stock"


def images_of(target: Target, user_emulator: str = COUNTING_EMULATOR) -> list[str]:
    """Return the names of the images that a machine is made of."""
    # Static programs need nothing of a root filesystem: without one of their own, another's is as good.
    arch = target.architecture.name if target.has_root_of_its_own else ARM64.name
    if target.mode == "user":
        return [f"rootfs-{target.libc}-{arch}", user_emulator]
    # Debian's kernels need modules to read a disk; their guests have the root filesystem in memory.
    root = "rootfs" if target.kernel == STOCK else "disk"
    return [f"{root}-{target.libc}-{arch}", "qemu-system", f"kernel-{target.kernel}-{arch}"]


def made_of(emulator: BuiltImage, *others: BuiltImage) -> dict[str, Any]:
    """Return what a result's environment says of the images that a machine is made of."""
    versions = {name: version for name, version in emulator.packages.items() if name.startswith("qemu")}
    return {
        "qemu": next(iter(versions.values()), None),
        "images": {image.name: image.id for image in (emulator, *others)},
    }


class Opener:
    """Opens machines on the container engine. Safe to use from several threads.

    :param user_emulator: ``COUNTING_EMULATOR`` where what programs execute is to be counted,
        ``STOCK_EMULATOR`` for Debian's; None: Debian's until the other one has been built.
    """

    def __init__(self, progress: Progress, user_emulator: str | None = None) -> None:
        self._progress = progress
        self._counts = user_emulator == COUNTING_EMULATOR
        self._user_emulator = user_emulator
        self._lock = threading.Lock()
        self._settling = threading.Lock()
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
        builder = Builder(self.engine.client, self._progress)
        self._images |= builder.ensure(self._names(builder, targets))

    def missing(self, targets: Iterable[Target]) -> list[str]:
        """Return the images that the targets need, and counting where it is wanted, that are yet to be built.

        :raises InfrastructureError: no engine answers.
        """
        builder = Builder(self.engine.client, self._progress)
        names = [*self._names(builder, targets), *([COUNTING_EMULATOR] if self._counts else [])]
        return builder.missing(dict.fromkeys(names))

    def _names(self, builder: Builder, targets: Iterable[Target]) -> list[str]:
        """Return the images that targets need; the first call settles which user-mode emulator that is."""
        with self._settling:
            if self._user_emulator is None:
                missing = builder.missing([COUNTING_EMULATOR])
                self._user_emulator = STOCK_EMULATOR if missing else COUNTING_EMULATOR
        return list(dict.fromkeys(name for target in targets for name in self._images_of(target)))

    def _images_of(self, target: Target) -> list[str]:
        return images_of(target, self._user_emulator or COUNTING_EMULATOR)

    def image_ids(self, target: Target) -> list[str]:
        """Return the ids of the images that a target's machine is made of; they must have been prepared."""
        return [self._images[name].id for name in self._images_of(target)]

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

        rootfs, emulator = (self._images[name] for name in self._images_of(target))
        return open_user_machine(
            self.engine, target, rootfs, self.tools_of(target), made_of(emulator, rootfs)
        )

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
        from emulab.machines.system import hardware_of

        root, emulator, kernel = (self._images[name] for name in self._images_of(target))
        in_memory = target.kernel == STOCK
        system = GuestSystem(
            emulator=emulator.id,
            kernel=Part(kernel.id, lambda: self._file(kernel, "/kernel/image")),
            root=Part(root.id, lambda: self._file(root, "" if in_memory else "/disk.squashfs")),
            agent=agent_program(target.architecture.goarch, self._progress),
            root_in_memory=in_memory,
        )
        details = made_of(emulator, root, kernel)
        return hardware_of(target, json.loads(kernel.labels[LABEL_FACTS])), system, details

    def tools_of(self, target: Target) -> Tools:
        """Return the volume of tools that a target's containers mount."""
        return self._tools(self._images[self._images_of(target)[1]])

    def plugin(self) -> Path:
        """Return the file of the plugin that counts, for emulators in containers that do not have it.

        :raises InfrastructureError: its image can not be built.
        """
        name = COUNTING_EMULATOR
        if name not in self._images:
            self._images |= Builder(self.engine.client, self._progress).ensure([name])
        return self._file(self._images[name], PLUGIN)

    def _file(self, image: BuiltImage, path: str) -> Path:
        """Return a file of an image, or with no path all of it as a tar archive, on this machine's disk."""

        def make(directory: Path) -> None:
            store = Builder(self.engine.client, self._progress).store
            with (directory / "content").open("wb") as content:
                if path:
                    store.copy_file(image.reference, path, content)
                else:
                    store.copy_layer(image.reference, content)

        return entry("image-files", digest([image.id, path]), make) / "content"

    def _tools(self, image: BuiltImage) -> Tools:
        return ensure_tools(self.engine, agent_program(self.engine.goarch, self._progress), image.id)

    def _sweep(self) -> None:
        assert self._engine is not None
        # What a dead run left must not be why this one fails.
        with contextlib.suppress(OSError):
            sweep_scratch()
        with contextlib.suppress(EmulabError):
            sweep(self._engine)


class Ahead:
    """Prepares machines, and opens the first, while the caller does something else.

    An error is raised where the machine is wanted. What is not wanted any more is closed.

    :param first: whether to open the first machine; otherwise its images are prepared only.
    """

    def __init__(self, opener: Opener, targets: Sequence[Target], *, first: bool) -> None:
        self._opener = opener
        self._targets = targets
        self._first: Future[AgentMachine | None] = Future()
        self._stage = threading.Lock()
        self._is_prepared = False
        self._is_abandoned = False
        # A daemon: when the program does not compile, nobody waits for an image to be built.
        threading.Thread(target=self._work, args=(first,), name="machines", daemon=True).start()

    def _work(self, first: bool) -> None:
        try:
            self._opener.prepare(self._targets)
            with self._stage:
                if self._is_abandoned:
                    return
                self._is_prepared = True
            self._first.set_result(self._opener.open(self._targets[0]) if first else None)
        except BaseException as error:
            self._first.set_exception(error)

    def wait(self) -> None:
        """Wait until the images are there.

        :raises InfrastructureError: one could not be built.
        """
        self._first.result()

    def open(self, target: Target) -> AgentMachine:
        """Return an open machine of a target.

        :raises InfrastructureError: it could not be prepared or opened.
        """
        machine = self._first.result()
        if machine is not None and target is self._targets[0]:
            self._first = Future()
            self._first.set_result(None)
            return machine
        return self._opener.open(target)

    def close(self) -> None:
        """Close a machine that nobody wanted, or see to it that none is opened any more."""
        with self._stage:
            self._is_abandoned = True
            if not self._is_prepared:
                return
        with contextlib.suppress(EmulabError):
            machine = self._first.result()
            if machine is not None:
                machine.close()
