"""Measuring a service: start-up, memory at rest and under load, throughput, latency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulab.errors import WorkloadError
from emulab.figures import Figure, FigureClass, median_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from emulab.machines.protocol import Command, Load, LoadResult, Machine, Memory, MemoryReading


@dataclass(frozen=True)
class ServiceRun:
    """One start of a service with what was seen of it.

    :param rest: its memory once it was ready and before any load.
    :param load: None when no load was asked for.
    """

    startup_s: float
    rest: MemoryReading
    load: LoadResult | None


@dataclass(frozen=True)
class Subject:
    """What figures are about: the target's part of a :class:`~emulab.figures.Figure`."""

    workload: str
    arch: str
    mode: str
    libc: str | None
    board: str | None

    def figure(
        self, name: str, values: Sequence[float], unit: str, kind: FigureClass = FigureClass.EMULATED
    ) -> Figure:
        """Return the median of the values with its bootstrap interval (none for a single value)."""
        value, low, high = median_interval(values)
        several = len(values) > 1
        return Figure(
            name=name,
            value=value,
            unit=unit,
            kind=kind,
            workload=self.workload,
            arch=self.arch,
            mode=self.mode,
            board=self.board,
            libc=self.libc,
            low=low if several else None,
            high=high if several else None,
            coverage=0.9 if several else None,
            n=len(values),
        )


def measure_service(
    machine: Machine,
    command: Command,
    ready: str,
    load: Load | None,
    *,
    runs: int,
    ready_timeout_s: float,
    on_run: Callable[[int], None] = lambda number: None,
) -> list[ServiceRun]:
    """Start a service ``runs`` times and measure each start.

    :param on_run: called with 0, 1, … as each run begins.
    :raises WorkloadError: the service died, was not ready in time, or left requests unanswered.
    """
    seen = []
    for number in range(runs):
        on_run(number)
        service = machine.spawn(command, ready, timeout_s=ready_timeout_s)
        rest = service.memory()
        result = service.load(load) if load is not None else None
        ending = service.stop()
        if result is not None and result.failed:
            sent = result.completed + result.failed
            why = f": it {ending.ending()}" if ending.out_of is not None else ""
            raise WorkloadError(
                f"{result.failed} of {sent} requests to {command.argv[0]} failed{why}",
                detail=(ending.stderr or ending.stdout).decode(errors="replace"),
            )
        seen.append(ServiceRun(service.startup_s, rest, result))
    return seen


def service_figures(subject: Subject, runs: Sequence[ServiceRun]) -> list[Figure]:
    """Return the figures of a service's runs."""
    figures = [subject.figure("startup", [run.startup_s for run in runs], "s")]
    figures += _memory_figures(subject, "rest", [run.rest for run in runs])
    loads = [run.load for run in runs if run.load is not None]
    if not loads:
        return figures
    figures += _memory_figures(subject, "load", [_heaviest(load.memory) for load in loads if load.memory])
    figures.append(subject.figure("throughput", [load.throughput for load in loads], "1/s"))
    for name, share in (("latency-p50", 0.50), ("latency-p99", 0.99)):
        figures.append(subject.figure(name, [percentile(load.latencies_s, share) for load in loads], "s"))
    return figures


def memory_disagreements(runs: Iterable[ServiceRun]) -> list[str]:
    """Return a sentence for each memory total that its sum over mappings contradicts by over 5 %."""
    return [
        f"run {number}: {sentence}"
        for number, run in enumerate(runs, start=1)
        for sentence in run.rest.disagreements
    ]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` of the values do not exceed (nearest rank)."""
    import math

    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _memory_figures(subject: Subject, when: str, samples: Sequence[Memory]) -> list[Figure]:
    if not samples:
        return []
    figures = []
    for name in ("vss", "rss", "pss"):
        values = [getattr(sample, name) for sample in samples]
        if None not in values:
            figures.append(subject.figure(f"{name}-{when}", [float(value) for value in values], "B"))
    return figures


def _heaviest(samples: Sequence[Memory]) -> Memory:
    return max(samples, key=lambda sample: sample.rss)
