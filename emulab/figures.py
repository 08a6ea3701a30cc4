"""Figures: a value with its class, unit, interval and evidence; and the document that carries them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA = "emulab/1"
_RESAMPLES = 10_000
_SEED = 20_240_101


class FigureClass(StrEnum):
    """What kind of truth a figure is."""

    EMULATED = "EMULATED"
    """A time or a size seen under emulation on this host: never a board's."""
    COUNTED = "COUNTED"
    """A deterministic count of what the program executed."""
    PREDICTED = "PREDICTED"
    """A board's figure by a model, with interval and evidence."""
    MEASURED = "MEASURED"
    """Seen on a real board or on this host natively."""


@dataclass(frozen=True)
class Figure:
    """One figure in SI base units (s, B, 1/s, Hz).

    :param value: the median of ``n`` runs.
    :param low, high: the interval's ends, None where no interval is meant.
    :param coverage: what share of repetitions the interval is meant to hold.
    :param evidence: what the figure rests on.
    """

    name: str
    value: float
    unit: str
    kind: FigureClass
    workload: str
    arch: str
    mode: str
    board: str | None = None
    libc: str | None = None
    low: float | None = None
    high: float | None = None
    coverage: float | None = None
    n: int = 1
    evidence: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as it stands in the result document."""
        row = asdict(self)
        row["class"] = str(row.pop("kind"))
        order = (
            "board", "arch", "libc", "mode", "workload", "name", "class", "value", "low", "high",
            "coverage", "unit", "n", "evidence",
        )  # fmt: skip
        return {key: row[key] for key in order}


@dataclass(frozen=True)
class Document:
    """Everything one command has to say, in the one shape that all commands share."""

    command: str
    environment: dict[str, Any] = field(default_factory=dict)
    figures: Sequence[Figure] = ()
    verdicts: Sequence[dict[str, Any]] = ()
    notes: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the document as JSON-serialisable values."""
        return {
            "schema": SCHEMA,
            "command": self.command,
            "environment": self.environment,
            "figures": [figure.to_json() for figure in self.figures],
            "verdicts": list(self.verdicts),
            "notes": list(self.notes),
        }


def median_interval(values: Sequence[float], coverage: float = 0.9) -> tuple[float, float, float]:
    """Return the median of ``values`` and the percentile-bootstrap interval of it.

    The resampling is seeded, so equal samples give equal intervals. (Percentile bootstrap: Efron and
    Tibshirani, "An Introduction to the Bootstrap", chapter 13.)

    :param values: at least one sample, any unit.
    :param coverage: between 0 and 1.
    :raises ValueError: there is no sample.
    """
    if not values:
        raise ValueError("no samples")
    if len(values) == 1:
        return values[0], values[0], values[0]
    import numpy as np

    samples = np.asarray(values, dtype=float)
    middle = float(np.median(samples))
    generator = np.random.default_rng(_SEED)
    medians = np.median(generator.choice(samples, (_RESAMPLES, len(samples))), axis=1)
    low, high = np.quantile(medians, [(1 - coverage) / 2, (1 + coverage) / 2])
    return middle, float(low), float(high)
