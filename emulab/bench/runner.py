"""Carrying out ``emulab bench``: build, find, count, make the document."""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulab import __version__, cache
from emulab.bench.attribution import Attribution
from emulab.bench.counting import Counting
from emulab.bench.figures import figures_of, note_of
from emulab.bench.listing import find_benchmarks
from emulab.bench.machine import UserMachine, identity, process_environment
from emulab.bench.processes import Processes, TestProgram
from emulab.errors import NothingRanError, WorkloadError
from emulab.figures import Document
from emulab.machines.opening import COUNTING_EMULATOR, Opener
from emulab.profiling.memory_model import model_of
from emulab.toolchain.building import build
from emulab.toolchain.go import find_go
from emulab.toolchain.test_packages import find_test_packages
from emulab.workloads.host import host_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emulab.bench.counting import Counted
    from emulab.bench.listing import BenchmarkList, Found
    from emulab.bench.request import BenchRequest
    from emulab.figures import Figure
    from emulab.progress import Progress, Step
    from emulab.toolchain.go import GoToolchain
    from emulab.workloads.request import Place

_LISTING_PATIENCE = 10.0
"""Finding a binary's benchmarks runs each of them once, in one process."""


@dataclass(frozen=True)
class Outcome:
    """What came of one benchmark.

    :param counted: None where it failed.
    :param failure: why it did, or "".
    """

    place: Place
    program: TestProgram
    name: str
    counted: Counted | None
    failure: str = ""

    @property
    def workload(self) -> str:
        """Return how figures name it."""
        return f"{self.program.package.import_path}.{self.name}"


@dataclass(frozen=True)
class BenchResult:
    """What came of a call of ``emulab bench``."""

    document: Document
    outcomes: tuple[Outcome, ...]

    @property
    def failures(self) -> list[str]:
        """Return a sentence for each benchmark that failed."""
        return [f"{each.workload} failed: {each.failure}" for each in self.outcomes if each.failure]

    @property
    def exit_status(self) -> int:
        """Return 0 when every benchmark was counted, 1 when one failed."""
        return 1 if self.failures else 0


@dataclass
class _Work:
    """The benchmarks of one test binary on one place."""

    place: Place
    program: TestProgram
    processes: Processes
    attribution: Attribution
    found: list[str] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)


def bench(request: BenchRequest, progress: Progress) -> BenchResult:
    """Count the benchmarks that a request means.

    :raises UsageError: the request makes no sense.
    :raises WorkloadError: a package does not build, or its test binary does not even list its benchmarks.
    :raises NothingRanError: there is no such benchmark.
    :raises InfrastructureError: something beneath failed.
    """
    places = request.places()
    go = find_go(request.build.go, progress)
    if go.note:
        progress.note(go.note)
    with Opener(progress, COUNTING_EMULATOR) as opener, tempfile.TemporaryDirectory(dir=_scratch()) as fresh:
        opener.prepare([place.target for place in places])
        anew = Path(fresh) if request.fresh else None
        sets = [_processes(request, place, opener, anew) for place in places]
        try:
            work = _Crew(request, progress).carry_out(_programs(request, places, sets, go, progress))
        finally:
            for processes in sets:
                processes.close()
        machines = [_facts(place, opener, concurrent=request.concurrent_gc) for place in places]
    outcomes = tuple(each.outcomes[name] for each in work for name in each.found)
    if not outcomes:
        raise NothingRanError(
            f"no benchmark of {' '.join(request.packages)} matches {request.pattern!r}",
            hint="see what there is with `go test -list Benchmark`, or leave --bench out",
        )
    environment = {"emulab": __version__, "host": host_facts(), "go": go.version, "machines": machines}
    figures: list[Figure] = []
    notes: list[str] = []
    for outcome in outcomes:
        if outcome.counted is not None:
            figures += figures_of(outcome.place, outcome.program, outcome.counted)
            note = note_of(outcome.counted)
            notes += [f"{outcome.workload}: {note}"] if note else []
    document = Document("bench", environment, figures, [_verdict(each) for each in outcomes], notes)
    return BenchResult(document, outcomes)


def _scratch() -> Path:
    with cache.out_of_space_is_said():
        directory = cache.cache_root() / "scratch"
        directory.mkdir(parents=True, exist_ok=True)
    return directory


def _processes(request: BenchRequest, place: Place, opener: Opener, fresh: Path | None) -> Processes:
    target = place.target
    model = (request.model or model_of(place.board)) if request.caches else None
    return Processes(
        lambda: UserMachine(opener, target, model),
        identity(opener, target, model),
        process_environment(target, concurrent=request.concurrent_gc),
        fresh=fresh,
    )


def _programs(
    request: BenchRequest,
    places: Sequence[Place],
    sets: Sequence[Processes],
    go: GoToolchain,
    progress: Progress,
) -> Any:
    """Yield the work of each package and place, as its test binary is built."""
    for place, processes in zip(places, sets, strict=True):
        architecture = place.target.architecture
        packages = find_test_packages(
            request.packages, request.directory, architecture, go, request.build.tags
        )
        for package in packages:
            artifact = build(package.build_request(request.build_request(place)), go, None, progress)
            program = TestProgram(package, artifact, tuple(package.data()))
            yield _Work(place, program, processes, Attribution(artifact.path, progress))


def _facts(place: Place, opener: Opener, *, concurrent: bool) -> dict[str, Any]:
    target = place.target
    return {
        "board": target.board,
        "arch": target.architecture.name,
        "mode": target.mode,
        "cpu_model": target.cpu_model,
        "environment": process_environment(target, concurrent=concurrent),
        "images": opener.image_ids(target),
    }


def _verdict(outcome: Outcome) -> dict[str, Any]:
    target = outcome.place.target
    return {
        "board": target.board,
        "arch": target.architecture.name,
        "libc": None,
        "mode": target.mode,
        "probe": outcome.workload,
        "verdict": "fail" if outcome.failure else "pass",
        "reason": outcome.failure,
        "remedy": "",
        "tests": 1,
    }


class _Crew:
    """Threads that find and count benchmarks, as many as there are processors."""

    def __init__(self, request: BenchRequest, progress: Progress) -> None:
        self._request = request
        self._progress = progress
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="bench")
        self._then: dict[Future[Any], Callable[[Any], None]] = {}
        self._total = self._done = 0

    def carry_out(self, programs: Any) -> list[_Work]:
        """Count everything, and return the work with its outcomes."""
        work: list[_Work] = []
        try:
            with self._progress.step("counting benchmarks") as step:
                for each in programs:
                    work.append(each)
                    self._list(each)
                    self._gather(step, timeout_s=0)
                while self._then:
                    self._gather(step, timeout_s=None)
        except BaseException:
            self._pool.shutdown(wait=False, cancel_futures=True)
            raise
        self._pool.shutdown()
        return work

    def _list(self, work: _Work) -> None:
        patience = self._request.timeout_s * _LISTING_PATIENCE
        future = self._pool.submit(
            find_benchmarks, work.program, self._request.pattern, work.processes, patience
        )
        self._then[future] = lambda listed: self._count(work, listed)

    def _count(self, work: _Work, listed: BenchmarkList) -> None:
        only = self._request.only
        for name, said in listed.failed:
            work.found.append(name)
            work.outcomes[name] = Outcome(work.place, work.program, name, None, _last_line(said))
        counting = Counting(
            work.program,
            work.processes,
            work.attribution,
            iterations=self._request.iterations,
            timeout_s=self._request.timeout_s,
            effort=self._request.effort,
        )
        for found in listed.found:
            package = work.program.package.import_path
            if only is not None and found.name not in only and f"{package}.{found.name}" not in only:
                continue
            work.found.append(found.name)
            self._total += 1
            self._then[self._pool.submit(_attempt, work, counting, found)] = self._keeper(work)

    def _keeper(self, work: _Work) -> Callable[[Outcome], None]:
        def keep(outcome: Outcome) -> None:
            work.outcomes[outcome.name] = outcome
            self._done += 1

        return keep

    def _gather(self, step: Step, timeout_s: float | None) -> None:
        done, _ = wait(self._then, timeout_s, FIRST_COMPLETED) if self._then else (set(), set())
        for future in done:
            then = self._then.pop(future)
            result = future.result()
            then(result)
            if isinstance(result, Outcome):
                step.update(result.workload, done=self._done, total=self._total)


def _attempt(work: _Work, counting: Counting, found: Found) -> Outcome:
    try:
        return Outcome(work.place, work.program, found.name, counting.count(found))
    except WorkloadError as error:
        said = _last_line(error.detail)
        failure = f"{error.message}: {said}" if said else error.message
        return Outcome(work.place, work.program, found.name, None, failure)


def _last_line(text: str) -> str:
    """Return the line that says most: the first of an error's."""
    lines = [line.strip() for line in text.splitlines()]
    telling = [line for line in lines if line.startswith(("panic:", "fatal error:")) or "_test.go:" in line]
    return (telling or [line for line in lines if line] or [""])[0 if telling else -1]
