"""Predictions beside what this computer measured, for people and as a document."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from emulab.calibration.fitting.evaluation import COVERAGE
from emulab.figures import Document, Figure, FigureClass
from emulab.report.units import quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulab.calibration.host import Judgement, Predicted
    from emulab.prediction.host import HostTrial


def host_table(judgement: Judgement) -> str:
    """Return a table of all benchmarks, and under it the errors of those that count."""
    fitted = [row for row in judgement.rows if row.timed.is_fitted and not row.reason]
    rest = [row for row in judgement.rows if row.reason]
    lines = [
        f"MEASURED here (lower quartile of n runs) and PREDICTED (interval of {COVERAGE:.0%});"
        f" core {judgement.core}, as if at {judgement.clock_hz / 1e9:.2f} GHz",
        "",
        *_section("not fitted to:", judgement.judged),
        *_section("fitted to:", fitted),
        *_section("not judged:", rest),
        _summary(judgement),
    ]
    return "\n".join(lines) + "\n"


def _section(title: str, rows: tuple[Predicted, ...] | list[Predicted]) -> Iterator[str]:
    if not rows:
        return
    yield title
    width = max(len(row.timed.workload) for row in rows)
    for row in sorted(rows, key=lambda one: one.timed.workload):
        measured = f"{quantity(row.timed.seconds, 's')} +{row.timed.spread:.0%} (n={row.timed.n})"
        interval = f"[{quantity(row.low, 's')}, {quantity(row.high, 's')}]"
        mark = "" if row.is_covered else "  outside"
        note = f"  {row.reason}" if row.reason else mark
        yield (
            f"  {row.timed.workload:<{width}}  {measured:>24}  {quantity(row.seconds, 's'):>9} {interval:<22}"
            f" {row.error:+7.1%}{note}"
        )
    yield ""


def _summary(judgement: Judgement) -> str:
    number = len(judgement.judged)
    if not number:
        return "no benchmark was left to be judged"
    packages = len({row.timed.package for row in judgement.judged})
    return (
        f"{number} benchmarks of {packages} packages that were not fitted to:"
        f" error {judgement.quantile(0.5):.1%} at the median,"
        f" {judgement.quantile(0.9):.1%} at the 90th percentile;"
        f" {judgement.coverage:.0%} within their intervals"
    )


def host_document(trial: HostTrial) -> Document:
    """Return the result document: both figures of each benchmark."""
    judgement = trial.judgement
    environment = {**trial.environment, "core": judgement.core, "clock_hz": judgement.clock_hz}
    if judgement.judged:
        environment["errors"] = {
            "benchmarks": len(judgement.judged),
            "median": judgement.quantile(0.5),
            "p90": judgement.quantile(0.9),
            "within_interval": judgement.coverage,
        }
    figures = [figure for row in judgement.rows for figure in _figures(row, judgement)]
    return Document("calibrate host", environment, figures, (), list(trial.failures))


def _figures(row: Predicted, judgement: Judgement) -> Iterator[Figure]:
    timed = row.timed
    role = "not judged" if row.reason else "fitted" if timed.is_fitted else "judged"
    evidence = {"role": role, **({"reason": row.reason} if row.reason else {})}
    measured = Figure(
        name="time",
        value=timed.seconds,
        unit="s/op",
        kind=FigureClass.MEASURED,
        workload=timed.workload,
        arch="amd64",
        mode="native",
        board="host",
        n=timed.n,
        evidence={**evidence, "figure": "lower quartile", "middle_above_it": timed.spread},
    )
    yield measured
    yield replace(
        measured,
        value=row.seconds,
        kind=FigureClass.PREDICTED,
        mode="user",
        low=row.low,
        high=row.high,
        coverage=COVERAGE,
        n=1,
        evidence={
            **evidence,
            "model": judgement.core,
            "cycles": row.cycles,
            "mispredictions": row.mispredictions,
            "error": row.error,
        },
    )
