"""One session with an agent: requests side by side over one byte stream.

A thread reads frames and hands each to the request that it belongs to. It never writes and never
waits for a request's owner: credit bounds what it has to keep.
"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from emulab.errors import MachineError
from emulab.machines import wire
from emulab.machines.wire import Frame, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW = 1 << 20
"""How many bytes an agent may send ahead on one channel of a request."""
_READ_SIZE = 1 << 18
_CREDIT = struct.Struct("<I")
_FLUSH_AFTER_S = 2.0


class ByteStream(Protocol):
    """A connected two-way stream of bytes; a ``socket.socket`` is one."""

    def recv(self, size: int, /) -> bytes:
        """Return some bytes, at most ``size``; ``b""`` at the end."""

    def sendall(self, data: bytes, /) -> None:
        """Send all of it."""

    def close(self) -> None:
        """End both directions and wake up whoever receives."""


class PipeStream:
    """A stream over the two pipes of a child process.

    :param reader: a file descriptor to read from.
    :param writer: a file descriptor to write to.
    """

    def __init__(self, reader: int, writer: int) -> None:
        self._reader = reader
        self._writer = writer
        self._lock = threading.Lock()

    def recv(self, size: int) -> bytes:
        """Return some bytes; ``b""`` at the end."""
        return os.read(self._reader, size)

    def sendall(self, data: bytes) -> None:
        """Write all of it."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._writer, view) :]

    def close(self) -> None:
        """Close the writing end: the child ends at that, and with it what is read."""
        with self._lock:
            if self._writer >= 0:
                os.close(self._writer)
                self._writer = -1


class Exchange:
    """One request under way. Used by one thread at a time, except :meth:`send`."""

    def __init__(self, session: Session, number: int, what: str) -> None:
        self._session = session
        self.number = number
        self.what = what
        self._frames: queue.SimpleQueue[Frame | MachineError] = queue.SimpleQueue()
        self._credit = session.peer_window
        self._credit_changed = threading.Condition()
        self._over = False
        self._owed: dict[int, int] = {}

    def deliver(self, item: Frame | MachineError) -> None:
        """Take what the reading thread has for this request."""
        if isinstance(item, Frame) and item.kind is Kind.CREDIT:
            with self._credit_changed:
                self._credit += _CREDIT.unpack(item.payload)[0]
                self._credit_changed.notify_all()
            return
        if isinstance(item, MachineError) or item.kind in (Kind.ANSWER, Kind.FAILURE):
            with self._credit_changed:
                self._over = True
                self._credit_changed.notify_all()
        self._frames.put(item)

    def next(self, deadline: float | None) -> Frame:
        """Wait for the next frame.

        :param deadline: on the clock of ``time.monotonic``.
        :raises TimeoutError: the deadline passed.
        :raises MachineError: the connection was lost.
        """
        try:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            item = self._frames.get(timeout=left)
        except queue.Empty:
            raise TimeoutError from None
        if isinstance(item, MachineError):
            self._frames.put(item)  # for whoever asks again
            raise item
        if item.kind is Kind.DATA:
            self._consumed(item.channel, len(item.payload))
        return item

    def _consumed(self, channel: int, size: int) -> None:
        owed = self._owed.get(channel, 0) + size
        if owed >= WINDOW // 4:
            self._session.send(self.number, Kind.CREDIT, channel=channel, payload=_CREDIT.pack(owed))
            owed = 0
        self._owed[channel] = owed

    def send(self, data: bytes | memoryview, patience_s: float | None = None) -> bool:
        """Send on channel 0 as the agent gives credit; False when the request has ended meanwhile.

        :param patience_s: how long the agent may take nothing; None for as long as it likes.
        :raises MachineError: it took nothing for so long, or the connection was lost.
        """
        view = memoryview(data)
        while view:
            with self._credit_changed:
                if not self._credit_changed.wait_for(lambda: self._credit or self._over, patience_s):
                    raise self._session.failure(f"{self.what} made no progress for {patience_s:g} s")
                if self._over:
                    return False
                size = min(len(view), self._credit, wire.MAX_PAYLOAD)
                self._credit -= size
            self._session.send(self.number, Kind.DATA, payload=view[:size])
            view = view[size:]
        return True

    @property
    def credit(self) -> int:
        """How many bytes can be sent at once without waiting."""
        return self._credit

    def end_data(self) -> None:
        """End channel 0."""
        self._session.send(self.number, Kind.END)

    def control(self, **fields: Any) -> None:
        """Change the request under way."""
        self._session.send(self.number, Kind.CONTROL, document=msgspec.json.encode(fields))

    def give_up(self) -> None:
        """Cancel the request and forget it."""
        self._session.forget(self)
        with self._credit_changed:
            self._over = True
            self._credit_changed.notify_all()
        if not self._session.is_lost:
            self._session.send(self.number, Kind.CANCEL)


class Session:
    """A stream on which an agent has answered a hello.

    :param stream: the connection; the session closes it.
    :param name: what is at the other end, for messages.
    :param diagnosis: asked for a reason (a console's last lines) when the connection is lost.
    """

    def __init__(self, stream: ByteStream, name: str, diagnosis: Callable[[], str] = str) -> None:
        self._stream = stream
        self.name = name
        self._diagnosis = diagnosis
        self._number = int.from_bytes(os.urandom(4), "little") | 1
        self.peer_window = 0
        self._lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._exchanges: dict[int, Exchange] = {}
        self._last = 0
        self._lost: MachineError | None = None
        self._closing = False
        self._reader = threading.Thread(target=self._read, name=f"agent of {name}", daemon=True)

    @property
    def is_lost(self) -> bool:
        """Tell whether the connection is gone."""
        return self._lost is not None

    def open(self, *, keep: bool, flush: bool, timeout_s: float) -> bytes:
        """Say hello and return the agent's facts as JSON.

        :raises MachineError: no agent answers in time.
        """
        self._reader.start()
        exchange = self._register("hello")
        hello = msgspec.json.encode({"window": WINDOW, "keep": keep})
        self.send(exchange.number, Kind.HELLO, document=hello)
        try:
            answer = self._hello_answer(exchange, hello, flush, timeout_s)
        except TimeoutError:
            raise self.failure(f"the agent of {self.name} did not answer within {timeout_s:g} s") from None
        finally:
            self.forget(exchange)
        if answer.kind is not Kind.HELLO:
            raise self.failure(f"the agent of {self.name} refused the session: {answer.document.decode()}")
        return answer.document

    def _hello_answer(self, exchange: Exchange, hello: bytes, flush: bool, timeout_s: float) -> Frame:
        deadline = time.monotonic() + timeout_s
        if flush:
            try:
                return exchange.next(min(time.monotonic() + _FLUSH_AFTER_S, deadline))
            except TimeoutError:
                # It may take the hello for the rest of an earlier frame. A second hello of one session
                # does nothing.
                self._write(wire.FLUSH)
                self.send(exchange.number, Kind.HELLO, document=hello)
        return exchange.next(deadline)

    def begin(self, what: str, document: bytes) -> Exchange:
        """Send a request.

        :raises MachineError: the connection is lost.
        """
        exchange = self._register(what)
        self.send(exchange.number, Kind.REQUEST, document=document)
        return exchange

    def _register(self, what: str) -> Exchange:
        with self._lock:
            if self._lost is not None:
                raise self._lost
            self._last += 1
            exchange = self._exchanges[self._last] = Exchange(self, self._last, what)
        return exchange

    def forget(self, exchange: Exchange) -> None:
        """Drop what still comes for a request."""
        with self._lock:
            self._exchanges.pop(exchange.number, None)

    def send(
        self,
        number: int,
        kind: Kind,
        *,
        channel: int = 0,
        document: bytes = b"",
        payload: bytes | memoryview = b"",
    ) -> None:
        """Write one frame.

        :raises MachineError: the connection is lost.
        """
        self._write(wire.encode(Frame(self._number, number, kind, channel, document, payload)))

    def _write(self, data: bytes) -> None:
        if self._lost is not None:
            raise self._lost
        try:
            with self._write_lock:
                self._stream.sendall(data)
        except OSError as error:
            self._lose(f"it could not be written to ({error.strerror or error})")
            assert self._lost is not None
            raise self._lost from error

    def _read(self) -> None:
        decoder = wire.Decoder(seek=True)
        reason = "it was closed by the other side"
        try:
            while data := self._receive():
                for frame in decoder.feed(data):
                    if frame.session == self._number:
                        self._dispatch(frame)
        except MachineError as error:
            reason = error.message
        except (OSError, ValueError) as error:
            reason = str(error)
        self._lose(reason)

    def _receive(self) -> bytes:
        try:
            return self._stream.recv(_READ_SIZE)
        except MachineError as below:
            # The agent that relays this stream is lost: that is what there is to say.
            self._lose(below.message, below)
            return b""

    def _dispatch(self, frame: Frame) -> None:
        if frame.kind is Kind.HELLO:
            self.peer_window = msgspec.json.decode(frame.document)["window"]
        with self._lock:
            exchange = self._exchanges.get(frame.id)
            if exchange is not None and frame.kind in (Kind.ANSWER, Kind.FAILURE):
                del self._exchanges[frame.id]
        if exchange is not None:
            exchange.deliver(frame)

    def _lose(self, reason: str, below: MachineError | None = None) -> None:
        if self._lost is not None:
            return
        if self._closing:
            reason, below = "it was closed", None
        error = below or MachineError(f"the connection to the agent of {self.name} was lost: {reason}")
        if below is None and not self._closing:
            error.detail = self._diagnosis()
        with self._lock:
            if self._lost is not None:
                return
            self._lost = error
            waiting = list(self._exchanges.values())
            self._exchanges.clear()
        for exchange in waiting:
            exchange.deliver(error)

    def failure(self, message: str, kind: type[MachineError] = MachineError) -> MachineError:
        """Return why the connection was lost; otherwise an error with that message and what is diagnosed."""
        return self._lost or kind(message, detail=self._diagnosis())

    def close(self) -> None:
        """End the session; the agent kills what it started."""
        self._closing = True
        if isinstance(self._stream, socket.socket):
            # Closing alone would neither wake up the reading thread nor tell the other side.
            with contextlib.suppress(OSError):
                self._stream.shutdown(socket.SHUT_RDWR)
        self._stream.close()
        if self._reader.ident is not None and self._reader is not threading.current_thread():
            self._reader.join(timeout=5)
        self._lose("it was closed")
