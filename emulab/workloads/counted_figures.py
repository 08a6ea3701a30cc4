"""Figures of counted runs: what the start took, and what one request takes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from emulab.figures import Figure, FigureClass
from emulab.profiling.call_names import call_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from emulab.machines.marks import Account
    from emulab.profiling.stretches import Executed
    from emulab.workloads.counted import CountedLoad, CountedProgram, CountedRun
    from emulab.workloads.request import RunRequest
    from emulab.workloads.service import Subject

# What each phase of the start leads to, by the mark that begins it.
_LEADS_TO = {
    "": "to-entry",
    "entry": "to-schedinit",
    "runtime.schedinit": "to-mallocinit",
    "runtime.mallocinit": "to-main",
}
_LAST = "main.main"
_UNITS = {
    "instructions": "insn",
    "kernel-instructions": "insn",
    "page-faults": "faults",
    "context-switches": "switches",
    "system-calls": "calls",
}
_SHOWN_CALLS = 8


@dataclass(frozen=True)
class Tally:
    """Numbers of one run, of its start or of one request; ``calls`` by name."""

    numbers: Mapping[str, float]
    calls: Mapping[str, float]


def figures_of(subject: Subject, counted: CountedProgram) -> list[Figure]:
    """Return the figures of a counted program: of class COUNTED, each the median over the runs."""
    arch = subject.arch
    is_service = all(run.ended is None for run in counted.runs)
    suffix = "-start" if is_service else ""
    starts = [tally(arch, run.start.executed, run.account) for run in counted.runs]
    figures = _tally_figures(subject, starts, suffix, "")
    figures += _phase_figures(subject, counted, "to-ready" if is_service else "in-main")
    requests = [each for run in counted.runs if (each := per_request(arch, run)) is not None]
    figures += _tally_figures(subject, requests, "-request", "/request")
    return figures


def notes_of(request: RunRequest, counted: CountedProgram) -> list[str]:
    """Return what is to be said of the counts: the most frequent system calls, and what they rest on."""
    target = counted.place.target
    arch = target.architecture.name
    starts = [tally(arch, run.start.executed, run.account) for run in counted.runs]
    requests = [each for run in counted.runs if (each := per_request(arch, run)) is not None]
    until = "until ready" if request.ready else "of the run"
    notes = [f"{target.title}: system calls {until}: {_most_frequent(starts)}"]
    if requests:
        notes.append(f"{target.title}: system calls of a request: {_most_frequent(requests)}")
    if counted.start.note:
        notes.append(f"{request.program.name}: {counted.start.note}")
    if target.cpus > 1:
        notes.append(
            f"{target.title}: several processors wait for each other in the kernel, at this host's pace"
        )
    if request.deterministic:
        notes.append("deterministic: the guest's time is counted in instructions; the counts repeat exactly")
    return notes


def tally(arch: str, executed: Executed, account: Account) -> Tally:
    """Return the numbers of a stretch.

    :param account: the kernel's account of the program in that stretch.
    """
    calls: Counter[str] = Counter()
    for number, count in executed.syscalls.items():
        calls[call_name(arch, number)] += count
    numbers = {
        "instructions": executed.instructions,
        "kernel-instructions": executed.kernel,
        "page-faults": account.minor_faults + account.major_faults,
        "context-switches": account.voluntary_switches + account.involuntary_switches,
        "system-calls": sum(executed.syscalls.values()),
    }
    return Tally(numbers, calls)


def per_request(arch: str, run: CountedRun) -> Tally | None:
    """Return what one request takes: by how much the larger load exceeds the smaller one, shared out.

    What is done once, however many requests come, is in both and cancels.
    """
    if run.few is None or run.many is None:
        return None
    few, many = (_load_tally(arch, load) for load in (run.few, run.many))
    requests = run.many.requests - run.few.requests
    return Tally(
        {name: (many.numbers[name] - few.numbers[name]) / requests for name in many.numbers},
        {
            name: (many.calls.get(name, 0) - few.calls.get(name, 0)) / requests
            for name in {**many.calls, **few.calls}
        },
    )


def _load_tally(arch: str, load: CountedLoad) -> Tally:
    return tally(arch, load.stretch.executed, load.account)


def _tally_figures(subject: Subject, tallies: Sequence[Tally], suffix: str, per: str) -> list[Figure]:
    if not tallies:
        return []
    figures = [
        _figure(subject, f"{name}{suffix}", [each.numbers[name] for each in tallies], unit + per)
        for name, unit in _UNITS.items()
    ]
    calls = {"calls": {name: round(value, 3) for name, value in _median_calls(tallies)}}
    figures[-1] = replace(figures[-1], evidence=figures[-1].evidence | calls)
    return figures


def _phase_figures(subject: Subject, counted: CountedProgram, last: str) -> list[Figure]:
    if not counted.start.phases:
        return []
    runs = [run.start.by_mark() for run in counted.runs]
    figures = []
    for mark, phase in {**_LEADS_TO, _LAST: last}.items():
        seen = [run[mark] for run in runs if mark in run]
        own = [float(each.instructions) for each in seen]
        if any(own):
            figures.append(_figure(subject, f"instructions-{phase}", own, "insn"))
        kernel = [float(each.kernel) for each in seen]
        if kernel:
            figures.append(_figure(subject, f"kernel-instructions-{phase}", kernel, "insn"))
    return figures


def _figure(subject: Subject, name: str, values: Sequence[float], unit: str) -> Figure:
    figure = subject.figure(name, values, unit, FigureClass.COUNTED)
    evidence: dict[str, Any] = {"least": min(values), "most": max(values)} if len(values) > 1 else {}
    return replace(figure, evidence=evidence)


def _median_calls(tallies: Sequence[Tally]) -> list[tuple[str, float]]:
    """Return the system calls, the most frequent ones first."""
    names = {name for each in tallies for name in each.calls}
    medians = {name: float(np.median([each.calls.get(name, 0) for each in tallies])) for name in names}
    return sorted(medians.items(), key=lambda item: (-item[1], item[0]))


def _most_frequent(tallies: Sequence[Tally]) -> str:
    return _listed(_median_calls(tallies))


def _listed(calls: Iterable[tuple[str, float]]) -> str:
    shown = [(name, f"{count:.2f}".rstrip("0").rstrip(".")) for name, count in list(calls)[:_SHOWN_CALLS]]
    return ", ".join(f"{name} {text}" for name, text in shown if text != "0") or "none"
