"""One process on a machine, as this process's own would be: its input, its output, its signals, its end."""

from __future__ import annotations

import contextlib
import os
import posixpath
import queue
import signal
import sys
import threading
from typing import TYPE_CHECKING

from emulab.errors import MachineError
from emulab.machines.agent_errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from emulab.machines.agent_client import AgentClient
    from emulab.machines.agent_machine import AgentMachine
    from emulab.machines.agent_stream import RunningProgram
    from emulab.machines.protocol import Command, Completed
    from emulab.testing.flags import Errand

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)
_PIECE = 1 << 16


def run_joined(machine: AgentMachine, command: Command, on_output: Callable[[str, bytes], None]) -> Completed:
    """Run a program with this process's standard input, passing on the signals that come meanwhile.

    :raises UsageError: the program can not be executed on this machine.
    :raises MachineError: the machine failed.
    """
    running = machine.start(command)
    with _signals_passed_on(running):
        if sys.stdin is None or sys.stdin.isatty():
            running.end_input()
        else:
            threading.Thread(target=_feed, args=(running,), name="input", daemon=True).start()
        for channel, piece in running.output():
            on_output(channel, piece)
    return machine.completed(running.result())


def run_within(
    machine: AgentMachine,
    command: Command,
    limit_s: float,
    on_output: Callable[[str, bytes], None],
    *,
    grace_s: float = 10.0,
) -> Completed:
    """Run a program that, when its time is over, is first asked for the stacks of its goroutines (SIGQUIT).

    :param limit_s: seconds until that.
    :param grace_s: how much longer it may take to print them until it is killed.
    :raises UsageError: the program can not be executed on this machine.
    :raises MachineError: the machine failed.
    """
    from dataclasses import replace

    running = machine.start(replace(command, timeout_s=limit_s + grace_s))
    asked = threading.Event()

    def ask() -> None:
        asked.set()
        with contextlib.suppress(MachineError):
            running.signal(signal.SIGQUIT)

    timer = threading.Timer(limit_s, ask)
    timer.daemon = True
    timer.start()
    try:
        running.end_input()
        for channel, piece in running.output():
            on_output(channel, piece)
    finally:
        timer.cancel()
    ended = machine.completed(running.result())
    return replace(ended, timed_out=True) if asked.is_set() else ended


def send_inputs(agent: AgentClient, errands: Sequence[Errand]) -> None:
    """Make the directories that a program writes to, with what it finds there."""
    for errand in errands:
        if not errand.is_directory:
            agent.mkdir(posixpath.dirname(errand.guest) or ".")
            continue
        agent.mkdir(errand.guest)
        if errand.is_input and errand.host.is_dir():
            for path in sorted(each for each in errand.host.rglob("*") if each.is_file()):
                agent.put(path, f"{errand.guest}/{path.relative_to(errand.host)}")


def fetch_outputs(agent: AgentClient, errands: Sequence[Errand], directory: str) -> None:
    """Bring what a program wrote to its places on this host.

    :param directory: where the program ran, on the machine.
    """
    for errand in errands:
        _fetch(agent, posixpath.join(directory, errand.guest), errand.host)


def fetch_new_inputs(agent: AgentClient, guest: str, host: Path) -> None:
    """Bring the inputs that fuzzing found to fail (``testdata/fuzz``) to where the go command has them.

    :param guest, host: the package's directory on the machine and here.
    """
    _fetch(agent, f"{guest}/testdata/fuzz", host / "testdata" / "fuzz", only_new=True)


def _fetch(agent: AgentClient, guest: str, host: Path, *, only_new: bool = False) -> None:
    facts = agent.stat(guest)
    if facts.kind == "directory":
        for name in agent.list(guest):
            _fetch(agent, f"{guest}/{name}", host / name, only_new=only_new)
    elif facts.kind == "file" and not (only_new and host.exists()):
        host.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(RequestError):
            host.write_bytes(agent.get(guest))


def _feed(running: RunningProgram) -> None:
    with contextlib.suppress(MachineError, OSError):
        while (piece := os.read(0, _PIECE)) and running.write(piece):
            pass
        running.end_input()


@contextlib.contextmanager
def _signals_passed_on(running: RunningProgram) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # A handler may interrupt whoever holds the session's lock, so it must not take it.
    numbers: queue.SimpleQueue[int | None] = queue.SimpleQueue()

    def pass_on() -> None:
        while (number := numbers.get()) is not None:
            with contextlib.suppress(MachineError):
                running.signal(number)

    before = {number: signal.signal(number, lambda n, _frame: numbers.put(n)) for number in _PASSED_ON}
    threading.Thread(target=pass_on, name="signals", daemon=True).start()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        numbers.put(None)
