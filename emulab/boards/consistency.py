"""Checks of a whole board that no single field's type can make."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from emulab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulab.boards.board import Board, Cache, Cluster

_NEEDED = {
    "board": ("clusters", "isa", "memory", "software", "emulation", "go"),
    "generic": ("memory", "software", "emulation", "go"),
    "host": (),
    "chip": ("clusters", "chip"),
}
_GO_SETTING = {"arm64": "goarm64", "armv7": "goarm", "riscv64": "goriscv64"}
_GO_VALUES = {
    "goarm64": re.compile(r"v(8\.[0-9]|9\.[0-5])(,lse|,crypto)*"),
    "goarm": re.compile(r"[567](,(soft|hard)float)?"),
    "goriscv64": re.compile(r"rva2[023]u64"),
}
_PAGE_SIZES_KIB = (4, 16, 64)


def check_consistency(board: Board, file: str) -> None:
    """Check that a board's figures fit each other.

    :raises UsageError: one does not; the message names the file, the field and the fix.
    """
    for problem in _problems(board):
        raise UsageError(f"{file}: {problem}")


def _problems(board: Board) -> Iterator[str]:
    for field in _NEEDED[board.kind]:
        if not getattr(board, field):
            yield f"field `{field}` is missing, which a {board.kind} needs; write `[{field}]`"
    for cluster in board.clusters:
        yield from _cluster_problems(cluster)
    memory = board.memory
    if memory is not None and memory.sold_mib and memory.assumed_mib not in memory.sold_mib:
        sold = ", ".join(str(size) for size in memory.sold_mib)
        yield (
            f"field `memory.assumed_mib` is {memory.assumed_mib}, but the board is sold with {sold};"
            " name one of them"
        )
    if board.software is not None and board.software.page_kib not in _PAGE_SIZES_KIB:
        yield f"field `software.page_kib` is {board.software.page_kib}; Linux has pages of 4, 16 or 64 KiB"
    if board.software is not None and board.software.libc == "glibc-old" and board.arch == "riscv64":
        yield 'field `software.libc` is "glibc-old", which riscv64 never had; write "glibc"'
    if board.kind == "board" and board.arch not in _GO_SETTING:
        yield f'field `arch` is {board.arch}, which emulab does not emulate; make it of the kind "chip"'
    if board.emulation is not None and not 1 <= board.emulation.vcpus <= 8:
        yield f"field `emulation.vcpus` is {board.emulation.vcpus}; give 1 to 8"
    yield from _go_problems(board)


def _cluster_problems(cluster: Cluster) -> Iterator[str]:
    where = f"clusters.{cluster.name}"
    if cluster.count < 1:
        yield f"field `{where}.count` is {cluster.count}; a cluster has at least 1 core"
    if cluster.nominal_mhz <= 0:
        yield f"field `{where}.nominal_mhz` is {cluster.nominal_mhz}; give the clock in MHz"
    points = cluster.operating_points_mhz
    if list(points) != sorted(set(points)):
        yield f"field `{where}.operating_points_mhz` must ascend; sort it"
    if points and cluster.nominal_mhz not in points:
        yield (
            f"field `{where}.nominal_mhz` is {cluster.nominal_mhz:g},"
            " which is not among `operating_points_mhz`; add it"
        )
    for level in ("l1i", "l1d", "l2", "l3"):
        cache: Cache | None = getattr(cluster, level)
        if cache is None:
            continue
        if cache.size_kib < 1:
            yield f"field `{where}.{level}.size_kib` is {cache.size_kib}; give the size in KiB"
        if cache.ways and cache.line_b and cache.size_kib * 1024 % (cache.ways * cache.line_b):
            yield (
                f"field `{where}.{level}.ways` is {cache.ways}, which does not divide {cache.size_kib} KiB"
                f" of {cache.line_b}-byte lines; correct one of the three"
            )


def _go_problems(board: Board) -> Iterator[str]:
    if board.go is None:
        return
    for setting, pattern in _GO_VALUES.items():
        value = getattr(board.go, setting)
        if value is None:
            continue
        if _GO_SETTING.get(board.arch) != setting:
            yield f"field `go.{setting}` has no meaning for {board.arch}; remove it"
        if not pattern.fullmatch(value):
            yield (
                f"field `go.{setting}` is {value!r}, which Go does not know;"
                f" write it as {setting.upper()} is written"
            )
    if board.go.gomaxprocs < 1:
        yield f"field `go.gomaxprocs` is {board.go.gomaxprocs}; give at least 1"
