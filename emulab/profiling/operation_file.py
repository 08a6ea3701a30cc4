"""Operations of one program in one file: blocks and code once for all of them, the same bytes every time.

After eight bytes of magic and two of the version comes one xz stream: the length of a head, the head in
JSON, the code, and arrays of 64-bit numbers. Of each array all lowest bytes come first, then all next ones,
and so on, since most of the high ones are zero. All numbers are little-endian.
"""

from __future__ import annotations

import lzma
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from emulab.errors import UsageError
from emulab.profiling.file_format import BLOCK
from emulab.profiling.operation import Operation
from emulab.profiling.profile import Measure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

MAGIC = b"EMUOPER\0"
VERSION = 1
SUFFIX = ".ops"
RARE = 1e-6
"""Blocks with a smaller share of an operation's instructions are not kept."""

_PREFIX = struct.Struct("<8sH")
_LENGTH = struct.Struct("<I")
# Fixed, so that the same operations always give the same bytes.
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 6}]


@dataclass(frozen=True)
class OperationFile:
    """What a file holds.

    :param origin: what the program was and how it was counted, by what each word is (``package``, ``go``).
    :param operations: by the benchmark's name, as figures name it (``math/big.BenchmarkAddVV/1``).
    """

    origin: Mapping[str, str]
    operations: Mapping[str, Operation]


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    blocks: int
    operations: int
    measures: tuple[float, ...] | None
    memory_model: str
    syscalls: dict[int, float]
    bytes_per_op: float | None
    allocs_per_op: float | None
    spread: float | None
    causes: tuple[str, ...]


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    isa: str
    origin: dict[str, str]
    blocks: int
    code: int
    entries: tuple[_Entry, ...]


def without_rare_blocks(operation: Operation, share: float = RARE) -> Operation:
    """Return an operation without the blocks that have less than a share of its instructions."""
    executed = operation.counts * operation.blocks["instructions"].astype(np.int64)
    kept = np.flatnonzero(executed > max(0.0, share * float(executed.sum())))
    return replace(operation, blocks=operation.blocks[kept], counts=operation.counts[kept])


def dumps(content: OperationFile) -> bytes:
    """Return the bytes of a file. Rare blocks are left out, as :func:`without_rare_blocks` does.

    :raises ValueError: there are no operations, or they are of several instruction sets.
    """
    named = sorted((name, without_rare_blocks(each)) for name, each in content.operations.items())
    isas = {operation.isa for _, operation in named}
    if len(isas) != 1:
        raise ValueError(f"one file holds operations of one instruction set, not of {sorted(isas)}")
    keys = [_keys(operation) for _, operation in named]
    table = sorted({key for each in keys for key in each})
    places = {key: place for place, key in enumerate(table)}
    columns: list[NDArray[np.uint64]] = [
        _steps(np.array([key[0] for key in table], np.uint64)),
        np.array([len(key[2]) for key in table], np.uint64),
        np.array([key[1] for key in table], np.uint64),
    ]
    for (_, operation), own in zip(named, keys, strict=True):
        rows = np.array([places[key] for key in own], np.uint64)
        order = np.argsort(rows, kind="stable")
        columns += [_steps(rows[order]), operation.counts[order].astype(np.uint64)]
    code = b"".join(key[2] for key in table)
    head = _Head(
        isas.pop(),
        dict(sorted(content.origin.items())),
        len(table),
        len(code),
        tuple(_entry(name, operation) for name, operation in named),
    )
    text = msgspec.json.encode(head)
    payload = b"".join([_LENGTH.pack(len(text)), text, code, *map(_shuffled, columns)])
    packed = lzma.compress(payload, lzma.FORMAT_XZ, lzma.CHECK_CRC64, filters=_FILTERS)
    return _PREFIX.pack(MAGIC, VERSION) + packed


def loads(data: bytes, name: str) -> OperationFile:
    """Return what :func:`dumps` made.

    :param name: what messages call the file.
    :raises UsageError: it is no such file, of another version, cut short or damaged.
    """
    if not data or not MAGIC.startswith(data[: len(MAGIC)]):
        raise UsageError(
            f"{name} is no file of counted operations", hint="make it with `emulab calibrate count`"
        )
    if len(data) < _PREFIX.size:
        raise _cut_short(name)
    _, version = _PREFIX.unpack_from(data)
    if version != VERSION:
        raise UsageError(
            f"{name} holds counted operations of format {version}, and this emulab reads format {VERSION}",
            hint="count again with this emulab",
        )
    payload = _unpacked(data[_PREFIX.size :], name)
    try:
        (size,) = _LENGTH.unpack_from(payload)
        head = msgspec.json.decode(payload[_LENGTH.size : _LENGTH.size + size], type=_Head)
        return _content(head, memoryview(payload)[_LENGTH.size + size :])
    except (struct.error, msgspec.MsgspecError, ValueError, IndexError) as error:
        raise UsageError(f"{name} is damaged: {error}", hint="count again") from error


def write(path: Path, content: OperationFile) -> None:
    """Write a file, and the directories that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(dumps(content))


def read(path: Path) -> OperationFile:
    """Return the operations in a file.

    :raises UsageError: it can not be read, or is no such file, of another version, cut short or damaged.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} can not be read: {error.strerror or error}") from error
    return loads(data, str(path))


def _keys(operation: Operation) -> list[tuple[int, int, bytes]]:
    """Return what tells an operation's blocks apart: address, instructions, bytes."""
    return [
        (address, instructions, operation.code[place : place + size])
        for address, place, size, instructions in operation.blocks.tolist()
    ]


def _entry(name: str, operation: Operation) -> _Entry:
    measures = operation.measures
    if measures is not None and len(measures) != len(Measure):
        raise ValueError(f"{name} has {len(measures)} measures instead of {len(Measure)}")
    return _Entry(
        name,
        len(operation.blocks),
        operation.operations,
        None if measures is None else tuple(float(each) for each in measures),
        operation.memory_model,
        {int(number): float(count) for number, count in sorted(operation.syscalls.items())},
        operation.bytes_per_op,
        operation.allocs_per_op,
        # JSON has no infinity.
        operation.spread if np.isfinite(operation.spread) else None,
        tuple(operation.causes),
    )


def _content(head: _Head, rest: memoryview) -> OperationFile:
    code = bytes(rest[: head.code])
    place = head.code

    def column(count: int) -> NDArray[np.uint64]:
        nonlocal place
        size = count * 8
        if count < 0 or place + size > len(rest):
            raise ValueError("it has fewer numbers than its head says")
        numbers = _unshuffled(rest[place : place + size])
        place += size
        return numbers

    blocks = np.zeros(head.blocks, BLOCK)
    blocks["address"] = np.cumsum(column(head.blocks), dtype=np.uint64)
    sizes = column(head.blocks)
    blocks["size"], blocks["instructions"] = sizes, column(head.blocks)
    blocks["code"] = np.cumsum(sizes, dtype=np.uint64) - sizes
    operations = {}
    for entry in head.entries:
        rows = np.cumsum(column(entry.blocks), dtype=np.uint64).astype(np.int64)
        operations[entry.name] = Operation(
            isa=head.isa,
            blocks=blocks[rows],
            code=code,
            counts=column(entry.blocks).astype(np.int64),
            operations=entry.operations,
            measures=None if entry.measures is None else np.array(entry.measures, np.float64),
            memory_model=entry.memory_model,
            syscalls=entry.syscalls,
            bytes_per_op=entry.bytes_per_op,
            allocs_per_op=entry.allocs_per_op,
            spread=float("inf") if entry.spread is None else entry.spread,
            causes=entry.causes,
        )
    if place != len(rest) or int(sizes.sum()) != len(code):
        raise ValueError("it has more than its head says")
    return OperationFile(head.origin, operations)


def _steps(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return each number's difference to the one before; they are sorted."""
    return np.diff(numbers, prepend=np.uint64(0))


def _shuffled(numbers: NDArray[np.uint64]) -> bytes:
    return np.ascontiguousarray(numbers.astype("<u8").view(np.uint8).reshape(-1, 8).T).tobytes()


def _unshuffled(data: memoryview) -> NDArray[np.uint64]:
    planes = np.frombuffer(data, np.uint8).reshape(8, -1)
    return np.ascontiguousarray(planes.T).view("<u8").reshape(-1)


def _unpacked(data: bytes, name: str) -> bytes:
    unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ)
    try:
        payload = unpacker.decompress(data)
    except lzma.LZMAError as error:
        raise UsageError(f"{name} is damaged: {error}", hint="count again") from error
    if not unpacker.eof:
        raise _cut_short(name)
    if unpacker.unused_data:
        raise UsageError(f"{name} is damaged: something stands after its end", hint="count again")
    return payload


def _cut_short(name: str) -> UsageError:
    return UsageError(f"{name} is cut short", hint="copy it again, or count again")
