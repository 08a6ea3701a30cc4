"""From blocks to functions: where a benchmark's instructions are, and how often it calls what."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emulab.bench.execution import Code
from emulab.profiling.file_format import BLOCK
from emulab.profiling.work import Work
from emulab.symbols import Location, locate

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from emulab.bench.execution import Execution
    from emulab.progress import Progress


@dataclass(frozen=True)
class BlockCounts:
    """How often blocks were executed.

    :param blocks: as of an :class:`~emulab.bench.execution.Execution`, with ``code`` in ``bytes``.
    :param counts: one for each block, negative where a smaller window had more.
    """

    isa: str
    blocks: NDArray[np.void]
    code: bytes
    counts: NDArray[np.int64]

    @property
    def instructions(self) -> NDArray[np.int64]:
        """Return the instructions that were executed in each block."""
        product: NDArray[np.int64] = self.counts * self.blocks["instructions"].astype(np.int64)
        return product


def difference(
    high: Execution, high_window: int, low: Execution | None = None, low_window: int = 0
) -> BlockCounts:
    """Return what a window has more than another, block by block.

    Blocks of two processes are the same when address and size are: QEMU may have cut the same code
    otherwise, and then the sum over what overlaps is right.
    """
    parts = [(high, high_window, 1)] + ([(low, low_window, -1)] if low is not None else [])
    places: dict[tuple[int, int], int] = {}
    rows: list[tuple[int, int, int, int]] = []
    code = bytearray()
    counts: list[int] = []
    for execution, window, sign in parts:
        seen = execution.counts[window]
        for block in np.flatnonzero(seen):
            known = execution.blocks[block]
            key = int(known["address"]), int(known["size"])
            place = places.setdefault(key, len(rows))
            if place == len(rows):
                start = int(known["code"])
                rows.append((key[0], len(code), key[1], int(known["instructions"])))
                code += execution.code[start : start + key[1]]
                counts.append(0)
            counts[place] += sign * int(seen[block])
    return BlockCounts(high.isa, np.array(rows, BLOCK), bytes(code), np.array(counts, np.int64))


@dataclass(frozen=True)
class LineCounts:
    """What was executed of one line of source.

    :param address: the lowest of its instructions'.
    :param work: instructions by class, one number for each of ``Work``.
    """

    address: int
    location: Location
    work: NDArray[np.int64]


class Attribution:
    """What one program's addresses are; each is looked up once. Safe to use from several threads."""

    def __init__(self, program: Path, progress: Progress) -> None:
        self._program = program
        self._progress = progress
        self._lock = threading.Lock()
        self._known: dict[int, Location] = {}

    def locations(self, addresses: Iterable[int]) -> list[Location]:
        """Return where addresses lie, in their order.

        :raises InfrastructureError: the program's tables can not be read.
        """
        wanted = list(addresses)
        with self._lock:
            unknown = [address for address in wanted if address not in self._known]
            if unknown:
                self._known |= locate(self._program, unknown, self._progress)
            return [self._known[address] for address in wanted]

    def lines(self, counts: BlockCounts) -> list[LineCounts]:
        """Return what was executed, line by line of the source."""
        instructions, work = Code(counts.isa, counts.blocks, counts.code).instructions()
        # Negative counts are added up as what they are, modulo 2^64.
        executed = instructions.executions(counts.counts.view(np.uint64)).view(np.int64)
        addresses = instructions.address.tolist()
        lines: dict[tuple[str, str, int], LineCounts] = {}
        for place, (address, location) in enumerate(zip(addresses, self.locations(addresses), strict=True)):
            key = location.function or hex(address), location.file, location.line
            if key not in lines:
                lines[key] = LineCounts(address, location, np.zeros(len(Work), np.int64))
            lines[key].work[work[place]] += executed[place]
        return list(lines.values())

    def calls(self, counts: BlockCounts) -> dict[str, int]:
        """Return how often each function was entered."""
        found: dict[str, int] = {}
        addresses = counts.blocks["address"].tolist()
        for address, count, location in zip(
            addresses, counts.counts.tolist(), self.locations(addresses), strict=True
        ):
            if location.function and location.entry == address:
                found[location.function] = found.get(location.function, 0) + count
        return found
