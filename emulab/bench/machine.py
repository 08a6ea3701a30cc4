"""An emulated machine that counts what test binaries execute."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from emulab.bench.execution import execution_of
from emulab.errors import MachineError, WorkloadError
from emulab.machines.qemu_command import GIBIBYTE, user_environment
from emulab.profiling.counting import Counter
from emulab.profiling.functions import find_functions
from emulab.profiling.gate import benchmark_gate

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from emulab.bench.processes import TestProgram
    from emulab.machines.agent_machine import AgentMachine
    from emulab.machines.opening import Opener
    from emulab.machines.protocol import Command, Completed
    from emulab.machines.target import Target
    from emulab.profiling.gate import Gate
    from emulab.profiling.memory_model import MemoryModel

_ENVIRONMENT = {"GOMAXPROCS": "1", "QEMU_RAND_SEED": "1"}
# What makes a Go process do the same each time: one processor, and one seed for QEMU's random numbers, from
# which those of the Go runtime follow (by AT_RANDOM).
_GODEBUG = "asyncpreemptoff=1"
# Go's monitor interrupts a goroutine after 10 ms of this host's time, which is another number of instructions
# each time.
_STOPPED = "gcstoptheworld=1"
# How much of a collection overlaps with the program, and what that costs it, is decided by this host's clock.
_MEMORY = 4 * GIBIBYTE
_OVERDUE = "killed at its time limit"
_MONITOR = "runtime.sysmon"


def process_environment(target: Target, *, concurrent: bool = False) -> dict[str, str]:
    """Return what every process of a test binary finds in its environment.

    :param concurrent: whether garbage is collected while the program goes on.
    """
    environment = {**target.environment, **_ENVIRONMENT}
    switches = [environment["GODEBUG"]] if environment.get("GODEBUG") else []
    switches += [_GODEBUG] if concurrent else [_GODEBUG, _STOPPED]
    return {**environment, "GODEBUG": ",".join(switches)}


def identity(opener: Opener, target: Target, model: MemoryModel | None = None) -> list[Any]:
    """Return everything about a target's machine that determines what is counted."""
    settings = user_environment(target.architecture, target.cpu_model)
    modelled = None if model is None else model.arguments()
    return [target.architecture.name, target.mode, settings, opener.image_ids(target), modelled]


class UserMachine:
    """A user-mode machine, open until it is closed. Safe to use from several threads."""

    def __init__(self, opener: Opener, target: Target, model: MemoryModel | None = None) -> None:
        """Open it: with all of this host's processors, since benchmarks run side by side.

        :param model: the caches and predictors to model; None for counts alone.
        :raises InfrastructureError: it could not be opened.
        """
        roomy = replace(target, cpus=os.cpu_count() or 1, memory=max(target.memory, _MEMORY))
        self._machine: AgentMachine = opener.open(roomy)
        self._counter = Counter(self._machine)
        self._model = model
        self._gates: dict[str, tuple[Gate, int | None]] = {}

    def install(self, program: TestProgram) -> None:
        """Put a test binary and its data in their places."""
        self._machine.push(program.artifact.path, program.path)
        for path, place in program.data:
            self._machine.push(path, place, permissions=0o644)
        monitor = find_functions(program.artifact.path, [_MONITOR]).functions.get(_MONITOR)
        gate = benchmark_gate(program.artifact.path)
        self._gates[program.path] = gate, monitor.address if monitor is not None else None

    def count(self, program: TestProgram, command: Command, profile: Path | None) -> Completed:
        """Run a command to its end; with a path, count what it executes and write that there."""
        if profile is None:
            return self._machine.run(command)
        gate, monitor = self._gates[program.path]
        try:
            counted = self._counter.run(command, gate, self._model)
        except MachineError as error:
            if _OVERDUE not in error.message:
                raise
            raise WorkloadError(
                f"it took longer than {command.timeout_s:g} s", hint="give it longer with --timeout"
            ) from error
        execution_of(counted.profile, monitor, heavy=self._model is not None).save(profile)
        return counted.completed

    def close(self) -> None:
        """Remove the machine."""
        self._machine.close()
