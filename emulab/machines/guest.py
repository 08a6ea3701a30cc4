"""One QEMU system emulator in a container: started, watched, asked, ended."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Self

from emulab.errors import EmulabError, MachineError
from emulab.machines.monitor import Monitor
from emulab.machines.qemu_command import AGENT_SOCKET, CONSOLE_LOG, MONITOR_SOCKET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulab.machines.agent_client import AgentClient

_CONSOLE_LINES = 25
_DIAL_TIMEOUT_S = 10.0


class Guest:
    """A running emulator.

    :param host: the client of the agent in the container, beside the emulator.
    """

    def __init__(self, host: AgentClient, command: Sequence[str]) -> None:
        """Start QEMU and connect to its monitor.

        :raises MachineError: it ended at once, with its own words.
        """
        self._host = host
        self.started = time.monotonic()
        self._pid = host.spawn(command, environment={"PATH": "/usr/bin:/bin"}, directory="/run").pid
        try:
            self._relay = host.dial(MONITOR_SOCKET, timeout_s=_DIAL_TIMEOUT_S)
            self.monitor = Monitor(self._relay.as_socket())
        except MachineError as error:
            raise self.diagnosed(error) from error

    def connect_agent(self) -> AgentClient:
        """Connect to the guest's agent; it may not be there yet, its first answer waits for it.

        :raises MachineError: the emulator is gone.
        """
        from emulab.machines.agent_client import AgentClient

        return AgentClient(self._host.dial(AGENT_SOCKET, timeout_s=_DIAL_TIMEOUT_S), name="the guest's agent")

    def diagnosed(self, error: EmulabError) -> MachineError:
        """Return an error that adds what the emulator said and the console's last lines."""
        words = []
        with contextlib.suppress(EmulabError):
            end = self._host.stop(self._pid, grace_s=0.0)
            said = end.output.decode(errors="replace").strip()
            words.append(f"QEMU: {said}" if said else "QEMU said nothing")
        console = self.console()
        words.append("the guest's console:" if console else "the guest's console is empty")
        words += console[-_CONSOLE_LINES:]
        return MachineError(error.message, hint=error.hint, detail="\n".join(words))

    def console(self) -> list[str]:
        """Return the lines that the guest wrote to its console so far."""
        with contextlib.suppress(EmulabError):
            return self._host.get(CONSOLE_LOG).decode(errors="replace").splitlines()
        return []

    def close(self) -> None:
        """Kill the emulator."""
        with contextlib.suppress(EmulabError):
            self._host.stop(self._pid, grace_s=0.0)
        self.monitor.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
