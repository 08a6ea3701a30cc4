"""Programs that the agent runs on this host."""

from __future__ import annotations

import os
import signal
import stat
import struct
import threading
import time
from typing import TYPE_CHECKING

import pytest

from emulab.machines.agent_documents import Program, Ready
from emulab.machines.agent_errors import ProgramError, RequestError
from emulab.machines.protocol import Limits

if TYPE_CHECKING:
    from pathlib import Path

    from emulab.machines.agent_client import AgentClient

MEBIBYTE = 1 << 20


def shell(script: str) -> Program:
    return Program(("/bin/sh", "-c", script))


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 5
    while os.path.exists(f"/proc/{pid}"):
        assert time.monotonic() < deadline, f"process {pid} lives on"
        time.sleep(0.005)


def test_a_run_tells_output_status_and_use(client: AgentClient) -> None:
    result = client.run(shell("echo out; echo err >&2; exit 3"))
    assert (result.stdout, result.stderr, result.exit, result.signal) == (b"out\n", b"err\n", 3, None)
    assert result.wall_ns > 0
    assert result.minor_faults > 0
    assert not result.timed_out


def test_processor_time_is_that_of_the_program(client: AgentClient) -> None:
    result = client.run(shell("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"))
    assert 0 < result.user_ns + result.system_ns <= result.wall_ns * 1.1


def test_a_signal_is_named(client: AgentClient) -> None:
    result = client.run(shell("kill -SEGV $$"))
    assert (result.exit, result.signal) == (None, "SIGSEGV")


def test_a_program_is_killed_at_its_time_limit_with_its_children(client: AgentClient) -> None:
    began = time.monotonic()
    result = client.run(shell("sleep 60 & echo $!; sleep 60"), timeout_s=0.3)
    assert result.timed_out
    assert result.signal == "SIGKILL"
    assert time.monotonic() - began < 5
    wait_until_gone(int(result.stdout))


def test_what_a_program_leaves_in_the_background_ends_with_it(client: AgentClient) -> None:
    began = time.monotonic()
    result = client.run(shell("sleep 60 & echo $!"))
    assert time.monotonic() - began < 5
    wait_until_gone(int(result.stdout))


def test_standard_input_of_any_size_reaches_the_program(client: AgentClient) -> None:
    data = os.urandom(5 * MEBIBYTE + 7)
    assert client.run(Program(("cat",)), stdin=data).stdout == data


def test_a_program_need_not_read_its_input(client: AgentClient) -> None:
    assert client.run(Program(("true",)), stdin=bytes(5 * MEBIBYTE)).exit == 0


def test_huge_output_is_whole_and_in_order(client: AgentClient) -> None:
    result = client.run(shell("seq 1 1000000; seq 1 300000 >&2"))
    assert result.stdout == b"".join(b"%d\n" % i for i in range(1, 1000001))
    assert result.stderr.endswith(b"\n300000\n")


def test_output_beyond_the_limit_is_counted_and_dropped(client: AgentClient) -> None:
    result = client.run(shell("seq 1 100000"), output_limit=10)
    assert result.stdout == b"1\n2\n3\n4\n5\n"
    assert result.truncated
    assert result.stdout_bytes == len(b"".join(b"%d\n" % i for i in range(1, 100001)))


def test_output_comes_while_the_program_runs(client: AgentClient) -> None:
    running = client.start(shell("echo ready; read line; echo got $line"))
    output = running.output(time.monotonic() + 10)
    assert next(output) == ("stdout", b"ready\n")
    running.write(b"this\n")
    assert next(output) == ("stdout", b"got this\n")
    running.end_input()
    assert running.result(10).exit == 0


def test_an_unread_endless_output_holds_no_other_request_up(client: AgentClient) -> None:
    endless = client.start(Program(("yes",)))
    try:
        assert sorted(client.ping() for _ in range(50))[25] < 0.05
        before = client.usage().rss
        time.sleep(0.3)
        assert client.usage().rss - before < 4 * MEBIBYTE
        assert client.run(Program(("echo", "beside"))).stdout == b"beside\n"
    finally:
        endless.kill()
    wait_until_gone(endless.pid)


def test_many_programs_run_side_by_side(client: AgentClient) -> None:
    results: dict[int, bytes] = {}

    def run(number: int) -> None:
        results[number] = client.run(shell(f"sleep 0.2; echo {number}")).stdout

    began = time.monotonic()
    threads = [threading.Thread(target=run, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: b"%d\n" % number for number in range(20)}
    assert time.monotonic() - began < 3


def test_limits_hold_for_the_program_and_its_children(client: AgentClient) -> None:
    limits = Limits(address_space=1 << 30, open_files=77, cpu_s=9, processes=5000)
    script = "grep -E 'address|open files|cpu time|processes' /proc/self/limits"
    lines = client.run(Program(("/bin/sh", "-c", script), limits=limits)).stdout.decode().splitlines()
    found = {" ".join(line.split()[1:-3]): line.split()[-3:-1] for line in lines}
    assert [value for values in found.values() for value in values] == [
        *("9", "9", "5000", "5000", "77", "77", str(1 << 30), str(1 << 30))
    ]


def test_a_program_that_exceeds_its_processor_time_is_killed(client: AgentClient) -> None:
    result = client.run(
        Program(("/bin/sh", "-c", "while :; do :; done"), limits=Limits(cpu_s=1)), timeout_s=20
    )
    assert result.signal in ("SIGKILL", "SIGXCPU")
    assert not result.timed_out


def test_environment_and_directory_are_the_commands_own(client: AgentClient, tmp_path: Path) -> None:
    program = Program(("/bin/sh", "-c", "pwd; env"), environment={"A": "b c"}, cwd=str(tmp_path))
    lines = client.run(program).stdout.decode().splitlines()
    assert lines[0] == str(tmp_path)
    assert "A=b c" in lines
    assert not [line for line in lines if line.startswith("HOME=")]


@pytest.mark.skipif(os.geteuid() != 0, reason="changing the user or the root needs root")
def test_a_program_can_run_as_another_user_and_in_another_root(
    client: AgentClient, agent_program: Path, tmp_path: Path
) -> None:
    assert client.run(Program(("id", "-u"), uid=65534, gid=65534)).stdout == b"65534\n"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "agent").write_bytes(agent_program.read_bytes())
    (tmp_path / "bin" / "agent").chmod(0o755)
    result = client.run(Program(("agent", "nothing"), root=str(tmp_path)))
    assert result.exit == 2
    assert b"usage" in result.stderr


@pytest.mark.parametrize(
    ("name", "reason"),
    [("/nonexistent/x", "no such file"), ("nonexistent", "no such file"), ("/", "executable")],
)
def test_what_is_no_program_is_refused(client: AgentClient, name: str, reason: str) -> None:
    with pytest.raises(ProgramError, match=reason):
        client.run(Program((name,)))


def test_a_missing_working_directory_is_named(client: AgentClient) -> None:
    with pytest.raises(ProgramError, match="working directory /nonexistent"):
        client.run(Program(("true",), cwd="/nonexistent"))


def elf(machine: int, interpreter: bytes) -> bytes:
    """Return the smallest 64-bit program that has an interpreter."""
    header = b"\x7fELF\2\1\1" + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0x400078, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    name = interpreter + b"\0"
    return header + struct.pack("<IIQQQQQQ", 3, 4, 120, 0, 0, len(name), len(name), 1) + name


def executable(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    path.chmod(0o755)
    return str(path)


def test_a_missing_interpreter_is_named(client: AgentClient, tmp_path: Path, agent_program: Path) -> None:
    machine = struct.unpack_from("<H", agent_program.read_bytes(), 18)[0]
    program = executable(tmp_path / "dynamic", elf(machine, b"/lib/ld-musl-none.so.1"))
    with pytest.raises(ProgramError, match=r"needs the interpreter /lib/ld-musl-none\.so\.1") as caught:
        client.run(Program((program,)))
    assert caught.value.refusal.errno == "ENOENT"
    assert caught.value.refusal.wants == "/lib/ld-musl-none.so.1"
    facts = client.program(program)
    assert (facts.interpreter, facts.interpreter_found) == ("/lib/ld-musl-none.so.1", False)


def test_a_script_with_a_missing_interpreter_is_named(client: AgentClient, tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="needs the interpreter /bin/none"):
        client.run(Program((executable(tmp_path / "script", b"#!/bin/none\n"),)))


def test_a_program_for_another_machine_is_refused(client: AgentClient, tmp_path: Path) -> None:
    loongarch = executable(tmp_path / "foreign", elf(0x102, b"/lib/ld.so"))
    with pytest.raises(ProgramError, match=r"is a program for loong64, and this is"):
        client.run(Program((loongarch,)))


def test_text_is_no_program(client: AgentClient, tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="neither an ELF program nor a script"):
        client.run(Program((executable(tmp_path / "text", b"hello"),)))


def test_a_terminal_has_a_size_that_changes_and_carries_keys(client: AgentClient) -> None:
    running = client.start(
        shell(
            "stty size; trap 'stty size; exit 5' WINCH; read line; echo $line; while :; do sleep 0.05; done"
        ),
        terminal=(30, 90),
    )
    seen = b""
    for _, piece in running.output(time.monotonic() + 20):
        seen += piece
        if seen == b"30 90\r\n":
            running.write(b"typed\n")
        if seen.endswith(b"typed\r\ntyped\r\n"):  # the terminal's echo and the program's
            running.resize(40, 100)
    assert seen.endswith(b"40 100\r\n")
    assert running.result().exit == 5


def test_a_key_interrupts_the_program_on_a_terminal(client: AgentClient) -> None:
    running = client.start(shell("echo go; exec sleep 60"), terminal=(24, 80))
    for _, piece in running.output(time.monotonic() + 20):
        if b"go" in piece:
            time.sleep(0.1)
            running.write(b"\x03")
    assert running.result().signal == "SIGINT"


def test_a_run_can_be_signalled(client: AgentClient) -> None:
    running = client.start(shell("trap 'echo caught; exit 7' USR1; echo go; while :; do sleep 0.05; done"))
    for _, piece in running.output(time.monotonic() + 20):
        if piece == b"go\n":
            running.signal(signal.SIGUSR1)
    assert running.result().exit == 7


def test_a_spawned_program_is_ready_when_its_log_says_so(client: AgentClient) -> None:
    result = client.spawn(
        shell("sleep 0.2; echo listening on 80; sleep 60"), Ready("log:^listening on [0-9]+$")
    )
    assert result.outcome == "ready"
    assert 0.2 < result.startup_s < 2
    tail = client.output(result.pid)
    assert (tail.alive, tail.output) == (True, b"listening on 80\n")
    ended = client.stop(result.pid)
    assert ended.signal == "SIGTERM"
    assert ended.output == b"listening on 80\n"


def test_a_program_that_dies_before_it_is_ready_tells_its_last_words(
    client: AgentClient, free_port: int
) -> None:
    result = client.spawn(shell("seq 1 9999; echo last; exit 4"), Ready(f"http://:{free_port}/"))
    assert result.outcome == "died"
    assert not result.running
    assert result.end is not None
    assert result.end.exit == 4
    assert result.end.output.endswith(b"9999\nlast\n")
    assert len(result.end.output) == 16 << 10
    assert result.end.output_bytes > 16 << 10


def test_a_program_that_is_not_ready_in_time_is_ended(client: AgentClient, free_port: int) -> None:
    result = client.spawn(shell("echo waiting; sleep 60"), Ready(f"tcp://:{free_port}", timeout_s=0.3))
    assert result.outcome == "timed-out"
    assert result.end is not None
    assert result.end.output == b"waiting\n"
    wait_until_gone(result.pid)


def test_a_stopped_program_has_time_to_end_and_is_then_killed(client: AgentClient) -> None:
    polite = client.spawn(
        shell("trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"), Ready("log:up")
    )
    ended = client.stop(polite.pid)
    assert ended.exit == 0
    assert ended.output.endswith(b"bye\n")
    stubborn = client.spawn(shell("trap '' TERM; echo up; while :; do sleep 0.05; done"), Ready("log:up"))
    began = time.monotonic()
    assert client.stop(stubborn.pid, grace_s=0.3).signal == "SIGKILL"
    assert 0.3 <= time.monotonic() - began < 3
    with pytest.raises(RequestError, match="no spawned process"):
        client.stop(stubborn.pid)


def test_a_spawned_program_can_be_signalled_alone(client: AgentClient) -> None:
    result = client.spawn(
        shell("trap 'echo caught; exit 0' HUP; echo up; while :; do sleep 0.05; done"), Ready("log:up")
    )
    client.signal(result.pid, signal.SIGHUP)
    deadline = time.monotonic() + 5
    while client.output(result.pid).alive:
        assert time.monotonic() < deadline
    assert client.stop(result.pid).exit == 0
    with pytest.raises(RequestError, match="no running process"):
        client.signal(result.pid, signal.SIGHUP)


def test_files_come_and_go_whole(client: AgentClient, tmp_path: Path) -> None:
    data = os.urandom(50 * MEBIBYTE)
    path = tmp_path / "new" / "directory" / "file"
    client.put(data, str(path), mode=0o751)
    assert path.read_bytes() == data
    assert stat.S_IMODE(path.stat().st_mode) == 0o751
    assert client.get(str(path)) == data
    (tmp_path / "back").write_bytes(data)
    client.put(tmp_path / "back", str(path))
    facts = client.stat(str(path))
    assert (facts.kind, facts.size, facts.mode) == ("file", len(data), 0o644)
    assert sorted(client.list(str(tmp_path))) == ["back", "new"]
    assert client.list(str(path.parent)) == ["file"]
    client.remove(str(tmp_path / "new"))
    assert not client.stat(str(path)).exists
    client.remove(str(path))


def test_a_file_of_proc_has_its_content(client: AgentClient) -> None:
    assert client.get("/proc/version").startswith(b"Linux version")


def test_empty_files_and_links(client: AgentClient, tmp_path: Path) -> None:
    client.put(b"", str(tmp_path / "empty"))
    assert client.get(str(tmp_path / "empty")) == b""
    (tmp_path / "link").symlink_to("empty")
    facts = client.stat(str(tmp_path / "link"))
    assert (facts.kind, facts.target) == ("link", "empty")
    client.mkdir(str(tmp_path / "a/b"), mode=0o700)
    assert client.stat(str(tmp_path / "a/b")).mode == 0o700


def test_what_can_not_be_read_or_written_is_said(client: AgentClient, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="/nonexistent: no such file"):
        client.get("/nonexistent")
    with pytest.raises(RequestError, match="is a directory"):
        client.get(str(tmp_path))
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match="not a directory"):
        client.put(bytes(3 * MEBIBYTE), str(tmp_path / "file" / "below"))
    with pytest.raises(RequestError):
        client.put(b"x", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_program_that_was_just_written_runs_beside_others(client: AgentClient, agent_program: Path) -> None:
    failures: list[Exception] = []

    def work(number: int) -> None:
        path = f"/tmp/emulab-test-{os.getpid()}-{number}"
        try:
            for _ in range(10):
                client.put(agent_program, path, mode=0o755)
                assert client.run(Program((path, "nothing"))).exit == 2
        except Exception as error:
            failures.append(error)
        finally:
            client.remove(path)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
