"""A two-way byte stream to a container's first process.

The engine multiplexes the process's stdout and stderr over one hijacked connection, each piece behind
an eight-byte header (Docker Engine API, "Stream format"): the stream's number, three zero bytes, and
the length as a big-endian 32-bit integer.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import Any

_HEADER = struct.Struct(">BxxxL")
_STDERR = 2
_STDERR_KEPT = 4096
# How long a process that has nothing more to read may take to end by itself.
_END_GRACE_S = 2.0


class AttachedStream:
    """The stdin and stdout of a container's first process, as one duplex stream.

    What the process writes to stderr is kept (its last 4 KiB) for messages.

    :ivar ended: set once the end of its output was received, which comes when it has ended.
    """

    def __init__(self, raw: Any) -> None:
        # A unix or TCP engine hands out a SocketIO around a socket; TLS and ssh hand out the socket.
        self._holder = raw
        self._socket: socket.socket = getattr(raw, "_sock", raw)
        self._socket.settimeout(None)
        self._pending = bytearray()
        self._remaining = 0
        self._is_stderr = False
        self._stderr = bytearray()
        self._reading = False
        self.ended = threading.Event()

    @property
    def stderr(self) -> str:
        """Return the tail of what the process wrote to stderr so far."""
        return self._stderr.decode(errors="replace").strip()

    def recv(self, size: int) -> bytes:
        """Return up to ``size`` bytes of the process's stdout; ``b""`` when it ended."""
        self._reading = True
        try:
            piece = self._next_piece(size)
        finally:
            self._reading = False
        if not piece:
            self.ended.set()
        return piece

    def _next_piece(self, size: int) -> bytes:
        while True:
            while self._remaining == 0:
                if not self._next_header():
                    return b""
            if self._pending:
                piece = bytes(self._pending[: min(size, self._remaining)])
                del self._pending[: len(piece)]
            else:
                piece = self._read(min(size, self._remaining))
                if not piece:
                    return b""
            self._remaining -= len(piece)
            if not self._is_stderr:
                return piece
            self._stderr += piece
            del self._stderr[:-_STDERR_KEPT]

    def sendall(self, data: bytes) -> None:
        """Write to the process's stdin."""
        self._socket.sendall(data)

    def end_input(self) -> None:
        """End the process's stdin; what it still writes can be read."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """End the process's stdin and the stream; a thread that receives is let see the process's end."""
        self.end_input()
        if self._reading:
            self.ended.wait(_END_GRACE_S)
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._holder.close()

    def _read(self, size: int) -> bytes:
        try:
            return self._socket.recv(size)
        except OSError:
            return b""

    def _next_header(self) -> bool:
        while len(self._pending) < _HEADER.size:
            # Read ahead: a header and a small piece usually arrive together.
            piece = self._read(65536)
            if not piece:
                return False
            self._pending += piece
        number, self._remaining = _HEADER.unpack_from(self._pending)
        self._is_stderr = number == _STDERR
        del self._pending[: _HEADER.size]
        return True
