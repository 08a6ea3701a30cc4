"""Starting a real Docker daemon of the test's own, beside the machine's.

It runs in a network namespace of its own: two daemons in one would take each other's bridge away.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulab.engine.daemon import Daemon
from emulab.engine.host import Host

if TYPE_CHECKING:
    from collections.abc import Iterator

_STARTER = """
import sys
from pathlib import Path
from emulab.cli.main import report_error
from emulab.engine.daemon import Daemon, start
from emulab.engine.host import Host
from emulab.errors import EngineError
from emulab.progress import Silent
timeout, log, socket, pid_file, *arguments = sys.argv[1:]
daemon = Daemon(Path(log), Path(socket), Path(pid_file), tuple(arguments))
try:
    start(daemon, Host.current(), Silent(), timeout_s=float(timeout))
except EngineError as error:
    report_error(error)
    sys.exit(error.exit_status)
"""


@dataclass(frozen=True)
class Started:
    """How an attempt to start the daemon ended."""

    status: int
    stderr: str
    seconds: float


def _start(daemon: Daemon, *, timeout_s: float = 30.0) -> Started:
    """Start the daemon from another process, and read both of its pipes to their end.

    Where the daemon has inherited one of them, that end never comes and this fails.
    """
    began = time.monotonic()
    words = [str(timeout_s), str(daemon.log), str(daemon.socket), str(daemon.pid_file), *daemon.arguments]
    done = subprocess.run(
        ["unshare", "--net", sys.executable, "-c", _STARTER, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Started(done.returncode, done.stderr, time.monotonic() - began)


def _can_have_namespaces() -> bool:
    return (
        os.geteuid() == 0
        and Host.current().program("dockerd") is not None
        and subprocess.run(["unshare", "--net", "true"], check=False).returncode == 0
    )


pytestmark = pytest.mark.skipif(
    not _can_have_namespaces(), reason="needs root, dockerd and network namespaces"
)


@pytest.fixture
def private_daemon() -> Iterator[Daemon]:
    """A daemon that shares nothing with the machine's own, not yet started."""
    # Not pytest's own directory: a socket's path has at most 107 bytes.
    root = Path(tempfile.mkdtemp(prefix="emulab-daemon-"))
    daemon = Daemon(
        log=root / "dockerd.log",
        socket=root / "docker.sock",
        pid_file=root / "docker.pid",
        arguments=(f"--data-root={root}/data", f"--exec-root={root}/exec", "--iptables=false"),
    )
    yield daemon
    pid = daemon.running_pid()
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 20
        while daemon.running_pid() is not None and time.monotonic() < deadline:
            time.sleep(0.1)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(root, ignore_errors=True)


def test_started_daemon_outlives_its_starter_and_leaves_its_pipes(private_daemon: Daemon) -> None:
    started = _start(private_daemon)
    assert started.status == 0, started.stderr
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
    assert _start(private_daemon).status == 0
    assert private_daemon.running_pid() == pid


def test_daemon_starts_despite_a_pid_file_that_names_another_program(private_daemon: Daemon) -> None:
    private_daemon.pid_file.write_text(f"{os.getpid()}\n")
    assert private_daemon.running_pid() is None
    assert _start(private_daemon).status == 0
    assert private_daemon.answers()
    assert private_daemon.running_pid() not in (None, os.getpid())


def test_daemon_that_ends_at_once_is_reported_with_its_log(private_daemon: Daemon) -> None:
    started = _start(replace(private_daemon, arguments=("--no-such-option-of-dockerd",)))
    assert started.status == 3
    assert "ended at once" in started.stderr
    assert "unknown flag: --no-such-option-of-dockerd" in started.stderr
    assert started.seconds < 10


def test_daemon_that_runs_but_does_not_answer_is_said_and_not_started_twice(private_daemon: Daemon) -> None:
    assert _start(private_daemon).status == 0
    pid = private_daemon.running_pid()
    # It listens elsewhere than where it is waited for.
    deaf = replace(private_daemon, socket=private_daemon.socket.with_name("other.sock"))
    started = _start(deaf, timeout_s=1.0)
    assert started.status == 3
    assert f"(process {pid}) but does not answer" in started.stderr
    assert private_daemon.running_pid() == pid
