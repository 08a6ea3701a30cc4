"""Running programs counted in an open user-mode machine.

A counted run costs the emulator's process and nothing else, so that many short runs of one program (one per
benchmark and number of iterations) take one machine; several threads may count on it at once.
"""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from emulab.errors import EmulabError, MachineError, UsageError
from emulab.machines.qemu_command import PLUGIN
from emulab.profiling.profile import read

if TYPE_CHECKING:
    from emulab.machines.agent_machine import AgentMachine
    from emulab.machines.protocol import Command, Completed
    from emulab.profiling.gate import Gate
    from emulab.profiling.memory_model import MemoryModel
    from emulab.profiling.profile import Profile

_PROFILES = "/run"
_numbers = itertools.count()


@dataclass(frozen=True)
class Counted:
    """A counted run: how the program ended, and what it executed."""

    completed: Completed
    profile: Profile


class Counter:
    """Runs programs counted. Safe to use from several threads.

    :param machine: an open machine in user mode; the caller closes it.
    :raises UsageError: the machine is no user-mode one.
    """

    def __init__(self, machine: AgentMachine) -> None:
        if machine.facts.mode != "user":
            raise UsageError("only a user-mode machine counts single programs", hint="use --mode user")
        self._machine = machine

    def run(self, command: Command, gate: Gate | None = None, model: MemoryModel | None = None) -> Counted:
        """Run a program to its end, counted.

        :param gate: what is counted; None for all from its first instruction to its last.
        :param model: the caches and predictors to model (the heavy mode); None for counts alone.
        :raises UsageError: the program can not be executed on this machine.
        :raises MachineError: the machine failed, or the program was killed before its profile was written.
        """
        # The name's length is always the same: it is in the program's environment, and so on its stack.
        path = f"{_PROFILES}/emulab-{next(_numbers):08d}.profile"
        words = [f"file={PLUGIN}", f"out={path}"]
        words += [word for part in (gate, model) if part is not None for word in part.arguments()]
        plugin = ",".join(word.replace(",", ",,") for word in words)
        environment = {**command.environment, "QEMU_PLUGIN": plugin}
        completed = self._machine.run(replace(command, environment=environment))
        return Counted(completed, self._fetch(path, command, completed))

    def _fetch(self, path: str, command: Command, completed: Completed) -> Profile:
        try:
            data = self._machine.pull(path)
            return read(data, f"of {command.argv[0]}")
        except EmulabError as error:
            raise MachineError(
                f"no profile came of {command.argv[0]}, which {completed.ending()}",
                hint="a program can be counted that ends by itself or by a signal, other than SIGKILL",
                detail="\n".join([error.message, completed.stderr.decode(errors="replace")[-2000:]]),
            ) from error
        finally:
            with contextlib.suppress(EmulabError):
                self._machine.agent.remove(path)
