"""Carrying out ``emulab test``: build, run, look twice at what failed, judge."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from emulab import __version__, cache
from emulab.errors import EmulabError, InfrastructureError, NothingRanError, UsageError, WorkloadError
from emulab.figures import Document
from emulab.machines.opening import Opener
from emulab.machines.protocol import SEARCH_PATH, Command
from emulab.testing.events import Transcript, count, events_of, readable
from emulab.testing.process import run_within
from emulab.testing.request import with_writable
from emulab.testing.staging import Stage, lay_out, stage_in
from emulab.testing.verdicts import Counts, Judgement, TestRun, Verdict, is_unexplained, judge
from emulab.toolchain.building import build
from emulab.toolchain.go import find_go
from emulab.toolchain.test_packages import find_test_packages
from emulab.toolchain.zig import find_zig
from emulab.workloads.host import host_facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulab.machines.agent_machine import AgentMachine
    from emulab.progress import Progress, Step
    from emulab.testing.request import TestRequest
    from emulab.toolchain.artifact import Artifact
    from emulab.toolchain.go import GoToolchain
    from emulab.toolchain.test_packages import TestPackage
    from emulab.workloads.request import Place

_GO_EARLIER_S = 5.0
"""How much earlier than the process is asked for its stacks Go's own limit says which test it was."""


@dataclass(frozen=True)
class Cell:
    """What came of one package's tests on one machine.

    :param run: the run that the judgement speaks of, None where there was none.
    :param seconds: what the cell took on this host, the second look included.
    :param key: a digest of everything that the judgement depends on; "" where nothing could be built.
    """

    package: str
    place: Place
    judgement: Judgement
    run: TestRun | None
    seconds: float
    key: str = ""

    @classmethod
    def recalled(cls, place: Place, key: str, row: dict[str, Any]) -> Cell:
        """Return the cell that a verdict of an earlier document tells."""
        judged = Judgement(
            Verdict(row["verdict"]), row["reason"], row["remedy"], row["tests"], tuple(row["evidence"])
        )
        counts = Counts(skipped=row["skipped"], failures=tuple(row["failures"]))
        mode = place.target.mode
        run = TestRun(mode, judged.verdict is Verdict.PASS, "", counts, "", row["seconds"])
        return cls(row["probe"], place, judged, run, row["seconds"], key)

    def to_json(self) -> dict[str, Any]:
        """Return it as a verdict of the result document."""
        target, judged = self.place.target, self.judgement
        counts = self.run.counts if self.run is not None else None
        return {
            "board": target.board,
            "arch": target.architecture.name,
            "libc": target.libc,
            "mode": target.mode,
            "probe": self.package,
            "verdict": str(judged.verdict),
            "reason": judged.reason,
            "remedy": judged.remedy,
            "tests": judged.tests,
            "skipped": counts.skipped if counts is not None else 0,
            "failures": list(counts.failures) if counts is not None else [],
            "evidence": list(judged.evidence),
            "seconds": round(self.seconds, 3),
        }


class Memory(Protocol):
    """Where cells are written down, by their keys. Safe to use from several threads."""

    def recall(self, key: str) -> dict[str, Any] | None:
        """Return the verdict of a cell that is known."""

    def write(self, key: str, verdict: dict[str, Any]) -> None:
        """Write a cell's verdict down."""


@dataclass(frozen=True)
class TestResult:
    """What came of a call of ``emulab test``."""

    __test__ = False

    document: Document
    cells: tuple[Cell, ...]

    @property
    def exit_status(self) -> int:
        """Return 1 for a failure of the program's, 3 for trouble beneath, 4 where no test ran, else 0."""
        verdicts = {cell.judgement.verdict for cell in self.cells}
        if Verdict.FAIL in verdicts:
            return WorkloadError.exit_status
        if Verdict.ERROR in verdicts:
            return InfrastructureError.exit_status
        ran = verdicts & {Verdict.PASS, Verdict.EMULATOR_FAULT, Verdict.UNSUPPORTED}
        return 0 if ran else NothingRanError.exit_status


@dataclass(frozen=True)
class _Task:
    package: TestPackage
    place: Place
    stage: Stage
    artifact: Artifact


def test(
    request: TestRequest,
    progress: Progress,
    on_cell: Callable[[Cell], None],
    memory: Memory | None,
) -> TestResult:
    """Run the tests that a request means and judge them.

    :param on_cell: called with each cell as it comes, from any thread.
    :param memory: where cells are written down and known ones are taken from; None for none.
    :raises UsageError: the request makes no sense.
    :raises InfrastructureError: no engine answers, or an image can not be built.
    """
    places = [place for place in request.places() if not request.leaves_out(place.target)]
    if not places:
        raise NothingRanError("every cell is left out", hint="exclude fewer of them")
    go = find_go(request.build.go, progress)
    if go.note:
        progress.note(go.note)
    with Opener(progress) as opener:
        opener.prepare([place.target for place in places])
        cells = _Crew(request, opener, go, progress, on_cell, memory).carry_out(places)
        machines = [
            {
                "board": place.target.board,
                "arch": place.target.architecture.name,
                "mode": place.target.mode,
                "libc": place.target.libc,
                "cpu_model": place.target.cpu_model,
                "memory": place.target.memory,
                "images": opener.image_ids(place.target),
            }
            for place in places
        ]
    environment = {"emulab": __version__, "host": host_facts(), "go": go.version, "machines": machines}
    document = Document("test", environment, (), [cell.to_json() for cell in cells])
    return TestResult(document, tuple(cells))


test.__test__ = False  # type: ignore[attr-defined]


class _Crew:
    """Threads that run packages, as many as there are processors; each package on its own machine."""

    def __init__(
        self,
        request: TestRequest,
        opener: Opener,
        go: GoToolchain,
        progress: Progress,
        on_cell: Callable[[Cell], None],
        memory: Memory | None,
    ) -> None:
        self._memory = memory
        self._request = request
        self._opener = opener
        self._go = go
        self._progress = progress
        self._on_cell = on_cell
        self._preparing = threading.Lock()
        self._done = self._total = 0

    def carry_out(self, places: list[Place]) -> list[Cell]:
        cells: list[Future[Cell]] = []
        pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="test")
        try:
            with self._progress.step("testing") as step:
                for place in places:
                    for package in self._packages(place):
                        self._total += 1
                        cells.append(self._begin(pool, package, place, step))
                return [cell.result() for cell in cells]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise

    def _packages(self, place: Place) -> list[TestPackage]:
        request = self._request
        return find_test_packages(
            request.packages, request.directory, place.target.architecture, self._go, request.build.tags
        )

    def _begin(
        self, pool: ThreadPoolExecutor, package: TestPackage, place: Place, step: Step
    ) -> Future[Cell]:
        """Build a package's test binary and have it run; what does not build is a verdict at once."""
        began = time.monotonic()
        wanted = package.build_request(self._request.build_request(place))
        try:
            zig = find_zig(self._progress) if wanted.needs_zig else None
            artifact = build(wanted, self._go, zig, self._progress)
        except (WorkloadError, UsageError) as error:
            verdict = Verdict.FAIL if isinstance(error, WorkloadError) else Verdict.UNSUPPORTED
            said = tuple(error.detail.splitlines()[:5])
            judged = Judgement(verdict, error.message, error.hint, 0, said)
            cell = Cell(package.import_path, place, judged, None, time.monotonic() - began)
            self._say(cell, step)
            future: Future[Cell] = Future()
            future.set_result(cell)
            return future
        root = self._go.root if package.is_standard else package.root
        task = _Task(package, place, stage_in(package.directory, root), artifact)
        return pool.submit(self._cell, task, step)

    def _cell(self, task: _Task, step: Step) -> Cell:
        began = time.monotonic()
        key = self._key(task) if self._memory is not None else ""
        if self._memory is not None and (known := self._memory.recall(key)) is not None:
            cell = Cell.recalled(task.place, key, known)
        else:
            run, judged = self._judged(task)
            cell = Cell(task.package.import_path, task.place, judged, run, time.monotonic() - began, key)
            # Trouble beneath says nothing of the program: next time it may be over.
            if self._memory is not None and judged.verdict is not Verdict.ERROR:
                self._memory.write(key, cell.to_json())
        self._say(cell, step)
        return cell

    def _say(self, cell: Cell, step: Step) -> None:
        self._done += 1
        step.update(cell.package, done=self._done, total=self._total)
        self._on_cell(cell)

    def _key(self, task: _Task) -> str:
        files = [(place, cache.file_digest(path)) for path, place in task.stage.files()]
        target, request = task.place.target, self._request
        machine = [target.title, target.cpu_model, target.memory, target.cpus, dict(target.environment)]
        return cache.digest([
            __version__, task.package.import_path, task.artifact.sha256, files, machine,
            self._opener.image_ids(target), request.flags, request.timeout_s, request.second_look,
        ])  # fmt: skip

    def _judged(self, task: _Task) -> tuple[TestRun | None, Judgement]:
        try:
            first = self._run_twice_at_most(task, task.place)
        except EmulabError as error:
            # A program that its root filesystem can not start is a verdict; the rest is trouble beneath.
            if isinstance(error, UsageError):
                return None, Judgement(Verdict.UNSUPPORTED, error.message, error.hint)
            return None, _trouble(error)
        judged = judge(first)
        if judged.verdict is not Verdict.FAIL or not self._request.second_look:
            return first, judged
        try:
            again = self._run_twice_at_most(task, self._request.second_place(task.place))
            third = self._run_twice_at_most(task, task.place) if is_unexplained(first, again) else None
        except EmulabError as error:
            return first, _trouble(error)
        return (again if not again.passed else first), judge(first, again, third)

    def _run_twice_at_most(self, task: _Task, place: Place) -> TestRun:
        """Run a package's tests; what fails beneath them is tried once more."""
        with self._preparing:
            self._opener.prepare([place.target])
        try:
            return self._run(task, place)
        except InfrastructureError:
            return self._run(task, place)

    def _run(self, task: _Task, place: Place) -> TestRun:
        stage, request = task.stage, self._request
        target = with_writable(place.target, stage.writable)
        path = f"/tmp/.emulab-bin/{task.artifact.name}"
        limit = request.timeout_s
        arguments = [
            "-test.v=test2json",
            "-test.paniconexit0",
            f"-test.timeout={max(limit - _GO_EARLIER_S, 1.0):g}s",
            *request.flags,
        ]
        environment = {"PATH": SEARCH_PATH, "HOME": "/work", "PWD": stage.guest_directory}
        environment |= target.environment
        if task.package.is_standard:
            environment["GOROOT"] = str(stage.base)
        transcript = Transcript()
        with self._opener.open(target) as machine:
            machine.push(task.artifact.path, path)
            lay_out(stage, machine.agent)
            if task.package.is_standard:
                _put_time_zones(machine, stage)
            command = Command((path, *arguments), environment, stage.guest_directory)
            ended = run_within(machine, command, limit, lambda _, piece: transcript.write(piece))
        events = events_of(transcript.content(), task.package.import_path, self._go)
        return TestRun(
            mode=target.mode,
            succeeded=ended.succeeded,
            ending=ended.ending(),
            counts=count(events),
            output=readable(events),
            seconds=ended.usage.wall_s,
            timed_out=ended.timed_out or "panic: test timed out after" in readable(events),
            exhausted=ended.out_of,
        )


def _put_time_zones(machine: AgentMachine, stage: Stage) -> None:
    zones = stage.root / "lib" / "time" / "zoneinfo.zip"
    if zones.is_file():
        machine.push(zones, f"{stage.base}/lib/time/zoneinfo.zip", permissions=0o644)


def _trouble(error: EmulabError) -> Judgement:
    lines = tuple(error.detail.splitlines()[:5])
    return Judgement(Verdict.ERROR, f"twice: {error.message}", error.hint, 0, lines)
