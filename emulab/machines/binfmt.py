"""Letting emulated programs start programs: the kernel's binfmt_misc table.

QEMU's user mode hands ``execve`` to the host's kernel, which must know what runs a foreign binary.
The table belongs to the whole host, so emulab adds an entry only when the host has none for the
architecture, under a name that says whose it is, and removes it when the run ends. The entry's
interpreter is a path that exists in emulab's containers alone.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from emulab.architectures import ARCHITECTURES
from emulab.engine import Container, ContainerSpec, Owner, VolumeMount
from emulab.errors import MachineError
from emulab.machines.pulse import Pulse
from emulab.machines.qemu_command import TOOLS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from emulab.architectures import Architecture
    from emulab.engine import Engine

_PREFIX = "emulab"
_MACHINES = {"arm64": 0xB7, "armv7": 0x28, "riscv64": 0xF3}
_TIMEOUT_S = 20.0
_numbers = itertools.count(1)
_HOST_IS_THERE = b"\n"


def entry_name(architecture: Architecture, owner: Owner, number: int) -> str:
    """Return the table's name for an entry: it says whose it is.

    :param number: tells the entries of one process apart, each of which goes with its own machine.
    """
    return "-".join([_PREFIX, architecture.name, owner.host, str(owner.pid), owner.started, str(number)])


def entry_owner(name: str) -> Owner | None:
    """Return the process that an entry's name tells, or None when the entry is not emulab's."""
    parts = name.split("-")
    if len(parts) != 6 or parts[0] != _PREFIX or parts[1] not in ARCHITECTURES or not parts[3].isdigit():
        return None
    return Owner(parts[2], int(parts[3]), parts[4])


def entry_rule(architecture: Architecture, name: str) -> str:
    """Return the line that registers the interpreter of an architecture's ELF executables.

    The syntax is the kernel's (``Documentation/admin-guide/binfmt-misc.rst``); the flag P keeps argv[0].
    """
    wide = architecture.word_bits == 64
    header = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9) + b"\x02\x00"
    header += _MACHINES[architecture.name].to_bytes(2, "little")
    # Any OS ABI, and position-independent (type 3) as well as fixed (type 2) executables.
    mask = b"\xff" * 7 + b"\x00" + b"\xff" * 8 + b"\xfe\xff\xff\xff"
    magic, masked = ("".join(f"\\x{byte:02x}" for byte in part) for part in (header, mask))
    return f":{name}:M::{magic}:{masked}:{TOOLS}/bin/qemu-{architecture.qemu}:P"


@dataclass(frozen=True)
class Table:
    """The engine's kernel's table of binary formats.

    Reading and changing it needs root on that kernel: this process's own where the engine is local,
    else a container with that capability that lives as long as the entry.

    :param agent: the agent's binary on this machine, for the engine's own architecture.
    :param tools: the volume that has the agent, and ``image`` any image to start it in.
    """

    engine: Engine
    agent: Path
    tools: str
    image: str

    def hold(self, architecture: Architecture) -> Entry:
        """Make sure that the kernel starts an architecture's programs while the entry is not closed.

        :raises MachineError: the kernel refused.
        """
        name = entry_name(architecture, self.engine.owner, next(_numbers))
        return self._start("hold", f"qemu-{architecture.qemu}", name, entry_rule(architecture, name))

    def _start(self, *arguments: str) -> Entry:
        if self.engine.is_local and os.geteuid() == 0:
            with contextlib.suppress(MachineError):
                return _LocalEntry([str(self.agent), "binfmt", *arguments])
        return _ContainerEntry(self, arguments)


class Entry:
    """An entry that stays as long as it is not closed and this process lives.

    :ivar answer: what the helper said: ``added``, ``exists NAME``, or a listing.
    """

    answer: str = ""

    def close(self) -> None:
        """Let the entry go."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _LocalEntry(Entry):
    """Held by a child of this process, which sees this process's end as the end of its input."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._child = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._child.stdout is not None
        self.answer = os.read(self._child.stdout.fileno(), 65536).decode().strip()
        if not self.answer and self._child.wait(_TIMEOUT_S) != 0:
            raise _refused(self._end())

    def close(self) -> None:
        self._end()

    def _end(self) -> str:
        _, stderr = self._child.communicate(timeout=_TIMEOUT_S)
        return stderr.decode().strip()


class _ContainerEntry(Entry):
    def __init__(self, table: Table, arguments: Sequence[str]) -> None:
        spec = ContainerSpec(
            image=table.image,
            command=[f"{TOOLS}/bin/emulab-agent", "binfmt", *arguments],
            role="binfmt",
            volumes=[VolumeMount(table.tools, TOOLS)],
            tmpfs={"/run": 0},
            administers_kernel=True,
        )
        self._container = Container(table.engine, spec)
        self._stream = self._container.stream
        self._stream.sendall(_HOST_IS_THERE)
        self.answer = self._stream.recv(65536).decode().strip()
        if not self.answer and self._stream.stderr:
            self._container.close()
            raise _refused(self._stream.stderr)
        self._pulse = Pulse(lambda: self._stream.sendall(_HOST_IS_THERE))

    def close(self) -> None:
        self._pulse.stop()
        self._stream.end_input()
        while self._stream.recv(65536):
            pass
        self._container.close()


def _refused(reason: str) -> MachineError:
    return MachineError(
        f"the kernel's table of binary formats could not be changed: {reason}",
        hint="programs that start other programs need binfmt_misc; `--mode system` does without",
    )
