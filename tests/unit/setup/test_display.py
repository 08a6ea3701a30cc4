from __future__ import annotations

import io
import os
import pty
import subprocess
import sys

import pytest

from emulab.cli.display import PlainProgress, confirmed, progress_shown

_WORK = """
import sys
import time
from emulab.cli.display import progress_shown
with progress_shown() as progress:
    with progress.step("building") as step:
        step.update("unpacking", done=1, total=2)
        time.sleep(float(sys.argv[1]))
    progress.note("a note [with brackets]")
"""


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_plain_progress_says_begin_and_end_and_little_between() -> None:
    clock, stream = Clock(), io.StringIO()
    progress = PlainProgress(stream, clock=clock)
    with progress.step("building") as step:
        for second in range(12):
            clock.now = float(second)
            step.update(f"file {second}", done=second, total=12)
        clock.now = 12.5
    assert stream.getvalue().splitlines() == [
        "emulab: building ...",
        "emulab: building: file 5 (42%) [5 s]",
        "emulab: building: file 10 (83%) [10 s]",
        "emulab: building: done in 12.5 s",
    ]


def test_plain_progress_does_not_repeat_itself() -> None:
    clock, stream = Clock(), io.StringIO()
    with PlainProgress(stream, clock=clock).step("waiting") as step:
        for second in range(0, 30, 6):
            clock.now = float(second)
            step.update("still waiting")
    assert stream.getvalue().count("still waiting") == 1


def test_plain_progress_tells_a_failed_step_from_a_finished_one() -> None:
    stream = io.StringIO()
    with pytest.raises(ValueError), PlainProgress(stream, clock=Clock()).step("building"):
        raise ValueError
    assert "building: failed in" in stream.getvalue()


def _on_terminal(environment: dict[str, str], work: str = _WORK, *, seconds: float = 0.0) -> str:
    """Run some work with a real terminal as stderr and return what it got."""
    ours, theirs = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    with subprocess.Popen(
        [sys.executable, "-c", work, str(seconds)],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=clean | {"TERM": "xterm", "COLUMNS": "80"} | environment,
    ) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:
                break
            if not piece:
                break
            seen += piece
        assert process.stdout is not None
        assert process.stdout.read() == b""
    os.close(ours)
    assert process.returncode == 0
    return seen.decode()


def test_terminal_gets_an_animation_and_one_line_that_stays() -> None:
    seen = _on_terminal({}, seconds=1.1)
    assert "\x1b[" in seen
    assert "✓ building (1." in seen
    assert "a note [with brackets]" in seen


def test_terminal_with_no_color_gets_plain_lines() -> None:
    seen = _on_terminal({"NO_COLOR": "1"})
    assert "\x1b" not in seen
    assert "emulab: building: done in 0." in seen


def test_pipe_gets_plain_lines_and_stdout_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", _WORK, "0"], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert "\x1b" not in done.stderr
    assert done.stderr.startswith("emulab: building ...\n")


def test_terminal_gets_plain_lines_between_the_command_lines_of_verbose() -> None:
    verbose = "import logging\nlogging.getLogger('emulab.commands').setLevel(logging.DEBUG)\n"
    seen = _on_terminal({}, verbose + _WORK)
    assert "\x1b" not in seen
    assert "emulab: building ..." in seen


def test_quiet_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_shown(quiet=True) as progress, progress.step("building"):
        progress.note("unseen")
    assert capsys.readouterr().err == ""


def test_without_a_terminal_only_yes_agrees() -> None:
    assert confirmed("?", yes=True)
    assert not confirmed("?", yes=False)
