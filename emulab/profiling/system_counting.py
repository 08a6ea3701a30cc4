"""Counting a whole machine in system mode: the kernel and every program, from its restoring on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from emulab.errors import EmulabError, MachineError, UsageError
from emulab.machines.agent_documents import Program
from emulab.machines.agent_errors import RequestError
from emulab.machines.snapshots import Instrument, ensure_snapshot, restore
from emulab.machines.system import machine_of
from emulab.profiling.profile import Profile, read

if TYPE_CHECKING:
    from emulab.machines.agent_machine import AgentMachine
    from emulab.machines.guest import Guest
    from emulab.machines.opening import Opener
    from emulab.machines.target import Target
    from emulab.profiling.gate import Gate
    from emulab.profiling.memory_model import MemoryModel
    from emulab.progress import Progress

_PLUGIN = "/run/emulab-count.so"
PROFILE = "/run/emulab.profile"
_CONTROL = "/run/emulab.control"
_ENDING_S = 30.0
_MARK_S = 10.0


def instrument_of(
    opener: Opener,
    target: Target,
    gate: Gate | None = None,
    model: MemoryModel | None = None,
    *further: str,
) -> Instrument:
    """Return what counts a whole machine; it writes its profile to ``PROFILE`` in the emulator's container.

    :param further: further arguments of the plugin.
    """
    words = [f"file={_PLUGIN}", f"out={PROFILE}", *further]
    # The 64-bit ARM emulator has the 32-bit processors as well.
    words.append(f"isa={target.architecture.qemu}")
    words += [word for part in (gate, model) if part is not None for word in part.arguments()]
    plugin = ",".join(word.replace(",", ",,") for word in words)
    return Instrument({_PLUGIN: opener.plugin()}, ("-plugin", plugin))


class CountedGuest:
    """A whole machine that is counted. Close it, or use it as a context manager.

    :param target: a machine in system mode, without a network; its images must have been prepared.
    :param gate: what is counted; None for all of it. Marks and gates at addresses of programs need their code
        (:attr:`.Gate.code`), since every program has something there.
    :param model: the caches and predictors to model (the heavy mode); None for counts alone.
    :raises UsageError: the target is no such machine.
    :raises MachineError: it could not be started.
    """

    def __init__(
        self,
        opener: Opener,
        target: Target,
        progress: Progress,
        gate: Gate | None = None,
        model: MemoryModel | None = None,
    ) -> None:
        if target.mode != "system" or target.network:
            raise UsageError("a whole machine is counted in system mode, without a network")
        hardware, system, details = opener.system_of(target)
        tools = opener.tools_of(target)
        instrument = instrument_of(opener, target, gate, model, f"control={_CONTROL}")
        facts = ensure_snapshot(opener.engine, system, hardware, tools, progress)
        self._running = restore(opener.engine, system, hardware, tools, facts, instrument)
        self._machine = machine_of(target, self._running, details)

    @property
    def machine(self) -> AgentMachine:
        """Return the machine, to run programs on."""
        return self._machine

    def mark(self, name: str) -> None:
        """End the window, and begin one of this name.

        :raises MachineError: the emulator does not listen.
        """
        words = ("/bin/sh", "-c", 'echo "$1" >"$2"', "mark", name, _CONTROL)
        done = self._running.hosting.agent.run(Program(words), timeout_s=_MARK_S)
        if done.exit != 0:
            raise MachineError(
                f"the mark {name!r} could not be set", detail=done.stderr.decode(errors="replace")
            )

    def finish(self) -> Profile:
        """End the machine and return what it executed.

        :raises MachineError: no profile came of it.
        """
        guest = self._running.guest
        # Its end would be taken for a loss, whose diagnosis lets go of the emulator's process.
        self._running.agent.close()
        try:
            guest.monitor.execute("quit")
            deadline = time.monotonic() + _ENDING_S
            while _is_running(guest):
                if time.monotonic() > deadline:
                    raise MachineError("the counted machine did not end")
                time.sleep(0.02)
            return read(self._running.hosting.agent.get(PROFILE), "of the machine")
        except EmulabError as error:
            raise MachineError(
                f"no profile came of the machine: {error.message}", detail=guest.last_words()
            ) from error

    def close(self) -> None:
        """Remove the machine."""
        self._machine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _is_running(guest: Guest) -> bool:
    try:
        return guest.is_running()
    except RequestError:
        # The lost connection to the guest's agent was looked into, and with that the emulator buried.
        return False
