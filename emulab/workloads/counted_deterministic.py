"""Counted runs whose every instruction is determined: the same counts every time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulab.errors import WorkloadError
from emulab.machines.agent_documents import NANOSECOND, LoadFacts, Program, RunResult, SpawnResult
from emulab.machines.agent_machine import completed
from emulab.machines.batch import run_batch
from emulab.machines.marks import Account
from emulab.profiling.profile import read
from emulab.profiling.system_counting import PROFILE, instrument_of
from emulab.workloads.counted import BEFORE, START, CountedRun, assembled, load_request, loads_of
from emulab.workloads.deterministic import PATIENCE, ready_fields, require_self_contained, run_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulab.machines.batch import BatchAnswer
    from emulab.machines.opening import Opener
    from emulab.profiling.memory_model import MemoryModel
    from emulab.profiling.start_phases import Start
    from emulab.workloads.request import RunRequest
    from emulab.workloads.runner import Job

# Where the program's start stands among the requests.
_STARTED = 1
_OF_PROGRAM = {"of": _STARTED}


def count_determined(
    request: RunRequest,
    job: Job,
    start: Start,
    opener: Opener,
    on_output: Callable[[str, bytes], None] | None,
    model: MemoryModel | None = None,
) -> CountedRun:
    """Run a program counted in a guest of its own, in which nothing comes from outside.

    :param model: the caches and predictors to model beside it (the heavy mode).
    :raises UsageError: it can not be made deterministic.
    :raises WorkloadError: a service was not ready, or left requests unanswered.
    :raises MachineError: the guest did not finish.
    """
    artifact = require_self_contained(request, job)
    target = job.place.target
    hardware, system, _ = opener.system_of(target)
    instrument = instrument_of(opener, target, start.gate, model)
    profiles: list[bytes] = []
    answers = run_batch(
        opener.engine, system, hardware, opener.tools_of(target),
        {job.command.argv[0].lstrip("/"): artifact.path}, _plan(request, job),
        timeout_s=request.timeout_s * PATIENCE,
        instrument=instrument,
        collect=lambda host: profiles.append(host.get(PROFILE)),
    )  # fmt: skip
    profile = read(profiles[0], "of the machine")
    if not request.ready:
        result = answers[_STARTED].value(RunResult)
        stdout, stderr = answers[_STARTED].data[1:]
        if on_output is not None:
            on_output("stdout", stdout)
            on_output("stderr", stderr)
        account = Account(
            result.minor_faults, result.major_faults, result.voluntary_switches, result.involuntary_switches
        )
        ended = completed(result, target.memory, stdout, stderr, timed_out=result.timed_out)
        return assembled(profile, account, (), ended=ended)
    spawned = answers[_STARTED].value(SpawnResult)
    name = job.command.argv[0]
    if not spawned.running:
        raise WorkloadError(
            f"{name} was not ready at {request.ready}",
            detail=answers[_STARTED].payload.decode(errors="replace"),
        )
    accounts = []
    latencies: tuple[float, ...] = ()
    if request.load is not None:
        for place, (requests, _) in enumerate(loads_of(request.load)):
            # After the marker before it, the start and the marker after that: load and marker in turns.
            loaded, marked = answers[_STARTED + 2 + 2 * place : _STARTED + 4 + 2 * place]
            _require_answers(loaded, name, answers[-1])
            accounts.append((requests, marked.value(Account)))
            latencies = tuple(each * NANOSECOND for each in memoryview(loaded.data[0]).cast("q"))
    return assembled(profile, answers[_STARTED + 1].value(Account), accounts, latencies_s=latencies)


def _require_answers(loaded: BatchAnswer, name: str, stopped: BatchAnswer) -> None:
    facts = loaded.value(LoadFacts)
    failed = facts.failures + facts.non_2xx
    if failed:
        raise WorkloadError(
            f"{failed} of {facts.completed + failed} requests to {name} failed",
            detail=stopped.payload.decode(errors="replace"),
        )


def _plan(request: RunRequest, job: Job) -> list[dict[str, Any]]:
    command = job.command
    program = Program(command.argv, command.environment, cwd=command.directory)
    plan: list[dict[str, Any]] = [{"op": "mark", "number": BEFORE}]
    if not request.ready:
        return [*plan, run_fields(request, program), {"op": "mark", "number": START}]
    plan += [{"op": "spawn", **program.fields(), "ready": ready_fields(request)}]
    plan += [{"op": "mark", "number": START, "pid": _OF_PROGRAM}]
    if request.load is not None:
        for requests, number in loads_of(request.load):
            plan.append({"op": "load", **load_request(request.load, requests).fields()})
            plan.append({"op": "mark", "number": number, "pid": _OF_PROGRAM})
    return [*plan, {"op": "stop", "pid": _OF_PROGRAM}]
