"""Programs in user mode, on every architecture and both C libraries' root filesystems."""

from __future__ import annotations

import hashlib
import os
import re
import signal
from typing import TYPE_CHECKING

import pytest

from emulab.errors import MachineError, UsageError, WorkloadError
from emulab.machines.protocol import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from emulab.machines.agent_machine import AgentMachine
    from emulab.machines.protocol import Command
    from emulab.machines.target import Target

MEBIBYTE = 1 << 20
PROBE = "/work/probe"
PLACES = [("arm64", "glibc"), ("armv7", "musl"), ("riscv64", "glibc")]
NAMES = {"arm64": "aarch64", "armv7": "armv7l", "riscv64": "riscv64"}


@pytest.fixture(scope="module", params=PLACES, ids="-".join)
def machine(
    request: pytest.FixtureRequest,
    open_machine: Callable[..., AgentMachine],
    target: Callable[..., Target],
    probe: Callable[[str], Path],
) -> Iterator[AgentMachine]:
    """A machine with the probe on it."""
    arch, libc = request.param
    with open_machine(target(arch, libc, cpus=2, memory=512 * MEBIBYTE)) as machine:
        machine.push(probe(arch), PROBE)
        yield machine


def test_a_shell_starts_programs_in_pipes(machine: AgentMachine, command: Callable[..., Command]) -> None:
    script = "echo b a | tr ' ' '\\n' | sort | sed s/a/A/; uname -m; (exit 5); echo $?"
    done = machine.run(command("/bin/sh", "-c", script))
    # What armv7's kernel calls itself under an emulator may say more than the name.
    assert done.stdout.decode().split() == ["A", "b", NAMES[machine.facts.arch], "5"]
    assert done.succeeded


def test_a_go_program_starts_itself_and_shells(
    machine: AgentMachine, command: Callable[..., Command]
) -> None:
    done = machine.run(command(PROBE, "start"))
    own, shell, through_shell = done.stdout.decode().splitlines()
    assert own == r'"\"by itself\"\n\"\"\n" 0 <nil>'
    assert shell == f'"{NAMES[machine.facts.arch].upper()}\\n" 7 exit status 7'
    assert through_shell == '"" 3 exit status 3'


@pytest.mark.parametrize("status", [0, 1, 42, 255])
def test_an_exit_status_is_the_programs(
    machine: AgentMachine, command: Callable[..., Command], status: int
) -> None:
    done = machine.run(command(PROBE, "exit", str(status)))
    assert (done.status, done.signal, done.timed_out) == (status, None, False)
    assert done.succeeded is (status == 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGUSR1])
def test_a_signal_that_ends_a_program_is_told(
    machine: AgentMachine, command: Callable[..., Command], number: signal.Signals
) -> None:
    done = machine.run(command("/bin/sh", "-c", f"kill -{int(number)} $$; sleep 10"))
    assert (done.status, done.signal) == (None, number)
    assert done.ending() == f"was killed by {number.name}"


def test_a_program_that_does_not_end_is_killed_at_its_time_limit_with_what_it_started(
    machine: AgentMachine, command: Callable[..., Command]
) -> None:
    done = machine.run(command("/bin/sh", "-c", f"{PROBE} sleep & wait", timeout_s=3.0))
    assert done.timed_out
    assert done.stdout == b"asleep\n"
    assert done.ending() == "was killed at its time limit"
    assert done.usage.wall_s < 30
    left = machine.run(command("/bin/sh", "-c", "ps | grep -c '[p]robe sleep'"))
    assert left.stdout == b"0\n"


def test_standard_input_and_output_carry_any_bytes(
    machine: AgentMachine, command: Callable[..., Command]
) -> None:
    sent = bytes(range(256)) + os.urandom(4 * MEBIBYTE)
    done = machine.run(command(PROBE, "copy", stdin=sent))
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(sent).digest()


def test_much_output_comes_as_it_is_written(machine: AgentMachine, command: Callable[..., Command]) -> None:
    size = 32 * MEBIBYTE
    seen: dict[str, int] = {"stdout": 0, "stderr": 0}

    def take(stream: str, piece: bytes) -> None:
        seen[stream] += len(piece)

    done = machine.run(command(PROBE, "flood", str(size)), take)
    assert seen == {"stdout": size, "stderr": 0}
    assert done.stdout == b""
    assert done.succeeded


def test_the_environment_is_what_was_given_and_the_emulators(
    machine: AgentMachine, command: Callable[..., Command]
) -> None:
    done = machine.run(command(PROBE, "environment", environment={"ONE": "a b=c", "EMPTY": ""}))
    seen = dict(line.split("=", 1) for line in done.stdout.decode().splitlines())
    assert seen["ONE"] == "a b=c"
    assert seen["EMPTY"] == ""
    assert {name for name in seen if not name.startswith("QEMU_")} == {"PATH", "ONE", "EMPTY"}


def test_arguments_arrive_as_they_are(machine: AgentMachine, command: Callable[..., Command]) -> None:
    words = ["", "two words", "--flag=1", "ünïcödé", '"quoted"', "line\nbreak"]
    done = machine.run(command(PROBE, "arguments", *words))
    escaped = [word.replace('"', '\\"').replace("\n", "\\n") for word in words]
    assert done.stdout.decode().splitlines() == [f'"{word}"' for word in escaped]


def test_a_limit_of_open_files_holds(machine: AgentMachine, command: Callable[..., Command]) -> None:
    done = machine.run(command(PROBE, "descriptors", limits=Limits(open_files=40)))
    opened, *reason = done.stdout.decode().split()
    assert int(opened) < 40
    assert reason == ["too", "many", "open", "files"]


def test_a_limit_of_processor_time_holds(machine: AgentMachine, command: Callable[..., Command]) -> None:
    done = machine.run(command(PROBE, "work", str(10**9), limits=Limits(cpu_s=1)))
    assert done.signal in (signal.SIGXCPU, signal.SIGKILL)
    assert not done.timed_out
    assert 0.5 < done.usage.user_s + done.usage.system_s < 4


def test_a_program_that_is_not_there_can_not_be_run(
    machine: AgentMachine, command: Callable[..., Command]
) -> None:
    with pytest.raises(UsageError, match="there is no program /work/nothing on the machine"):
        machine.run(command("/work/nothing"))
    with pytest.raises(UsageError, match="there is no program nothing on the machine"):
        machine.run(command("nothing"))


def test_a_program_without_a_slash_is_looked_for_in_the_path(
    machine: AgentMachine, command: Callable[..., Command]
) -> None:
    assert machine.run(command("echo", "found")).stdout == b"found\n"
    assert machine.run(command("./probe", "arguments", "here")).stdout == b'"here"\n'


def test_a_script_is_run_by_its_interpreter(machine: AgentMachine, command: Callable[..., Command]) -> None:
    machine.push(b'#!/bin/sh -e\necho "$0 $*"\nfalse\necho never\n', "/work/script")
    done = machine.run(command("/work/script", "a", "b"))
    assert (done.status, done.stdout) == (1, b"/work/script a b\n")


def test_a_program_that_the_kernel_would_refuse_is_refused_with_the_reason(
    machine: AgentMachine, command: Callable[..., Command], probe: Callable[[str], Path]
) -> None:
    arch = machine.facts.arch
    other = "riscv64" if arch == "arm64" else "arm64"
    machine.push(probe(other), "/work/foreign")
    own = {"armv7": "arm"}.get(arch, arch)
    with pytest.raises(UsageError, match=f"/work/foreign is a program for {other}, and this is {own}"):
        machine.run(command("/work/foreign"))
    machine.push(b"#!/bin/nothing\n", "/work/orphan")
    with pytest.raises(UsageError, match="needs /bin/nothing, which the root filesystem does not have"):
        machine.run(command("/work/orphan"))
    machine.push(b"words\n", "/work/words")
    with pytest.raises(UsageError, match="neither an ELF program nor a script"):
        machine.run(command("/work/words"))


def test_a_file_comes_back_as_it_was_pushed(machine: AgentMachine, command: Callable[..., Command]) -> None:
    content = os.urandom(3 * MEBIBYTE + 1)
    machine.push(content, "/work/deep/er/file", permissions=0o640)
    assert machine.pull("/work/deep/er/file") == content
    done = machine.run(command("/bin/sh", "-c", "stat -c '%a %s' /work/deep/er/file"))
    assert done.stdout.decode().split() == ["640", str(len(content))]


def test_a_file_that_is_not_there_can_not_be_pulled(machine: AgentMachine) -> None:
    with pytest.raises(MachineError, match="/work/absent"):
        machine.pull("/work/absent")


def test_what_a_program_uses_is_told(machine: AgentMachine, command: Callable[..., Command]) -> None:
    usage = machine.run(command(PROBE, "work", "20000")).usage
    assert 0 < usage.user_s < 30
    assert usage.user_s / 4 < usage.wall_s < 30
    assert usage.max_rss > MEBIBYTE


def test_a_services_memory_is_its_own_and_not_the_emulators(
    machine: AgentMachine, command: Callable[..., Command]
) -> None:
    readings = {}
    for size in (0, 64 * MEBIBYTE):
        service = machine.spawn(
            command(PROBE, "serve", "127.0.0.1:8081", str(size)), "http://:8081/", timeout_s=60
        )
        readings[size] = service.memory()
        assert service.stop().succeeded
    assert readings[0].vss is None
    assert 1 * MEBIBYTE < readings[0].rss < 16 * MEBIBYTE
    grown = readings[64 * MEBIBYTE].rss - readings[0].rss
    assert 60 * MEBIBYTE < grown < 70 * MEBIBYTE


def test_the_emulators_memory_is_the_rest(machine: AgentMachine) -> None:
    from emulab.machines.agent_documents import Program, Ready
    from emulab.machines.qemu_command import GUEST_RANGE, user_environment, user_prefix

    arch = machine.facts.arch
    from emulab.architectures import architecture

    program = Program(
        (*user_prefix(architecture(arch)), PROBE, "serve", "127.0.0.1:8082", str(16 * MEBIBYTE)),
        environment=user_environment(architecture(arch), machine.facts.cpu_model),
        cwd="/work",
    )
    started = machine.agent.spawn(program, Ready("http://:8082/"))
    facts = machine.agent.memory(started.pid, within=GUEST_RANGE, detail=True)
    machine.agent.stop(started.pid)
    assert facts.within is not None
    inside = sum(m.rss for m in facts.mappings if GUEST_RANGE[0] <= int(m.low, 16) < GUEST_RANGE[1])
    assert facts.within.rss == inside
    # The emulator, its libraries and its translated code are megabytes, and no mapping of theirs is inside.
    assert facts.sum.rss - facts.within.rss > 2 * MEBIBYTE
    outside = [m for m in facts.mappings if not GUEST_RANGE[0] <= int(m.low, 16) < GUEST_RANGE[1]]
    assert any("/.emulab/bin/qemu-" in m.path for m in outside)
    assert not any("/work/probe" in m.path for m in outside)


def test_a_service_that_never_answers_is_given_up(
    machine: AgentMachine, command: Callable[..., Command]
) -> None:
    with pytest.raises(WorkloadError, match="was not ready at http://:8083/ within 1 s") as caught:
        machine.spawn(command(PROBE, "sleep"), "http://:8083/", timeout_s=1)
    assert caught.value.detail == "asleep\n"


def test_a_service_that_dies_first_is_told_with_what_it_said(
    machine: AgentMachine, command: Callable[..., Command]
) -> None:
    with pytest.raises(WorkloadError, match="ended with status 9 before it was ready") as caught:
        machine.spawn(command(PROBE, "exit", "9"), "tcp://:8084", timeout_s=30)
    assert caught.value.detail == "probe: leaving with 9\n"


def test_a_service_is_ready_when_it_says_so(machine: AgentMachine, command: Callable[..., Command]) -> None:
    service = machine.spawn(
        command(PROBE, "serve", "127.0.0.1:8085", "0"), "log:^serving at .*:8085$", timeout_s=30
    )
    assert service.startup_s > 0
    assert service.stop().succeeded


def test_a_port_that_is_taken_is_told_before_anything_starts(
    machine: AgentMachine, command: Callable[..., Command]
) -> None:
    service = machine.spawn(command(PROBE, "serve", "127.0.0.1:8086", "0"), "tcp://:8086", timeout_s=30)
    with pytest.raises(UsageError, match="port 8086"):
        machine.spawn(command(PROBE, "serve", "127.0.0.1:8086", "0"), "tcp://:8086", timeout_s=30)
    service.stop()
    machine.spawn(command(PROBE, "serve", "127.0.0.1:8086", "0"), "tcp://:8086", timeout_s=30).stop()


def test_the_facts_are_the_machines(machine: AgentMachine) -> None:
    facts = machine.facts
    assert facts.mode == "user"
    assert facts.kernel == os.uname().release or not facts.kernel.startswith("0")
    assert facts.page_size == os.sysconf("SC_PAGESIZE")
    assert re.fullmatch(r"[a-z0-9,.=-]+", facts.cpu_model)


def test_a_program_that_eats_all_memory_is_told_so(
    machine: AgentMachine, command: Callable[..., Command]
) -> None:
    done = machine.run(command(PROBE, "eat"))
    assert done.ending() == "was killed by the kernel, out of memory (512 MiB)"
    assert machine.run(command("/bin/true")).succeeded
