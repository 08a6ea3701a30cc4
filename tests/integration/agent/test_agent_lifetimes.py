"""Who ends whom: the host, the agent that serves, the one that holds a container, and programs."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from emulab.errors import MachineError
from emulab.machines.agent_client import AgentClient
from emulab.machines.agent_documents import Program, Ready
from emulab.machines.agent_session import PipeStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

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
child = subprocess.Popen(["{agent_program}", "serve", "/none"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
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


@pytest.fixture
def held(agent_program: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    socket = str(tmp_path / "holder.sock")
    holder = subprocess.Popen([agent_program, "hold", socket, "20"])
    until(lambda: os.path.exists(socket))
    yield holder, socket
    holder.kill()
    holder.wait()


def serve(agent_program: Path, socket: str) -> tuple[subprocess.Popen[bytes], AgentClient]:
    child = subprocess.Popen([agent_program, "serve", socket], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None
    assert child.stdout is not None
    return child, AgentClient(PipeStream(child.stdout.fileno(), os.dup(child.stdin.fileno())))


def end(child: subprocess.Popen[bytes], client: AgentClient) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.close()
    client.close()
    child.wait(10)
    child.stdout.close()


def test_who_holds_stays_until_the_last_who_serves_has_gone(
    held: tuple[subprocess.Popen[bytes], str], agent_program: Path
) -> None:
    holder, socket = held
    first, second = serve(agent_program, socket), serve(agent_program, socket)
    end(*first)
    with pytest.raises(subprocess.TimeoutExpired):
        holder.wait(0.3)
    end(*second)
    assert holder.wait(5) == 0


def test_who_holds_notices_that_who_serves_was_killed(
    held: tuple[subprocess.Popen[bytes], str], agent_program: Path
) -> None:
    child, client = serve(agent_program, held[1])
    child.kill()
    assert held[0].wait(5) == 0
    end(child, client)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_who_holds_ends_at_once_when_told(held: tuple[subprocess.Popen[bytes], str], number: int) -> None:
    held[0].send_signal(number)
    assert held[0].wait(2) == 0


def test_who_holds_ends_when_nobody_comes(agent_program: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    holder = subprocess.run(
        [agent_program, "hold", tmp_path / "s", "1"], capture_output=True, text=True, timeout=10, check=False
    )
    assert 0.9 < time.monotonic() - began < 5
    assert (holder.returncode, holder.stderr) == (1, "emulab-agent: nobody came to serve\n")


def test_an_unknown_mode_is_refused(agent_program: Path) -> None:
    for arguments in ([], ["fly"], ["hold", "/tmp/x", "soon"]):
        refused = subprocess.run([agent_program, *arguments], capture_output=True, text=True, check=False)
        assert refused.returncode == 2
        assert "usage" in refused.stderr
