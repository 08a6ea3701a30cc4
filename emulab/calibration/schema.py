"""What a sample is, and the session that it belongs to."""

from __future__ import annotations

import math
from enum import StrEnum

import msgspec

SCHEMA = "emulab-samples/1"

UNITS = frozenset({"1", "s/op", "s", "B/s", "Hz", "1/s", "insn/op", "B/op", "allocs/op"})
"""SI base units; ``1`` is of a state, ``1/s`` is of the instructions that 7-zip rates itself by."""


class Flag(StrEnum):
    """Why a figure must not be taken at its word. Flagged samples are kept."""

    NO_RELEASE = "no-release"
    """The code that was measured is in no release of Go, or it is not known in which."""
    OLD_TOOLCHAIN = "old-toolchain"
    """Another ABI or a toolchain that can not be had (before go1.17): only its ratios say something."""
    KERNEL_TRAP = "kernel-trap"
    """The kernel's emulation of unaligned accesses was measured."""
    KERNEL_FIGURE = "kernel-figure"
    """A system call, or its shortcut, was measured."""
    IMPOSSIBLE = "impossible"
    """No processor does this, or the clock that timed it was saturated."""
    ANOMALOUS = "anomalous"
    """Possible, but its own source or its neighbours contradict it."""
    THROTTLED = "throttled"
    """The clock fell, or the board says that it throttled, while it was measured."""
    THREADS_PINNED = "threads-pinned"
    """Many threads on one core, named single-threaded."""
    DUPLICATE = "duplicate"
    """The same measurement stands beside it in another unit, or a later one supersedes it."""
    NOISE = "noise"
    """The figure is mostly overhead of measuring."""


class Sample(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One figure of one session.

    :param workload: ``import/path.BenchmarkName/sub``, or ``7-zip.single-thread.compress`` and the like.
    :param value: in ``unit``, the middle of ``n`` runs.
    :param core: the core's id in the catalogue where it has one (``sifive-u74``), "" when it is not known.
    :param resolution: how far apart two neighbouring printed values are, in ``unit``; 0 when not known.
    :param spread: half the range that was printed beside it, relative; None when there was none.
    :param go: the release of Go that behaves like what was measured, "" when there is none.
    :param settings: what else decides about it, such as ``GORISCV64``.
    :param flags: why not to trust it, and ``reasons``, one for each.
    """

    workload: str
    figure: str
    value: float
    unit: str
    core: str = ""
    resolution: float = 0.0
    n: int = 1
    spread: float | None = None
    go: str = ""
    settings: dict[str, str] = {}
    flags: tuple[Flag, ...] = ()
    reasons: tuple[str, ...] = ()

    def fault(self) -> str | None:
        """Return what is wrong, as the name of a field and a sentence's end, or None."""
        if not self.workload:
            return "`workload` is empty; give import path and benchmark"
        if not math.isfinite(self.value) or self.value < 0:
            return f"`value` is {self.value}; give a number that is not negative"
        if self.unit not in UNITS:
            return f"`unit` is {self.unit!r}; give one of {', '.join(sorted(UNITS))}"
        if not math.isfinite(self.resolution) or self.resolution < 0:
            return f"`resolution` is {self.resolution}; give a number that is not negative"
        if self.n < 1:
            return f"`n` is {self.n}; give the number of runs"
        if self.spread is not None and not 0 <= self.spread < math.inf:
            return f"`spread` is {self.spread}; give half the range as a share of the value"
        if len(self.flags) != len(self.reasons):
            return "`reasons` must have one reason for each of `flags`"
        return None


class Session(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who measured on which board and when: what its samples have in common, the clock above all.

    :param id: unique among all sessions.
    :param source: the reference as it was given: a repository and commit, an issue, a file.
    :param author: who measured, "" when it is not said.
    :param date: of the publication, as far as it is known.
    :param device: the board as the source names it, "" when it does not.
    :param board: its id in the catalogue; "" when it has none or is not known.
    :param board_named: ``yes``, ``no`` or ``inferred``: how the board is known.
    :param claimed_clock_hz: the clock that the source implies; never to be believed.
    :param conditions: what is known of the circumstances, a sentence each.
    """

    id: str
    source: str
    author: str = ""
    date: str = ""
    device: str = ""
    board: str = ""
    board_named: str = "yes"
    soc: str = ""
    arch: str = ""
    claimed_clock_hz: float | None = None
    kernel: str = ""
    distribution: str = ""
    conditions: tuple[str, ...] = ()


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands above the rows of a file of samples.

    :param licence: what the figures may be used for.
    :param provenance: from what, and by what, the file was made.
    """

    schema: str
    licence: str
    provenance: str
    session: Session


class Record(msgspec.Struct, frozen=True):
    """A session with its samples."""

    session: Session
    samples: tuple[Sample, ...]
    licence: str
    provenance: str
