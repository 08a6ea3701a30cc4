"""What is asked of an agent and what it answers, as values. Times are seconds, sizes bytes."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal

import msgspec

from emulab.machines.protocol import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

NANOSECOND = 1e-9


def nanoseconds(seconds: float) -> int:
    """Return a time in the protocol's unit."""
    return round(seconds * 1e9)


class Hello(msgspec.Struct, frozen=True):
    """What an agent says about itself and its machine.

    :param architecture: Go's name of what the agent was built for.
    :param machine: the kernel's name of it.
    :param uptime_ns: since the kernel's start, when it answered; ``started_ns`` when the agent began.
    :param init: it is the first process of a guest.
    """

    version: int
    window: int
    architecture: str
    kernel: str
    machine: str
    page_size: int
    cpus: int
    memory: int
    uptime_ns: int
    started_ns: int
    boot_id: str
    pid: int
    init: bool


class CallFilter(msgspec.Struct, frozen=True):
    """What the kernel asks about each of a program's system calls (seccomp).

    :param code: hexadecimal, one ``struct sock_filter`` after another.
    :param listens: some calls wait for an answer that never comes.
    """

    code: str
    listens: bool = False


class Program(msgspec.Struct, frozen=True):
    """A program to start.

    :param argv: name, looked up in PATH when it has no slash, and arguments.
    :param environment: all of it; None for a PATH and a HOME.
    :param cwd: "" for the agent's own.
    :param root: a directory to chroot to; "" for none.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str] | None = None
    cwd: str = ""
    root: str = ""
    uid: int | None = None
    gid: int | None = None
    limits: Limits = Limits()
    filter: CallFilter | None = None

    def fields(self) -> dict[str, object]:
        """Return the request's members."""
        out: dict[str, object] = {"argv": self.argv}
        if self.environment is not None:
            out["env"] = [f"{name}={value}" for name, value in self.environment.items()]
        limits = {k: v for k, v in dataclasses.asdict(self.limits).items() if v is not None}
        optional = {
            "cwd": self.cwd or None, "root": self.root or None, "uid": self.uid, "gid": self.gid,
            "limits": limits or None, "filter": msgspec.structs.asdict(self.filter) if self.filter else None,
        }  # fmt: skip
        return out | {name: value for name, value in optional.items() if value is not None}


class Ready(msgspec.Struct, frozen=True):
    """How a spawned program shows that it works.

    :param url: ``http://:PORT/PATH`` (a status from 200 to 399), ``tcp://:PORT`` (a connection) or
        ``log:REGULAR-EXPRESSION`` (Go's syntax, a line of its output).
    """

    url: str
    timeout_s: float = 30.0
    poll_interval_s: float = 0.0005

    def fields(self) -> dict[str, object]:
        """Return the request's members."""
        return {
            "url": self.url,
            "timeout_ns": nanoseconds(self.timeout_s),
            "poll_interval_ns": nanoseconds(self.poll_interval_s),
        }


class End(msgspec.Struct, frozen=True):
    """How a program ended and what it and its waited-for children used.

    :param exit: its status, None when a signal killed it.
    :param signal: the signal's name, ``SIGKILL``.
    :param max_rss: never less than the agent's own, which the kernel carries over an exec.
    :param out_of_memory: the kernel killed it, or one that it started, for want of memory.
    """

    exit: int | None
    signal: str | None
    wall_ns: int
    user_ns: int
    system_ns: int
    max_rss: int
    minor_faults: int
    major_faults: int
    voluntary_switches: int
    involuntary_switches: int
    out_of_memory: bool


class RunResult(End, frozen=True):
    """A finished run.

    :param timed_out: it was killed at its time limit.
    :param truncated: output beyond the limit was dropped; the byte counts have it.
    :param stdout, stderr: empty when the output went to a callback.
    """

    timed_out: bool
    truncated: bool
    stdout_bytes: int
    stderr_bytes: int
    stdout: bytes = b""
    stderr: bytes = b""


class StopResult(End, frozen=True):
    """A spawned program's end, with the last 16 KiB of stdout and stderr together."""

    output_bytes: int
    output: bytes = b""


class SpawnResult(msgspec.Struct, frozen=True):
    """What became of a start.

    :param outcome: ``ready``, ``started`` (nothing was waited for), ``died``, ``timed-out`` or ``cancelled``.
    :param startup_ns: from just before exec to the first successful answer; None when not ready.
    :param end: how it ended, with its last output, when it is not running.
    """

    pid: int
    outcome: Literal["ready", "started", "died", "timed-out", "cancelled"]
    startup_ns: int | None
    end: StopResult | None

    @property
    def running(self) -> bool:
        """Tell whether the program was left running."""
        return self.outcome in ("ready", "started")

    @property
    def startup_s(self) -> float:
        """Return the start-up time.

        :raises ValueError: it was not measured.
        """
        if self.startup_ns is None:
            raise ValueError("the program did not become ready")
        return self.startup_ns * NANOSECOND


class StatusMemory(msgspec.Struct, frozen=True):
    """``/proc/PID/status``: the kernel's counters for the whole process."""

    vss: int
    vss_peak: int
    rss: int
    rss_peak: int
    anonymous: int
    file: int
    shared_memory: int
    swap: int
    threads: int


class MappedMemory(msgspec.Struct, frozen=True):
    """A sum over mappings. ``vss`` is 0 for the kernel's own sum (smaps_rollup), which has none."""

    vss: int
    rss: int
    pss: int
    shared: int
    private: int
    anonymous: int
    swap: int
    swap_pss: int
    huge: int


class MemoryMapping(msgspec.Struct, frozen=True):
    """One entry of smaps; ``reason`` says why it explains a difference."""

    low: str
    high: str
    permissions: str
    path: str
    flags: str
    vss: int
    rss: int
    pss: int
    swap: int
    reason: str = ""

    def __str__(self) -> str:
        reason = f" ({self.reason})" if self.reason else ""
        return f"{self.low}-{self.high} {self.permissions} {self.path or 'anonymous'} {self.rss} B{reason}"


class Difference(msgspec.Struct, frozen=True):
    """Two ways to count one quantity that are more than 5 % apart."""

    quantity: str
    left: str
    right: str
    left_value: int
    right_value: int
    mappings: tuple[MemoryMapping, ...]


class MemoryFacts(msgspec.Struct, frozen=True):
    """A process's memory (with its descendants' where asked for), counted three ways.

    :param rollup: smaps_rollup. :param sum: our own sum over smaps.
    :param within: our sum over the mappings inside the range that was asked for.
    """

    pid: int
    processes: int
    status: StatusMemory
    rollup: MappedMemory
    sum: MappedMemory
    within: MappedMemory | None
    differences: tuple[Difference, ...]
    mappings: tuple[MemoryMapping, ...] = ()


class MemorySampling(msgspec.Struct, frozen=True):
    """Memory to sample while a load runs; ``within`` as for :class:`MemoryFacts`."""

    pid: int
    every_s: float = 0.02
    within: tuple[int, int] | None = None

    def fields(self) -> dict[str, object]:
        """Return the request's members."""
        out: dict[str, object] = {"pid": self.pid, "every_ns": nanoseconds(self.every_s)}
        return out if self.within is None else out | {"range": self.within}


class LoadRequest(msgspec.Struct, frozen=True):
    """What ``ab -n requests -c concurrency [-k] url`` does."""

    url: str
    requests: int = 1000
    concurrency: int = 50
    keepalive: bool = False
    timeout_s: float = 30.0
    sample: MemorySampling | None = None

    def fields(self) -> dict[str, object]:
        """Return the request's members."""
        out: dict[str, object] = {
            "url": self.url,
            "requests": self.requests,
            "concurrency": self.concurrency,
            "keepalive": self.keepalive,
            "timeout_ns": nanoseconds(self.timeout_s),
        }
        return out if self.sample is None else out | {"sample": self.sample.fields()}


class MemorySample(msgspec.Struct, frozen=True):
    """A process's memory at a moment of the load."""

    at_ns: int
    vss: int
    rss: int
    pss: int


class LoadFacts(msgspec.Struct, frozen=True):
    """How a service bore a load.

    :param failed: how many requests failed, by kind: connect, send, receive, timeout, length, malformed.
    :param latencies_ns: of the completed requests, in the order of completion.
    """

    elapsed_ns: int
    completed: int
    failed: dict[str, int]
    non_2xx: int
    bytes: int
    body_bytes: int
    latencies_ns: tuple[int, ...] = ()
    samples: tuple[MemorySample, ...] = ()

    @property
    def failures(self) -> int:
        """Return how many requests failed in any way."""
        return sum(self.failed.values())


class FileFacts(msgspec.Struct, frozen=True):
    """A path's facts; the other fields say nothing when it does not exist."""

    exists: bool
    kind: Literal["file", "directory", "link", "socket", "other", ""] = ""
    size: int = 0
    mode: int = 0
    uid: int = 0
    gid: int = 0
    modified_ns: int = 0
    target: str = ""


class ProgramFacts(msgspec.Struct, frozen=True):
    """What a program file says about itself.

    :param machine: GOARCH-like; "" when it is not known.
    :param interpreter: PT_INTERP, or a script's.
    """

    format: Literal["elf", "script", "unknown"]
    machine: str
    bits: int
    interpreter: str
    interpreter_found: bool


class OutputTail(msgspec.Struct, frozen=True):
    """The last 16 KiB that a spawned program printed."""

    alive: bool
    output_bytes: int
    output: bytes = b""


class AgentUsage(msgspec.Struct, frozen=True):
    """What the agent itself costs, and how busy its machine is."""

    user_ns: int
    system_ns: int
    rss: int
    rss_peak: int
    threads: int
    load_average: str
    memory_total: int
    memory_free: int
    memory_available: int
    uptime_ns: int
