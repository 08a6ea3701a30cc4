"""The gate: which changes between two results are regressions."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from emulab.comparison.significance import probability, significant

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from emulab.comparison.results import Measurement, Subject

_NEGLIGIBLE = 0.01
"""A change of a count that nobody means, however large it is beside nearly nothing: one in 100 operations."""
_MORE_IS_BETTER = ("1/s", "B/s", "MB/s", "insn/cycle")
DEFAULT_GATES = ("insn/op", "misses/op", "mispredictions/op", "B/op", "allocs/op")
"""The counts of an operation that gate; how they divide into loads and branches is only shown."""


class Verdict(StrEnum):
    """What a change is."""

    WORSE = "worse"
    """A regression."""
    BETTER = "better"
    SAME = "same"
    """No change beyond what is allowed."""
    UNSURE = "unsure"
    """A change beyond what is allowed, but not beyond the measurements' own noise."""


@dataclass(frozen=True)
class Change:
    """One subject in both results.

    :param change: relative, positive for more; infinite from zero.
    :param verdict: what it is.
    :param gates: whether a regression of it fails the comparison.
    :param reason: why the verdict is not plain, or "".
    """

    base: Measurement
    head: Measurement
    change: float
    verdict: Verdict
    gates: bool
    reason: str = ""

    @property
    def subject(self) -> Subject:
        """Return what it is a change of."""
        return self.head.subject

    @property
    def fails(self) -> bool:
        """Tell whether it fails the comparison."""
        return self.gates and self.verdict is Verdict.WORSE

    def to_json(self) -> dict[str, Any]:
        """Return it as a verdict of a result document."""
        subject = self.subject
        return {
            "board": subject.board,
            "arch": subject.arch,
            "libc": subject.libc,
            "mode": subject.mode,
            "workload": subject.workload,
            "probe": f"{subject.workload} {subject.unit}",
            "name": subject.name,
            "unit": subject.unit,
            "base": self.base.value,
            "head": self.head.value,
            "change": self.change if math.isfinite(self.change) else None,
            "change_verdict": str(self.verdict),
            "gates": self.gates,
            "verdict": "fail" if self.fails else "pass",
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Comparison:
    """Two results side by side.

    :param changes: every subject that both have, in the head's order.
    :param missing: subjects that only the base has.
    :param added: subjects that only the head has.
    """

    changes: Sequence[Change]
    missing: Sequence[Subject]
    added: Sequence[Subject]

    @property
    def regressions(self) -> list[Change]:
        """Return the changes that fail the comparison."""
        return [change for change in self.changes if change.fails]


def compare(
    base: Iterable[Measurement],
    head: Iterable[Measurement],
    fail_over: float,
    gates: Sequence[str] = DEFAULT_GATES,
) -> Comparison:
    """Compare two results.

    A count is worse when it grew by more than ``fail_over`` and more than it is uncertain by. What
    has noise is worse when its change is larger than ``fail_over`` and, among all that are
    compared, beyond chance.

    :param fail_over: the relative change that is still allowed, 0.01 for one per cent.
    :param gates: units of counts whose regressions fail; what has noise always does.
    """
    bases = {each.subject: each for each in base}
    heads = {each.subject: each for each in head}
    pairs = [(bases[subject], each) for subject, each in heads.items() if subject in bases]
    counts = [_judge_count(*pair, fail_over, gates) for pair in pairs if _are_counts(pair)]
    noisy = [pair for pair in pairs if not _are_counts(pair)]
    chances = [probability(*pair) for pair in noisy]
    timed = [
        _judge_noisy(*pair, fail_over, chance, real)
        for pair, chance, real in zip(noisy, chances, significant(chances), strict=True)
    ]
    judged = {change.subject: change for change in [*counts, *timed]}
    return Comparison(
        changes=[judged[subject] for subject in heads if subject in judged],
        missing=[subject for subject in bases if subject not in heads],
        added=[subject for subject in heads if subject not in bases],
    )


def _are_counts(pair: tuple[Measurement, Measurement]) -> bool:
    return pair[0].is_count and pair[1].is_count


def _relative(base: float, head: float) -> float:
    if head == base:
        return 0.0
    return (head - base) / abs(base) if base else math.copysign(math.inf, head)


def _direction(unit: str, change: float) -> Verdict:
    return Verdict.WORSE if (change > 0) != (unit in _MORE_IS_BETTER) else Verdict.BETTER


def _judge_count(base: Measurement, head: Measurement, fail_over: float, gates: Sequence[str]) -> Change:
    unit = head.subject.unit
    change = _relative(base.value, head.value)
    plain = Change(base, head, change, Verdict.SAME, unit in gates or not unit.endswith("/op"))
    if abs(change) <= fail_over or abs(head.value - base.value) <= _NEGLIGIBLE:
        return plain
    spread = max(base.spread, head.spread)
    if abs(change) <= spread:
        causes = ", ".join(dict.fromkeys([*base.causes, *head.causes]))
        reason = f"it is uncertain by {spread:.2%}" + (f" ({causes})" if causes else "")
        return replace(plain, verdict=Verdict.UNSURE, reason=reason)
    return replace(plain, verdict=_direction(unit, change))


def _judge_noisy(
    base: Measurement, head: Measurement, fail_over: float, chance: float | None, real: bool
) -> Change:
    change = _relative(base.value, head.value)
    plain = Change(base, head, change, Verdict.SAME, gates=True)
    if abs(change) <= fail_over:
        return plain
    if chance is None:
        return replace(plain, verdict=Verdict.UNSURE, reason="a single value does not tell its noise")
    if not real:
        return replace(plain, verdict=Verdict.UNSURE, reason=f"it may be noise (p = {chance:.2g})")
    return replace(plain, verdict=_direction(head.subject.unit, change))
