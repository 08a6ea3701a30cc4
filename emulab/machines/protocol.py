"""What every machine offers, whatever stands behind it: an emulator, a board, this host.

Above this seam nothing knows how a program is run; below it nothing knows why.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs are looked for on a machine."""


@dataclass(frozen=True)
class Limits:
    """What a program may use; None means no limit of its own.

    :param address_space: bytes.
    :param open_files: descriptors.
    :param cpu_s: seconds of processor time.
    :param processes: processes of the user.
    """

    address_space: int | None = None
    open_files: int | None = None
    cpu_s: int | None = None
    processes: int | None = None


@dataclass(frozen=True)
class Command:
    """A program to run on a machine.

    :param argv: the program's path on the machine, and its arguments.
    :param environment: its whole environment, beside what the machine itself needs.
    :param stdin: what it reads.
    :param timeout_s: when it is killed; None for never.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: str = "/work"
    stdin: bytes = b""
    limits: Limits = field(default_factory=Limits)
    timeout_s: float | None = None


@dataclass(frozen=True)
class Usage:
    """What a program used, by the kernel that ran it (in user mode: this host's, emulator included).

    :param wall_s: from start to end on the machine's monotonic clock.
    :param max_rss: bytes.
    """

    wall_s: float
    user_s: float
    system_s: float
    max_rss: int
    minor_faults: int
    major_faults: int
    voluntary_switches: int
    involuntary_switches: int


@dataclass(frozen=True)
class Completed:
    """How a program ended: with an exit status or by a signal.

    :param timed_out: it was killed at its time limit.
    :param out_of: the bytes of memory that the machine has, when the kernel killed it, or one that it
        started, for want of more.
    """

    status: int | None
    signal: int | None
    timed_out: bool
    stdout: bytes
    stderr: bytes
    usage: Usage
    out_of: int | None = None

    @property
    def succeeded(self) -> bool:
        """Tell whether it ended with status 0."""
        return self.status == 0

    def ending(self) -> str:
        """Return how it ended as a clause: ``ended with status 3``."""
        import signal

        if self.timed_out:
            return "was killed at its time limit"
        if self.out_of is not None:
            return f"was killed by the kernel, out of memory ({self.out_of >> 20} MiB)"
        if self.signal is not None:
            try:
                name = signal.Signals(self.signal).name
            except ValueError:
                name = f"signal {self.signal}"
            return f"was killed by {name}"
        return f"ended with status {self.status}"


@dataclass(frozen=True)
class Memory:
    """A program's memory in bytes, by the kernel's totals.

    :param vss: None where the machine can not tell it.
    """

    vss: int | None
    rss: int
    pss: int


@dataclass(frozen=True)
class MemoryReading(Memory):
    """A program's memory with its cross-check.

    :param disagreements: a sentence for each total that the sum over the program's mappings contradicts
        by more than 5 %, with the mappings that differ.
    """

    disagreements: tuple[str, ...] = ()


@dataclass(frozen=True)
class Load:
    """Requests to send to a service: what ``ab -n REQUESTS -c CONCURRENCY URL`` does.

    :param url: ``http://:PORT/PATH`` on the machine itself.
    """

    url: str
    requests: int
    concurrency: int
    keepalive: bool = False
    timeout_s: float = 120.0


@dataclass(frozen=True)
class LoadResult:
    """How a service bore a load.

    :param latencies_s: one per completed request, in the order of completion.
    :param memory: samples taken while the load ran, oldest first.
    """

    elapsed_s: float
    completed: int
    failed: int
    latencies_s: tuple[float, ...]
    memory: tuple[Memory, ...]

    @property
    def throughput(self) -> float:
        """Return completed requests per second."""
        return self.completed / self.elapsed_s


class Service(Protocol):
    """A program that was started and answered its readiness check."""

    @property
    def startup_s(self) -> float:
        """Return the time from exec to the first successful answer, on the machine's own clock."""

    def memory(self) -> MemoryReading:
        """Return the program's memory now, cross-checked."""

    def load(self, load: Load) -> LoadResult:
        """Send the load from the machine itself and wait for its end."""

    def stop(self) -> Completed:
        """End the program: politely, then by force."""


@dataclass(frozen=True)
class MachineFacts:
    """What a machine is, for the result's environment.

    :param page_size: bytes, as programs see it.
    :param details: versions and image digests.
    """

    arch: str
    mode: str
    libc: str | None
    kernel: str
    page_size: int
    cpus: int
    memory: int
    cpu_model: str
    details: Mapping[str, Any] = field(default_factory=dict)


class Machine(Protocol):
    """Anything that can run a program. Opened by its constructor, closed by :meth:`close`."""

    @property
    def facts(self) -> MachineFacts:
        """Return what the machine is."""

    def push(self, content: Path | bytes, path: str, *, permissions: int = 0o755) -> None:
        """Copy a file onto the machine."""

    def pull(self, path: str) -> bytes:
        """Copy a file from the machine."""

    def run(self, command: Command, on_output: Callable[[str, bytes], None] | None = None) -> Completed:
        """Run a program to its end.

        :param on_output: called with ``stdout`` or ``stderr`` and a piece of it, as it comes; what it
            is given is not kept for the result.
        :raises UsageError: the program can not be executed on this machine.
        :raises MachineError: the machine failed.
        """

    def spawn(self, command: Command, ready: str, *, timeout_s: float) -> Service:
        """Start a program and wait until it is ready.

        :param ready: ``http://:PORT/PATH``, ``tcp://:PORT`` or ``log:REGULAR-EXPRESSION``.
        :raises WorkloadError: it ended, or was not ready in time.
        :raises MachineError: the machine failed.
        """

    def interact(self, command: Command) -> int:
        """Run a program on a terminal of its own, joined to this process's, and return its status."""

    def close(self) -> None:
        """Remove the machine and everything that runs on it."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
