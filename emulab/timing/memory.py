"""What the memory below the first level of caches adds, from what the heavy mode counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulab.profiling.profile import Measure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class MemoryTimes:
    """What one event costs on a board, in seconds beyond a hit in the first level.

    :param l2: a line from the second level.
    :param l3: a line from the third level, where there is one.
    :param memory: a line from memory.
    :param line: a line in a stream from memory, which a prefetch brought: what its transfer takes.
    :param tlb: an entry from the second level of translations.
    :param page_walk: an entry from the page table.
    :param store: which part of a miss's time a store costs: it waits in a buffer, not in the pipeline.
    """

    l2: float
    memory: float
    l3: float = 0.0
    line: float = 0.0
    tlb: float = 0.0
    page_walk: float = 0.0
    store: float = 1.0


@dataclass(frozen=True)
class MemorySeconds:
    """Seconds per operation, part by part."""

    l2: float
    l3: float
    memory: float
    prefetched: float
    translation: float

    @property
    def total(self) -> float:
        """All parts together."""
        return self.l2 + self.l3 + self.memory + self.prefetched + self.translation


def memory_seconds(measures: NDArray[np.float64], times: MemoryTimes) -> MemorySeconds:
    """Return what memory adds to one operation, if no two misses overlap.

    A prefetch that the second level answers comes hardly sooner than the load, and is priced like a miss.

    :param measures: per operation, one for each of :class:`~emulab.profiling.profile.Measure`.
    """
    loads, stores = float(measures[Measure.L1D_LOAD_MISS]), float(measures[Measure.L1D_STORE_MISS])
    code = float(measures[Measure.L1I_MISS])
    below = float(measures[Measure.L2_DATA_MISS] + measures[Measure.L2_CODE_MISS])
    memory = float(measures[Measure.MEMORY])
    first = loads + stores + code
    # What misses further down is counted with all lines alike; a store's share holds for every level.
    share = (loads + code + times.store * stores) / first if first else 0.0
    walks = float(measures[Measure.PAGE_WALK])
    lookups = max(float(measures[Measure.ITLB_MISS] + measures[Measure.DTLB_MISS]) - walks, 0.0)
    streamed = float(measures[Measure.PREFETCH_MEMORY])
    near = max(float(measures[Measure.PREFETCHED]) - streamed, 0.0)
    return MemorySeconds(
        l2=share * max(first - below, 0.0) * times.l2,
        l3=share * max(below - memory, 0.0) * times.l3,
        memory=share * memory * times.memory,
        prefetched=near * times.l2 + streamed * times.line,
        translation=lookups * times.tlb + walks * times.page_walk,
    )
