"""One QEMU system emulator in a container: started, watched, asked, ended."""

from __future__ import annotations

import contextlib
import functools
import shlex
import time
from typing import TYPE_CHECKING, Any, Self

from emulab.engine.container import commands
from emulab.errors import EmulabError, MachineError
from emulab.machines.agent_client import AgentClient
from emulab.machines.agent_documents import Program
from emulab.machines.monitor import Monitor
from emulab.machines.qemu_command import AGENT_SOCKET, CONSOLE_LOG, MONITOR_SOCKET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulab.machines.agent_documents import OutputTail
    from emulab.machines.agent_stream import RelayStream

_CONSOLE_LINES = 25
_DIAL_TIMEOUT_S = 10.0
_ENDING_S = 0.5
_ENDING_POLL_S = 0.02


class Guest:
    """A running emulator.

    :param host: the client of the agent in the container, beside the emulator.
    """

    def __init__(self, host: AgentClient, command: Sequence[str]) -> None:
        """Start QEMU.

        :raises MachineError: it could not be started.
        """
        commands.debug(shlex.join(command))
        self._host = host
        self._obituary: list[str] = []
        self.started = time.monotonic()
        program = Program(tuple(command), environment={"PATH": "/usr/bin:/bin"}, cwd="/run")
        self._pid = host.spawn(program).pid

    @functools.cached_property
    def monitor(self) -> Monitor:
        """Return QEMU's monitor, connecting at the first use.

        :raises MachineError: the emulator is gone, with its own words.
        """
        try:
            return Monitor(self._dial(MONITOR_SOCKET).as_socket())
        except MachineError as error:
            raise self.diagnosed(error) from error

    def command_monitor(self, *commands: tuple[str, dict[str, Any]]) -> None:
        """Have QEMU's monitor execute commands in their order.

        :raises MachineError: it refused one, or is gone, with its own words.
        """
        monitor = self.monitor
        try:
            monitor.execute_all(commands)
        except MachineError as error:
            raise self.diagnosed(error) from error

    def dial_agent(self) -> RelayStream:
        """Return a stream to the port of the guest's agent, who may not be there yet.

        :raises MachineError: the emulator is gone, with its own words.
        """
        try:
            return self._dial(AGENT_SOCKET)
        except MachineError as error:
            raise self.diagnosed(error) from error

    def _dial(self, path: str) -> RelayStream:
        return self._host.dial(path, timeout_s=_DIAL_TIMEOUT_S)

    def greet(self, stream: RelayStream, timeout_s: float) -> AgentClient:
        """Return a session with the guest's agent, once it answers.

        :raises MachineError: it does not, with the console's last lines.
        """
        try:
            return AgentClient(
                stream, name="the guest", flush=True, timeout_s=timeout_s, diagnosis=self.last_words
            )
        except MachineError as error:
            raise self.diagnosed(error) from error

    def diagnosed(self, error: MachineError) -> MachineError:
        """Return an error that adds what the emulator said and the console's last lines."""
        return MachineError(error.message, hint=error.hint, detail=self.last_words())

    def last_words(self) -> str:
        """Return what the emulator said, how it ended, and the console's last lines."""
        words = self._emulators_words()
        console = self.console()
        words.append("the guest's console:" if console else "the guest's console is empty")
        words += console[-_CONSOLE_LINES:]
        return "\n".join(words)

    def _emulators_words(self) -> list[str]:
        """Return what became of the emulator; once it has ended, always the same."""
        if self._obituary:
            return list(self._obituary)
        with contextlib.suppress(EmulabError):
            tail = self._tail()
            said = [f"QEMU: {line}" for line in tail.output.decode(errors="replace").strip().splitlines()]
            if tail.alive:
                return [f"QEMU still runs, its machine is {self._status()}", *said]
            self._obituary = [self._ending(), *said]
        return list(self._obituary)

    def _status(self) -> str:
        """Return what QEMU says of its machine: ``running``, ``paused``, …."""
        with contextlib.suppress(MachineError):
            # Not through the property, whose own failure asks for this.
            if "monitor" not in vars(self):
                vars(self)["monitor"] = Monitor(self._dial(MONITOR_SOCKET).as_socket())
            return str(self.monitor.execute("query-status")["status"])
        return "out of reach"

    def _tail(self) -> OutputTail:
        """Return what the emulator said last; its sockets close a moment before it has ended."""
        deadline = time.monotonic() + _ENDING_S
        while (tail := self._host.output(self._pid)).alive and time.monotonic() < deadline:
            time.sleep(_ENDING_POLL_S)
        return tail

    def _ending(self) -> str:
        """Return how the emulator, which has ended, did so."""
        end = self._host.stop(self._pid, grace_s=0.0)
        if end.signal is not None:
            return f"QEMU was killed by {end.signal}"
        return f"QEMU has ended with status {end.exit}"

    def is_running(self) -> bool:
        """Tell whether the emulator still runs."""
        return self._host.output(self._pid).alive

    def console(self) -> list[str]:
        """Return the lines that the guest wrote to its console so far."""
        with contextlib.suppress(EmulabError):
            return self._host.get(CONSOLE_LOG).decode(errors="replace").splitlines()
        return []

    def close(self) -> None:
        """Kill the emulator."""
        with contextlib.suppress(EmulabError):
            self._host.stop(self._pid, grace_s=0.0)
        self.hang_up()

    def hang_up(self) -> None:
        """Let go of the monitor; the emulator goes on."""
        if "monitor" in vars(self):
            self.monitor.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
