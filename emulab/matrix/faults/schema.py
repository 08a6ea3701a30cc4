"""What a fault's file may say."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

Mode = Literal["user", "system"]
Arch = Literal["arm64", "armv7", "riscv64"]
Libc = Literal["musl", "glibc", "glibc-old"]


class SlowDisk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A second disk with a file system of its own (the set-up makes it)."""

    directory: str
    bytes_per_s: int
    requests_per_s: int


class Machine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What of a machine is otherwise; what is not said stays as it was.

    :param cpu: architecture to QEMU's ``-cpu``.
    :param memory: bytes.
    :param libc: another root filesystem.
    :param environment: what programs find there beside their own.
    :param starts_misfits: programs that can not start there are started all the same.

    The others are those of :class:`emulab.machines.adversity.Adversity`.
    """

    cpu: dict[Arch, str] = {}
    kernel: Literal["4k", "16k", "64k", "stock"] | None = None
    memory: int | None = None
    cpus: int | None = None
    libc: Libc | None = None
    environment: dict[str, str] = {}
    starts_misfits: bool = False
    refused: dict[str, str] = {}
    random_waits: bool = False
    etc: dict[str, str] = {}
    small: dict[str, int] = {}
    memory_limit: int | None = None
    setup: str = ""
    before: str = ""
    kernel_arguments: tuple[str, ...] = ()
    without_randomness: bool = False
    disk: SlowDisk | None = None

    def overlaid(self, over: Machine) -> Machine:
        """Return it with what another says on top."""
        changes: dict[str, Any] = {}
        for name in self.__struct_fields__:
            own, new = getattr(self, name), getattr(over, name)
            if isinstance(own, dict):
                changes[name] = own | new
            elif new:
                changes[name] = new
        return msgspec.structs.replace(self, **changes)


class Build(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a program is built so that the fault can meet it; what is not said stays as it was.

    :param libc: the C library that it is linked against: ``other`` than the root filesystem's.
    :param glibc: the version of glibc that it is linked against.
    """

    cgo: bool | None = None
    static: bool | None = None
    libc: Literal["other"] | None = None
    glibc: str | None = None
    goarm: str | None = None
    goarm64: str | None = None
    goriscv64: str | None = None


class Hole(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Machines on which a fault can not be shown: those that have all of its values."""

    reason: str
    mode: Mode | None = None
    arch: Arch | None = None
    libc: Libc | None = None

    def holds(self, mode: str, arch: str, libc: str) -> bool:
        """Tell whether a machine is one of them."""
        pairs = ((self.mode, mode), (self.arch, arch), (self.libc, libc))
        return all(wanted in (None, there) for wanted, there in pairs)


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a demonstration did under the fault.

    :param go: the first release of Go that does so; an earlier one has an entry of its own, or does the same.
    :param ending: how the program ended, a regular expression: ``ended with status 2``.
    :param output: what its output has, a regular expression.
    :param arch: where it is seen; None for everywhere that has no entry of its own.
    """

    output: str
    ending: str = "ended with status 0"
    go: str = "1.0"
    arch: Arch | None = None

    def __post_init__(self) -> None:
        """Refuse what is no regular expression."""
        for text in (self.output, self.ending):
            try:
                re.compile(text)
            except re.error as error:
                raise ValueError(f"{text!r} is no regular expression: {error}") from error

    @property
    def survives(self) -> bool:
        """Tell whether the program went on working."""
        return self.ending == "ended with status 0"


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program of ours that shows what the fault does, or the way round it.

    :param package: a directory of ``programs``.
    :param way_round: it shows the remedy.
    """

    id: str
    package: str
    seen: tuple[Seen, ...]
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    build: Build = Build()
    way_round: bool = False

    def expected(self, release: tuple[int, int], arch: str) -> Seen:
        """Return what is documented for a release of Go on an architecture."""
        there = [each for each in self.seen if each.arch == arch] or [
            each for each in self.seen if each.arch is None
        ]
        known = sorted(there, key=lambda each: _release(each.go))
        fitting = [each for each in known if _release(each.go) <= release]
        return (fitting or known)[-1] if fitting else known[0]


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to die on a board.

    :param happens: where on boards it happens.
    :param mechanism: how it is brought about here.
    :param wisdom: what is commonly said of it, and what was seen; "" where they agree.
    :param remedy: the way round it, for whoever reads a failure.
    :param machine, user, system: what of a machine is otherwise: in both modes, and in each.
    :param without: what a machine has that shows the demonstrations without the fault.
    """

    id: str
    title: str
    happens: str
    mechanism: str
    remedy: str
    case: tuple[Case, ...]
    wisdom: str = ""
    machine: Machine = Machine()
    user: Machine = Machine()
    system: Machine = Machine()
    without: Machine = Machine()
    build: Build = Build()
    unsupported: tuple[Hole, ...] = ()

    def on(self, mode: str) -> Machine:
        """Return what is otherwise on a machine of a mode."""
        return self.machine.overlaid(self.user if mode == "user" else self.system)


def _release(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    return int(major), int(minor.partition(".")[0] or 0)
