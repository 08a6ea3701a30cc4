"""`emulab shell` on a real terminal, with somebody who types."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Terminal:
    """A terminal of this test's own, with a command that has it as its controlling one."""

    def __init__(self) -> None:
        self.typing, self.screen = pty.openpty()
        self.seen = b""
        self.resize(33, 101)
        self.modes = termios.tcgetattr(self.screen)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *words: str) -> None:
        environment = {**os.environ, "TERM": "vt100"}
        for name in ("COLUMNS", "LINES"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "emulab", *words],
            stdin=self.screen,
            stdout=self.screen,
            stderr=self.screen,
            env=environment,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.typing, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self.typing, text.encode())

    def await_text(self, text: str, timeout_s: float = 60.0) -> None:
        """Read until a text appears behind what was read before."""
        deadline = time.monotonic() + timeout_s
        while text.encode() not in self.seen:
            left = deadline - time.monotonic()
            assert left > 0, self.seen.decode(errors="replace")
            if select.select([self.typing], [], [], left)[0]:
                self.seen += os.read(self.typing, 4096)
        self.seen = self.seen.partition(text.encode())[2]

    def await_end(self) -> int:
        assert self.process is not None
        return self.process.wait(60)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.typing)
        os.close(self.screen)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.close()


@pytest.mark.parametrize("mode", ["user", "system"])
def test_a_shell_answers_knows_its_windows_size_and_passes_its_status_on(
    terminal: Terminal, mode: str
) -> None:
    terminal.start("shell", "--board", "lichee-rv", "--mode", mode)
    # Typed before there is a prompt, as people do; echoed words are not what is waited for.
    terminal.await_text("# ")
    terminal.type("echo $(uname -m)-$((6*7)); stty size\n")
    terminal.await_text("riscv64-42\r\n33 101\r\n")
    assert not termios.tcgetattr(terminal.screen)[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
    terminal.resize(40, 90)
    terminal.type("sleep 0.2; stty size\n")
    terminal.await_text("40 90\r\n")
    terminal.type("exit 7\n")
    assert terminal.await_end() == 7
    assert termios.tcgetattr(terminal.screen) == terminal.modes


def test_keys_reach_the_program_and_end_it_but_not_emulab(terminal: Terminal) -> None:
    terminal.start("shell", "--arch", "arm64", "--libc", "musl")
    terminal.await_text("# ")
    terminal.type("sleep 600; echo in$((1+1))terrupted $?\n")
    terminal.await_text("\r\n")
    time.sleep(0.5)
    terminal.type("\x03")
    terminal.await_text("# ")
    terminal.type("echo still-$((1+1))\n")
    terminal.await_text("still-2\r\n")
    terminal.await_text("# ")
    terminal.type("\x04")
    terminal.await_end()
    assert termios.tcgetattr(terminal.screen) == terminal.modes


def test_a_program_killed_by_a_signal_gives_a_shells_status(terminal: Terminal) -> None:
    terminal.start("shell", "--arch", "arm64", "--libc", "musl", "--", "/bin/sh", "-c", "kill -TERM $$")
    assert terminal.await_end() == 128 + 15
    assert termios.tcgetattr(terminal.screen) == terminal.modes


def test_without_a_terminal_the_input_is_typed_to_the_shell(emulab: Callable[..., Any]) -> None:
    said = emulab("shell", "--arch", "arm64", "--libc", "musl", stdin="echo got-$((20+3)); exit 5\n")
    assert said.status == 5
    assert "got-23" in said.stdout
