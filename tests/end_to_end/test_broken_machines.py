"""Machines that panic, hang or lose their engine: a clear sentence, exit status 3, nothing left behind."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from emulab.engine import Engine, connect
from emulab.engine.ownership import LABEL_OWNER, Owner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INFRASTRUCTURE = 3
SYSTEM = ["run", "--arch", "arm64", "--libc", "musl", "--mode", "system", "--memory", "64M"]


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = connect()
    yield engine
    engine.client.close()


def test_a_guest_whose_kernel_panics_is_told_with_its_console(emulab: Callable[..., Any]) -> None:
    said = emulab(*SYSTEM, "--", "/bin/sh", "-c", "kill -QUIT 1; sleep 60")
    assert said.status == INFRASTRUCTURE
    assert "emulab: the connection to the agent of the guest was lost" in said.stderr
    assert "  | the guest's console:" in said.stderr
    assert "Kernel panic - not syncing: Attempted to kill init!" in said.stderr


def container_of(engine: Engine, pid: int) -> Any:
    """Return the container of a process of emulab, once it runs."""
    owner = f"{Owner.current().host}/{pid}/"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for container in engine.client.containers.list(filters={"label": LABEL_OWNER}):
            if container.labels[LABEL_OWNER].startswith(owner):
                return container
        time.sleep(0.1)
    raise AssertionError("no container was started")


def test_an_emulator_that_hangs_is_told_with_the_guests_console(engine: Engine) -> None:
    script = "echo the last thing >/dev/console; echo ready; sleep 600"
    words = [sys.executable, "-m", "emulab", *SYSTEM, "--timeout", "600", "--", "/bin/sh", "-c", script]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        container = container_of(engine, process.pid)
        stopped = container.exec_run(["sh", "-c", "kill -STOP $(pidof qemu-system-aarch64)"])
        assert stopped.exit_code == 0, stopped.output
        # 10 s of silence, 30 s for an answer, and some for the emulator's own monitor.
        _, errors = process.communicate(timeout=90)
    assert process.returncode == INFRASTRUCTURE
    assert "emulab: the guest hangs: its agent did not answer for 30 s" in errors
    assert "  | QEMU still runs, its machine is out of reach" in errors
    assert "  | the last thing" in errors
