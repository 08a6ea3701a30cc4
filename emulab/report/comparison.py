"""A comparison as a table for people, and as a result document."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emulab import __version__
from emulab.comparison.gate import Verdict
from emulab.figures import Document

if TYPE_CHECKING:
    from emulab.comparison.gate import Change, Comparison
    from emulab.comparison.results import Subject

_MOST_NAMES = 20


def as_text(comparison: Comparison, fail_over: float, *, show_all: bool = False) -> str:
    """Return a comparison as a table: what gates, and what changed beyond ``fail_over``.

    :param show_all: every unit of every benchmark.
    """
    from emulab.report.tables import text_table

    shown = [
        change
        for change in comparison.changes
        if show_all or change.verdict is not Verdict.SAME or _is_main(change)
    ]
    several = len({_place(change.subject) for change in comparison.changes}) > 1
    rows = [_row(change, several) for change in shown]
    text = text_table(["benchmark", "unit", "base", "head", "change", "verdict"], rows) if rows else ""
    text += _names("only in the base", comparison.missing) + _names("only in the head", comparison.added)
    failed = comparison.regressions
    if failed:
        benchmarks = dict.fromkeys(change.subject.workload for change in failed)
        worst = max(failed, key=lambda change: abs(change.change))
        text += (
            f"{len(benchmarks)} of {_subjects(comparison)} got worse by more than {fail_over:.3g}, "
            f"at most {worst.subject.workload}: {percent(worst.change)} {worst.subject.unit}\n"
        ).replace(f"{fail_over:.3g}", f"{fail_over:.3%}".replace(".000%", "%"))
    elif comparison.changes:
        text += f"nothing got worse among {_subjects(comparison)}\n"
    return text


def as_document(comparison: Comparison) -> Document:
    """Return a comparison as a result document: a verdict for each subject."""
    verdicts = [change.to_json() for change in comparison.changes]
    for subject, reason in (
        *((each, "only the base has it") for each in comparison.missing),
        *((each, "only the head has it") for each in comparison.added),
    ):
        verdicts.append(
            {
                "board": subject.board, "arch": subject.arch, "libc": subject.libc, "mode": subject.mode,
                "workload": subject.workload, "probe": f"{subject.workload} {subject.unit}",
                "name": subject.name, "unit": subject.unit, "verdict": "not-run", "reason": reason,
            }
        )  # fmt: skip
    return Document("compare", {"emulab": __version__}, (), verdicts)


def percent(change: float) -> str:
    """Return a relative change as people read it: ``+63.58 %``."""
    if math.isinf(change):
        return "from zero" if change > 0 else "below zero"
    return f"{change:+.2%}".replace("%", " %")


def _is_main(change: Change) -> bool:
    return change.subject.unit == "insn/op" or not change.subject.unit.endswith("/op")


def _place(subject: Subject) -> str:
    return " ".join(part for part in (subject.board or subject.arch, subject.libc, subject.mode) if part)


def _row(change: Change, several: bool) -> list[str]:
    subject = change.subject
    name = f"{subject.workload} [{_place(subject)}]" if several else subject.workload
    verdict = str(change.verdict).upper() if change.fails else str(change.verdict)
    is_plain = subject.unit.endswith("/op") or not subject.name
    unit = subject.unit if is_plain else f"{subject.name} {subject.unit}"
    return [
        name, unit, f"{change.base.value:,.6g}", f"{change.head.value:,.6g}", percent(change.change),
        f"{verdict}: {change.reason}" if change.reason else verdict,
    ]  # fmt: skip


def _names(title: str, subjects: object) -> str:
    names = list(dict.fromkeys(subject.workload for subject in subjects))  # type: ignore[attr-defined]
    if not names:
        return ""
    rest = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"{title}: {', '.join(names[:_MOST_NAMES])}{rest}\n"


def _subjects(comparison: Comparison) -> str:
    count = len({(_place(change.subject), change.subject.workload) for change in comparison.changes})
    return f"{count} compared"
