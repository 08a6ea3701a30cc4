"""Models and how they do: as text, as a document, as a page, as a plot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emulab.calibration.fitting.evaluation import LeftOut, summary
from emulab.figures import SCHEMA
from emulab.report.tables import text_table
from emulab.report.units import quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from emulab.calibration.fitting.evaluation import Judged
    from emulab.calibration.fitting.making import Made, Problem

_HEADER = ("left out", "of", "figures", "packages", "median", "p90", "in the 90 % interval")


def made_document(command: str, made: Made, files: Sequence[str]) -> dict[str, Any]:
    """Return what a fit made, as a document."""
    import msgspec

    return {
        "schema": SCHEMA,
        "command": command,
        "files": list(files),
        "models": [msgspec.to_builtins(model) for model in made.models],
        "suspects": [{"session": one.session, "reason": one.reason} for one in made.suspects],
    }


def evaluation_document(command: str, problem: Problem, made: Made) -> dict[str, Any]:
    """Return errors and coverages by what was left out, for each core and board, and every figure's."""
    return {
        "schema": SCHEMA,
        "command": command,
        "evaluation": [
            {
                "left_out": str(what),
                "of": name,
                "subset": subset,
                "figures": found.figures,
                "packages": found.groups,
                "median_error": found.median,
                "p90_error": found.p90,
                "coverage": found.coverage,
            }
            for what, name, subset, judged in _groups(made)
            if (found := summary(judged)) is not None
        ],
        "clocks": [
            {
                "session": session,
                "clock_hz": made.solution.clocks[session],
                "evidence": [
                    {"kind": str(one.kind), "clock_hz": one.clock_hz, "text": one.text}
                    for one in problem.evidence[session].evidence
                ],
            }
            for session in sorted(made.solution.clocks)
        ],
        "suspects": [{"session": one.session, "reason": one.reason} for one in made.suspects],
        "figures": [
            {
                "left_out": str(what),
                "session": one.row.session,
                "board": one.row.board,
                "core": one.row.core,
                "workload": one.row.workload,
                "measured_s": one.row.seconds,
                "predicted_s": float(one.row.seconds * np.exp(-one.error)),
                "fits_caches": one.row.fits,
                "error": one.relative,
                "half_width": one.half_width,
                "covered": one.is_covered,
            }
            for what, judged in made.judged.items()
            for one in judged
        ],
    }


def evaluation_text(problem: Problem, made: Made, worst: int) -> str:
    """Return the tables of an evaluation, the clocks that were found, and the worst figures."""
    from emulab.report.model_plot import plot_text

    parts = [text_table(_HEADER, _rows(made)), suspects_text(made), plot_text(made)]
    if worst:
        parts.append(text_table(("worst", "core", "measured", "predicted", "error"), _worst(made, worst)))
    parts.append(text_table(("session", "clock (MHz)", "evidence"), _clocks(problem, made)))
    return "\n".join(part for part in parts if part)


def suspects_text(made: Made) -> str:
    """Return a line for each source that is not believed."""
    return "".join(f"left out as suspect: {one.session}: {one.reason}\n" for one in made.suspects)


def card(problem: Problem, made: Made, worst: int) -> str:
    """Return the tables of the model card's page, in Markdown."""
    from emulab.report.calibration import markdown

    return "\n".join(
        (
            markdown(_HEADER, _rows(made)),
            markdown(("not believed", "because"), [(one.session, one.reason) for one in made.suspects]),
            markdown(("worst", "core", "measured", "predicted", "error"), _worst(made, worst)),
            markdown(("session", "clock (MHz)", "evidence"), _clocks(problem, made)),
        )
    )


def _groups(made: Made) -> Iterable[tuple[LeftOut, str, str, Sequence[Judged]]]:
    for what, judged in made.judged.items():
        for kind, names in (
            ("core", sorted({one.row.core for one in judged})),
            ("board", sorted({one.row.board for one in judged})),
        ):
            for name in names:
                chosen = [one for one in judged if getattr(one.row, kind) == name]
                if kind == "board" and len(chosen) == sum(
                    one.row.core == chosen[0].row.core for one in judged
                ):
                    continue  # the core's line says it
                yield what, name, "all", chosen
                fitting = [one for one in chosen if one.row.fits]
                if len(fitting) != len(chosen):
                    yield what, name, "fits the caches", fitting


def _rows(made: Made) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for what, name, subset, judged in _groups(made):
        found = summary(judged)
        if found is not None:
            label = name if subset == "all" else f"{name}, {subset}"
            rows.append(
                (str(what), label, str(found.figures), str(found.groups), f"{found.median:.1%}",
                 f"{found.p90:.1%}", f"{found.coverage:.0%}")
            )  # fmt: skip
    return rows


def _worst(made: Made, number: int) -> list[tuple[str, ...]]:
    judged = sorted(made.judged[LeftOut.PACKAGE], key=lambda one: -abs(one.error))[:number]
    return [
        (
            one.row.workload,
            one.row.core,
            quantity(one.row.seconds, "s"),
            quantity(float(one.row.seconds * np.exp(-one.error)), "s"),
            f"{float(np.expm1(-one.error)):+.0%}",
        )
        for one in judged
    ]


def _clocks(problem: Problem, made: Made) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for session, hz in sorted(made.solution.clocks.items()):
        best = problem.evidence[session].best
        assert best is not None
        rows.append((session, f"{hz / 1e6:.1f}", f"{best.kind}: {best.text}"))
    return rows
