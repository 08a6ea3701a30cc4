"""Counted benchmarks as operations: what outlives the processes that they were counted in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np

from emulab.bench.execution import Code
from emulab.profiling.file_format import BLOCK
from emulab.profiling.instructions import instructions_of
from emulab.profiling.operation import Operation
from emulab.profiling.operation_file import without_rare_blocks
from emulab.profiling.profile import Measure

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from emulab.bench.attribution import BlockCounts
    from emulab.bench.counting import Counted, Window
    from emulab.profiling.memory_model import MemoryModel
    from emulab.profiling.profile import Profile

_DECIMALS = 3
"""Of measures per operation: what is rarer is by chance, of an interrupted loop's branches and caches."""


def operation_of(
    counted: Counted, heavy: Counted | None = None, model: MemoryModel | None = None
) -> Operation:
    """Return what a benchmark's operation executes.

    :param counted: where blocks, instructions and their spread come from.
    :param heavy: the same benchmark counted with a model, where measures come from; it may be ``counted``.
    :param model: that model.
    :raises ValueError: ``heavy`` was counted without a model.
    """
    if heavy is not None and (model is None or heavy.high.execution.measures is None):
        raise ValueError(f"{counted.name} was not counted with a model of caches")
    blocks = without_overlaps(counted.blocks())
    operation = Operation(
        isa=blocks.isa,
        blocks=blocks.blocks,
        code=blocks.code,
        counts=blocks.counts,
        operations=counted.operations,
        measures=None,
        memory_model=" ".join(model.arguments()) if heavy is not None and model is not None else "",
        syscalls={},
        bytes_per_op=_reported(counted, "B/op"),
        allocs_per_op=_reported(counted, "allocs/op"),
        spread=counted.slope.spread,
        causes=counted.causes,
    )
    operation = without_rare_blocks(operation)
    return operation if heavy is None else replace(operation, measures=_measures(heavy, operation.blocks))


def _measures(heavy: Counted, blocks: NDArray[np.void]) -> NDArray[np.float64]:
    """Return what the heavy mode measured per operation in an operation's own blocks.

    What other blocks have is not the operation's: Go's monitor runs in between, at moments of this host's
    clock, and the heavy mode does not leave out its thread as the counts do.
    """
    own = {id(each.execution): _within(each.execution.blocks, blocks) for each in heavy.windows}

    def total(measure: Measure) -> Callable[[Window], float]:
        def of_window(window: Window) -> float:
            known = window.execution.measures
            assert known is not None
            return float(known[window.place][measure][own[id(window.execution)]].sum())

        return of_window

    # A window may have less by chance than a smaller one; an operation does nothing a negative time.
    slopes = [max(0.0, heavy.slope_of(total(measure)).per_operation) for measure in Measure]
    return np.round(slopes, _DECIMALS)


def _within(blocks: NDArray[np.void], own: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which blocks begin in one of an operation's, which are sorted and do not overlap."""
    before = np.searchsorted(own["address"], blocks["address"], side="right") - 1
    ends = own["address"] + own["size"]
    inside: NDArray[np.bool_] = (before >= 0) & (blocks["address"] < ends[np.maximum(before, 0)])
    return inside


def without_overlaps(counts: BlockCounts) -> BlockCounts:
    """Return the same executions as blocks that do not overlap, sorted by address.

    Where a translated block begins or ends, all others are cut. So what two processes cut otherwise comes
    out alike, and a count that is negative in their difference meets the one that makes up for it; what is
    left below zero, by chance, is left out.
    """
    from emulab.bench.attribution import BlockCounts

    code = Code(counts.isa, counts.blocks, counts.code)
    instructions = instructions_of(cast("Profile", code))
    executed = instructions.executions(counts.counts.view(np.uint64)).view(np.int64)
    count = counts.blocks["instructions"].astype(np.int64)
    first, last = instructions.first[:-1][count > 0], instructions.first[1:][count > 0] - 1
    begins = np.zeros(len(instructions) + 1, np.bool_)
    begins[instructions.member[first]] = True
    begins[instructions.member[last] + 1] = True
    following = instructions.address[:-1] + instructions.size[:-1]
    begins[1:-1] |= instructions.address[1:] != following
    begins[1:-1] |= executed[1:] != executed[:-1]
    begins[0] = begins[-1] = True
    edges = np.flatnonzero(begins)
    start, numbers = edges[:-1], np.diff(edges)
    sizes = np.add.reduceat(instructions.size.astype(np.int64), start)
    kept = executed[start] > 0
    place = _places(counts, instructions.member, instructions.address)
    text = np.frombuffer(counts.code, np.uint8)
    pieces = [
        _bytes_of(text, place, instructions.size, begin, begin + number)
        for begin, number in zip(start[kept], numbers[kept], strict=True)
    ]
    blocks = np.zeros(int(kept.sum()), BLOCK)
    blocks["address"] = instructions.address[start][kept]
    blocks["size"], blocks["instructions"] = sizes[kept], numbers[kept]
    blocks["code"] = np.cumsum(sizes[kept]) - sizes[kept]
    return BlockCounts(counts.isa, blocks, b"".join(pieces), executed[start][kept])


def _places(counts: BlockCounts, member: NDArray[np.int64], address: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return where each instruction's bytes are in the code."""
    of_block = np.repeat(np.arange(len(counts.blocks)), counts.blocks["instructions"].astype(np.int64))
    offset = address[member] - counts.blocks["address"][of_block]
    place = np.zeros(len(address), np.int64)
    place[member] = counts.blocks["code"][of_block].astype(np.int64) + offset.astype(np.int64)
    return place


def _bytes_of(
    text: NDArray[np.uint8], place: NDArray[np.int64], size: NDArray[np.uint8], begin: int, end: int
) -> bytes:
    return b"".join(
        text[start : start + length].tobytes()
        for start, length in zip(place[begin:end].tolist(), size[begin:end].tolist(), strict=True)
    )


def _reported(counted: Counted, unit: str) -> float | None:
    values = [window.reported[unit] for window in counted.windows if unit in window.reported]
    return float(counted.high.reported.get(unit, values[-1])) if values else None
