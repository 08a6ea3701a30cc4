"""The formats that a result document can be written in."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from emulab.errors import UsageError
from emulab.report.benchmarks import as_benchmark_text
from emulab.report.counts import COUNT_TITLES
from emulab.report.sarif import as_sarif
from emulab.report.tables import text_table
from emulab.report.units import quantity_with_interval
from emulab.report.verdicts import as_annotations, as_junit, as_verdict_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from emulab.figures import Document, Figure

_TITLES = {
    "startup": "start-up",
    "vss-rest": "VSS at rest",
    "rss-rest": "RSS at rest",
    "pss-rest": "PSS at rest",
    "vss-load": "VSS under load",
    "rss-load": "RSS under load",
    "pss-load": "PSS under load",
    "throughput": "throughput",
    "latency-p50": "latency p50",
    "latency-p99": "latency p99",
    "binary-size": "binary size",
    "run-time": "run time",
    "peak-rss": "peak RSS",
    "init-start": "start of init",
    "smallest-memory": "smallest memory",
    **COUNT_TITLES,
}


class Exporter(Protocol):
    """Turns a document into text."""

    def __call__(self, document: Document) -> str:
        """Return the document's text, ending in a newline."""


def as_json(document: Document) -> str:
    """Return the document as JSON."""
    return json.dumps(document.to_json(), indent=2, ensure_ascii=False) + "\n"


def as_markdown(document: Document) -> str:
    """Return the figures as a Markdown table: a row a figure, a column a target."""
    header, rows = _grid(document.figures)
    lines = [
        "| " + " | ".join(title.replace("\n", "<br>") for title in header) + " |",
        "|" + "|".join([" --- ", *(" ---: " for _ in header[1:])]) + "|",
    ]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    lines += [f"\n{note}" for note in document.notes]
    return "\n".join(lines) + "\n"


def as_table(document: Document) -> str:
    """Return the figures as a table for a terminal."""
    header, rows = _grid(document.figures)
    return text_table(header, rows, numbers=True) + "".join(f"{note}\n" for note in document.notes)


FORMATS: dict[str, Exporter] = {
    "table": as_table,
    "json": as_json,
    "markdown": as_markdown,
    "bench": as_benchmark_text,
}
"""Of documents that hold figures."""

VERDICT_FORMATS: dict[str, Exporter] = {
    "json": as_json,
    "markdown": as_verdict_table,
    "junit": as_junit,
    "sarif": as_sarif,
    "annotations": as_annotations,
}
"""Of documents that hold verdicts."""


def check_requests(
    requests: Iterable[str], further: Iterable[str] = (), formats: Iterable[str] = FORMATS
) -> None:
    """Refuse destinations that :func:`export` could not write, before there is anything to write.

    :param further: formats that the verb itself writes.
    :param formats: those of the document.
    :raises UsageError: a format is not known, or a path is missing or in no directory.
    """
    known = [*formats, *further]
    for request in requests:
        name, _, path = request.partition("=")
        if name not in known or not path:
            raise UsageError(
                f"-o {request!r} is not FORMAT=PATH with a known format",
                hint=f"formats are {', '.join(known)}; PATH `-` is the standard output",
            )
        if path != "-" and not Path(path).absolute().parent.is_dir():
            raise UsageError(
                f"-o {request}: {path} can not be written (there is no directory {Path(path).parent})"
            )


def export(
    document: Document,
    requests: Sequence[str],
    further: Mapping[str, Callable[[], bytes]] | None = None,
    formats: Mapping[str, Exporter] = FORMATS,
) -> None:
    """Write a document to ``FORMAT=PATH`` destinations; the path ``-`` is stdout.

    :param further: what makes the content of formats that the verb itself writes.
    :param formats: those of the document.
    :raises UsageError: a format or a path can not be used.
    """
    further = further or {}
    check_requests(requests, further, formats)
    for request in requests:
        name, _, path = request.partition("=")
        content = further[name]() if name in further else formats[name](document).encode()
        if path == "-":
            sys.stdout.flush()
            sys.stdout.buffer.write(content)
            sys.stdout.flush()
            continue
        try:
            Path(path).write_bytes(content)
        except OSError as error:
            raise UsageError(f"-o {request}: {path} can not be written ({error.strerror})") from error


def _grid(figures: Iterable[Figure]) -> tuple[list[str], list[list[str]]]:
    """Return header and rows: a row per figure's name and class, a column per target."""
    columns: dict[str, None] = {}
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for figure in figures:
        place = figure.board or figure.arch
        column = "\n".join(
            [place, " ".join(part for part in (figure.arch, figure.libc, figure.mode) if part)]
        )
        columns.setdefault(column)
        title = _TITLES.get(figure.name, figure.name)
        cell = quantity_with_interval(figure.value, figure.low, figure.high, figure.unit)
        rows.setdefault((title, str(figure.kind)), {})[column] = cell
    header = ["figure", "class", *columns]
    # A figure that some targets lack stands where it would with all of them.
    order = list(_TITLES.values())
    rows = dict(
        sorted(rows.items(), key=lambda row: order.index(row[0][0]) if row[0][0] in order else len(order))
    )
    return header, [[*key, *(cells.get(column, "") for column in columns)] for key, cells in rows.items()]
