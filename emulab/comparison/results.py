"""Results to compare: emulab's JSON documents and Go benchmark text, in one shape."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emulab.benchmark_text import exact_units, parse
from emulab.errors import UsageError
from emulab.figures import SCHEMA, FigureClass

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from emulab.benchmark_text import BenchmarkLine
    from emulab.figures import Figure

_COUNTED_BY_GO = ("B/op", "allocs/op")
_PREDICTED = "predicted-"


@dataclass(frozen=True)
class Subject:
    """What a measurement is of; two measurements of one subject can be compared.

    :param workload: such as ``crypto/sha256.BenchmarkHash8K/New``.
    """

    workload: str
    unit: str
    name: str = ""
    arch: str = ""
    board: str | None = None
    libc: str | None = None
    mode: str = ""


@dataclass(frozen=True)
class Measurement:
    """What was measured of a subject.

    :param values: every sample there is; of a document only its one value.
    :param low, high: an interval of the value, where the samples are not known.
    :param coverage: what share of repetitions that interval is meant to hold.
    :param n: how many samples stand behind it.
    :param is_count: whether it is a count, which has no noise but its ``spread``.
    :param spread: how uncertain a count is, relatively.
    :param causes: why it is.
    """

    subject: Subject
    values: tuple[float, ...]
    is_count: bool
    low: float | None = None
    high: float | None = None
    coverage: float | None = None
    n: int = 1
    spread: float = 0.0
    causes: tuple[str, ...] = ()

    @property
    def value(self) -> float:
        """Return the median of the samples."""
        import statistics

        return statistics.median(self.values)


def read_results(path: Path) -> list[Measurement]:
    """Return the measurements in a file: a document of ``--json``, or Go benchmark text.

    :raises UsageError: the file can not be read, or is neither.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"{path} can not be read: {reason}", hint="name a file of results") from error
    if text.lstrip().startswith("{"):
        return _of_document(path, text)
    lines = parse(text)
    if not lines:
        raise UsageError(
            f"{path} holds no results",
            hint="name a document that `--json` printed, or what `go test -bench` printed",
        )
    return of_lines(lines, exact_units(text))


def of_figures(figures: Iterable[Figure]) -> list[Measurement]:
    """Return the measurements of a result document's figures."""
    return [_of_row(figure.to_json()) for figure in figures]


def of_lines(lines: Iterable[BenchmarkLine], exact: Iterable[str]) -> list[Measurement]:
    """Return the measurements of lines of benchmark text, with repeated lines as samples of one.

    :param exact: units whose values are counts.
    """
    counts = {*exact, *_COUNTED_BY_GO}
    groups: dict[Subject, list[float]] = {}
    for line in lines:
        where = line.configuration
        package = where.get("pkg", "")
        workload = f"{package}.{line.name}" if package else line.name
        for unit, value in line.values.items():
            if unit.startswith(_PREDICTED):
                continue
            subject = Subject(
                workload, unit, "", where.get("goarch", ""), where.get("board"), None, where.get("mode", "")
            )
            groups.setdefault(subject, []).append(value)
    return [
        Measurement(
            subject,
            tuple(values),
            subject.unit in counts,
            n=len(values),
            spread=_spread(values) if subject.unit in counts else 0.0,
        )
        for subject, values in groups.items()
    ]


def _spread(values: list[float]) -> float:
    import statistics

    middle = abs(statistics.median(values))
    return (max(values) - min(values)) / middle if middle else 0.0


def _of_document(path: Path, text: str) -> list[Measurement]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{path} is not valid JSON: {error}", hint="write it with `--json`") from error
    if document.get("schema") != SCHEMA:
        raise UsageError(
            f"{path} is no result of emulab's: its schema is {document.get('schema')!r}, not {SCHEMA!r}",
            hint="name a document that `--json` printed",
        )
    try:
        # Predictions follow from counts, which are compared themselves.
        return [_of_row(row) for row in document["figures"] if row["class"] != FigureClass.PREDICTED]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"{path} has a figure that is not complete ({error})", hint="make it again with `--json`"
        ) from error


def _of_row(row: dict[str, Any]) -> Measurement:
    evidence = row.get("evidence") or {}
    subject = Subject(
        row["workload"], row["unit"], row["name"], row["arch"], row["board"], row["libc"], row["mode"]
    )
    return Measurement(
        subject=subject,
        values=(float(row["value"]),),
        is_count=row["class"] == FigureClass.COUNTED,
        low=row["low"],
        high=row["high"],
        coverage=row["coverage"],
        n=int(row["n"]),
        spread=float(evidence.get("spread") or 0.0),
        causes=tuple(evidence.get("causes") or ()),
    )
