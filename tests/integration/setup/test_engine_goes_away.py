"""An engine that dies in the middle of a run: it is said, and nothing of the run stays on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulab.engine import connect
from emulab.images.builder import Builder
from emulab.machines.binfmt import entry_owner
from emulab.machines.tools import agent_program
from emulab.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulab.engine import Engine
    from emulab.engine.daemon import Daemon

INFRASTRUCTURE = 3
IMAGES = {
    "user": ["rootfs-musl-arm64", "qemu-user"],
    "system": ["disk-musl-arm64", "qemu-system", "kernel-4k-arm64"],
}
_SETTLING_S = 45.0


@pytest.fixture
def machines_engine() -> Iterator[Engine]:
    """The machine's own engine, which has the images."""
    engine = connect()
    yield engine
    engine.client.close()


@pytest.fixture
def stocked(request: pytest.FixtureRequest, machines_engine: Engine) -> str:
    """A mode, for which the private engine has the images and the private cache the agent."""
    mode: str = request.param
    images = Builder(machines_engine.client, Silent()).ensure(IMAGES[mode])
    address = request.getfixturevalue("private_engine")
    private = connect()
    assert private.address == address
    for image in images.values():
        private.client.images.load(machines_engine.client.api.get_image(image.reference))
    private.client.close()
    return mode


def containers_of(root: Path) -> list[str]:
    """Return the processes whose file systems are those of a daemon's containers."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            mounts = (directory / "mountinfo").read_text().splitlines()
            words = (directory / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        # The first mount is the root: an overlay below the daemon's directory, for its containers alone.
        if any(line.split()[4] == "/" and str(root) in line for line in mounts):
            found.append(f"{directory.name} {b' '.join(words).decode(errors='replace')}")
    return found


def mounts() -> set[str]:
    return {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}


def own_binary_formats(engine: Engine, pid: int) -> list[str]:
    agent = agent_program(engine.goarch, Silent())
    listed = subprocess.run(
        [agent, "binfmt", "list"], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    owners = [(name, entry_owner(name)) for name in listed.stdout.split()]
    return [name for name, owner in owners if owner is not None and owner.pid == pid]


@pytest.mark.parametrize("stocked", ["user", "system"], indirect=True)
def test_a_run_whose_engine_is_killed_says_so_and_leaves_nothing(
    stocked: str, private_daemon: Daemon, machines_engine: Engine, tmp_path: Path
) -> None:
    root = private_daemon.socket.parent
    before = mounts()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    words = ["run", "--arch", "arm64", "--libc", "musl", "--mode", stocked, "--timeout", "600"]
    with subprocess.Popen(
        [sys.executable, "-m", "emulab", *words, "--", "/bin/sh", "-c", "echo ready; sleep 600"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert containers_of(root)
        daemon = private_daemon.running_pid()
        assert daemon is not None
        os.kill(daemon, signal.SIGKILL)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == INFRASTRUCTURE
    assert "emulab: the connection to the agent of the container was lost" in errors
    assert f"  | the container engine at unix://{private_daemon.socket} does not answer any more" in errors
    # Nobody ends what runs in the container but its agent, which misses its host after half a minute.
    deadline = time.monotonic() + _SETTLING_S
    while (left := containers_of(root)) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert left == []
    assert own_binary_formats(machines_engine, process.pid) == []
    # The engines' own, of this daemon and of the machine's, are theirs.
    engines = (str(root), "/var/lib/docker", "/run/docker")
    assert {path for path in mounts() - before if not path.startswith(engines)} == set()
    assert list((tmp_path / "cache" / "scratch").iterdir()) == []
    assert list(temporary.iterdir()) == []
