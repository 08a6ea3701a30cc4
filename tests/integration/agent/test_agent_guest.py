"""The agent as the first process of guests of every architecture."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import emulab.workloads
from emulab.architectures import ARCHITECTURES
from emulab.machines.agent_documents import LoadRequest, MemorySampling, Program, Ready
from emulab.machines.agent_errors import ProgramError, RequestError
from emulab.machines.marks import Account, mark
from emulab.machines.opening import Opener
from emulab.machines.protocol import Limits
from emulab.machines.target import Target
from emulab.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from emulab.machines.agent_client import AgentClient
    from emulab.machines.agent_machine import AgentMachine

MEBIBYTE = 1 << 20
HEALTHD = Path(emulab.workloads.__file__).parent / "healthd"
CPU_MODELS = {"arm64": "cortex-a53", "armv7": "cortex-a7", "riscv64": "rv64"}
# What the agent itself may keep resident, in a guest that may have 64 MiB in all.
LARGEST_AGENT = 8 * MEBIBYTE


def target(name: str, memory: int = 64 * MEBIBYTE) -> Target:
    return Target(ARCHITECTURES[name], "musl", "system", CPU_MODELS[name], memory, 1)


@pytest.fixture(scope="module")
def opener() -> Iterator[Opener]:
    with Opener(Silent()) as opener:
        yield opener


@pytest.fixture(scope="module", params=sorted(ARCHITECTURES))
def machine(request: pytest.FixtureRequest, opener: Opener) -> Iterator[AgentMachine]:
    """Return a guest that was booted, not restored."""
    place = target(request.param)
    opener.prepare([place])
    with opener.open(place, fresh=True) as machine:
        yield machine


@pytest.fixture
def guest(machine: AgentMachine) -> AgentClient:
    return machine.agent


def shell(script: str) -> Program:
    return Program(("/bin/sh", "-c", script))


def test_the_agent_is_init_and_says_where_it_is(machine: AgentMachine, guest: AgentClient) -> None:
    hello = guest.hello
    assert hello.init
    assert hello.pid == 1
    assert hello.architecture == ARCHITECTURES[machine.facts.arch].goarch
    assert hello.page_size == 4096
    assert 32 * MEBIBYTE < hello.memory <= 64 * MEBIBYTE
    assert 0 < hello.started_ns < hello.uptime_ns
    print(
        f"{machine.facts.arch}: the agent began {hello.started_ns / 1e6:.0f} ms after the kernel and "
        f"answered at {hello.uptime_ns / 1e6:.0f} ms"
    )


def test_the_agent_is_small(machine: AgentMachine, guest: AgentClient) -> None:
    usage = guest.usage()
    assert usage.rss < LARGEST_AGENT
    print(
        f"{machine.facts.arch}: {usage.rss >> 10} KiB resident, {usage.memory_available >> 20} MiB available"
    )


def test_an_idle_agent_sleeps(guest: AgentClient) -> None:
    before = guest.usage()
    time.sleep(2)
    after = guest.usage()
    spent = after.user_ns + after.system_ns - before.user_ns - before.system_ns
    asking = min(cost(guest) for _ in range(5))
    assert spent - asking < 20e6, f"{spent} ns, of which {asking} for asking"


def cost(guest: AgentClient) -> int:
    """Return the processor time that asking for it takes."""
    first, second = guest.usage(), guest.usage()
    return second.user_ns + second.system_ns - first.user_ns - first.system_ns


def test_the_root_is_a_disk_under_a_layer_of_memory(guest: AgentClient) -> None:
    mounts = [line.split() for line in guest.get("/proc/mounts").decode().splitlines()]
    kinds = {where: kind for _, where, kind, *_ in mounts}
    assert kinds["/"] == "overlay"
    expected = {"/proc", "/sys", "/dev", "/dev/pts", "/run", "/tmp", "/sys/fs/cgroup"}
    assert expected <= kinds.keys()
    guest.put(b"changed", "/etc/emulab-test")
    assert guest.run(shell("cat /etc/emulab-test; rm /etc/emulab-test")).stdout == b"changed"
    assert guest.stat("/work").kind == "directory"


def test_orphans_are_reaped(guest: AgentClient) -> None:
    guest.run(shell("for i in 1 2 3 4 5; do (setsid sleep 0.05 &) ; done; sleep 0.3"))
    states = guest.run(shell("cat /proc/[0-9]*/stat")).stdout.decode()
    assert [line for line in states.splitlines() if line.rpartition(")")[2].split()[0] == "Z"] == []


def test_a_service_runs_in_64_mebibytes(
    machine: AgentMachine, guest: AgentClient, build_go: Callable[[Path, str], Path]
) -> None:
    program = build_go(HEALTHD, ARCHITECTURES[machine.facts.arch].goarch)
    guest.put(program, "/work/healthd", mode=0o755)
    service = guest.spawn(Program(("/work/healthd",)), Ready("http://:8080/health"))
    assert service.outcome == "ready"
    rest = guest.memory(service.pid)
    assert MEBIBYTE < rest.sum.rss < 40 * MEBIBYTE
    load = guest.load(LoadRequest("http://:8080/health", 300, 50, sample=MemorySampling(service.pid)))
    assert (load.completed, load.failures, load.non_2xx) == (300, 0, 0)
    assert load.samples
    end = guest.stop(service.pid)
    assert end.exit == 0
    print(
        f"{machine.facts.arch}: start-up {service.startup_s * 1e3:.0f} ms, RSS {rest.status.rss >> 10} KiB, "
        f"{load.completed / load.elapsed_ns * 1e9:.0f} requests a second"
    )


def test_files_of_some_megabytes_are_whole(guest: AgentClient) -> None:
    import os

    data = os.urandom(8 * MEBIBYTE)
    began = time.monotonic()
    guest.put(data, "/tmp/large")
    middle = time.monotonic()
    assert guest.get("/tmp/large") == data
    ended = time.monotonic()
    guest.remove("/tmp/large")
    print(f"put {8 / (middle - began):.0f} MiB/s, get {8 / (ended - middle):.0f} MiB/s")


def test_limits_and_terminals_work_in_a_guest(guest: AgentClient) -> None:
    limited = Program(("/bin/sh", "-c", "ulimit -n"), limits=Limits(open_files=55))
    assert guest.run(limited).stdout == b"55\n"
    running = guest.start(shell("stty size"), terminal=(31, 91))
    assert b"".join(piece for _, piece in running.output(time.monotonic() + 20)) == b"31 91\r\n"


def test_a_program_of_another_architecture_is_refused(guest: AgentClient, agent_program: Path) -> None:
    guest.put(agent_program, "/tmp/foreign", mode=0o755)
    with pytest.raises(ProgramError, match="is a program for "):
        guest.run(Program(("/tmp/foreign",)))
    guest.remove("/tmp/foreign")


def test_a_request_takes_little_longer_than_the_port(machine: AgentMachine, guest: AgentClient) -> None:
    times = sorted(guest.ping() for _ in range(200))
    print(f"{machine.facts.arch}: a request takes {times[100] * 1e6:.0f} us, at best {times[0] * 1e6:.0f} us")
    assert times[0] < 0.01


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_clones_of_a_snapshot_share_neither_clock_nor_random_numbers(opener: Opener, name: str) -> None:
    place = target(name, 128 * MEBIBYTE)
    opener.prepare([place])
    drawn = set()
    for _ in range(2):
        with opener.open(place) as clone:
            clock = clone.agent.run(shell("date +%s; head -c 16 /dev/urandom | od -An -tx1")).stdout.decode()
            seconds, random = clock.splitlines()
            assert abs(int(seconds) - time.time()) < 5
            drawn.add(random)
    assert len(drawn) == 2


def test_a_mark_tells_what_the_kernel_has_counted_of_a_program(guest: AgentClient) -> None:
    service = guest.spawn(shell("i=0; while [ $i -lt 30 ]; do i=$((i+1)); /bin/true; done; sleep 30"))
    first = mark(guest, 1, service.pid)
    deadline = time.monotonic() + 20
    while (later := mark(guest, 2, service.pid)).voluntary_switches < first.voluntary_switches + 10:
        assert time.monotonic() < deadline, later
        time.sleep(0.05)
    assert later.minor_faults > first.minor_faults
    guest.stop(service.pid)
    assert mark(guest, 3) == Account()
    with pytest.raises(RequestError):
        mark(guest, 4, service.pid)
