"""Runs that are counted: a program on a whole machine, from exec on, with marks where its stretches end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from emulab.errors import UsageError, WorkloadError
from emulab.machines.agent_documents import LoadRequest
from emulab.machines.marks import Account, mark
from emulab.machines.protocol import Command
from emulab.profiling.stretches import Stretch, stretches
from emulab.profiling.system_counting import CountedGuest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from emulab.machines.agent_machine import AgentMachine, AgentService
    from emulab.machines.opening import Opener
    from emulab.machines.protocol import Completed, Load, MachineFacts
    from emulab.profiling.memory_model import MemoryModel
    from emulab.profiling.profile import Profile
    from emulab.profiling.start_phases import Start
    from emulab.progress import Progress
    from emulab.workloads.request import Place, RunRequest
    from emulab.workloads.runner import Job

# The markers, by what ends at each.
BEFORE, START, WARMED, FEW, MANY = 1, 2, 3, 4, 5
# A part of the requests first, so that what grows with the first load has grown; then again for the slope.
_FEWER = 5
LEAST_REQUESTS = 2


@dataclass(frozen=True)
class CountedLoad:
    """What so many requests took.

    :param account: the kernel's of the program, from its start to the load's end.
    :param latencies_s: of its requests, in the guest's time, which of a determined guest says how many
        instructions went by; empty where they were not kept.
    """

    requests: int
    stretch: Stretch
    account: Account
    latencies_s: tuple[float, ...] = ()


@dataclass(frozen=True)
class CountedRun:
    """One run.

    :param start: from exec to readiness, of a program that ends by itself to its end.
    :param account: the kernel's at the end of that.
    :param few, many: two loads of different sizes; None without a load.
    :param ended: how a program ended that ends by itself.
    :param facts: of the machine; None of one that was booted to be determined.
    """

    profile: Profile
    start: Stretch
    account: Account
    few: CountedLoad | None = None
    many: CountedLoad | None = None
    ended: Completed | None = None
    facts: MachineFacts | None = None


@dataclass(frozen=True)
class CountedProgram:
    """What was counted of a program on one machine.

    :param program: its file; None of a program of the root filesystem.
    """

    name: str
    place: Place
    program: Path | None
    start: Start
    runs: tuple[CountedRun, ...]


def require_countable(request: RunRequest, place: Place) -> None:
    """Refuse what can not be counted as it was asked, before anything is built for it.

    :raises UsageError: with the reason.
    """
    name = request.program.name
    if place.target.mode != "system":
        raise UsageError(
            f"{name} can not be counted in user mode: this host's kernel does its system calls, uncounted",
            hint="leave --mode user out; `emulab bench` counts benchmarks in user mode",
        )
    if request.find_smallest_memory:
        raise UsageError(
            "--count and --find-smallest-memory exclude each other", hint="ask for one after the other"
        )
    if request.network:
        raise UsageError(
            f"{name} can not be counted with a network: counted machines come from a snapshot without one",
            hint="leave --network out; every machine has its own loopback",
        )
    if request.load is not None and request.load.requests < LEAST_REQUESTS:
        raise UsageError(
            f"{request.load.requests} request can not be counted: a request's share follows from two loads",
            hint="use --requests 2 or more, or 0 for none",
        )


def fewer(load: Load) -> int:
    """Return how many requests the smaller of a load's two sizes has; as many are under way at once."""
    return max(load.requests // _FEWER, min(load.concurrency, load.requests // 2))


def loads_of(load: Load) -> list[tuple[int, int]]:
    """Return the loads to send: how many requests, and the marker that ends each."""
    return [(fewer(load), WARMED), (fewer(load), FEW), (load.requests, MANY)]


def load_request(load: Load, requests: int) -> LoadRequest:
    """Return a load of so many requests, without samples of memory, which would take the program's time."""
    return LoadRequest(load.url, requests, load.concurrency, load.keepalive, load.timeout_s)


def count_once(
    request: RunRequest,
    job: Job,
    start: Start,
    opener: Opener,
    progress: Progress,
    on_output: Callable[[str, bytes], None] | None,
    model: MemoryModel | None = None,
) -> CountedRun:
    """Run a program counted, on a private clone of the machine's snapshot.

    :param model: the caches and predictors to model beside it (the heavy mode).
    :raises WorkloadError: a service was never ready, or left requests unanswered.
    :raises MachineError: the machine failed.
    """
    with CountedGuest(opener, job.place.target, progress, start.gate, model) as guest:
        machine = guest.machine
        if job.artifact is not None:
            machine.push(job.artifact.path, job.command.argv[0])
        # Of the agent's own address space nothing is known until another program has run.
        machine.run(Command(("/bin/true",)))
        mark(machine.agent, BEFORE)
        if request.ready:
            return _service(request, job, machine, guest)
        ended = machine.run(job.command, on_output)
        mark(machine.agent, START)
        usage = ended.usage
        account = Account(
            usage.minor_faults, usage.major_faults, usage.voluntary_switches, usage.involuntary_switches
        )
        return assembled(guest.finish(), account, (), ended=ended, facts=machine.facts)


def _service(request: RunRequest, job: Job, machine: AgentMachine, guest: CountedGuest) -> CountedRun:
    service = machine.spawn(job.command, request.ready, timeout_s=request.timeout_s)
    account = mark(machine.agent, START, service.pid)
    accounts = []
    if request.load is not None:
        for requests, number in loads_of(request.load):
            _send(machine, service, job, load_request(request.load, requests))
            accounts.append((requests, mark(machine.agent, number, service.pid)))
    service.stop()
    return assembled(guest.finish(), account, accounts, facts=machine.facts)


def _send(machine: AgentMachine, service: AgentService, job: Job, load: LoadRequest) -> None:
    result = machine.agent.load(load)
    failed = result.failures + result.non_2xx
    if failed:
        ending = service.stop()
        raise WorkloadError(
            f"{failed} of {result.completed + failed} requests to {job.command.argv[0]} failed",
            detail=(ending.stderr or ending.stdout).decode(errors="replace"),
        )


def assembled(
    profile: Profile,
    account: Account,
    accounts: list[tuple[int, Account]] | tuple[()],
    ended: Completed | None = None,
    facts: MachineFacts | None = None,
    latencies_s: tuple[float, ...] = (),
) -> CountedRun:
    """Return a run from its profile, and the kernel's account at the markers of its loads.

    :param accounts: (requests, account) of each load, in the order of :func:`loads_of`.
    :param latencies_s: of the last load's requests.
    """
    by_number = {stretch.number: stretch for stretch in stretches(profile)}
    few, many = None, None
    if accounts:
        _, few, many = (
            CountedLoad(requests, by_number[number], each)
            for (requests, each), number in zip(accounts, (WARMED, FEW, MANY), strict=True)
        )
        # The account goes on from the program's start: what a load took is the difference to the load before.
        many = replace(many, account=difference(many.account, few.account), latencies_s=latencies_s)
        few = CountedLoad(few.requests, few.stretch, difference(few.account, accounts[0][1]))
    return CountedRun(profile, by_number[START], account, few, many, ended, facts)


def difference(late: Account, early: Account) -> Account:
    """Return what an account has grown by."""
    return Account(
        late.minor_faults - early.minor_faults,
        late.major_faults - early.major_faults,
        late.voluntary_switches - early.voluntary_switches,
        late.involuntary_switches - early.involuntary_switches,
    )


def count(
    request: RunRequest,
    job: Job,
    opener: Opener,
    progress: Progress,
    on_output: Callable[[str, bytes], None] | None,
) -> CountedProgram:
    """Run a program counted, as often as was asked for, each time on a machine of its own.

    :param on_output: as of the runner; called for the first run only.
    :raises UsageError, WorkloadError, MachineError: as of one run.
    """
    from emulab.profiling.start_phases import start_of

    target = job.place.target
    path = job.artifact.path if job.artifact is not None else None
    title = f"counting {request.program.name} on {target.title}"
    with progress.step(title) as step:
        start = start_of(path, progress)
        runs = []
        for number in range(request.runs):
            step.update("", done=number, total=request.runs)
            output = on_output if number == 0 else None
            if request.deterministic:
                from emulab.workloads.counted_deterministic import count_determined

                runs.append(count_determined(request, job, start, opener, output))
            else:
                runs.append(count_once(request, job, start, opener, progress, output))
    return CountedProgram(request.program.name, job.place, path, start, tuple(runs))
