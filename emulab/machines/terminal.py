"""Joining a program on a machine to the terminal that this process was called from."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulab.machines.agent_client import AgentClient
    from emulab.machines.agent_documents import Program
    from emulab.machines.agent_stream import RunningProgram

_SIGNALLED = 128


def join_terminal(agent: AgentClient, program: Program) -> int:
    """Run a program on a terminal of its own and return its exit status (128 + N after signal N).

    What is typed here goes there until the program ends. Where this process has no terminal, its
    standard input is passed on to the end.
    """
    size = shutil.get_terminal_size()
    running = agent.start(program, terminal=(size.lines, size.columns))
    with _raw(sys.stdin.fileno()), _resized(running):
        threading.Thread(target=_type, args=(running,), name="typing", daemon=True).start()
        for _, piece in running.output():
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
    end = running.result()
    if end.exit is not None:
        return end.exit
    return _SIGNALLED + signal.Signals[end.signal or "SIGKILL"]


def _type(running: RunningProgram) -> None:
    with contextlib.suppress(Exception):
        while piece := os.read(sys.stdin.fileno(), 4096):
            if not running.write(piece):
                return
        # A terminal's end of input is a character, not a closed pipe.
        running.write(b"\x04")


@contextlib.contextmanager
def _raw(descriptor: int) -> Iterator[None]:
    if not os.isatty(descriptor):
        yield
        return
    import termios
    import tty

    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _resized(running: RunningProgram) -> Iterator[None]:
    def tell(*_: object) -> None:
        size = shutil.get_terminal_size()
        running.resize(size.lines, size.columns)

    before = signal.signal(signal.SIGWINCH, tell)
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)
