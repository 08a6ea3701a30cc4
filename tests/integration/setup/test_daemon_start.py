"""Starting a real Docker daemon of the test's own, beside the machine's."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulab.engine.daemon import Daemon, start
from emulab.engine.host import Host
from emulab.errors import EngineError
from emulab.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or Host.current().program("dockerd") is None, reason="needs root and dockerd"
)

_STARTER = """
import sys
from pathlib import Path
from emulab.engine.daemon import Daemon, start
from emulab.engine.host import Host
from emulab.progress import Silent
log, socket, pid_file, *arguments = sys.argv[1:]
start(Daemon(Path(log), Path(socket), Path(pid_file), tuple(arguments)), Host.current(), Silent())
"""


@pytest.fixture
def private_daemon() -> Iterator[Daemon]:
    """A daemon that shares nothing with the machine's own, not yet started."""
    # Not pytest's own directory: a socket's path has at most 107 bytes.
    root = Path(tempfile.mkdtemp(prefix="emulab-daemon-"))
    daemon = Daemon(
        log=root / "dockerd.log",
        socket=root / "docker.sock",
        pid_file=root / "docker.pid",
        arguments=(
            f"--data-root={root}/data",
            f"--exec-root={root}/exec",
            "--bridge=none",
            "--iptables=false",
        ),
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


def _arguments(daemon: Daemon) -> list[str]:
    return [str(daemon.log), str(daemon.socket), str(daemon.pid_file), *daemon.arguments]


def test_started_daemon_outlives_its_starter_and_leaves_its_pipes(private_daemon: Daemon) -> None:
    began = time.monotonic()
    # Reading to the end of both pipes hangs until the timeout when the daemon has inherited one.
    starter = subprocess.run(
        [sys.executable, "-c", _STARTER, *_arguments(private_daemon)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert starter.returncode == 0, starter.stderr
    assert time.monotonic() - began < 45
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
    start(private_daemon, Host.current(), Silent())
    assert private_daemon.running_pid() == pid


def test_daemon_starts_despite_a_pid_file_that_names_another_program(private_daemon: Daemon) -> None:
    private_daemon.pid_file.write_text(f"{os.getpid()}\n")
    assert private_daemon.running_pid() is None
    start(private_daemon, Host.current(), Silent())
    assert private_daemon.answers()
    assert private_daemon.running_pid() not in (None, os.getpid())


def test_daemon_that_ends_at_once_is_reported_with_its_log(private_daemon: Daemon) -> None:
    broken = replace(private_daemon, arguments=("--no-such-option-of-dockerd",))
    began = time.monotonic()
    with pytest.raises(EngineError, match="ended at once") as caught:
        start(broken, Host.current(), Silent())
    assert "no-such-option-of-dockerd" in caught.value.detail
    assert time.monotonic() - began < 10


def test_daemon_that_runs_but_does_not_answer_is_said_and_not_started_twice(private_daemon: Daemon) -> None:
    start(private_daemon, Host.current(), Silent())
    pid = private_daemon.running_pid()
    # It listens elsewhere than where it is waited for.
    deaf = replace(private_daemon, socket=private_daemon.socket.with_name("other.sock"))
    with pytest.raises(EngineError, match=f"process {pid}.* does not answer"):
        start(deaf, Host.current(), Silent(), timeout_s=1.0)
    assert private_daemon.running_pid() == pid
