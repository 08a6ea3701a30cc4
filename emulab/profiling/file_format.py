"""The profile's file as the plugin writes it; ``docs/profile-format.md`` describes it byte by byte."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emulab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

MAGIC = b"EMUPROF\0"
VERSION = 1
BLOCK = np.dtype([("address", "<u8"), ("code", "<u8"), ("size", "<u4"), ("instructions", "<u4")])
"""A translated block: its address, where its bytes begin among all code, its bytes, its instructions."""
COUNT = np.dtype([("block", "<u4"), ("vcpu", "<u4"), ("count", "<u8")])
"""How often a vCPU (in user mode: a thread) executed a block."""
EVENT = np.dtype([("kind", "<u4"), ("reserved", "<u4"), ("number", "<i8")])
SPACE = np.dtype([("root", "<u8"), ("is_process", "<u8")])
"""An address space of a whole machine: its page table, and whether it is the program's of interest."""

_HEADER = struct.Struct("<8sII16s32s32sI28x")
_SECTION = struct.Struct("<4s4xQ")
_WINDOW = struct.Struct("<IIQQQQQQ")
_END = struct.Struct("<QQ")
_SYSTEM = 1


@dataclass(frozen=True)
class WindowRecord:
    """A window as the file has it; ``kind`` 0 is the whole run."""

    kind: int
    name: str
    ordinal: int
    argument: int
    executions: NDArray[np.void]
    events: NDArray[np.void]
    measures: NDArray[np.void]
    spaces: NDArray[np.void]


@dataclass(frozen=True)
class Content:
    """What a file holds."""

    isa: str
    plugin: str
    qemu: str
    is_system: bool
    blocks: NDArray[np.void]
    code: bytes
    events: NDArray[np.void]
    spaces: NDArray[np.void]
    windows: tuple[WindowRecord, ...]


def parse(data: bytes, name: str) -> Content:
    """Return a file's content, checked by its checksum.

    :param name: what messages call the file.
    :raises UsageError: it is no profile, of another version, cut short or damaged.
    """
    if not MAGIC.startswith(data[: len(MAGIC)]):
        raise UsageError(f"{name} is no profile of emulab", hint="profiles are written by counted runs")
    if len(data) < _HEADER.size:
        raise _cut_short(name)
    _, version, size, isa, plugin, qemu, flags = _HEADER.unpack_from(data)
    if version != VERSION or size != _HEADER.size:
        raise UsageError(
            f"{name} is a profile of format {version}, and this emulab reads format {VERSION}",
            hint="count again with this emulab",
        )
    sections: dict[bytes, bytes] = {}
    windows = []
    # All of them first: only the checksum at the end says that their sizes are true.
    for tag, payload in list(_sections(data, name)):
        if tag == b"WIND":
            windows.append(_window(payload, name))
        else:
            sections[tag] = payload
    try:
        blocks = np.frombuffer(sections[b"BLKS"], BLOCK)
        events = np.frombuffer(sections[b"EVNT"], EVENT)
        spaces = np.frombuffer(sections.get(b"SPAC", b""), SPACE)
        code = sections[b"CODE"]
    except (KeyError, ValueError) as error:
        raise _damaged(name) from error
    words = [text.rstrip(b"\0").decode(errors="replace") for text in (isa, plugin, qemu)]
    is_system = bool(flags & _SYSTEM)
    return Content(words[0], words[1], words[2], is_system, blocks, code, events, spaces, tuple(windows))


def _sections(data: bytes, name: str) -> Iterator[tuple[bytes, bytes]]:
    place = _HEADER.size
    while place + _SECTION.size <= len(data):
        tag, size = _SECTION.unpack_from(data, place)
        start = place + _SECTION.size
        if start + size > len(data):
            break
        payload = data[start : start + size]
        if tag == b"ENDS":
            if size != _END.size or _END.unpack(payload) != (zlib.crc32(data[:place]), place):
                raise _damaged(name)
            return
        yield tag, payload
        place = start + size + (-size & 7)
    raise _cut_short(name)


def _window(payload: bytes, name: str) -> WindowRecord:
    try:
        kind, name_size, ordinal, argument, *sizes = _WINDOW.unpack_from(payload)
        start = _WINDOW.size
        title = payload[start : start + name_size].decode(errors="replace")
        start += name_size + (-name_size & 7)
        counts = np.frombuffer(payload, COUNT, sum(sizes), start)
    except (struct.error, ValueError) as error:
        raise _damaged(name) from error
    return WindowRecord(kind, title, ordinal, argument, *np.split(counts, np.cumsum(sizes)[:-1]))


def _cut_short(name: str) -> UsageError:
    return UsageError(
        f"the profile {name} is cut short", hint="the counted program must end by itself, not be killed"
    )


def _damaged(name: str) -> UsageError:
    return UsageError(f"the profile {name} is damaged: its checksum does not fit", hint="count again")
