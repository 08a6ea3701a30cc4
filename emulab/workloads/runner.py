"""Carrying out a run: build, open machines, measure, make the document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from emulab import __version__
from emulab.figures import Document, Figure, FigureClass
from emulab.machines.opening import Ahead, Opener
from emulab.machines.protocol import SEARCH_PATH, Command
from emulab.workloads.host import host_facts
from emulab.workloads.request import ProgramKind, find_places
from emulab.workloads.service import Subject, measure_service, memory_disagreements, service_figures

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emulab.machines.protocol import Completed, Machine, MachineFacts
    from emulab.progress import Progress
    from emulab.toolchain.artifact import Artifact
    from emulab.workloads.counted import CountedProgram
    from emulab.workloads.request import Place, RunRequest


@dataclass(frozen=True)
class Job:
    """A place with what will run there."""

    place: Place
    artifact: Artifact | None
    command: Command


@dataclass
class Outcome:
    """What came of a run.

    :param failures: a sentence for each program that did not end with status 0.
    """

    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    machines: list[dict[str, Any]] = field(default_factory=list)


def run(
    request: RunRequest,
    progress: Progress,
    on_output: Callable[[str, bytes], None] | None = None,
    on_counted: Callable[[CountedProgram], None] = lambda counted: None,
) -> tuple[Document, list[str]]:
    """Carry out a request and return its document, and a sentence for each program that failed.

    :param on_output: called with ``stdout`` or ``stderr`` and a piece of a program's output as it comes.
    :param on_counted: called with what was counted on each machine, where that was asked for.
    :raises UsageError: the request makes no sense.
    :raises WorkloadError: the package does not compile, or a service died or was never ready.
    :raises InfrastructureError: something beneath the program failed.
    """
    places = find_places(request)
    _check(request, places)
    outcome = Outcome()
    with Opener(progress) as opener:
        # Building the program needs no engine, and preparing machines needs no program.
        machines = Ahead(opener, [place.target for place in places], first=not _boots_its_own(request))
        try:
            jobs, go = _jobs(request, places, progress)
            for job in jobs:
                if request.count:
                    machines.wait()
                    on_counted(_count(request, job, opener, progress, on_output, outcome))
                else:
                    _carry_out(request, job, opener, machines, progress, on_output, outcome)
        finally:
            machines.close()
    environment = {
        "emulab": __version__,
        "host": host_facts(),
        "go": go,
        "machines": outcome.machines,
    }
    return Document("run", environment, outcome.figures, (), outcome.notes), outcome.failures


def _check(request: RunRequest, places: Sequence[Place]) -> None:
    """Refuse what can not be run as it was asked.

    :raises UsageError: with the reason.
    """
    if request.count:
        from emulab.workloads.counted import require_countable

        for place in places:
            require_countable(request, place)
    if request.deterministic and not request.find_smallest_memory:
        from emulab.workloads.deterministic import require_determinable

        for place in places:
            require_determinable(request, place)


def _boots_its_own(request: RunRequest) -> bool:
    """Tell whether a request does without a machine as the opener opens it."""
    return request.deterministic or request.count or request.find_smallest_memory


def _jobs(request: RunRequest, places: Sequence[Place], progress: Progress) -> tuple[list[Job], str | None]:
    """Return what runs where, building what must be built, and the version of Go that built it."""
    if request.program.kind is ProgramKind.GUEST:
        return [_job(request, place, None) for place in places], None
    # The first machine is under way by now; what builds is not loaded before, since that takes as long as a
    # good part of the machine's start.
    from emulab.workloads.building import Workshop

    workshop = Workshop(request, progress)
    jobs = [_job(request, place, workshop.artifact(place)) for place in places]
    return jobs, workshop.go.version if workshop.go is not None else None


def _job(request: RunRequest, place: Place, artifact: Artifact | None) -> Job:
    program = request.program
    path = f"/work/{artifact.name}" if artifact is not None else None
    argv = (path, *program.arguments) if path is not None else program.arguments
    command = Command(
        argv=argv,
        environment={"PATH": SEARCH_PATH, "HOME": "/work", **place.target.environment},
        stdin=request.stdin,
        timeout_s=request.timeout_s,
    )
    return Job(place, artifact, command)


def _carry_out(
    request: RunRequest,
    job: Job,
    opener: Opener,
    machines: Ahead,
    progress: Progress,
    on_output: Callable[[str, bytes], None] | None,
    outcome: Outcome,
) -> None:
    target = job.place.target
    subject = Subject(request.program.name, target.architecture.name, target.mode, target.libc, target.board)
    machines.wait()
    if request.find_smallest_memory:
        from emulab.workloads.smallest_memory import find_smallest_memory

        memory, reasons = find_smallest_memory(request, job, opener, progress)
        outcome.figures.append(subject.figure("smallest-memory", [float(memory)], "B"))
        outcome.notes += [f"{target.title}: {reason}" for reason in reasons]
        return
    if request.deterministic:
        from emulab.workloads.deterministic import NOTE, run_deterministically

        with progress.step(f"running {request.program.name} deterministically on {target.title}"):
            figures, failure = run_deterministically(request, job, subject, opener, on_output)
        outcome.figures += figures
        outcome.failures += [failure] if failure else []
        outcome.notes = [NOTE]
        return
    title = f"running {request.program.name} on {target.title}"
    with progress.step(title) as step, machines.open(target) as machine:
        if job.artifact is not None:
            machine.push(job.artifact.path, job.command.argv[0])
        outcome.machines.append(_environment(target.board, machine.facts))
        if request.ready:
            runs = measure_service(
                machine,
                job.command,
                request.ready,
                request.load,
                runs=request.runs,
                ready_timeout_s=request.timeout_s,
                on_run=lambda number: step.update("", done=number, total=request.runs),
            )
            outcome.figures += service_figures(subject, runs)
            outcome.notes += [f"{target.title}: {text}" for text in memory_disagreements(runs)]
        else:
            _run_to_the_end(request, job, subject, machine, on_output, outcome)
    outcome.figures += _size(subject, job)


def _count(
    request: RunRequest,
    job: Job,
    opener: Opener,
    progress: Progress,
    on_output: Callable[[str, bytes], None] | None,
    outcome: Outcome,
) -> CountedProgram:
    from emulab.workloads.counted import count
    from emulab.workloads.counted_figures import figures_of, notes_of

    target = job.place.target
    subject = Subject(request.program.name, target.architecture.name, target.mode, target.libc, target.board)
    counted = count(request, job, opener, progress, on_output)
    outcome.machines += [_environment(target.board, run.facts) for run in counted.runs[:1] if run.facts]
    outcome.figures += figures_of(subject, counted)
    outcome.figures += _size(subject, job)
    # What holds for every machine is said once.
    outcome.notes = list(dict.fromkeys([*outcome.notes, *notes_of(request, counted)]))
    ends = [run.ended for run in counted.runs if run.ended is not None]
    outcome.failures += _failure(job, ends)
    return counted


def _size(subject: Subject, job: Job) -> list[Figure]:
    if job.artifact is None:
        return []
    return [subject.figure("binary-size", [float(job.artifact.size)], "B", FigureClass.COUNTED)]


def _failure(job: Job, ends: Sequence[Completed]) -> list[str]:
    """Return a sentence for the first run that failed."""
    failed = [each for each in ends if not each.succeeded]
    return [f"{job.command.argv[0]} {each.ending()} on {job.place.target.title}" for each in failed[:1]]


def _run_to_the_end(
    request: RunRequest,
    job: Job,
    subject: Subject,
    machine: Machine,
    on_output: Callable[[str, bytes], None] | None,
    outcome: Outcome,
) -> None:
    target = job.place.target
    results: Sequence[Completed] = [
        machine.run(job.command, on_output if number == 0 else None) for number in range(request.runs)
    ]
    outcome.figures.append(subject.figure("run-time", [each.usage.wall_s for each in results], "s"))
    if target.mode == "system":
        # In user mode the kernel's account of the process is the emulator's, not the program's.
        outcome.figures.append(
            subject.figure("peak-rss", [float(each.usage.max_rss) for each in results], "B")
        )
    outcome.failures += _failure(job, results)


def _environment(board: str | None, facts: MachineFacts) -> dict[str, Any]:
    return {
        "board": board,
        "arch": facts.arch,
        "mode": facts.mode,
        "libc": facts.libc,
        "kernel": facts.kernel,
        "page_size": facts.page_size,
        "cpus": facts.cpus,
        "memory": facts.memory,
        "cpu_model": facts.cpu_model,
        **facts.details,
    }
