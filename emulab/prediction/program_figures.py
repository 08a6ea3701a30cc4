"""A board's figures of a whole program, from what was counted of it."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from emulab.figures import Figure, FigureClass
from emulab.prediction.service_times import Interval, clusters_used, service_times
from emulab.prediction.work_times import work_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emulab.boards.board import Board
    from emulab.calibration.prediction import Predictor
    from emulab.prediction.conditions import Conditions
    from emulab.prediction.program_counts import MemoryRuns, ProgramCounts
    from emulab.prediction.program_work import Work
    from emulab.prediction.work_times import WorkTime
    from emulab.workloads.service import Subject

START_SPREAD: Final = 0.2
"""Of a start beside its work, as a logarithm: threads of it that run at the same time on other cores make it
shorter, their waking and the clock's ticks on a slower or faster board otherwise many make it longer."""
BOOT_SPREAD: Final = 0.7
"""Of a boot, likewise: the board's kernel has other drivers, which wait for other devices."""
COUNTS_SPREAD: Final = 0.4
"""Of counts that another board's machine stands in for, likewise. By the Raspberry Pi 4's counts, whose code
has neither the Raspberry Pi 5's atomics nor its SHA-256, a start on that one takes 1.4 times as long as by
its own, and a request 1.5 times."""
MEMORY_SPREAD: Final = {"rest": 0.05, "load": 0.15}
"""Of memory beside what runs differ by, as a logarithm: at rest the kernel maps other pages around a fault;
under load the collector runs at another pace beside the program, and each core's cache of spans is as full as
its share of the requests."""
HUGE_PAGE: Final = 2 << 20
"""The heap of a board whose kernel gives huge pages unasked may have one of them more."""
_COVERAGE: Final = 0.9
_KIBIBYTE: Final = 1024
KERNEL_EVIDENCE: Final = "kernel work: by physics, no samples of it"


def predicted_figures(
    subject: Subject,
    counts: ProgramCounts,
    board: Board,
    predictor: Predictor,
    conditions: Conditions,
    *,
    is_service: bool,
    concurrency: int = 0,
) -> list[Figure]:
    """Return every figure that a board is predicted to show, of class PREDICTED.

    :param subject: what the figures are about.
    :param is_service: whether the program's start ends with its readiness, rather than with its end.
    :param concurrency: requests under way at once, 0 for no load.
    :raises UsageError: the board runs other instructions, or the conditions are none of its.
    """
    conditions.check(board)
    evidence = _origin(counts)
    start = _time(
        counts.start, board, predictor, conditions, _borrowed(counts, board) | {"start": START_SPREAD}
    )
    late = conditions.late_clock(board)
    start = replace(start, above=math.hypot(start.above, late))
    name = "startup" if is_service else "run-time"
    figures = [_of_work(subject, name, start, {**evidence, "disk": "none: the file is in memory"})]
    page = (board.software.page_kib if board.software is not None else 4) * _KIBIBYTE
    memory = counts.memory_on(page, board.go.gomaxprocs if board.go is not None else board.cores)
    if memory is not None:
        figures += [
            _memory_figure(subject, name, values, memory, evidence) for name, values in memory.figures.items()
        ]
    if counts.request is not None and concurrency:
        figures += _service(subject, counts, board, predictor, conditions, concurrency, evidence)
    return figures


def boot_figure(
    subject: Subject, counts: ProgramCounts, board: Board, predictor: Predictor, conditions: Conditions
) -> list[Figure]:
    """Return when ``init`` begins after the kernel's first instruction; nothing where no boot was counted."""
    if counts.boot is None:
        return []
    time = _time(counts.boot, board, predictor, conditions, _borrowed(counts, board) | {"boot": BOOT_SPREAD})
    evidence = _origin(counts) | {
        "kernel": "emulab's own, with the devices of a virtual machine; a board's own drivers come on top"
    }
    return [_of_work(subject, "init-start", time, evidence)]


def _time(
    work: Work, board: Board, predictor: Predictor, conditions: Conditions, further: Mapping[str, float]
) -> WorkTime:
    clock = conditions.clock(board, board.fastest)
    return work_time(work, board, predictor, clock_hz=clock, further=further)


def _service(
    subject: Subject,
    counts: ProgramCounts,
    board: Board,
    predictor: Predictor,
    conditions: Conditions,
    concurrency: int,
    evidence: Mapping[str, Any],
) -> list[Figure]:
    assert counts.request is not None
    times = [
        (
            work_time(
                counts.request,
                board,
                predictor,
                clock_hz=conditions.clock(board, cluster),
                cluster=cluster,
                further=_borrowed(counts, board),
            ),
            number,
        )
        for cluster, number in clusters_used(board, conditions.cpus)
    ]
    found = service_times(times, concurrency, counts.shape)
    first = times[0][0]
    own = _evidence(first, evidence) | {
        "cores": [{"core": time.core, "count": number, "request_s": time.seconds} for time, number in times],
        "load": f"{concurrency} requests under way at once; what sends them runs elsewhere",
        "scaling": "n cores do the work of n / (1 + 0.05 (n - 1)); in the interval 0 to 0.2 for 0.05",
    }
    figures = [_figure(subject, "throughput", found.per_second, "1/s", own)]
    spread = {"latencies": "spread as in the counted run, on one processor; the interval has a queue's too"}
    for name, quantile in (("latency-p50", found.p50), ("latency-p99", found.p99)):
        if quantile is not None:
            figures.append(_figure(subject, name, quantile, "s", own | spread))
    return figures


def _memory_figure(
    subject: Subject, name: str, values: Sequence[float], memory: MemoryRuns, evidence: Mapping[str, Any]
) -> Figure:
    value = statistics.median(values)
    spread = MEMORY_SPREAD["rest" if name.endswith("-rest") else "load"]
    low = value * math.exp(-math.hypot(math.log(value / min(values)), spread))
    high = value * math.exp(math.hypot(math.log(max(values) / value), spread))
    may_be_huge = memory.page_size == 4096 and subject.arch != "armv7" and not name.startswith("vss")
    own = dict(evidence) | {
        "support": f"{len(values)} runs on an emulated machine, by its kernel's own account; no samples",
        "page_size": memory.page_size,
        "cpus": memory.cpus,
    }
    if may_be_huge:
        high += HUGE_PAGE
        own["huge_pages"] = "the interval's upper end has one of 2 MiB"
    return Figure(
        name, value, "B", FigureClass.PREDICTED, subject.workload, subject.arch, subject.mode, subject.board,
        subject.libc, low, high, _COVERAGE, len(values), own,
    )  # fmt: skip


def _borrowed(counts: ProgramCounts, board: Board) -> dict[str, float]:
    """Return what an interval has for counts of another board's machine."""
    return {} if counts.origin.get("machine", board.id) == board.id else {"counts": COUNTS_SPREAD}


def _origin(counts: ProgramCounts) -> dict[str, Any]:
    return {"counted": dict(counts.origin)}


def _of_work(subject: Subject, name: str, time: WorkTime, evidence: Mapping[str, Any]) -> Figure:
    interval = Interval(time.seconds, time.low, time.high)
    return _figure(subject, name, interval, "s", _evidence(time, evidence))


def _evidence(time: WorkTime, evidence: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "model": time.core,
        "clock_hz": time.clock_hz,
        "support": f"user work: {time.support}; {KERNEL_EVIDENCE}",
        "user_s": time.user_s,
        "kernel_s": time.kernel_s + time.clearing_s,
        "spreads": dict(time.spreads),
        **evidence,
    }


def _figure(
    subject: Subject, name: str, interval: Interval, unit: str, evidence: Mapping[str, Any]
) -> Figure:
    return Figure(
        name, interval.value, unit, FigureClass.PREDICTED, subject.workload, subject.arch, subject.mode,
        subject.board, subject.libc, interval.low, interval.high, _COVERAGE, 1, dict(evidence),
    )  # fmt: skip
