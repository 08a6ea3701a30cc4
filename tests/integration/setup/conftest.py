"""A real Docker daemon of the tests' own, beside the machine's.

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
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulab.engine.daemon import Daemon
from emulab.engine.host import Host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


@pytest.fixture
def start_apart() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Start a daemon from another process, and read both of its pipes to their end.

    Where the daemon has inherited one of them, that end never comes and this fails.
    """

    def start(daemon: Daemon, timeout_s: float = 30.0) -> subprocess.CompletedProcess[str]:
        words = [str(timeout_s), str(daemon.log), str(daemon.socket), str(daemon.pid_file)]
        return subprocess.run(
            ["unshare", "--net", sys.executable, "-c", _STARTER, *words, *daemon.arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return start


@pytest.fixture
def private_daemon() -> Iterator[Daemon]:
    """A daemon that shares nothing with the machine's own, not yet started."""
    if not _can_have_namespaces():
        pytest.skip("needs root, dockerd and network namespaces")
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
    _remove_what_a_killed_daemon_left(root)
    shutil.rmtree(root, ignore_errors=True)


def _remove_what_a_killed_daemon_left(root: Path) -> None:
    """End the shims of its containers, and unmount their file systems and its own directory."""
    for directory in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.fsencode(root) in (directory / "cmdline").read_bytes():
                os.kill(int(directory.name), signal.SIGKILL)
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    for path in sorted((line.split()[4] for line in lines if str(root) in line.split()[4]), reverse=True):
        subprocess.run(["umount", "--lazy", path], check=False)


@pytest.fixture
def private_engine(
    private_daemon: Daemon,
    start_apart: Callable[..., subprocess.CompletedProcess[str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> str:
    """The address of a private daemon that runs, which with an empty cache is all that emulab sees."""
    started = start_apart(private_daemon)
    assert started.returncode == 0, started.stderr
    address = f"unix://{private_daemon.socket}"
    monkeypatch.setenv("DOCKER_HOST", address)
    monkeypatch.setenv("EMULAB_CACHE_DIR", str(tmp_path / "cache"))
    return address


def _can_have_namespaces() -> bool:
    return (
        os.geteuid() == 0
        and Host.current().program("dockerd") is not None
        and subprocess.run(["unshare", "--net", "true"], check=False).returncode == 0
    )
