"""Finding the least memory that a service works in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from emulab.errors import MachineError, NoSpaceError, UsageError, WorkloadError
from emulab.machines.qemu_command import MEBIBYTE, SMALLEST_MEMORY
from emulab.workloads.request import ProgramKind
from emulab.workloads.service import measure_service

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulab.machines.opening import Opener
    from emulab.progress import Progress
    from emulab.workloads.request import Place, RunRequest
    from emulab.workloads.runner import Job

STEP = 4 * MEBIBYTE


def least(works: Callable[[int], bool], low: int, high: int, step: int) -> int | None:
    """Return the least multiple of ``step`` in [low, high] that works, None when ``high`` does not.

    It is found by halving, so what works must also work with more.
    """
    first, last = -(-low // step), high // step
    if last < first or not works(last * step):
        return None
    while first < last:
        middle = (first + last) // 2
        if works(middle * step):
            last = middle
        else:
            first = middle + 1
    return last * step


def require_searchable(request: RunRequest, place: Place) -> None:
    """Refuse what has no smallest memory to find, before anything is built for it.

    :raises UsageError: it is no service, or has no memory of its own.
    """
    if place.target.mode != "system":
        raise UsageError("user mode has no memory of its own to make smaller", hint="add --mode system")
    if not request.ready or request.program.kind is ProgramKind.GUEST:
        raise UsageError(
            f"{request.program.name} is no service, and what it needs can not be told from its answers",
            hint="say how it becomes ready: --ready http://:PORT/PATH",
        )


def find_smallest_memory(
    request: RunRequest, job: Job, opener: Opener, progress: Progress
) -> tuple[int, list[str]]:
    """Return the least memory in bytes, in steps of 4 MiB, and why less was not enough.

    Every size is tried on a machine that is booted with it, and the service must bear its whole load.

    :raises WorkloadError: it does not even work with the memory that was asked for.
    """
    target = job.place.target
    reasons: dict[int, str] = {}

    def works(memory: int) -> bool:
        title = f"trying {request.program.name} in {memory // MEBIBYTE} MiB on {target.title}"
        with progress.step(title) as step:
            try:
                with opener.open(replace(target, memory=memory), fresh=True) as machine:
                    if job.artifact is not None:
                        machine.push(job.artifact.path, job.command.argv[0])
                    measure_service(
                        machine, job.command, request.ready, request.load, runs=1,
                        ready_timeout_s=request.timeout_s,
                    )  # fmt: skip
            except (MachineError, WorkloadError, NoSpaceError) as error:
                reasons[memory] = _reason(error)
                step.update(reasons[memory])
                return False
            return True

    found = least(works, SMALLEST_MEMORY, target.memory, STEP)
    if found is None:
        why = reasons.get(target.memory // STEP * STEP, "")
        raise WorkloadError(
            f"{request.program.name} does not work in {target.memory // MEBIBYTE} MiB on {target.title}",
            hint="try it with more: --memory 512M",
            detail=why,
        )
    below = [f"{memory // MEBIBYTE} MiB: {reasons[memory]}" for memory in sorted(reasons, reverse=True)]
    return found, below


def _reason(error: MachineError | WorkloadError | NoSpaceError) -> str:
    """Return an error as one line, with the first line behind it that says something of memory."""
    for line in error.detail.splitlines():
        if "memory" in line.lower() or "oom" in line.lower():
            return f"{error.message} ({line.strip()})"
    return error.message
