"""Streams that an agent relays: to a socket on its machine, and to and from a program."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

from emulab.errors import MachineError
from emulab.machines.agent_documents import RunResult
from emulab.machines.agent_errors import answered, to
from emulab.machines.wire import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from emulab.machines.agent_session import Exchange
    from emulab.machines.wire import Frame

_PIECE = 1 << 16


class RelayStream:
    """A two-way byte stream to a socket on the agent's machine.

    One thread may receive while another sends.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._left = memoryview(b"")
        self._ended = False
        self._send_lock = threading.Lock()

    def recv(self, size: int) -> bytes:
        """Return some bytes, at most ``size``; ``b""`` when the other side has ended.

        :raises MachineError: the agent itself is lost.
        """
        while not self._left and not self._ended:
            frame = self._exchange.next(None)
            if frame.kind is Kind.DATA:
                self._left = memoryview(frame.payload)
            elif frame.kind is not Kind.EVENT:
                self._ended = True
        piece, self._left = self._left[:size], self._left[size:]
        return bytes(piece)

    def sendall(self, data: bytes) -> None:
        """Send all of it.

        :raises BrokenPipeError: the other side has closed the connection.
        """
        with self._send_lock:
            if not self._exchange.send(data):
                raise BrokenPipeError(f"{self._exchange.what} is closed")

    def end_input(self) -> None:
        """End the sending direction; what still comes can be received."""
        with contextlib.suppress(MachineError):
            self._exchange.end_data()

    def close(self) -> None:
        """Close the connection and wake up whoever receives."""
        self._ended = True
        with contextlib.suppress(MachineError):
            self._exchange.give_up()
        self._exchange.deliver(MachineError(f"{self._exchange.what} was closed"))

    def as_socket(self) -> socket.socket:
        """Return a connected socket with this stream behind it; closing it closes the stream.

        Two threads move the bytes. The stream must not be used otherwise afterwards.
        """
        ours, theirs = socket.socketpair()
        up = threading.Thread(target=self._pump_up, args=(ours,), daemon=True)
        down = threading.Thread(target=self._pump_down, args=(ours, up), daemon=True)
        up.start()
        down.start()
        return theirs

    def _pump_up(self, ours: socket.socket) -> None:
        with contextlib.suppress(OSError, MachineError):
            while piece := ours.recv(_PIECE):
                self.sendall(piece)
        self.end_input()

    def _pump_down(self, ours: socket.socket, up: threading.Thread) -> None:
        with contextlib.suppress(OSError, MachineError):
            while piece := self.recv(_PIECE):
                ours.sendall(piece)
        with contextlib.suppress(OSError):
            ours.shutdown(socket.SHUT_WR)
        up.join()
        self.close()
        ours.close()


class RunningProgram:
    """A program that runs now; its output is iterated over, its end asked for after.

    :param attend: waits for the exchange's next frame, as :meth:`Exchange.next` does, and raises a
        MachineError when the machine hangs.
    :ivar pid: on the agent's machine.
    """

    def __init__(self, exchange: Exchange, attend: Callable[[Exchange, float | None], Frame]) -> None:
        self._exchange = exchange
        self._attend = attend
        frame = exchange.next(None)
        if frame.kind is not Kind.EVENT:
            answered(exchange.what, frame, dict)  # raises
            raise MachineError(f"{exchange.what} ended before it began")
        self.pid = answered(exchange.what, frame, dict[str, int])["pid"]
        self._result: RunResult | None = None
        self._feeder: threading.Thread | None = None

    def write(self, data: bytes) -> bool:
        """Send to its standard input or terminal; False when it has ended."""
        return self._exchange.send(data)

    def feed(self, data: bytes) -> None:
        """Give it all of its standard input, in the background as far as it does not read at once."""
        now = self._exchange.credit
        self.write(data[:now])
        if len(data) <= now:
            self.end_input()
            return
        self._feeder = threading.Thread(target=self._feed, args=(data[now:],), daemon=True)
        self._feeder.start()

    def _feed(self, data: bytes) -> None:
        with contextlib.suppress(MachineError):
            if self.write(data):
                self.end_input()

    def end_input(self) -> None:
        """End its standard input."""
        self._exchange.end_data()

    def resize(self, rows: int, columns: int) -> None:
        """Tell the program's terminal its new size in characters."""
        self._exchange.control(rows=rows, columns=columns)

    def signal(self, number: int) -> None:
        """Signal the program and its process group."""
        self._exchange.control(signal=number)

    def output(self, deadline: float | None = None) -> Iterator[tuple[str, bytes]]:
        """Yield ``stdout`` or ``stderr`` (a terminal has only the first) and a piece, as they come.

        :param deadline: on the clock of ``time.monotonic``.
        :raises MachineError: the agent is lost or hangs, or the deadline passed; then the program is killed.
        """
        while self._result is None:
            try:
                frame = self._attend(self._exchange, deadline)
            except TimeoutError:
                self.kill()
                raise MachineError(f"{self._exchange.what} did not end in time") from None
            if frame.kind is Kind.DATA:
                yield ("stdout" if frame.channel == 1 else "stderr", bytes(frame.payload))
            elif frame.kind in (Kind.ANSWER, Kind.FAILURE):
                self._result = to(RunResult, answered(self._exchange.what, frame, dict))

    def result(self, timeout_s: float | None = None) -> RunResult:
        """Wait for its end; output that nobody iterated over is dropped."""
        for _ in self.output(None if timeout_s is None else time.monotonic() + timeout_s):
            pass
        assert self._result is not None
        return self._result

    def kill(self) -> None:
        """Kill it and forget it."""
        self._exchange.give_up()
