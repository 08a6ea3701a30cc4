"""Profiles as ``go tool pprof`` reads them: gzipped protocol buffers of ``profile.proto``.

The message is small and has not changed its field numbers since it was published
(github.com/google/pprof, proto/profile.proto), so it is written here without a library.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True)
class ProfileRow:
    """What was counted at one address.

    :param function: its function's name, "" where it is not known.
    :param values: one for each of the profile's sample types.
    :param labels: what tells it from other counts of the same address: benchmark, board.
    """

    address: int
    function: str
    file: str
    line: int
    values: Sequence[int]
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CountProfile:
    """Counts by address.

    :param types: the name and unit of each value, ``("instructions", "count")``; the first is shown
        unless another is asked for.
    :param program: the program that the addresses belong to.
    :param comments: sentences about where it comes from.
    """

    types: Sequence[tuple[str, str]]
    rows: Sequence[ProfileRow]
    program: str = ""
    comments: Sequence[str] = ()

    def encode(self) -> bytes:
        """Return it as the gzipped message."""
        return gzip.compress(_Message(self).encode(), mtime=0)


class _Message:
    """The tables that a profile's message is made of; ids count from 1, strings from 0."""

    def __init__(self, profile: CountProfile) -> None:
        self._profile = profile
        self._strings: dict[str, int] = {"": 0}
        self._functions: dict[tuple[str, str], int] = {}
        self._locations: dict[tuple[int, str, str, int], int] = {}

    def encode(self) -> bytes:
        """Return the message."""
        profile = self._profile
        out = bytearray()
        for name, unit in profile.types:
            out += _message(1, _number(1, self._string(name)), _number(2, self._string(unit)))
        for row in profile.rows:
            out += self._sample(row)
        mapping = (
            _number(1, 1),
            _number(3, 1 << 62),
            _number(5, self._string(profile.program)),
            *(_number(known, 1) for known in (7, 8, 9)),  # functions, files and lines are in here
        )
        out += _message(3, *mapping)
        for (address, function, file, line), number in self._locations.items():
            row_line = _message(4, _number(1, self._function(function, file)), _number(2, line))
            out += _message(4, _number(1, number), _number(2, 1), _number(3, address), row_line)
        for (name, file), number in self._functions.items():
            names = _number(2, self._string(name)), _number(3, self._string(name))
            out += _message(5, _number(1, number), *names, _number(4, self._string(file)))
        comments = [self._string(comment) for comment in profile.comments]
        first = self._string(profile.types[0][0])
        for text in self._strings:
            out += _bytes(6, text.encode())
        for comment in comments:
            out += _number(13, comment)
        return bytes(out + _number(14, first))

    def _sample(self, row: ProfileRow) -> bytes:
        key = (row.address, row.function or f"{row.address:#x}", row.file, row.line)
        location = self._locations.setdefault(key, len(self._locations) + 1)
        labels = [
            _message(3, _number(1, self._string(name)), _number(2, self._string(text)))
            for name, text in row.labels.items()
        ]
        return _message(2, _packed(1, [location]), _packed(2, row.values), *labels)

    def _function(self, name: str, file: str) -> int:
        return self._functions.setdefault((name, file), len(self._functions) + 1)

    def _string(self, text: str) -> int:
        return self._strings.setdefault(text, len(self._strings))


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _message(number: int, *fields: bytes) -> bytes:
    return _bytes(number, b"".join(fields))


def _packed(number: int, values: Iterable[int]) -> bytes:
    return _bytes(number, b"".join(map(_varint, values)))
