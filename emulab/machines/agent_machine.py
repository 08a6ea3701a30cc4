"""A machine that is reached through its agent: what user mode, system mode and boards have in common."""

from __future__ import annotations

import shlex
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from msgspec import structs

from emulab.architectures import EMULATED
from emulab.engine.container import commands
from emulab.errors import UsageError, WorkloadError
from emulab.machines.agent_documents import (
    NANOSECOND,
    LoadRequest,
    MemorySampling,
    Program,
    Ready,
)
from emulab.machines.agent_errors import RequestError
from emulab.machines.executable import emulated_argv
from emulab.machines.protocol import (
    Command,
    Completed,
    Load,
    LoadResult,
    MachineFacts,
    Memory,
    MemoryReading,
    Usage,
)
from emulab.machines.terminal import join_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from emulab.machines.adversity import Adversity, Affliction
    from emulab.machines.agent_client import AgentClient
    from emulab.machines.agent_documents import End, MemoryFacts, RunResult
    from emulab.machines.agent_stream import RunningProgram

# A kernel has no name for the address range that emulated programs live in.
AddressRange = tuple[int, int]


class AgentMachine:
    """A machine behind an agent.

    :param prefix: the argv of an emulator that stands before a program's own.
    :param environment: what every program needs in its environment, such as the emulator's settings.
    :param within: the addresses whose mappings are the program's; None when all are.
    :param on_close: removes what the machine stands on.
    :param memory: the bytes that it was given, where its kernel leaves programs less.
    """

    def __init__(
        self,
        agent: AgentClient,
        facts: MachineFacts,
        on_close: Callable[[], None],
        *,
        prefix: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        within: AddressRange | None = None,
        memory: int | None = None,
    ) -> None:
        self._agent = agent
        self._facts = facts
        self._memory = memory or facts.memory
        self._on_close = on_close
        self._prefix = tuple(prefix)
        self._environment = dict(environment or {})
        self._within = within
        self._affliction: Affliction | None = None

    def afflict(self, adversity: Adversity, goarch: str) -> None:
        """Let something be wrong for every program from now on.

        :param goarch: of the kernel beneath.
        """
        from emulab.machines.adversity import Affliction

        self._memory = adversity.memory_limit or self._memory
        calls = adversity.filter(goarch)
        self._affliction = Affliction(adversity, calls, self._run_unafflicted)

    @property
    def facts(self) -> MachineFacts:
        """Return what the machine is."""
        return self._facts

    @property
    def agent(self) -> AgentClient:
        """Return the agent that answers for the machine."""
        return self._agent

    def push(self, content: Path | bytes, path: str, *, permissions: int = 0o755) -> None:
        """Copy a file onto the machine."""
        self._agent.put(content, path, mode=permissions)

    def pull(self, path: str) -> bytes:
        """Copy a file from the machine."""
        return self._agent.get(path)

    def run(self, command: Command, on_output: Callable[[str, bytes], None] | None = None) -> Completed:
        """Run a program to its end."""
        result = self._agent.run(
            self._program(command), stdin=command.stdin, timeout_s=command.timeout_s, on_output=on_output
        )
        return completed(result, self._memory, result.stdout, result.stderr, timed_out=result.timed_out)

    def start(self, command: Command) -> RunningProgram:
        """Start a program and return at once: for whoever feeds it, signals it and reads it as it goes.

        :raises UsageError: the program can not be executed on this machine.
        """
        return self._agent.start(self._program(command), timeout_s=command.timeout_s)

    def completed(self, result: RunResult) -> Completed:
        """Return how a program ended that :meth:`start` began."""
        return completed(result, self._memory, result.stdout, result.stderr, timed_out=result.timed_out)

    def spawn(self, command: Command, ready: str, *, timeout_s: float) -> AgentService:
        """Start a program and wait until it is ready."""
        try:
            result = self._agent.spawn(self._program(command), Ready(ready, timeout_s=timeout_s))
        except RequestError as error:
            if error.refusal.code != "bad-request":
                raise
            raise UsageError(f"{ready!r} is no readiness check: {error.refusal.message}") from error
        if result.running:
            return AgentService(self._agent, self._memory, result.pid, result.startup_s, self._within)
        said = result.end.output.decode(errors="replace") if result.end is not None else ""
        name = command.argv[0]
        if result.outcome == "died" and result.end is not None:
            ending = completed(result.end, self._memory).ending()
            raise WorkloadError(f"{name} {ending} before it was ready at {ready}", detail=said)
        raise WorkloadError(
            f"{name} was not ready at {ready} within {timeout_s:g} s",
            hint="give it longer with --timeout, or name another readiness check with --ready",
            detail=said,
        )

    def interact(self, command: Command) -> int:
        """Run a program on a terminal of its own, joined to this process's, and return its status."""
        return join_terminal(self._agent, self._program(command))

    def close(self) -> None:
        """Remove the machine and everything that runs on it."""
        self._on_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run_unafflicted(self, command: Command) -> Completed:
        return self.completed(self._agent.run(self._plain_program(command), timeout_s=command.timeout_s))

    def _program(self, command: Command) -> Program:
        if self._affliction is None:
            return self._plain_program(command)
        self._affliction.begin()
        environment = {**command.environment, **(self._affliction.environment if self._prefix else {})}
        argv = self._affliction.argv(command.argv)
        program = self._plain_program(replace(command, argv=argv, environment=environment))
        return structs.replace(program, filter=self._affliction.filter)

    def _plain_program(self, command: Command) -> Program:
        argv = command.argv
        if self._prefix:
            argv = emulated_argv(self._agent, command, EMULATED[self._facts.arch], self._prefix)
        environment = {**command.environment, **self._environment}
        settings = [f"{name}={value}" for name, value in environment.items()]
        commands.debug(shlex.join(["env", *settings, *argv]))
        return Program(
            argv=argv,
            environment=environment,
            cwd=command.directory,
            limits=command.limits,
        )


class AgentService:
    """A spawned program that was ready."""

    def __init__(
        self,
        agent: AgentClient,
        memory: int,
        pid: int,
        startup_s: float,
        within: AddressRange | None,
    ) -> None:
        self._agent = agent
        self._memory = memory
        self._pid = pid
        self._startup_s = startup_s
        self._within = within

    @property
    def pid(self) -> int:
        """Return the program's process id on the machine."""
        return self._pid

    @property
    def startup_s(self) -> float:
        """Return the time from exec to the first successful answer, on the machine's own clock."""
        return self._startup_s

    def memory(self) -> MemoryReading:
        """Return the program's memory now, cross-checked."""
        return _reading(self._agent.memory(self._pid, within=self._within))

    def load(self, load: Load) -> LoadResult:
        """Send the load from the machine itself and wait for its end."""
        request = LoadRequest(
            url=load.url,
            requests=load.requests,
            concurrency=load.concurrency,
            keepalive=load.keepalive,
            timeout_s=load.timeout_s,
            sample=MemorySampling(self._pid, within=self._within),
        )
        facts = self._agent.load(request)
        return LoadResult(
            elapsed_s=facts.elapsed_ns * NANOSECOND,
            completed=facts.completed,
            failed=facts.failures + facts.non_2xx,
            latencies_s=tuple(each * NANOSECOND for each in facts.latencies_ns),
            memory=tuple(
                Memory(each.vss if self._within is None else None, each.rss, each.pss)
                for each in facts.samples
            ),
        )

    def stop(self) -> Completed:
        """End the program: politely, then by force."""
        result = self._agent.stop(self._pid)
        return completed(result, self._memory, result.output)


def machine_facts(agent: AgentClient, details: Mapping[str, Any], **known: Any) -> MachineFacts:
    """Return a machine's facts: those that its agent sees, and those that are known of it."""
    hello = agent.hello
    seen = {"kernel": hello.kernel, "page_size": hello.page_size, "cpus": hello.cpus, "memory": hello.memory}
    return MachineFacts(**{**seen, **known}, details=details)


def _reading(facts: MemoryFacts) -> MemoryReading:
    if facts.within is not None:
        # Of an emulated process the kernel's totals count the emulator too; only the sum can tell. What the
        # guest has reserved can not be told from what the emulator reserved for it, so it has no VSS.
        return MemoryReading(None, facts.within.rss, facts.within.pss)
    sentences = tuple(
        f"{each.quantity} is {each.left_value} B by {each.left}, but {each.right_value} B by {each.right} "
        f"({'; '.join(map(str, each.mappings)) or 'no mapping stands out'})"
        for each in facts.differences
    )
    return MemoryReading(facts.status.vss, facts.status.rss, facts.rollup.pss, sentences)


def completed(
    end: End, memory: int, stdout: bytes = b"", stderr: bytes = b"", *, timed_out: bool = False
) -> Completed:
    """Return how a program ended, in the terms of the protocol of machines.

    :param memory: of its machine, in bytes.
    """
    return Completed(
        status=end.exit,
        signal=_signal_number(end.signal),
        timed_out=timed_out,
        stdout=stdout,
        stderr=stderr,
        usage=Usage(
            wall_s=end.wall_ns * NANOSECOND,
            user_s=end.user_ns * NANOSECOND,
            system_s=end.system_ns * NANOSECOND,
            max_rss=end.max_rss,
            minor_faults=end.minor_faults,
            major_faults=end.major_faults,
            voluntary_switches=end.voluntary_switches,
            involuntary_switches=end.involuntary_switches,
        ),
        out_of=memory if end.out_of_memory else None,
    )


def _signal_number(name: str | None) -> int | None:
    if name is None:
        return None
    named = signal.Signals.__members__.get(name)
    return int(named) if named is not None else int(name.removeprefix("SIG"))
