"""Counted benchmarks as one pprof profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulab import __version__
from emulab.bench.attribution import Attribution
from emulab.profiling.work import Work
from emulab.report.pprof import CountProfile, ProfileRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulab.bench.runner import BenchResult, Outcome
    from emulab.progress import Progress


_WORK = {Work.LOAD: "loads", Work.STORE: "stores", Work.BRANCH: "branches", Work.CALL: "calls"}


def as_pprof(result: BenchResult, progress: Progress) -> bytes:
    """Return what the operations of the benchmarks executed, by function and line, for ``go tool pprof``.

    Each benchmark's operations are as many as its counts rest on. A sample has the labels ``benchmark``,
    ``package`` and ``place``, so that ``-tagfocus`` shows one of them.

    :raises InfrastructureError: a program's tables can not be read.
    """
    counted = [outcome for outcome in result.outcomes if outcome.counted is not None]
    attributions: dict[str, Attribution] = {}
    rows: list[ProfileRow] = []
    for outcome in counted:
        artifact = outcome.program.artifact
        attribution = attributions.setdefault(artifact.sha256, Attribution(artifact.path, progress))
        rows += _rows(outcome, attribution)
    return CountProfile(
        types=[("instructions", "count"), *((name, "count") for name in _WORK.values())],
        rows=rows,
        program=counted[0].program.artifact.name if counted else "",
        comments=[f"counted by emulab {__version__} under emulation: counts, no times"],
    ).encode()


def _rows(outcome: Outcome, attribution: Attribution) -> Iterator[ProfileRow]:
    assert outcome.counted is not None
    counts = outcome.counted.blocks()
    labels = {
        "benchmark": outcome.name,
        "package": outcome.program.package.import_path,
        "place": outcome.place.target.board or outcome.place.target.architecture.name,
    }
    for line in attribution.lines(counts):
        values = [int(line.work.sum()), *(int(line.work[work]) for work in _WORK)]
        if values[0] > 0:
            place = line.location
            yield ProfileRow(line.address, place.function, place.file, place.line, values, labels)
