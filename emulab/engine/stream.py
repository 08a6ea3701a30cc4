"""A two-way byte stream to a command running in a container.

The engine multiplexes a command's stdout and stderr over one hijacked connection, each piece behind
an eight-byte header (Docker Engine API, "Stream format"): the stream's number, three zero bytes, and
the length as a big-endian 32-bit integer.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from typing import Any

_HEADER = struct.Struct(">BxxxL")
_STDERR = 2
_STDERR_KEPT = 4096


class ExecStream:
    """The stdin and stdout of a command in a container, as one duplex stream.

    What the command writes to stderr is kept (its last 4 KiB) for messages.
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

    @property
    def stderr(self) -> str:
        """Return the tail of what the command wrote to stderr so far."""
        return self._stderr.decode(errors="replace").strip()

    def recv(self, size: int) -> bytes:
        """Return up to ``size`` bytes of the command's stdout; ``b""`` when it ended."""
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
        """Write to the command's stdin."""
        self._socket.sendall(data)

    def end_input(self) -> None:
        """End the command's stdin; what it still writes can be read."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """End the command's stdin and the stream."""
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
