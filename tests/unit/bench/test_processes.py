"""Processes are run once each, whoever asks, and remembered."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulab.bench.processes import Processes, ProcessFailedError, TestProgram
from emulab.machines.protocol import Completed, Usage
from emulab.toolchain.artifact import artifact_of_binary
from emulab.toolchain.test_packages import TestPackage

if TYPE_CHECKING:
    from emulab.machines.protocol import Command

_USAGE = Usage(0.5, 0, 0, 0, 0, 0, 0, 0)


class Recorder:
    """A machine that writes down what it is asked for."""

    def __init__(self, status: int = 0) -> None:
        self.lock = threading.Lock()
        self.installed: list[str] = []
        self.counted: list[Command] = []
        self.is_closed = False
        self.status = status

    def install(self, program: TestProgram) -> None:
        self.installed.append(program.path)

    def count(self, program: TestProgram, command: Command, profile: Path | None) -> Completed:
        with self.lock:
            self.counted.append(command)
        if profile is not None:
            profile.write_bytes(b"windows")
        return Completed(self.status, None, False, b"said", b"panic: no", _USAGE)

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestProgram:
    """Any ELF program in a test binary's place, with a file of data."""
    monkeypatch.setenv("EMULAB_CACHE_DIR", str(tmp_path / "cache"))
    data = tmp_path / "data"
    data.write_text("1")
    package = TestPackage("example.com/p", tmp_path, tmp_path, is_standard=False)
    return TestProgram(package, artifact_of_binary(Path("/bin/true").resolve()), ((data, "/work/data"),))


def _processes(machine: Recorder, identity: str = "a processor", fresh: Path | None = None) -> Processes:
    return Processes(lambda: machine, [identity], {"GOMAXPROCS": "1"}, fresh=fresh)


def test_a_process_is_run_once_and_then_remembered(program: TestProgram) -> None:
    machine = Recorder()
    first = _processes(machine).run(program, ["-x"], counted=True, timeout_s=5)
    again = _processes(machine).run(program, ["-x"], counted=True, timeout_s=5)
    assert first == again
    assert first.profile is not None
    assert (first.output, first.profile.read_bytes(), first.wall_s) == ("said", b"windows", 0.5)
    assert len(machine.counted) == 1
    assert machine.counted[0].environment["GOMAXPROCS"] == "1"
    assert machine.counted[0].directory == program.package.guest_directory


def test_whatever_determines_a_process_is_part_of_what_is_remembered(program: TestProgram) -> None:
    machine = Recorder()
    _processes(machine).run(program, ["-x"], counted=True, timeout_s=5)
    _processes(machine).run(program, ["-y"], counted=True, timeout_s=5)
    _processes(machine, "another processor").run(program, ["-x"], counted=True, timeout_s=5)
    _processes(machine).run(program, ["-x"], counted=False, timeout_s=5)
    program.data[0][0].write_text("2")
    _processes(machine).run(program, ["-x"], counted=True, timeout_s=5)
    assert len(machine.counted) == 5


def test_a_fresh_run_takes_nothing_from_the_cache_and_leaves_nothing_there(
    program: TestProgram, tmp_path: Path
) -> None:
    machine = Recorder()
    for number in range(2):
        fresh = tmp_path / f"fresh{number}"
        fresh.mkdir()
        processes = _processes(machine, fresh=fresh)
        for _ in range(2):
            processes.run(program, ["-x"], counted=True, timeout_s=5)
    assert len(machine.counted) == 2
    assert not list((tmp_path / "cache").glob("counted-runs/*"))


def test_a_failure_is_told_and_not_remembered(program: TestProgram) -> None:
    machine = Recorder(status=2)
    for _ in range(2):
        with pytest.raises(ProcessFailedError, match="ended with status 2") as failure:
            _processes(machine).run(program, ["-x"], counted=True, timeout_s=5)
        assert "panic: no" in failure.value.detail
    assert len(machine.counted) == 2


def test_many_threads_share_one_machine_and_one_installation(program: TestProgram) -> None:
    machine = Recorder()
    opened: list[Recorder] = []
    processes = Processes(lambda: opened.append(machine) or machine, ["p"], {})  # type: ignore[func-returns-value]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: processes.run(program, [f"-{n}"], counted=False, timeout_s=5), range(40)))
    assert (len(opened), len(machine.installed), len(machine.counted)) == (1, 1, 40)
    processes.close()
    assert machine.is_closed


def test_no_machine_is_opened_for_what_is_known(program: TestProgram) -> None:
    _processes(Recorder()).run(program, ["-x"], counted=True, timeout_s=5)

    def fail() -> Recorder:
        raise AssertionError("a machine was asked for")

    known = Processes(fail, ["a processor"], {"GOMAXPROCS": "1"})
    assert known.run(program, ["-x"], counted=True, timeout_s=5).output == "said"
    known.close()
