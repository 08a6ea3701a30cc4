"""Who ends whom: the host, the agent that serves, the one that holds a container, and programs."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from emulab.errors import MachineError
from emulab.machines.agent_documents import Program, Ready

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from emulab.machines.agent_client import AgentClient
    from tests.integration.agent.conftest import ServingAgent

FAMILY = Program(("/bin/sh", "-c", "setsid sh -c 'echo $$; exec sleep 300' & sleep 300 & echo up; wait"))


def family_of(client: AgentClient) -> list[int]:
    """Start a program with a child of its own session, and return the pids of all three."""
    leader = client.spawn(FAMILY, Ready("log:up")).pid
    until(lambda: len(client.output(leader).output.split()) == 2)
    pids = [leader]
    for pid in pids:
        with open(f"/proc/{pid}/task/{pid}/children") as children:
            pids += [int(child) for child in children.read().split()]
    assert len(pids) == 3
    return pids


def until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_end_of_the_stream_ends_every_program(serving: ServingAgent) -> None:
    pids = family_of(serving.client)
    serving.client.close()
    assert serving.child.wait(10) == 0
    assert not [pid for pid in pids if is_alive(pid)]


def test_a_lost_agent_is_said_to_whoever_waits(serving: ServingAgent) -> None:
    running = serving.client.start(Program(("sleep", "300")))
    serving.child.kill()
    with pytest.raises(MachineError, match="connection to the agent of this host was lost"):
        running.result(10)
    os.kill(running.pid, signal.SIGKILL)


def test_a_host_that_is_killed_leaves_no_program(agent_program: Path, tmp_path: Path) -> None:
    script = f"""
import subprocess, sys, time
from emulab.machines.agent_client import AgentClient
from emulab.machines.agent_documents import Program
from emulab.machines.agent_session import PipeStream
child = subprocess.Popen(["{agent_program}", "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
client = AgentClient(PipeStream(child.stdout.fileno(), child.stdin.fileno()))
print(child.pid, client.spawn(Program(("sleep", "300"))).pid, flush=True)
time.sleep(300)
"""
    import sys

    host = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert host.stdout is not None
    pids = [int(pid) for pid in host.stdout.readline().split()]
    assert len(pids) == 2
    host.kill()
    host.wait()
    host.stdout.close()
    until(lambda: not any(is_alive(pid) for pid in pids))


def test_an_unknown_mode_is_refused(agent_program: Path) -> None:
    for arguments in ([], ["fly"]):
        refused = subprocess.run([agent_program, *arguments], capture_output=True, text=True, check=False)
        assert refused.returncode == 2
        assert "usage" in refused.stderr
