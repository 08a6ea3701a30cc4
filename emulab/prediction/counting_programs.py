"""Counting whole programs for predictions: once for a program and a kind of machine, then kept."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from emulab import __version__, cache
from emulab.errors import UsageError, WorkloadError
from emulab.machines.protocol import SEARCH_PATH, Command
from emulab.prediction.program_counts import MemoryRuns, ProgramCounts, read, write
from emulab.prediction.program_work import boot_work, request_work, start_work
from emulab.prediction.service_times import shape_of
from emulab.profiling.memory_model import model_of
from emulab.workloads.building import PAGE_SIZES
from emulab.workloads.counted import LEAST_REQUESTS, count_once
from emulab.workloads.counted_deterministic import count_determined
from emulab.workloads.deterministic import require_determinable, require_self_contained
from emulab.workloads.runner import Job
from emulab.workloads.service import measure_service, service_figures

if TYPE_CHECKING:
    from pathlib import Path

    from emulab.boards.board import Board
    from emulab.machines.opening import Opener
    from emulab.machines.target import Target
    from emulab.profiling.memory_model import MemoryModel
    from emulab.progress import Progress
    from emulab.toolchain.artifact import Artifact
    from emulab.workloads.request import Place, RunRequest
    from emulab.workloads.service import Subject

_FORMAT: Final = 1
_KIND: Final = "counted-programs"
_RUNS: Final = 3
_MOST_CPUS: Final = 8
_KIBIBYTE: Final = 1024


def job_of(request: RunRequest, place: Place, artifact: Artifact) -> Job:
    """Return what runs on a place, as ``emulab run`` would start it."""
    path = f"/work/{artifact.name}"
    environment = {"PATH": SEARCH_PATH, "HOME": "/work", **place.target.environment}
    command = Command(
        argv=(path, *request.program.arguments),
        environment=environment,
        stdin=request.stdin,
        timeout_s=request.timeout_s,
    )
    return Job(place, artifact, command)


def caches_of(board: Board) -> MemoryModel:
    """Return the caches of a board's fastest cores, with TLBs for the pages of its kernel."""
    model = model_of(board)
    page = (board.software.page_kib if board.software is not None else 4) * _KIBIBYTE
    shapes = {name: getattr(model, name) for name in ("itlb", "dtlb", "tlb2")}
    return replace(model, **{name: replace(each, line=page) for name, each in shapes.items() if each})


def count_program(
    request: RunRequest, job: Job, subject: Subject, opener: Opener, progress: Progress
) -> ProgramCounts:
    """Return what a program executes on a whole machine like a board, from the cache where it is known.

    :param request: one for system mode.
    :raises WorkloadError: the program failed.
    :raises InfrastructureError: something beneath it failed.
    """
    assert job.artifact is not None
    opener.prepare([job.place.target])
    model = caches_of(job.place.board)
    key = cache.digest([
        _FORMAT, job.artifact.sha256, opener.image_ids(job.place.target), cache.file_digest(opener.plugin()),
        list(model.arguments()), *identity(request, job),
    ])  # fmt: skip

    def make(directory: Path) -> None:
        write(directory, _counted(request, job, subject, opener, model, progress))

    return read(cache.entry(_KIND, key, make))


def identity(request: RunRequest, job: Job) -> list[Any]:
    """Return what else determines what a program executes, as JSON-serialisable values."""
    target, load = job.place.target, request.load
    return [
        list(job.command.argv), dict(job.command.environment), target.libc, target.cpu_model, target.memory,
        target.kernel, _cpus(job.place.board), request.ready,
        [load.url, load.requests, load.concurrency] if load is not None else None,
        cache.digest(request.stdin.hex()),
    ]  # fmt: skip


def _counted(
    request: RunRequest, job: Job, subject: Subject, opener: Opener, model: MemoryModel, progress: Progress
) -> ProgramCounts:
    from emulab.profiling.start_phases import start_of

    assert job.artifact is not None
    target, path = job.place.target, job.artifact.path
    asked = request
    if request.load is not None and request.load.requests < LEAST_REQUESTS:
        asked = replace(request, load=None)
    with progress.step(f"counting {request.program.name} with the caches of {target.title}"):
        start = start_of(path, progress)
        is_determined = _is_determinable(asked, job)
        if is_determined:
            run = count_determined(asked, job, start, opener, None, model)
        else:
            run = count_once(asked, job, start, opener, progress, None, model)
    if run.ended is not None and not run.ended.succeeded:
        raise WorkloadError(f"{job.command.argv[0]} {run.ended.ending()} on {target.title}")
    concurrency = asked.load.concurrency if asked.load is not None else 0
    return ProgramCounts(
        origin={
            "program": request.program.name,
            "go": job.artifact.facts.go.version if job.artifact.facts.go is not None else "",
            "sha256": job.artifact.sha256,
            "emulab": __version__,
            "machine": target.board or target.architecture.name,
            "cpu": target.cpu_model,
            "kernel": target.kernel,
            "caches": " ".join(model.arguments()),
            "time": "instructions" if is_determined else "the host's",
        },
        start=start_work(run, path, model),
        request=request_work(run, path, model),
        boot=boot_work(run, model) if is_determined else None,
        shape=shape_of(run.many.latencies_s, concurrency) if run.many is not None else None,
        memory=(_memory(asked, job, subject, opener, progress),),
    )


def _is_determinable(request: RunRequest, job: Job) -> bool:
    try:
        require_determinable(request, job.place)
        require_self_contained(request, job)
    except UsageError:
        return False
    return True


def _cpus(board: Board) -> int:
    return min(board.go.gomaxprocs if board.go is not None else 1, _MOST_CPUS)


def _memory(
    request: RunRequest, job: Job, subject: Subject, opener: Opener, progress: Progress
) -> MemoryRuns:
    """Return a program's memory on a machine with as many processors as the board's."""
    assert job.artifact is not None
    target: Target = replace(job.place.target, cpus=_cpus(job.place.board))
    values: defaultdict[str, list[float]] = defaultdict(list)
    with (
        progress.step(f"looking at the memory of {request.program.name} on {target.title}"),
        opener.open(target) as machine,
    ):
        machine.push(job.artifact.path, job.command.argv[0])
        for _ in range(_RUNS):
            if request.ready:
                runs = measure_service(
                    machine,
                    job.command,
                    request.ready,
                    request.load,
                    runs=1,
                    ready_timeout_s=request.timeout_s,
                )  # fmt: skip
                for figure in service_figures(subject, runs):
                    if figure.unit == "B":
                        values[figure.name].append(figure.value)
            else:
                values["peak-rss"].append(float(machine.run(job.command).usage.max_rss))
    return MemoryRuns(
        PAGE_SIZES[target.kernel], target.cpus, {name: tuple(each) for name, each in values.items()}
    )
