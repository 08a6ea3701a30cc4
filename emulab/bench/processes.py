"""Processes of a test binary on an emulated machine, each run once and remembered."""

from __future__ import annotations

import json
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from emulab import cache
from emulab.errors import WorkloadError
from emulab.machines.protocol import SEARCH_PATH, Command
from emulab.toolchain.test_packages import GUEST_GOROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from emulab.machines.protocol import Completed
    from emulab.toolchain.artifact import Artifact
    from emulab.toolchain.test_packages import TestPackage

_FORMAT = 1
_KIND = "counted-runs"
_OUTPUT, _PROFILE = "run.json", "windows.npz"


@dataclass(frozen=True)
class TestProgram:
    """A package's test binary.

    :param data: the files that it may read, and where they belong on a machine.
    """

    __test__ = False

    package: TestPackage
    artifact: Artifact
    data: tuple[tuple[Path, str], ...]

    @property
    def path(self) -> str:
        """Where it lies on a machine."""
        return f"/work/bin/{self.artifact.sha256[:16]}/{self.artifact.name}"

    def data_digest(self) -> str:
        """Return a digest of what it may read."""
        return cache.digest([(place, cache.file_digest(path)) for path, place in self.data])


@dataclass(frozen=True)
class ProcessRun:
    """How a process of a test binary ended.

    :param profile: the file of what it executed; None where that was not asked for.
    :param wall_s: how long it took, emulated and on this host.
    """

    output: str
    errors: str
    ending: str
    succeeded: bool
    profile: Path | None
    wall_s: float


class CountingMachine(Protocol):
    """A machine that test binaries are put on, and that can count what they execute."""

    def install(self, program: TestProgram) -> None:
        """Put a test binary and its data in their places."""

    def count(self, program: TestProgram, command: Command, profile: Path | None) -> Completed:
        """Run a command to its end; with a path, count what it executes and write that there."""

    def close(self) -> None:
        """Remove the machine."""


class ProcessFailedError(WorkloadError):
    """A process of a test binary did not end with status 0."""

    def __init__(self, run: ProcessRun, what: str) -> None:
        super().__init__(f"{what} {run.ending}", detail=_tail(f"{run.output}\n{run.errors}"))
        self.run = run


class Processes:
    """Runs processes of test binaries on one machine, side by side where threads ask for it.

    What was run before with the same binary, data, arguments and machine is answered from the cache, and a
    machine is opened only for what was not.

    :param open_machine: opens the machine; called at most once, from any thread.
    :param identity: everything about the machine that determines what a process executes.
    :param environment: what every process finds in its environment.
    :param fresh: a directory for runs that shall not come from the cache; None to take them from it.
    """

    def __init__(
        self,
        open_machine: Callable[[], CountingMachine],
        identity: Sequence[Any],
        environment: dict[str, str],
        *,
        fresh: Path | None = None,
    ) -> None:
        self._open_machine = open_machine
        self._identity = list(identity)
        self._environment = environment
        self._fresh = fresh
        self._lock = threading.Lock()
        self._machine: Future[CountingMachine] | None = None
        self._installed: dict[str, Future[None]] = {}
        self._digests: dict[str, str] = {}

    def run(
        self, program: TestProgram, arguments: Sequence[str], *, counted: bool, timeout_s: float
    ) -> ProcessRun:
        """Run a test binary to its end.

        :param counted: whether to count what it executes.
        :param timeout_s: when it is killed.
        :raises ProcessFailedError: it did not end with status 0.
        :raises InfrastructureError: the machine failed.
        """
        environment = self._environment | {"GOROOT": GUEST_GOROOT}
        key = cache.digest([
            _FORMAT, program.artifact.sha256, self._data_digest(program), list(arguments), environment,
            self._identity, counted,
        ])  # fmt: skip

        def make(directory: Path) -> None:
            machine = self._ready(program)
            command = Command(
                (program.path, *arguments),
                {"PATH": SEARCH_PATH, "HOME": "/work", **environment},
                directory=program.package.guest_directory,
                timeout_s=timeout_s,
            )
            profile = directory / _PROFILE if counted else None
            ended = machine.count(program, command, profile)
            run = _as_run(ended, profile)
            if not run.succeeded:
                raise ProcessFailedError(run, f"the test binary of {program.package.import_path}")
            facts = {"output": run.output, "errors": run.errors, "wall_s": run.wall_s}
            (directory / _OUTPUT).write_text(json.dumps(facts))

        if self._fresh is not None:
            directory = self._fresh / key
            if not directory.is_dir():
                directory.mkdir()
                make(directory)
        else:
            directory = cache.entry(_KIND, key, make)
        facts = json.loads((directory / _OUTPUT).read_text())
        return ProcessRun(
            ending="ended with status 0",
            succeeded=True,
            profile=directory / _PROFILE if counted else None,
            **facts,
        )

    def close(self) -> None:
        """Remove the machine, where one was opened."""
        with self._lock:
            machine = self._machine
        if machine is not None and machine.exception() is None:
            machine.result().close()

    def _data_digest(self, program: TestProgram) -> str:
        with self._lock:
            known = self._digests.get(program.path)
        if known is None:
            known = program.data_digest()
            with self._lock:
                self._digests[program.path] = known
        return known

    def _ready(self, program: TestProgram) -> CountingMachine:
        """Return the machine with a program installed, opening and installing at the first call."""
        with self._lock:
            opens = self._machine is None
            if self._machine is None:
                self._machine = Future()
            installs = program.path not in self._installed
            installed = self._installed.setdefault(program.path, Future())
            opened = self._machine
        if opens:
            _fulfil(opened, self._open_machine)
        machine = opened.result()
        if installs:
            _fulfil(installed, lambda: machine.install(program))
        installed.result()
        return machine


def _fulfil(future: Future[Any], work: Callable[[], Any]) -> None:
    """Do what others wait for; they get its error too."""
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)


def _as_run(ended: Completed, profile: Path | None) -> ProcessRun:
    return ProcessRun(
        output=ended.stdout.decode(errors="replace"),
        errors=ended.stderr.decode(errors="replace"),
        ending=ended.ending(),
        succeeded=ended.succeeded,
        profile=profile,
        wall_s=ended.usage.wall_s,
    )


def _tail(text: str, lines: int = 30) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])
