"""Starting a real Docker daemon of the test's own, beside the machine's."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from emulab.engine.daemon import Daemon

    Starter = Callable[..., subprocess.CompletedProcess[str]]


def test_started_daemon_outlives_its_starter_and_leaves_its_pipes(
    private_daemon: Daemon, start_apart: Starter
) -> None:
    started = start_apart(private_daemon)
    assert started.returncode == 0, started.stderr
    assert private_daemon.answers()
    pid = private_daemon.running_pid()
    assert pid is not None
    # Another session and group than ours: neither a hang-up nor Ctrl-C of this terminal reaches it.
    assert os.getsid(pid) == pid
    assert os.getpgid(pid) == pid
    for descriptor in (0, 1, 2):
        target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
        assert target in ("/dev/null", str(private_daemon.log))
    # A second start of a daemon that runs changes nothing.
    assert start_apart(private_daemon).returncode == 0
    assert private_daemon.running_pid() == pid


def test_daemon_starts_despite_a_pid_file_that_names_another_program(
    private_daemon: Daemon, start_apart: Starter
) -> None:
    private_daemon.pid_file.write_text(f"{os.getpid()}\n")
    assert private_daemon.running_pid() is None
    assert start_apart(private_daemon).returncode == 0
    assert private_daemon.answers()
    assert private_daemon.running_pid() not in (None, os.getpid())


def test_daemon_that_ends_at_once_is_reported_with_its_log(
    private_daemon: Daemon, start_apart: Starter
) -> None:
    began = time.monotonic()
    started = start_apart(replace(private_daemon, arguments=("--no-such-option-of-dockerd",)))
    assert started.returncode == 3
    assert "ended at once" in started.stderr
    assert "unknown flag: --no-such-option-of-dockerd" in started.stderr
    assert time.monotonic() - began < 10


def test_daemon_that_runs_but_does_not_answer_is_said_and_not_started_twice(
    private_daemon: Daemon, start_apart: Starter
) -> None:
    assert start_apart(private_daemon).returncode == 0
    pid = private_daemon.running_pid()
    # It listens elsewhere than where it is waited for.
    deaf = replace(private_daemon, socket=private_daemon.socket.with_name("other.sock"))
    started = start_apart(deaf, timeout_s=1.0)
    assert started.returncode == 3
    assert f"(process {pid}) but does not answer" in started.stderr
    assert private_daemon.running_pid() == pid
