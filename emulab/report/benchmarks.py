"""A result document's benchmarks as Go benchmark text, which benchstat reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulab.architectures import ARCHITECTURES
from emulab.benchmark_text import BenchmarkLine, write
from emulab.figures import FigureClass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulab.figures import Document, Figure

_NAME = ".Benchmark"


def as_benchmark_text(document: Document) -> str:
    """Return the figures of benchmarks as Go benchmark text; those of other workloads have no line in it."""
    benchmarks = [figure for figure in document.figures if _NAME in figure.workload]
    counted = dict.fromkeys(f.unit for f in benchmarks if f.kind is FigureClass.COUNTED)
    return write(_lines(benchmarks), exact=counted)


def _lines(figures: Iterable[Figure]) -> list[BenchmarkLine]:
    groups: dict[tuple[str | None, ...], list[Figure]] = {}
    for figure in figures:
        where = (figure.board, figure.arch, figure.libc, figure.mode, figure.workload)
        groups.setdefault(where, []).append(figure)
    return [_line(group) for group in groups.values()]


def _line(figures: list[Figure]) -> BenchmarkLine:
    first = figures[0]
    package, _, name = first.workload.partition(_NAME)
    known = ARCHITECTURES.get(first.arch)
    configuration = {
        "goos": "linux",
        "goarch": known.goarch if known else first.arch,
        "pkg": package,
        "cpu": str(first.evidence.get("cpu_model", "")),
        "board": first.board or "",
        "mode": first.mode,
    }
    values = {figure.unit: figure.value for figure in figures if figure.kind is not FigureClass.PREDICTED}
    values |= {
        f"predicted-{end}ns/op": value * 1e9
        for figure in figures
        if figure.kind is FigureClass.PREDICTED and figure.unit == "s/op"
        for end, value in (("", figure.value), ("low-", figure.low), ("high-", figure.high))
        if value is not None
    }
    return BenchmarkLine(
        f"Benchmark{name}",
        int(first.evidence.get("iterations", 1)),
        values,
        {key: value for key, value in configuration.items() if value},
    )
