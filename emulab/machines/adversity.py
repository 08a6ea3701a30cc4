"""What is wrong with a machine, on purpose, and how it is brought about."""

from __future__ import annotations

import errno
import secrets
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emulab.errors import MachineError, UsageError
from emulab.machines.agent_documents import CallFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from emulab.machines.protocol import Command, Completed

# Classic BPF (linux/filter.h) and seccomp's answers (linux/seccomp.h).
_LOAD, _EQUAL, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x45, 0x54, 0x06
_ALLOW, _ERROR, _ASK = 0x7FFF0000, 0x00050000, 0x7FC00000
_NUMBER, _THIRD, _FOURTH = 0, 32, 40
"""Where ``struct seccomp_data`` has the call's number, and the lower halves of its arguments."""
_NON_BLOCKING, _INSECURE = 1, 4
"""GRND_NONBLOCK and GRND_INSECURE."""
_WAITING = (
    (_LOAD, 0, 0, _THIRD),
    (_ANY_BIT, 0, 1, _NON_BLOCKING),
    (_RETURN, 0, 0, _ERROR | errno.EAGAIN),
    (_ANY_BIT, 0, 1, _INSECURE),
    (_RETURN, 0, 0, _ALLOW),
    (_RETURN, 0, 0, _ASK),
)
"""What answers ``getrandom`` as a kernel does that has no randomness yet."""
_NEVER_DROPPED = (
    (_LOAD, 0, 0, _FOURTH),
    (_AND, 0, 0, 0x0F),  # MAP_TYPE
    (_EQUAL, 0, 1, 0x08),  # MAP_DROPPABLE
    (_RETURN, 0, 0, _ERROR | errno.EINVAL),
    (_RETURN, 0, 0, _ALLOW),
)
"""What answers ``mmap`` as a kernel before 6.11. Without such pages nobody draws from the vDSO, where Go
would wait with its scheduler's processor in hand, and stand still as a whole."""
_GETRANDOM = "getrandom"
_MMAP = {"arm": "mmap2"}
_REFUSED = 125
_GROUP = "/sys/fs/cgroup/fault"
_GROUP_SETUP = f"echo +memory > /sys/fs/cgroup/cgroup.subtree_control\nmkdir -p {_GROUP}\necho "
_SETUP_S = 60.0


@dataclass(frozen=True)
class Disk:
    """A second disk, with a file system of its own at a directory.

    :param directory: where it appears.
    :param bytes_per_s, requests_per_s: what it can do, reading and writing together.
    """

    directory: str
    bytes_per_s: int
    requests_per_s: int


@dataclass(frozen=True)
class Adversity:
    """What is wrong with a machine besides its hardware, which :class:`Target` has.

    :param name: what messages call it.
    :param refused: system calls that fail, each with the error's name, ``{"getrandom": "ENOSYS"}``.
    :param random_waits: ``getrandom`` waits for ever, as where the kernel has no randomness yet.
    :param etc: files of ``/etc`` with what stands in them.
    :param small: directories in memory with their size in bytes.
    :param memory_limit: bytes that each program may have, by a control group of a guest's kernel.
    :param setup: shell commands that root runs once, when the first program is about to start: by then all
        files are there.
    :param before: shell commands that every program's process runs before it becomes the program.
    :param kernel_arguments: of the kernel's command line; such a machine is booted, not restored.
    :param without_randomness: no device and no description of the machine gives the kernel random numbers.
    :param disk: a slow one.
    :param starts_misfits: programs that can not start there, as their files tell, are started all the same.
    """

    name: str
    refused: Mapping[str, str] = field(default_factory=dict)
    random_waits: bool = False
    etc: Mapping[str, str] = field(default_factory=dict)
    small: Mapping[str, int] = field(default_factory=dict)
    memory_limit: int | None = None
    setup: str = ""
    before: str = ""
    kernel_arguments: tuple[str, ...] = ()
    without_randomness: bool = False
    disk: Disk | None = None
    starts_misfits: bool = False

    @property
    def needs_a_boot(self) -> bool:
        """Whether no snapshot serves: what is wrong is so from the kernel's first moment."""
        return bool(self.kernel_arguments or self.without_randomness or self.disk)

    def filter(self, goarch: str) -> CallFilter | None:
        """Return the filter of system calls that brings it about, None where it takes none.

        :param goarch: of the kernel that answers them.
        :raises UsageError: the architecture has no such call.
        """
        code: list[tuple[int, int, int, int]] = []
        for name, error in self.refused.items():
            code += _if_number(call_number(name, goarch), [(_RETURN, 0, 0, _ERROR | getattr(errno, error))])
        if self.random_waits:
            code += _if_number(call_number(_GETRANDOM, goarch), _WAITING)
            code += _if_number(call_number(_MMAP.get(goarch, "mmap"), goarch), _NEVER_DROPPED)
        if not code:
            return None
        code = [(_LOAD, 0, 0, _NUMBER), *code, (_RETURN, 0, 0, _ALLOW)]
        return CallFilter(b"".join(struct.pack("<HBBI", *each) for each in code).hex(), self.random_waits)


def call_number(name: str, goarch: str) -> int:
    """Return the number of a system call.

    :raises UsageError: the architecture has no such call.
    """
    from system_calls import NoSuchSystemCall, NotSupportedSystemCall, syscalls

    arch = {"amd64": "x86_64", "arm64": "arm64", "arm": "arm", "riscv64": "riscv64"}[goarch]
    try:
        return int(syscalls().get(name, arch))
    except (NoSuchSystemCall, NotSupportedSystemCall) as error:
        raise UsageError(f"{arch} has no system call {name}") from error


def _if_number(number: int, then: Sequence[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    return [(_EQUAL, 0, len(then), number), *then]


class Affliction:
    """An adversity at work on one machine.

    :param run: runs a program there without it.
    """

    def __init__(
        self, adversity: Adversity, filter: CallFilter | None, run: Callable[[Command], Completed]
    ) -> None:
        self._adversity = adversity
        self.filter = filter
        # QEMU dies of what its program is to meet, unless it makes random numbers of its own.
        self.environment = {"QEMU_RAND_SEED": str(secrets.randbits(63))} if filter is not None else {}
        self._run = run
        self._is_begun = False

    def begin(self) -> None:
        """Run the set-up, the first time it is called.

        :raises MachineError: it failed: the machine is not as it was asked for.
        """
        from emulab.machines.protocol import SEARCH_PATH, Command

        if self._is_begun:
            return
        self._is_begun = True
        setup = self._adversity.setup
        if self._adversity.memory_limit is not None:
            setup = f"{_GROUP_SETUP}{self._adversity.memory_limit} > {_GROUP}/memory.max\n{setup}"
        if not setup:
            return
        command = Command(("/bin/sh", "-e", "-c", setup), {"PATH": SEARCH_PATH}, "/", timeout_s=_SETUP_S)
        ended = self._run(command)
        if not ended.succeeded:
            raise MachineError(
                f"the fault {self._adversity.name} could not be brought about: its set-up {ended.ending()}",
                detail=(ended.stdout + ended.stderr).decode(errors="replace"),
            )

    def argv(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        """Return what is started in a program's place."""
        before = self._adversity.before
        if self._adversity.memory_limit is not None:
            before = f"echo $$ > {_GROUP}/cgroup.procs; {before or 'true'}"
        if not before:
            return argv
        line = f'{{ {before}; }} || exit {_REFUSED}; exec "$0" "$@"'
        return ("/bin/sh", "-c", line, *argv)
