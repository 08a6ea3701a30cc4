"""The host's side of the agent: every measurement on every machine goes through here.

The client is safe to use from several threads, and requests of different threads run side by side.
"""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import msgspec

from emulab.errors import MachineError, SilentMachineError
from emulab.machines.agent_documents import (
    AgentUsage,
    FileFacts,
    Hello,
    LoadFacts,
    LoadRequest,
    MemoryFacts,
    MemoryMapping,
    MemorySample,
    OutputTail,
    Program,
    ProgramFacts,
    Ready,
    RunResult,
    SpawnResult,
    StopResult,
    nanoseconds,
)
from emulab.machines.agent_errors import answered, decoded, to
from emulab.machines.agent_session import ByteStream, Exchange, Session
from emulab.machines.agent_stream import RelayStream, RunningProgram
from emulab.machines.wire import MAX_PAYLOAD, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulab.machines.wire import Frame

T = TypeVar("T")

_GRACE_S = 30.0
"""How much longer than the agent's own time limit an answer is waited for."""
_SILENCE_S = 10.0
"""How long an agent may say nothing to a request before it is asked whether it lives."""
_ENTROPY = 64


class AgentClient:
    """A session with an agent.

    :param stream: connected to an agent that serves: pipes of a child (:class:`PipeStream`), the stream
        of a container's command, or a :class:`RelayStream` of another client. The client closes it.
    :param name: what the agent runs on, for messages.
    :param keep: let what an earlier session spawned live on.
    :param flush: when no answer comes, end what an earlier host may have left half sent, and greet again;
        for a channel that is not new.
    :param timeout_s: how long the agent's first answer and those of short requests may take.
    :param diagnosis: asked for a reason, such as a console's last lines, when the agent is lost.
    :raises MachineError: no agent answers.
    """

    def __init__(
        self,
        stream: ByteStream,
        *,
        name: str = "the machine",
        keep: bool = False,
        flush: bool = False,
        timeout_s: float = _GRACE_S,
        diagnosis: Callable[[], str] = str,
    ) -> None:
        self._session = Session(stream, name, diagnosis)
        self._timeout_s = timeout_s
        try:
            facts = self._session.open(keep=keep, flush=flush, timeout_s=timeout_s)
            self.hello = decoded("hello", facts, Hello)
        except BaseException:
            self._session.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the session. An agent that serves on pipes kills what it started and ends."""
        self._session.close()

    @property
    def is_lost(self) -> bool:
        """Tell whether the connection is gone."""
        return self._session.is_lost

    # Requests

    def _begin(self, op: str, fields: dict[str, Any]) -> Exchange:
        what = f"{op} on {self._session.name}"
        return self._session.begin(what, msgspec.json.encode({"op": op} | fields))

    def _finish(
        self, exchange: Exchange, timeout_s: float | None, on_data: Callable[[int, bytes], Any] | None = None
    ) -> tuple[dict[str, Any], bytes]:
        """Wait for the answer, handing what comes before it to ``on_data``."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        try:
            while True:
                frame = self._attend(exchange, deadline)
                if frame.kind is Kind.DATA and on_data is not None:
                    on_data(frame.channel, bytes(frame.payload))
                elif frame.kind in (Kind.ANSWER, Kind.FAILURE):
                    return answered(exchange.what, frame, dict[str, Any]), bytes(frame.payload)
        except TimeoutError:
            exchange.give_up()
            raise self._session.failure(f"{exchange.what} was not answered within {timeout_s:g} s") from None
        except MachineError:
            raise
        except BaseException:
            exchange.give_up()
            raise

    def _attend(self, exchange: Exchange, deadline: float | None) -> Frame:
        """Wait for an exchange's next frame; an agent that says nothing for long is asked whether it lives.

        :raises TimeoutError: the deadline passed.
        :raises MachineError: the connection was lost, or the machine hangs: with what is diagnosed.
        """
        while True:
            look = time.monotonic() + _SILENCE_S
            try:
                return exchange.next(look if deadline is None else min(look, deadline))
            except TimeoutError:
                if deadline is not None and time.monotonic() >= deadline:
                    raise
            self._require_life()

    def _require_life(self) -> None:
        pulse = self._begin("ping", {})
        try:
            pulse.next(time.monotonic() + self._timeout_s)
        except TimeoutError:
            pulse.give_up()
            raise self._session.failure(
                f"{self._session.name} hangs: its agent did not answer for {self._timeout_s:g} s",
                SilentMachineError,
            ) from None

    def ask(self, op: str, timeout_s: float | None = None, /, **fields: Any) -> tuple[dict[str, Any], bytes]:
        """Return the document and payload that a request is answered with; None is no field."""
        given = {name: value for name, value in fields.items() if value is not None}
        return self._finish(self._begin(op, given), timeout_s or self._timeout_s)

    # The machine

    def ping(self) -> float:
        """Return the seconds that an empty request takes."""
        began = time.perf_counter()
        self.ask("ping")
        return time.perf_counter() - began

    def usage(self) -> AgentUsage:
        """Return what the agent costs now."""
        return to(AgentUsage, self.ask("usage")[0])

    def restore(self, *, entropy: bytes | None = None, unix_ns: int | None = None) -> None:
        """Make a guest that came from a snapshot its own: set its wall clock and stir its random numbers.

        :param entropy: what to stir in; fresh bytes of this host unless given. A multiple of 4 bytes.
        :param unix_ns: the time to set; now unless given, and 0 leaves the clock alone.
        """
        stirred = os.urandom(_ENTROPY) if entropy is None else entropy
        self.ask("restore", unix_ns=time.time_ns() if unix_ns is None else unix_ns, entropy=stirred.hex())

    def power_off(self) -> None:
        """Power a guest off; its agent answers first."""
        self.ask("poweroff")

    def dial(self, address: str, *, timeout_s: float = 0.0) -> RelayStream:
        """Connect to a socket on the machine.

        :param address: ``unix:/PATH`` or ``tcp:IP:PORT``; a plain absolute path means the first.
        :param timeout_s: how long it may take until somebody listens there.
        :raises RequestError: nobody does.
        """
        if address.startswith("/"):
            address = f"unix:{address}"
        exchange = self._begin("dial", {"address": address, "timeout_ns": nanoseconds(timeout_s)})
        try:
            frame = exchange.next(time.monotonic() + timeout_s + self._timeout_s)
        except TimeoutError:
            exchange.give_up()
            raise self._session.failure(f"{exchange.what} was not answered") from None
        answered(exchange.what, frame, dict)
        return RelayStream(exchange)

    # Files

    def put(self, content: bytes | Path, path: str, *, mode: int = 0o644) -> None:
        """Write a file, with the directories above it. It appears at once, when all of it is there.

        :raises NoSpaceError: the machine has no space for it.
        :raises MachineError: it could not be written.
        """
        size = content.stat().st_size if isinstance(content, Path) else len(content)
        exchange = self._begin("put", {"path": path, "mode": mode, "size": size})
        try:
            if isinstance(content, Path):
                with content.open("rb", buffering=0) as source:
                    while (piece := source.read(MAX_PAYLOAD)) and exchange.send(piece, self._timeout_s):
                        pass
            else:
                exchange.send(content, self._timeout_s)
            exchange.end_data()
        except OSError:
            exchange.give_up()
            raise
        self._finish(exchange, self._timeout_s)

    def get(self, path: str) -> bytes:
        """Return a file's content.

        :raises RequestError: it can not be read.
        """
        pieces: list[bytes] = []
        self._get(path, pieces.append)
        return b"".join(pieces)

    def _get(self, path: str, on_piece: Callable[[bytes], Any]) -> None:
        seen = 0

        def take(_: int, piece: bytes) -> None:
            nonlocal seen
            seen += len(piece)
            on_piece(piece)

        answer, _ = self._finish(self._begin("get", {"path": path}), None, take)
        if answer["size"] != seen:
            raise MachineError(f"of {path} {seen} bytes came, and {answer['size']} were sent")

    def stat(self, path: str) -> FileFacts:
        """Return the facts of a path itself, not of what it links to."""
        return to(FileFacts, self.ask("stat", path=path)[0])

    def list(self, path: str) -> list[str]:
        """Return the sorted names in a directory."""
        pieces: list[bytes] = []
        self._finish(self._begin("list", {"path": path}), self._timeout_s, lambda _, b: pieces.append(b))
        return [os.fsdecode(name) for name in b"".join(pieces).split(b"\0")[:-1]]

    def remove(self, path: str) -> None:
        """Remove a file or a whole directory; an absent one is fine."""
        self.ask("remove", path=path)

    def mkdir(self, path: str, *, mode: int = 0o755) -> None:
        """Make a directory, and those above it, unless it is there."""
        self.ask("mkdir", path=path, mode=mode)

    def program(self, path: str, *, root: str = "") -> ProgramFacts:
        """Return what a program file says about itself, without running it."""
        return to(ProgramFacts, self.ask("program", path=path, root=root)[0])

    # Programs

    def start(
        self,
        program: Program,
        *,
        timeout_s: float | None = None,
        output_limit: int | None = None,
        terminal: tuple[int, int] | None = None,
    ) -> RunningProgram:
        """Start a program and return at once.

        :param timeout_s: when it is killed.
        :param output_limit: output beyond so many bytes is dropped.
        :param terminal: rows and columns of a terminal of its own; None for pipes.
        :raises ProgramError: it can not be executed.
        """
        fields: dict[str, Any] = program.fields() | {"stdin": True}
        if timeout_s is not None:
            fields["timeout_ns"] = nanoseconds(timeout_s)
        if output_limit is not None:
            fields["output_limit"] = output_limit
        if terminal is not None:
            fields["pty"] = {"rows": terminal[0], "columns": terminal[1]}
        return RunningProgram(self._begin("run", fields), self._attend)

    def run(
        self,
        program: Program,
        *,
        stdin: bytes = b"",
        timeout_s: float | None = None,
        output_limit: int | None = None,
        on_output: Callable[[str, bytes], None] | None = None,
    ) -> RunResult:
        """Run a program to its end.

        :param on_output: called with ``stdout`` or ``stderr`` and a piece, as it comes; the result then
            has no output.
        :raises ProgramError: it can not be executed.
        :raises MachineError: the machine failed.
        """
        running = self.start(program, timeout_s=timeout_s, output_limit=output_limit)
        kept: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
        deadline = None if timeout_s is None else time.monotonic() + timeout_s + _GRACE_S
        try:
            running.feed(stdin)
            for channel, piece in running.output(deadline):
                if on_output is None:
                    kept[channel].append(piece)
                else:
                    on_output(channel, piece)
        except BaseException:
            if not self.is_lost:
                running.kill()
            raise
        ended = msgspec.structs.asdict(running.result())
        return RunResult(**(ended | {name: b"".join(pieces) for name, pieces in kept.items()}))

    def spawn(self, program: Program, ready: Ready | None = None) -> SpawnResult:
        """Start a program that goes on, and wait until it is ready.

        :raises ProgramError: it can not be executed.
        :raises PortInUseError: something answers already where it shall be ready.
        """
        fields = program.fields()
        timeout_s = self._timeout_s
        if ready is not None:
            fields["ready"] = ready.fields()
            timeout_s += ready.timeout_s
        answer, tail = self._finish(self._begin("spawn", fields), timeout_s)
        if answer["end"] is not None:
            answer["end"]["output"] = tail
        return to(SpawnResult, answer)

    def stop(self, pid: int, *, grace_s: float = 2.0) -> StopResult:
        """End a spawned program: SIGTERM, and SIGKILL after ``grace_s``. It may have ended before."""
        answer, tail = self.ask("stop", grace_s + self._timeout_s, pid=pid, grace_ns=nanoseconds(grace_s))
        return to(StopResult, answer, output=tail)

    def signal(self, pid: int, number: int, *, group: bool = False) -> None:
        """Signal a program that the agent started, or its whole process group."""
        self.ask("signal", pid=pid, signal=number, group=group)

    def output(self, pid: int) -> OutputTail:
        """Return the last output of a spawned program."""
        answer, tail = self.ask("output", pid=pid)
        return to(OutputTail, answer, output=tail)

    # Measurements

    def memory(
        self,
        pid: int,
        *,
        within: tuple[int, int] | None = None,
        detail: bool = False,
        descendants: bool = False,
    ) -> MemoryFacts:
        """Return a process's memory, counted three ways.

        :param within: [low, high) addresses to sum over as well.
        :param detail: list every mapping.
        :param descendants: add those of its children, their children, and so on.
        :raises RequestError: there is no such process.
        """
        fields: dict[str, Any] = {"pid": pid, "detail": detail, "descendants": descendants}
        if within is not None:
            fields["range"] = within
        pieces: list[bytes] = []
        exchange = self._begin("memory", fields)
        answer, _ = self._finish(exchange, self._timeout_s, lambda _, piece: pieces.append(piece))
        lines = b"".join(pieces).splitlines()
        return to(
            MemoryFacts, answer, mappings=[decoded(exchange.what, line, MemoryMapping) for line in lines]
        )

    def load(self, load: LoadRequest, *, timeout_s: float | None = None) -> LoadFacts:
        """Send a load to a service on the machine, from the machine itself.

        :param timeout_s: for all of it; None for as long as it takes.
        """
        data: dict[int, list[bytes]] = {0: [], 1: []}
        answer, _ = self._finish(
            self._begin("load", load.fields()), timeout_s, lambda channel, piece: data[channel].append(piece)
        )
        rows = struct.iter_unpack("<4q", b"".join(data[1]))
        return to(
            LoadFacts, answer,
            latencies_ns=tuple(value for (value,) in struct.iter_unpack("<q", b"".join(data[0]))),
            samples=[MemorySample(*row) for row in rows],
        )  # fmt: skip
