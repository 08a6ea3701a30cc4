"""Runs whose every nanosecond is determined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulab.errors import UsageError, WorkloadError
from emulab.machines.agent_documents import (
    NANOSECOND,
    LoadRequest,
    Program,
    Ready,
    RunResult,
    SpawnResult,
    nanoseconds,
)
from emulab.machines.agent_machine import completed
from emulab.machines.batch import run_batch
from emulab.machines.qemu_command import ICOUNT_SHIFT
from emulab.workloads.request import ProgramKind
from emulab.workloads.service import Subject, percentile

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulab.figures import Figure
    from emulab.machines.opening import Opener
    from emulab.toolchain.artifact import Artifact
    from emulab.workloads.request import Place, RunRequest
    from emulab.workloads.runner import Job

NOTE = (
    f"deterministic: a guest's nanoseconds are {1 << ICOUNT_SHIFT} per executed instruction, "
    "not a time of this host or of a board"
)
_EVIDENCE = {"clock": f"icount, {1 << ICOUNT_SHIFT} ns per instruction"}
# Emulation under icount runs on one thread, and a plan has no progress to show: it gets longer.
PATIENCE = 10.0


def require_determinable(request: RunRequest, place: Place) -> None:
    """Refuse what can not be made deterministic, before anything is built for it.

    :raises UsageError: it can not, with the reason.
    """
    if place.target.mode != "system":
        raise _refusal(request, "user mode has this host's clock", "add --mode system")
    if request.program.kind is ProgramKind.GUEST:
        raise _refusal(request, "it is read from a disk, whose answers come at this host's pace")
    if (request.cpus or 1) > 1:
        raise _refusal(
            request, "several processors run on threads of this host, whose order is not determined"
        )
    if request.network:
        raise _refusal(request, "what comes over a network comes at this host's pace")
    if request.stdin:
        raise _refusal(request, "what comes from this host's standard input comes at its pace")


def _refusal(request: RunRequest, reason: str, hint: str = "leave --deterministic out") -> UsageError:
    return UsageError(f"{request.program.name} can not be run deterministically: {reason}", hint=hint)


def run_deterministically(
    request: RunRequest,
    job: Job,
    subject: Subject,
    opener: Opener,
    on_output: Callable[[str, bytes], None] | None,
) -> tuple[list[Figure], str | None]:
    """Run a program in a guest of its own, and return its figures, and how it failed.

    :raises UsageError: it can not be made deterministic.
    :raises WorkloadError: a service was not ready.
    :raises MachineError: the guest did not finish.
    """
    artifact = require_self_contained(request, job)
    hardware, system, _ = opener.system_of(job.place.target)
    tools = opener.tools_of(job.place.target)
    command = job.command
    program = Program(command.argv, command.environment, cwd=command.directory)
    plan = _service_plan(request, program) if request.ready else [run_fields(request, program)]
    answers = run_batch(
        opener.engine, system, hardware, tools, {command.argv[0].lstrip("/"): artifact.path}, plan,
        timeout_s=request.timeout_s * PATIENCE,
    )  # fmt: skip
    if request.ready:
        spawned = answers[0].value(SpawnResult)
        if not spawned.running:
            raise WorkloadError(
                f"{command.argv[0]} was not ready at {request.ready}",
                detail=answers[0].payload.decode(errors="replace"),
            )
        figures = [_figure(subject, "startup", spawned.startup_s, "s")]
        if request.load is not None:
            figures += _load_figures(subject, answers[1].document, answers[1].data[0])
        return figures, None
    result = answers[0].value(RunResult)
    if on_output is not None:
        for name, piece in zip(("stdout", "stderr"), answers[0].data[1:], strict=False):
            on_output(name, piece)
    end = completed(result, job.place.target.memory, timed_out=result.timed_out)
    failure = None if end.succeeded else f"{command.argv[0]} {end.ending()} on {job.place.target.title}"
    return [_figure(subject, "run-time", result.wall_ns * NANOSECOND, "s")], failure


def require_self_contained(request: RunRequest, job: Job) -> Artifact:
    """Return a job's program, which must need nothing from the guest's disk.

    :raises UsageError: it needs libraries.
    """
    assert job.artifact is not None
    if job.artifact.facts.interpreter is not None:
        raise _refusal(request, "its libraries are read from a disk, whose answers come at this host's pace")
    return job.artifact


def run_fields(request: RunRequest, program: Program) -> dict[str, Any]:
    """Return the plan's request to run a program to its end."""
    return {"op": "run", **program.fields(), "timeout_ns": nanoseconds(request.timeout_s * PATIENCE)}


def ready_fields(request: RunRequest) -> dict[str, object]:
    """Return how the plan waits until a service is ready."""
    return Ready(request.ready, timeout_s=request.timeout_s * PATIENCE).fields()


def _service_plan(request: RunRequest, program: Program) -> list[dict[str, Any]]:
    plan = [{"op": "spawn", **program.fields(), "ready": ready_fields(request)}]
    if request.load is not None:
        load = request.load
        fields = LoadRequest(
            load.url, load.requests, load.concurrency, load.keepalive, load.timeout_s
        ).fields()
        plan.append({"op": "load", **fields})
    plan.append({"op": "stop", "pid": {"of": 0}})
    return plan


def _load_figures(subject: Subject, document: dict[str, Any], latencies: bytes) -> list[Figure]:
    values = memoryview(latencies).cast("q")
    seconds = [value * NANOSECOND for value in values]
    throughput = document["completed"] / (document["elapsed_ns"] * NANOSECOND)
    return [
        _figure(subject, "throughput", throughput, "1/s"),
        _figure(subject, "latency-p50", percentile(seconds, 0.50), "s"),
        _figure(subject, "latency-p99", percentile(seconds, 0.99), "s"),
    ]


def _figure(subject: Subject, name: str, value: float, unit: str) -> Figure:
    from dataclasses import replace

    return replace(subject.figure(name, [value], unit), evidence=_EVIDENCE)
