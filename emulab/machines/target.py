"""Where a program is to run: everything that opening an emulated machine depends on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emulab.architectures import ARCHITECTURES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulab.architectures import Architecture
    from emulab.machines.adversity import Adversity

MODES = ("user", "system")
LIBCS = ("musl", "glibc", "glibc-old")


@dataclass(frozen=True)
class Target:
    """One emulated machine.

    :param board: the board it stands for, None for a generic one of the architecture.
    :param libc: which root filesystem: ``musl``, ``glibc`` or ``glibc-old``.
    :param mode: ``user`` or ``system``.
    :param cpu_model: QEMU's ``-cpu``.
    :param memory: bytes; in user mode the container's limit.
    :param cpus: processors; in user mode how many of the host's may be kept busy.
    :param kernel: which kernel system mode boots: ``4k``, ``16k``, ``64k`` pages, or Debian's ``stock``.
    :param network: whether programs reach a network besides the machine's own loopback.
    :param environment: what every program finds in its environment.
    :param writable: directories that programs may write to, beside /tmp, /run and /work; in user mode each is
        empty at first. In system mode all of them are writable anyway.
    :param adversity: what is wrong with it, on purpose.
    """

    architecture: Architecture
    libc: str
    mode: str
    cpu_model: str
    memory: int
    cpus: int
    kernel: str = "4k"
    board: str | None = None
    network: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    writable: tuple[str, ...] = ()
    adversity: Adversity | None = None

    @property
    def has_root_of_its_own(self) -> bool:
        """Whether there are root filesystems for its architecture; without, only static programs run."""
        return self.architecture.name in ARCHITECTURES

    @property
    def title(self) -> str:
        """Return how messages name it."""
        under = f", {self.adversity.name}" if self.adversity is not None else ""
        return f"{self.board or self.architecture.name} ({self.libc}, {self.mode} mode{under})"
