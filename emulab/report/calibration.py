"""Samples and the clocks of their sessions, as text and as a document."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from emulab.calibration.clocks import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from emulab.calibration.clocks import Evidence, SessionClock
    from emulab.calibration.operations import Coverage
    from emulab.calibration.schema import Record

_MHZ = 1e6


def session_rows(records: Sequence[Record], clocks: Mapping[str, SessionClock]) -> list[dict[str, Any]]:
    """Return a row for each session: who, where, the clocks with their evidence, samples and flags."""
    return [
        {
            "session": record.session.id,
            "source": record.session.source,
            "author": record.session.author,
            "date": record.session.date,
            "board": record.session.board or None,
            "device": record.session.device,
            "cores": _cores(record),
            "samples": len(record.samples),
            "flags": flag_counts([record]),
            "clocks": [_evidence(one) for one in clocks[record.session.id].evidence],
        }
        for record in records
    ]


def flag_counts(records: Iterable[Record]) -> dict[str, int]:
    """Return how many samples have each flag, the most frequent first."""
    counts = Counter(str(flag) for record in records for sample in record.samples for flag in sample.flags)
    return dict(counts.most_common())


def operations_table(coverage: Iterable[Coverage]) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of how many usable samples of each core have a counted operation."""
    header = ["core", "usable samples", "with an operation", "with caches modelled", "without, and why"]
    rows = [
        [
            row.core,
            str(row.usable),
            str(row.counted),
            str(row.measured),
            "; ".join(f"{reason} ({count})" for reason, count in row.missing.items()),
        ]
        for row in coverage
    ]
    return header, rows


def sessions_table(
    records: Sequence[Record], clocks: Mapping[str, SessionClock]
) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the sessions for people, clocks in MHz."""
    header = ["session", "cores", "samples", "claimed", "clock (MHz)", "evidence", "flags"]
    rows = []
    for record in records:
        clock = clocks[record.session.id]
        best = clock.best
        claimed = next((one for one in clock.evidence if one.kind is Kind.CLAIMED), None)
        firm = best is not None and best.kind is not Kind.CLAIMED
        rows.append(
            [
                record.session.id,
                ", ".join(_cores(record)),
                str(len(record.samples)),
                f"{claimed.clock_hz / _MHZ:.0f}" if claimed else "",
                clock_text(best) if firm and best is not None else "not known",
                f"{best.kind}: {best.text}" if firm and best is not None else "",
                ", ".join(f"{flag} {count}" for flag, count in flag_counts([record]).items()),
            ]
        )
    return header, rows


def boards_table(records: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of how many samples each board of the catalogue has."""
    header = ["board", "sessions", "samples", "unflagged", "Go", "sbc-bench"]
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record.session.board or "(not in the catalogue)", []).append(record)
    rows = []
    for board, members in sorted(groups.items()):
        samples = [sample for record in members for sample in record.samples]
        go = sum(".Benchmark" in sample.workload for sample in samples)
        clean = sum(not sample.flags for sample in samples)
        rows.append([board, *map(str, (len(members), len(samples), clean, go, len(samples) - go))])
    return header, rows


def flags_table(records: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of how many samples have each flag, and for which reason most of them."""
    rows = []
    for flag, count in flag_counts(records).items():
        reasons = Counter(
            reason
            for record in records
            for sample in record.samples
            for one, reason in zip(sample.flags, sample.reasons, strict=True)
            if one == flag
        )
        rows.append([flag, str(count), reasons.most_common(1)[0][0]])
    return ["flag", "samples", "the most frequent reason"], rows


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table as Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def clock_text(evidence: Evidence) -> str:
    """Return a clock and its interval in MHz."""
    low, high = evidence.low_hz / _MHZ, evidence.high_hz / _MHZ
    interval = f" [{low:.1f}, {high:.1f}]" if high > low else ""
    return f"{evidence.clock_hz / _MHZ:.1f}{interval}"


def _cores(record: Record) -> list[str]:
    """Return the kinds of cores, without the names of whole boards such as ``4xcortex-a53``."""
    return sorted({sample.core for sample in record.samples if sample.core[:1].isalpha()})


def _evidence(one: Evidence) -> dict[str, Any]:
    return {
        "kind": str(one.kind),
        "core": one.core or None,
        "value": one.clock_hz,
        "low": one.low_hz,
        "high": one.high_hz,
        "unit": "Hz",
        "log10_bayes_factor": one.log10_strength,
        "text": one.text,
    }
