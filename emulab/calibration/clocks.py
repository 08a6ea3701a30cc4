"""The clock at which each session really ran, from every evidence there is.

Kinds of evidence, the strongest first:

``measured``   the tool measured it by itself (sbc-bench);
``grid``       the session's own short figures lie on the grid of its cycle;
``ratio``      its figures are those of a session with a grid, times a constant;
``kin``        other sessions of the same author on the same board have a grid;
``claimed``    what the source implies, which is no evidence at all.

``instructions``, between ``ratio`` and ``kin``, needs counted operations and a fit, and is added by
:mod:`emulab.calibration.fitting.operating_points`.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from emulab.calibration.grid import Grid, find_grid
from emulab.calibration.ratios import compare
from emulab.calibration.schema import Flag

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from emulab.calibration.ratios import Ratio
    from emulab.calibration.schema import Record

_OLDEST_TO_COMPARE = "2015"
_NOT_ON_THE_GRID = frozenset({Flag.KERNEL_TRAP, Flag.KERNEL_FIGURE, Flag.IMPOSSIBLE, Flag.ANOMALOUS})


class Kind(StrEnum):
    """Kinds of evidence, the strongest first."""

    MEASURED = "measured"
    GRID = "grid"
    RATIO = "ratio"
    INSTRUCTIONS = "instructions"
    KIN = "kin"
    CLAIMED = "claimed"


@dataclass(frozen=True)
class Evidence:
    """One reason to believe in a clock.

    :param low_hz, high_hz: an interval of 90 % where ``kind`` has one, else the clock twice.
    :param log10_strength: of the Bayes factor where there is one.
    :param core: the core that it is of, "" where the session has one only.
    :param text: the reason in a phrase.
    """

    kind: Kind
    clock_hz: float
    low_hz: float
    high_hz: float
    text: str
    log10_strength: float | None = None
    core: str = ""


class Source(Protocol):
    """What finds evidence: of all records at once, since sessions are each other's evidence."""

    def __call__(
        self, records: Sequence[Record], known: Mapping[str, list[Evidence]]
    ) -> dict[str, list[Evidence]]:
        """Return evidence by session; ``known`` is what the sources before it found."""


@dataclass(frozen=True)
class SessionClock:
    """What is known of a session's clock: every evidence, the strongest first."""

    session: str
    evidence: tuple[Evidence, ...]

    @property
    def best(self) -> Evidence | None:
        """Return the strongest evidence, of the fastest core where each core has its own."""
        if not self.evidence:
            return None
        first = self.evidence[0].kind
        return max((one for one in self.evidence if one.kind is first), key=lambda one: one.clock_hz)


def session_clocks(
    records: Sequence[Record], sources: Sequence[Source] | None = None
) -> dict[str, SessionClock]:
    """Return what is known of the clock of every session, by its id."""
    found: dict[str, list[Evidence]] = {record.session.id: [] for record in records}
    for source in (measured, grids, ratios, kin, claimed) if sources is None else sources:
        for session, evidence in source(records, found).items():
            found[session].extend(evidence)
    order = list(Kind)
    return {
        session: SessionClock(session, tuple(sorted(evidence, key=lambda one: order.index(one.kind))))
        for session, evidence in found.items()
    }


def measured(records: Sequence[Record], _known: Mapping[str, list[Evidence]]) -> dict[str, list[Evidence]]:
    """Return the clocks that a tool measured, per core: the least to the greatest of them."""
    out: dict[str, list[Evidence]] = {}
    for record in records:
        cores: dict[str, list[float]] = {}
        for sample in record.samples:
            if sample.workload == "clock.measured":
                cores.setdefault(sample.core, []).append(sample.value)
        for core, clocks in cores.items():
            text = f"measured {len(clocks)} times by the tool"
            evidence = Evidence(
                Kind.MEASURED, statistics.median(clocks), min(clocks), max(clocks), text, core=core
            )
            out.setdefault(record.session.id, []).append(evidence)
    return out


def grid_of(records: Iterable[Record]) -> Grid | None:
    """Return the grid that all figures of records together lie on."""
    samples = [
        sample
        for record in records
        for sample in record.samples
        if sample.unit == "s/op" and not _NOT_ON_THE_GRID.intersection(sample.flags)
    ]
    return find_grid([sample.value for sample in samples], [sample.resolution for sample in samples])


def grids(records: Sequence[Record], _known: Mapping[str, list[Evidence]]) -> dict[str, list[Evidence]]:
    """Return the clocks whose grid a session's own figures lie on beyond doubt."""
    out = {}
    for record in records:
        grid = grid_of([record])
        if grid is not None and grid.is_decisive:
            text = f"{grid.figures} figures on its cycle grid, Bayes factor 10^{grid.log10_evidence:.0f}"
            out[record.session.id] = [
                Evidence(Kind.GRID, grid.clock_hz, grid.low_hz, grid.high_hz, text, grid.log10_evidence)
            ]
    return out


def ratios(records: Sequence[Record], known: Mapping[str, list[Evidence]]) -> dict[str, list[Evidence]]:
    """Return the clocks that follow from the ratio to a session whose clock is known."""
    out: dict[str, list[Evidence]] = {}
    firm = {session: best for session, evidence in known.items() if (best := _firm(evidence)) is not None}
    recent = [record for record in records if _is_comparable(record)]
    for record in recent:
        for other in recent:
            if other is record or other.session.id not in firm or not _same_core(record, other):
                continue
            ratio = compare(record, other)
            if ratio is not None and ratio.is_of_clocks:
                out.setdefault(record.session.id, []).append(_by_ratio(ratio, firm[other.session.id]))
    return out


def kin(records: Sequence[Record], known: Mapping[str, list[Evidence]]) -> dict[str, list[Evidence]]:
    """Return, for a session without a grid, the clock of its author's on its board that is nearest in date.

    Its interval spans those of all of them.
    """
    families: dict[tuple[object, ...], list[Record]] = {}
    for record in records:
        session = record.session
        if session.author and session.device:
            family = session.author, session.device, session.claimed_clock_hz, _one_core(record)
            families.setdefault(family, []).append(record)
    out = {}
    for members in families.values():
        clocks = {
            record.session.date: best for record in members if (best := _firm(known[record.session.id]))
        }
        if not clocks:
            continue
        low, high = min(one.low_hz for one in clocks.values()), max(one.high_hz for one in clocks.values())
        grids_found = sum(_firm(known[record.session.id]) is not None for record in members)
        text = f"{grids_found} of {len(members)} sessions of the same author and board have a grid"
        for record in members:
            if _firm(known[record.session.id]) is None:
                day = _day(record.session.date)
                nearest = min(sorted(clocks), key=lambda date: abs(_day(date) - day))
                out[record.session.id] = [Evidence(Kind.KIN, clocks[nearest].clock_hz, low, high, text)]
    return out


def claimed(records: Sequence[Record], _known: Mapping[str, list[Evidence]]) -> dict[str, list[Evidence]]:
    """Return the clocks that the sources imply."""
    return {
        record.session.id: [Evidence(Kind.CLAIMED, clock, clock, clock, "the source implies it")]
        for record in records
        if (clock := record.session.claimed_clock_hz) is not None
    }


def _day(date: str) -> int:
    """Return a date, which may lack its day, month or all, as a number of days, near enough to compare."""
    year, month, day = (*(int(word) for word in date.split("-") if word.isdigit()), 0, 0, 0)[:3]
    return (year * 12 + month) * 31 + day


def _firm(evidence: Iterable[Evidence]) -> Evidence | None:
    return next((one for one in evidence if one.kind is Kind.GRID), None)


def _by_ratio(ratio: Ratio, known: Evidence) -> Evidence:
    text = (
        f"{ratio.value:.4g} times {ratio.other} in {ratio.benchmarks} benchmarks,"
        f" {ratio.within:.0%} of them within 1 %"
    )
    return Evidence(
        Kind.RATIO, known.clock_hz * ratio.value, known.low_hz * ratio.low, known.high_hz * ratio.high, text
    )


def _is_comparable(record: Record) -> bool:
    return record.session.date >= _OLDEST_TO_COMPARE and any(
        sample.unit == "s/op" for sample in record.samples
    )


def _same_core(one: Record, other: Record) -> bool:
    core = _one_core(one)
    return bool(core) and core == _one_core(other)


def _one_core(record: Record) -> str:
    """Return the only core of a session, "" when it is not known or there are several."""
    cores = {sample.core for sample in record.samples}
    return cores.pop() if len(cores) == 1 else ""
