"""How long a board's caches and memory take, from what sbc-bench measured of them.

A dependent load from a block that only the second level holds takes that level's time, one from a block far
beyond the last level the memory's (ramlat's chain of pointers; tinymembench gives what comes on top of a hit
in the first level). What the core's clock drives is kept in its cycles, memory in seconds.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Final

import msgspec

from emulab.timing.memory import MemoryTimes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from emulab.boards.board import Board
    from emulab.calibration.schema import Record, Sample

_KIB: Final = 1024
_LINE: Final = 64


class Latencies(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What lies behind a core's first-level caches.

    :param l2_cycles: of a load that the second level answers, on top of one that the first does.
    :param l3_s: of the third level, likewise; None where there is none.
    :param memory_s: of a load that memory answers.
    :param line_s: of reading one line of 64 bytes in a stream of them.
    :param source: the sessions that it was measured in, or whose board stands in.
    """

    l2_cycles: float
    l3_s: float | None
    memory_s: float
    line_s: float
    source: tuple[str, ...]

    def times(self, clock_hz: float) -> MemoryTimes:
        """Return what events cost at a clock of the core.

        A page table's entry is read twice from the second level on average: its last levels are rarely in
        the first, and its upper ones rarely read.
        """
        second = self.l2_cycles / clock_hz
        return MemoryTimes(
            l2=second, memory=self.memory_s, l3=self.l3_s or 0.0, line=self.line_s, page_walk=2 * second
        )


USUAL: Final = Latencies(12.0, None, 130e-9, 64 / 2.0e9, ())
"""Where nothing was measured: the middle of the boards that were."""


def latencies_of(records: Iterable[Record], core: str, shape: Mapping[int, int]) -> Latencies | None:
    """Return what records say of a core's caches, the median over their sessions.

    :param core: its id.
    :param shape: sizes of its cache levels in bytes, by level from 1.
    :return: None where no record measured it.
    """
    found = [one for record in records if (one := _of_session(record, core, shape)) is not None]
    if not found:
        return None
    thirds = [one.l3_s for one in found if one.l3_s is not None]
    return Latencies(
        statistics.median(one.l2_cycles for one in found),
        statistics.median(thirds) if thirds else None,
        statistics.median(one.memory_s for one in found),
        statistics.median(one.line_s for one in found),
        tuple(sorted(source for one in found for source in one.source)),
    )


def cache_sizes(board: Board, core: str) -> dict[int, int]:
    """Return the sizes in bytes of the levels of cache of a board's core, by level; empty when unknown."""
    for cluster in board.clusters:
        if cluster.core.id == core:
            levels = {1: cluster.l1d, 2: cluster.l2, 3: cluster.l3}
            return {level: cache.size_kib * _KIB for level, cache in levels.items() if cache is not None}
    return {}


def _of_session(record: Record, core: str, shape: Mapping[int, int]) -> Latencies | None:
    own = [sample for sample in record.samples if sample.core == core and not sample.flags]
    clocks = [sample.value for sample in own if sample.workload == "clock.measured"]
    chain = _by_block(own, "ramlat", test="1xPTR")
    if not chain:
        chain = _by_block(own, "tinymembench.latency", read="single", madv="nohugepage")
        hit = 0.0
    else:
        hit = min(chain.values())
    first, last = shape.get(1, 32 * _KIB), max(shape.values(), default=512 * _KIB)
    second = [time for block, time in chain.items() if 2 * first <= block <= shape.get(2, 512 * _KIB) // 2]
    third = [time for block, time in chain.items() if 3 in shape and 2 * shape[2] <= block <= shape[3] // 2]
    beyond = [time for block, time in chain.items() if block >= 4 * last]
    copied = [
        sample.value
        for sample in own
        if sample.workload == "tinymembench.copy" and sample.settings.get("test", "").startswith("C copy")
    ]
    filled = [
        sample.value
        for sample in own
        if sample.workload == "tinymembench.fill" and sample.settings.get("test") == "C fill"
    ]
    if not clocks or not second or not beyond or not copied:
        return None
    clock = statistics.median(clocks)
    return Latencies(
        (statistics.median(second) - hit) * clock,
        statistics.median(third) - hit if third else None,
        statistics.median(beyond) - hit,
        _line_s(statistics.median(copied), statistics.median(filled) if filled else None),
        (record.session.id,),
    )


def _line_s(copied: float, filled: float | None) -> float:
    """Return what reading a line of a stream takes, in seconds.

    A copied line is read and written. Writing takes what filling does, where that is less than half of it:
    many cores write whole lines without reading them first.

    :param copied, filled: bytes per second that are copied and filled; None where filling was not measured.
    """
    both = _LINE / copied
    return both - min(both / 2.0, _LINE / filled if filled else both)


def _by_block(samples: Sequence[Sample], workload: str, **settings: str) -> dict[int, float]:
    times: dict[int, list[float]] = {}
    for sample in samples:
        if sample.workload == workload and all(sample.settings.get(k) == v for k, v in settings.items()):
            times.setdefault(int(sample.settings["block"]), []).append(sample.value)
    return {block: statistics.median(values) for block, values in times.items()}
