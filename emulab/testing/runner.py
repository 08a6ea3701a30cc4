"""Carrying out ``emulab test``: build, run, look twice at what failed, judge."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emulab import __version__, cache
from emulab.errors import (
    EmulabError,
    InfrastructureError,
    NothingRanError,
    SilentMachineError,
    UsageError,
    WorkloadError,
)
from emulab.figures import Document
from emulab.machines.opening import Opener, images_of
from emulab.machines.protocol import SEARCH_PATH, Command
from emulab.testing.binaries import Binaries, NotBuilt
from emulab.testing.cells import Cell, Slot, TestResult
from emulab.testing.events import Transcript, count, events_of, readable
from emulab.testing.locations import module_file, of_tests
from emulab.testing.process import run_within
from emulab.testing.request import with_writable
from emulab.testing.room import Room, available_memory, need_of
from emulab.testing.staging import Stage, lay_out, stage_in
from emulab.testing.verdicts import Judgement, TestRun, Verdict, is_unexplained, judge, silenced
from emulab.workloads.building import PAGE_SIZES
from emulab.workloads.host import host_facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulab.machines.agent_machine import AgentMachine
    from emulab.machines.target import Target
    from emulab.progress import Progress, Step
    from emulab.testing.cells import Memory
    from emulab.testing.request import TestRequest
    from emulab.toolchain.artifact import Artifact
    from emulab.toolchain.test_packages import TestPackage
    from emulab.workloads.request import Place

_GO_EARLIER_S = 5.0
"""How much earlier than the process is asked for its stacks Go's own limit says which test it was."""


@dataclass(frozen=True)
class _Task:
    slot: Slot
    request: TestRequest
    package: TestPackage
    stage: Stage
    artifact: Artifact

    @property
    def place(self) -> Place:
        return self.slot.place


def test(
    request: TestRequest,
    progress: Progress,
    on_cell: Callable[[Cell], None],
    memory: Memory | None,
    on_state: Callable[[Slot, str], None] = lambda slot, state: None,  # noqa: PT028
) -> TestResult:
    """Run the tests that a request means and judge them.

    :param on_cell: called with each cell as it comes, from any thread.
    :param memory: where cells are written down and known ones are taken from; None for none.
    :param on_state: called with what is being done for a cell, from any thread: ``building``, ``waiting``,
        ``running``, ``second look``.
    :raises UsageError: the request makes no sense.
    :raises InfrastructureError: no engine answers, or an image can not be built.
    """
    binaries = Binaries(progress)
    lots = _lots(request, binaries)
    if not lots:
        raise NothingRanError("every cell is left out", hint="exclude fewer of them")
    if request.only == frozenset():
        return TestResult(Document("test", {"emulab": __version__}), ())
    targets = {place.target.title: place.target for _, place in lots}
    with Opener(progress) as opener:
        opener.prepare(targets.values())
        crew = _Crew(opener, binaries, progress, on_cell, memory, on_state)
        cells = crew.carry_out(lots)
        machines = [_machine(target, opener) for target in targets.values()]
    versions = dict.fromkeys(binaries.go(one.build.go).version for one, _ in lots)
    environment = {
        "emulab": __version__,
        "host": host_facts(),
        "go": ", ".join(versions),
        "module": module_file(request.directory),
        "machines": machines,
    }
    document = Document("test", environment, (), [cell.to_json() for cell in cells])
    return TestResult(document, tuple(cells))


test.__test__ = False  # type: ignore[attr-defined]


def _lots(request: TestRequest, binaries: Binaries) -> list[tuple[TestRequest, Place]]:
    """Return the machines, and the ways to build for each, that are not left out."""
    found: dict[tuple[str, str, str], tuple[TestRequest, Place]] = {}
    for one in request.variants():
        for place in one.places():
            slot = _slot("", one, place, binaries)
            if not request.leaves_out(slot.axes):
                # A setting of another architecture's makes no other build.
                found.setdefault((place.target.title, slot.go, slot.build), (one, place))
    return list(found.values())


def _slot(package: str, request: TestRequest, place: Place, binaries: Binaries) -> Slot:
    return Slot(package, place, binaries.go(request.build.go).version, request.build_name(place))


def _machine(target: Target, opener: Opener) -> dict[str, Any]:
    user = target.mode == "user"
    return {
        "board": target.board,
        "arch": target.architecture.name,
        "mode": target.mode,
        "libc": target.libc,
        "kernel": str(opener.engine.info.get("KernelVersion", "")) if user else f"kernel-{target.kernel}",
        "page_size": PAGE_SIZES["4k" if user else target.kernel],
        "cpus": target.cpus,
        "cpu_model": target.cpu_model,
        "memory": target.memory,
        "images": dict(zip(images_of(target), opener.image_ids(target), strict=True)),
    }


class _Crew:
    """Threads that run packages, as many as there are processors; each package on its own machine."""

    def __init__(
        self,
        opener: Opener,
        binaries: Binaries,
        progress: Progress,
        on_cell: Callable[[Cell], None],
        memory: Memory | None,
        on_state: Callable[[Slot, str], None],
    ) -> None:
        self._memory = memory
        self._opener = opener
        self._binaries = binaries
        self._progress = progress
        self._on_cell = on_cell
        self._on_state = on_state
        self._room = Room(lambda: available_memory(opener.engine))
        self._preparing = threading.Lock()
        self._done = self._total = 0

    def carry_out(self, lots: list[tuple[TestRequest, Place]]) -> list[Cell]:
        cells: list[Future[Cell]] = []
        pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="test")
        alone = len({id(one) for one, _ in lots}) == 1
        try:
            with self._progress.step("testing") as step:
                for request, place in lots:
                    try:
                        packages = self._binaries.packages(request, place)
                    except (UsageError, WorkloadError) as error:
                        if alone:
                            raise
                        # One of several ways to build does without this module; the others go on.
                        slot = _slot(" ".join(request.packages), request, place, self._binaries)
                        cells.append(self._unbuilt(slot, NotBuilt.because(error), 0.0, step))
                        continue
                    for package in packages:
                        cells.append(self._begin(pool, package, request, place, step))
                return [cell.result() for cell in cells]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise

    def _begin(
        self, pool: ThreadPoolExecutor, package: TestPackage, request: TestRequest, place: Place, step: Step
    ) -> Future[Cell]:
        """Build a package's test binary and have it run; what does not build is a verdict at once."""
        began = time.monotonic()
        slot = _slot(package.import_path, request, place, self._binaries)
        self._on_state(slot, "building")
        found = self._binaries.binary(package, request, place)
        if isinstance(found, NotBuilt):
            return self._unbuilt(slot, found, time.monotonic() - began, step)
        self._total += 1
        self._on_state(slot, "waiting")
        root = self._binaries.go(request.build.go).root if package.is_standard else package.root
        task = _Task(slot, request, package, stage_in(package.directory, root), found)
        return pool.submit(self._cell, task, step)

    def _unbuilt(self, slot: Slot, why: NotBuilt, seconds: float, step: Step) -> Future[Cell]:
        self._total += 1
        cell = Cell(slot, why.judgement, None, seconds, locations=why.locations)
        self._say(cell, step)
        future: Future[Cell] = Future()
        future.set_result(cell)
        return future

    def _cell(self, task: _Task, step: Step) -> Cell:
        began = time.monotonic()
        key = self._key(task) if self._memory is not None else ""
        if self._memory is not None and (known := self._memory.recall(key)) is not None:
            cell = Cell.recalled(task.slot, key, known)
        else:
            run, judged = self._judged(task)
            places = run.locations if run is not None and judged.verdict is not Verdict.PASS else ()
            cell = Cell(task.slot, judged, run, time.monotonic() - began, key, places)
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
        target, request = task.place.target, task.request
        machine = [target.title, target.cpu_model, target.memory, target.cpus, dict(target.environment)]
        return cache.digest([
            __version__, task.package.import_path, task.slot.axes, task.artifact.sha256, files, machine,
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
        if judged.verdict is not Verdict.FAIL or not task.request.second_look:
            return first, judged
        try:
            self._on_state(task.slot, "second look")
            again = self._run_twice_at_most(task, task.request.second_place(task.place))
            third = self._run_twice_at_most(task, task.place) if is_unexplained(first, again) else None
        except SilentMachineError as error:
            # Two fresh machines answered until these tests ran on them: a fork bomb's do not any more.
            return first, silenced(judged, error.message)
        except EmulabError as error:
            return first, _trouble(error)
        return (again if not again.passed else first), judge(first, again, third)

    def _run_twice_at_most(self, task: _Task, place: Place) -> TestRun:
        """Run a package's tests; what fails beneath them is tried once more."""
        with self._preparing:
            self._opener.prepare([place.target])
        with self._room.taken(need_of(place.target)):
            if place is task.place:
                self._on_state(task.slot, "running")
            try:
                return self._run(task, place)
            except InfrastructureError:
                return self._run(task, place)

    def _run(self, task: _Task, place: Place) -> TestRun:
        stage, request = task.stage, task.request
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
        events = events_of(
            transcript.content(), task.package.import_path, self._binaries.go(request.build.go)
        )
        counts = count(events)
        speaks = not task.package.is_standard and not (ended.succeeded and counts.ran)
        return TestRun(
            mode=target.mode,
            succeeded=ended.succeeded,
            ending=ended.ending(),
            counts=counts,
            output=readable(events),
            seconds=ended.usage.wall_s,
            timed_out=ended.timed_out or "panic: test timed out after" in readable(events),
            exhausted=ended.out_of,
            locations=of_tests(events, counts.failures or counts.unfinished, stage) if speaks else (),
        )


def _put_time_zones(machine: AgentMachine, stage: Stage) -> None:
    zones = stage.root / "lib" / "time" / "zoneinfo.zip"
    if zones.is_file():
        machine.push(zones, f"{stage.base}/lib/time/zoneinfo.zip", permissions=0o644)


def _trouble(error: EmulabError) -> Judgement:
    lines = tuple(error.detail.splitlines()[:5])
    return Judgement(Verdict.ERROR, f"twice: {error.message}", error.hint, 0, lines)
