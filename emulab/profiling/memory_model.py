"""The heavy mode's settings: the caches of a board, its TLBs and its branch prediction.

Caches are the board's file's. TLBs and branch prediction follow from the core's design, by its maker's manual
where that says it. The model is one core's: the first level its own, what lies below shared with nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from emulab.boards.board import Board, Cache, Cluster

_KIB = 1024
_PAGE = 4 * _KIB
_LINE = 64


@dataclass(frozen=True)
class CacheShape:
    """A cache, or a TLB whose lines are pages.

    :param size: bytes, of a TLB entries.
    :param line: bytes of a line, of a TLB those of a page.
    :param is_random: a random line goes when another comes, not the one that was not used for longest.
    """

    size: int
    ways: int
    line: int
    is_random: bool = False

    def text(self) -> str:
        """Return it as the plugin takes it."""
        return f"{self.size}:{self.ways}:{self.line}{':random' if self.is_random else ''}"


@dataclass(frozen=True)
class MemoryModel:
    """What the heavy mode models; what is None is not modelled.

    :param prefetch: how many lines ahead the stride prefetcher fetches; 0 switches it off.
    :param predictor: how branches' directions are foretold, None for not at all; ``tage`` foretells where
        indirect jumps and calls lead to by their history as well.
    :param predictor_bits: the predictor has 2 to this power two-bit counters; ``tage`` has its own size.
    :param cores: over how many modelled cores the vCPUs are spread. A benchmark's threads take turns: 1.
    """

    l1i: CacheShape | None = None
    l1d: CacheShape | None = None
    l2: CacheShape | None = None
    l3: CacheShape | None = None
    itlb: CacheShape | None = None
    dtlb: CacheShape | None = None
    tlb2: CacheShape | None = None
    prefetch: int = 0
    predictor: Literal["bimodal", "gshare", "tage"] | None = None
    predictor_bits: int = 12
    cores: int = 1

    def arguments(self) -> list[str]:
        """Return it as arguments of the plugin."""
        words = []
        for name in ("l1i", "l1d", "l2", "l3", "itlb", "dtlb", "tlb2"):
            shape: CacheShape | None = getattr(self, name)
            if shape is not None:
                words.append(f"{name}={shape.text()}")
        words.append(f"prefetch={self.prefetch}")
        if self.predictor is not None:
            size = "" if self.predictor == "tage" else f":{self.predictor_bits}"
            words.append(f"branch={self.predictor}{size}")
        return [*words, f"cores={self.cores}"]


@dataclass(frozen=True)
class _Design:
    """What a core's design fixes: (entries, ways) of its TLBs, its predictor, how far it prefetches."""

    itlb: tuple[int, int]
    dtlb: tuple[int, int]
    tlb2: tuple[int, int] | None
    predictor_bits: int
    prefetch: int
    is_l1_random: bool = False


# TLBs: Arm's Technical Reference Manuals of the cores, chapter "Memory Management Unit"; SiFive's U74-MC core
# complex manual; T-Head's C906 and C910 user manuals. All of these foretell by the history of branches (the
# Cortex-A53's "pattern history prediction table", the C906's GShare, the U74's 3.6 KiB of history). Sizes of
# predictors are not published for most; these are such that a table's reach is of the right order.
_DESIGNS = {
    "cortex-a7": _Design((10, 10), (10, 10), (256, 2), 10, 2),
    "cortex-a53": _Design((10, 10), (10, 10), (512, 4), 12, 4, is_l1_random=True),
    "cortex-a55": _Design((15, 15), (16, 16), (1024, 4), 12, 4),
    "cortex-a72": _Design((48, 48), (32, 32), (1024, 4), 14, 8),
    "cortex-a76": _Design((48, 48), (48, 48), (1280, 5), 16, 8),
    "cortex-a78ae": _Design((32, 32), (32, 32), (1024, 4), 16, 8),
    "sifive-u74": _Design((40, 40), (40, 40), (512, 1), 12, 4, is_l1_random=True),
    "xuantie-c906": _Design((10, 10), (10, 10), (128, 2), 12, 2),
    "xuantie-c910": _Design((32, 32), (17, 17), (1024, 4), 14, 4),
}
_ANY_DESIGN = _Design((32, 32), (32, 32), (512, 4), 12, 4)


def model_of(board: Board, cluster: str | None = None) -> MemoryModel:
    """Return the model of one core of a board.

    :param cluster: the name of the core's cluster, such as ``big``; None for the fastest.
    :raises UsageError: the board has no cluster, or none of that name.
    """
    found = board.fastest
    if cluster is not None:
        from emulab.errors import UsageError

        named = {each.name: each for each in board.clusters}
        if cluster not in named:
            raise UsageError(
                f"{board.id} has no cluster {cluster!r}", hint=f"it has {', '.join(named) or 'none at all'}"
            )
        found = named[cluster]
    return _model(found)


def _model(cluster: Cluster) -> MemoryModel:
    design = _DESIGNS.get(cluster.core.id, _ANY_DESIGN)
    first = {"is_random": design.is_l1_random}
    return MemoryModel(
        l1i=_cache(cluster.l1i, 4, **first),
        l1d=_cache(cluster.l1d, 4, **first),
        l2=_cache(cluster.l2, 16),
        l3=_cache(cluster.l3, 16),
        itlb=CacheShape(*design.itlb, _PAGE),
        dtlb=CacheShape(*design.dtlb, _PAGE),
        tlb2=CacheShape(*design.tlb2, _PAGE) if design.tlb2 is not None else None,
        prefetch=design.prefetch,
        predictor="gshare",
        predictor_bits=design.predictor_bits,
    )


def _cache(cache: Cache | None, ways: int, *, is_random: bool = False) -> CacheShape | None:
    """Return a cache's shape; where the board's file does not say how many ways it has, it has ``ways``."""
    if cache is None:
        return None
    return CacheShape(cache.size_kib * _KIB, cache.ways or ways, cache.line_b or _LINE, is_random)
