"""Whole guests: booted, restored from snapshots, several at once, and broken in every way."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from emulab.engine import Container, ContainerSpec, VolumeMount
from emulab.errors import MachineError, WorkloadError
from emulab.machines.snapshots import forget_snapshot
from emulab.progress import Silent, SilentStep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from emulab.machines.agent_machine import AgentMachine
    from emulab.machines.opening import Opener
    from emulab.machines.protocol import Command
    from emulab.machines.target import Target
    from emulab.progress import Step

MEBIBYTE = 1 << 20
PROBE = "/work/probe"
ARCHITECTURES = ["arm64", "armv7", "riscv64"]
# Where one architecture shows as much as three would.
ANY = "arm64"


@pytest.fixture(scope="module", params=ARCHITECTURES)
def machine(
    request: pytest.FixtureRequest,
    open_machine: Callable[..., AgentMachine],
    target: Callable[..., Target],
    probe: Callable[[str], Path],
) -> Iterator[AgentMachine]:
    """A guest with 64 MiB, and the probe on it."""
    with open_machine(target(request.param, mode="system", memory=64 * MEBIBYTE)) as machine:
        machine.push(probe(request.param), PROBE)
        yield machine


def test_a_guest_has_its_own_kernel_memory_and_processor(
    machine: AgentMachine, command: Callable[..., Command]
) -> None:
    facts = machine.facts
    assert facts.kernel.endswith("-emulab")
    assert facts.page_size == 4096
    assert 32 * MEBIBYTE < facts.memory <= 64 * MEBIBYTE
    assert facts.cpus == 1
    done = machine.run(command("/bin/sh", "-c", "uname -r; nproc"))
    assert done.stdout.decode().split()[:2] == [facts.kernel, "1"]
    links = machine.run(command("/bin/sh", "-c", "ip -o link | grep -w UP")).stdout.decode()
    assert [line.split()[1] for line in links.splitlines()] == ["lo:"]


def test_programs_start_programs_in_a_guest(machine: AgentMachine, command: Callable[..., Command]) -> None:
    done = machine.run(command(PROBE, "start"))
    own, shell, through_shell = done.stdout.decode().splitlines()
    assert own == r'"\"by itself\"\n\"\"\n" 0 <nil>'
    assert shell.endswith(" 7 exit status 7")
    assert through_shell == '"" 3 exit status 3'


def test_the_whole_file_system_can_be_written_and_is_this_guests_alone(
    machine: AgentMachine, command: Callable[..., Command]
) -> None:
    script = "echo own >/etc/own && rm /etc/hostname && cat /etc/own && ls /etc/hostname"
    done = machine.run(command("/bin/sh", "-c", script))
    assert done.stdout == b"own\n"
    assert not done.succeeded


def test_the_guests_clock_is_the_hosts(machine: AgentMachine, command: Callable[..., Command]) -> None:
    before = time.time()
    seen = int(machine.run(command(PROBE, "moment")).stdout.split()[1]) / 1e9
    assert before - 1 < seen < time.time() + 1


def test_a_program_that_eats_all_memory_is_killed_and_the_guest_goes_on(
    machine: AgentMachine, command: Callable[..., Command]
) -> None:
    for _ in range(2):
        done = machine.run(command(PROBE, "eat"))
        assert done.signal == signal.SIGKILL
        assert not done.timed_out
        assert done.ending() == "was killed by the kernel, out of memory (64 MiB)"
        # It had what the kernel, the agent and the files of /work left.
        assert 0.4 * machine.facts.memory < done.usage.max_rss < machine.facts.memory
    below_a_shell = machine.run(command("/bin/sh", "-c", f"{PROBE} eat; exit $?"))
    assert (below_a_shell.status, below_a_shell.out_of) == (137, 64 * MEBIBYTE)
    assert machine.run(command("/bin/true")).succeeded


def test_a_program_that_is_killed_otherwise_is_not_told_to_be_out_of_memory(
    machine: AgentMachine, command: Callable[..., Command]
) -> None:
    assert machine.run(command(PROBE, "eat")).out_of == 64 * MEBIBYTE
    assert machine.run(command("/bin/sh", "-c", "kill -9 $$")).ending() == "was killed by SIGKILL"
    assert machine.run(command("/bin/sh", "-c", "exit 137")).ending() == "ended with status 137"


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_service_that_eats_all_memory_of_128_mib_is_told_so(
    open_machine: Callable[..., AgentMachine],
    target: Callable[..., Target],
    command: Callable[..., Command],
    probe: Callable[[str], Path],
    arch: str,
) -> None:
    with open_machine(target(arch, mode="system", memory=128 * MEBIBYTE)) as machine:
        machine.push(probe(arch), PROBE)
        size = str(90 * MEBIBYTE)
        killed = r"was killed by the kernel, out of memory \(128 MiB\) before"
        with pytest.raises(WorkloadError, match=killed):
            machine.spawn(command(PROBE, "serve", "127.0.0.1:8082", size), "http://:8082/", timeout_s=60)


def test_a_services_memory_agrees_counted_three_ways(
    machine: AgentMachine, command: Callable[..., Command]
) -> None:
    service = machine.spawn(
        command(PROBE, "serve", "127.0.0.1:8081", str(8 * MEBIBYTE)), "http://:8081/", timeout_s=60
    )
    # The kernel's accounts are read one after the other: a page touched in between counts in one of them.
    reading, before = service.memory(), None
    for _ in range(20):
        if reading == before:
            break
        reading, before = service.memory(), reading
    assert service.stop().succeeded
    assert reading.disagreements == ()
    assert 8 * MEBIBYTE < reading.pss <= reading.rss < 24 * MEBIBYTE
    assert reading.vss is not None
    assert reading.vss > reading.rss


def test_a_full_disk_of_the_guest_is_said(machine: AgentMachine) -> None:
    from emulab.errors import NoSpaceError

    with pytest.raises(NoSpaceError, match="/work/large"):
        machine.push(bytes(100 * MEBIBYTE), "/work/large")


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_guest_may_have_four_gibibytes(
    arch: str,
    target: Callable[..., Target],
    open_machine: Callable[..., AgentMachine],
    command: Callable[..., Command],
) -> None:
    with open_machine(target(arch, mode="system", memory=4 << 30)) as machine:
        seen = machine.run(command("grep", "MemTotal", "/proc/meminfo")).stdout.decode()
    assert 3.8 * (1 << 20) < int(seen.split()[1]) < 4 * (1 << 20)


@pytest.mark.parametrize("cpus", [2, 4])
def test_a_guest_has_as_many_processors_as_asked_for(
    open_machine: Callable[..., AgentMachine],
    target: Callable[..., Target],
    command: Callable[..., Command],
    probe: Callable[[str], Path],
    cpus: int,
) -> None:
    with open_machine(target("riscv64" if cpus == 2 else ANY, mode="system", cpus=cpus)) as machine:
        machine.push(probe(machine.facts.arch), PROBE)
        done = machine.run(command(PROBE, "processor"))
        assert done.stdout.decode().splitlines()[-1] == f"processors {cpus} {cpus}"


def test_eight_clones_at_once_touch_neither_each_other_nor_the_snapshot(
    open_machine: Callable[..., AgentMachine],
    target: Callable[..., Target],
    command: Callable[..., Command],
    probe: Callable[[str], Path],
) -> None:
    place = target(ANY, mode="system", memory=64 * MEBIBYTE)
    open_machine(place).close()  # its snapshot is there now
    with ExitStack() as stack:
        with ThreadPoolExecutor(8) as pool:
            clones = list(pool.map(lambda _: stack.enter_context(open_machine(place)), range(8)))

        def write(number: int) -> None:
            clones[number].push(probe(ANY), PROBE)
            script = f"i=0; while [ $i -lt 50 ]; do echo {number} >>/etc/shared; i=$((i+1)); done"
            assert clones[number].run(command("/bin/sh", "-c", script)).succeeded

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, range(8)))
        seen = [clone.pull("/etc/shared").decode() for clone in clones]
        moments = [clone.run(command(PROBE, "moment")).stdout.decode().split() for clone in clones]
        now = time.time()
    assert seen == [f"{number}\n" * 50 for number in range(8)]
    assert len({random for random, _ in moments}) == 8
    assert all(now - 60 < int(unix_ns) / 1e9 < now + 1 for _, unix_ns in moments)
    with open_machine(place) as another, pytest.raises(MachineError, match="/etc/shared"):
        another.pull("/etc/shared")


def test_clones_draw_other_random_numbers_and_know_the_time(
    open_machine: Callable[..., AgentMachine], target: Callable[..., Target], command: Callable[..., Command]
) -> None:
    drawn = []
    for _ in range(2):
        with open_machine(target(ANY, mode="system", memory=64 * MEBIBYTE)) as clone:
            script = "head -c 16 /dev/urandom | od -An -tx1; cat /proc/sys/kernel/random/uuid; date +%s"
            *random, seconds = clone.run(command("/bin/sh", "-c", script)).stdout.decode().splitlines()
            drawn.append(random)
            assert abs(int(seconds) - time.time()) < 30
    assert drawn[0][0] != drawn[1][0]
    assert drawn[0][1] != drawn[1][1]


class Notes(Silent):
    """Progress that remembers what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)

    def step(self, title: str) -> Step:
        self.said.append(title)
        return SilentStep()


class Snapshot:
    """One snapshot of a target, with the means to restore, damage and forget it."""

    def __init__(self, opener: Opener, target: Target) -> None:
        opener.prepare([target])
        self.opener, self.target = opener, target
        self.hardware, self.system, _ = opener.system_of(target)
        self.volume = self.system.snapshot_name(self.hardware)

    def damage(self, script: str) -> None:
        """Run a shell script in the snapshot's directory."""
        mounts = [VolumeMount(self.volume, "/snapshot", writable=True)]
        # What it said before anybody is attached would be lost, so it waits to be spoken to.
        command = ["sh", "-ec", f"read go; cd /snapshot; {script}; echo damaged"]
        spec = ContainerSpec(self.system.emulator, command, "test", mounts)
        with Container(self.opener.engine, spec) as container:
            container.stream.sendall(b"go\n")
            said = b""
            while piece := container.stream.recv(4096):
                said += piece
        assert said.endswith(b"damaged\n"), container.stream.stderr

    def forget(self) -> None:
        forget_snapshot(self.opener.engine, self.system, self.hardware)


@pytest.fixture
def snapshot(opener: Opener, target: Callable[..., Target]) -> Iterator[Snapshot]:
    """A snapshot of this test's own: nobody else has a guest of that size."""
    snapshot = Snapshot(opener, target(ANY, mode="system", memory=72 * MEBIBYTE))
    yield snapshot
    snapshot.forget()


@pytest.mark.parametrize(
    "script",
    [
        "truncate -s 1000 state",
        "head -c 4096 /dev/urandom | dd of=state conv=notrunc bs=4096 seek=1",
        "rm ram",
    ],
    ids=["cut short", "overwritten", "without memory"],
)
def test_a_damaged_snapshot_is_made_again_and_that_is_said(
    opener: Opener, snapshot: Snapshot, command: Callable[..., Command], script: str
) -> None:
    notes = Notes()
    said_by_others, opener._progress = opener._progress, notes
    try:
        opener.open(snapshot.target).close()
        snapshot.damage(script)
        notes.said.clear()
        with opener.open(snapshot.target) as machine:
            assert machine.run(command("/bin/true")).succeeded
        assert any("snapshot could not be restored" in line and "made again" in line for line in notes.said)
        notes.said.clear()
        opener.open(snapshot.target).close()
        assert notes.said == []
    finally:
        opener._progress = said_by_others
