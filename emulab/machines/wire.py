"""Frames of the agent's protocol, without any input or output.

A frame is a header of 24 bytes, a JSON document and a binary payload; `emulab/agent/frame.go` draws it.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass

from emulab.errors import MachineError

VERSION = 1
MAGIC = b"\xe3el" + bytes([VERSION])
MAX_DOCUMENT = 256 << 10
MAX_PAYLOAD = 128 << 10

_HEADER = struct.Struct("<4sIIBBHII")
HEADER_SIZE = _HEADER.size
FLUSH = bytes(MAX_DOCUMENT + MAX_PAYLOAD)
"""Zero bytes that end any frame which an earlier host left unfinished."""


class Kind(enum.IntEnum):
    """What a frame means."""

    HELLO = 1
    REQUEST = 2
    ANSWER = 3
    FAILURE = 4
    EVENT = 5
    DATA = 6
    END = 7
    CREDIT = 8
    CONTROL = 9
    CANCEL = 10


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame.

    :param session: the number that the host chose in its hello; frames of others are dropped.
    :param id: the request that it belongs to.
    :param channel: 0 is the only stream or standard input, 1 standard output, 2 standard error.
    :param document: JSON.
    """

    session: int
    id: int
    kind: Kind
    channel: int = 0
    document: bytes = b""
    payload: bytes | memoryview = b""


def encode(frame: Frame) -> bytes:
    """Return a frame's bytes.

    :raises ValueError: a part is larger than the protocol allows.
    """
    if len(frame.document) > MAX_DOCUMENT or len(frame.payload) > MAX_PAYLOAD:
        raise ValueError(
            f"a frame holds {MAX_DOCUMENT} bytes of document and {MAX_PAYLOAD} of payload at most, "
            f"not {len(frame.document)} and {len(frame.payload)}"
        )
    header = _HEADER.pack(
        MAGIC, frame.session, frame.id, frame.kind, frame.channel, 0, len(frame.document), len(frame.payload)
    )
    return b"".join((header, frame.document, frame.payload))


class Decoder:
    """Turns a byte stream, in pieces of any size, into frames.

    :param seek: skip what is no frame until the first frame: a stream that is taken over may begin
        in the middle of one.
    """

    def __init__(self, *, seek: bool = False) -> None:
        self._buffer = bytearray()
        self._seek = seek

    def feed(self, data: bytes | bytearray | memoryview) -> list[Frame]:
        """Return the frames that ``data`` completes.

        :raises MachineError: the bytes are no frames.
        """
        buffer = self._buffer
        buffer += data
        frames = []
        at, end = 0, len(buffer)
        while True:
            while at < end and buffer[at] == 0:
                at += 1
            if end - at < HEADER_SIZE:
                break
            magic, session, number, kind, channel, zero, document, payload = _HEADER.unpack_from(buffer, at)
            if not _is_header(magic, kind, zero, document, payload):
                if not self._seek:
                    raise MachineError(
                        "the agent's stream holds something that is no frame: "
                        f"{bytes(buffer[at : at + HEADER_SIZE]).hex(' ')}"
                    )
                at += 1
                continue
            middle = at + HEADER_SIZE + document
            last = middle + payload
            if last > end:
                break
            self._seek = False
            with memoryview(buffer) as view:
                head, body = bytes(view[at + HEADER_SIZE : middle]), bytes(view[middle:last])
            frames.append(Frame(session, number, Kind(kind), channel, head, body))
            at = last
        del buffer[:at]
        return frames


def _is_header(magic: bytes, kind: int, zero: int, document: int, payload: int) -> bool:
    if magic != MAGIC or zero != 0:
        return False
    return 1 <= kind <= Kind.CANCEL and document <= MAX_DOCUMENT and payload <= MAX_PAYLOAD
