"""The host as the board: benchmarks counted, timed and predicted in one go."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from emulab.bench.clock import Clock
from emulab.bench.host import host_model
from emulab.bench.iterations import Effort
from emulab.bench.machine import process_environment
from emulab.bench.native import Task, time_natively
from emulab.bench.operations import operation_of
from emulab.bench.request import BenchRequest
from emulab.bench.runner import bench
from emulab.boards import load_catalogue
from emulab.boards.host import processor
from emulab.calibration.host import Timed, judge
from emulab.errors import WorkloadError
from emulab.timing.host_cores import amd64_core
from emulab.toolchain.go import find_go
from emulab.workloads.request import BuildOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emulab.bench.runner import Outcome
    from emulab.boards import Board
    from emulab.calibration.host import Judgement
    from emulab.progress import Progress

_EFFORT: Final = Effort(first=2e6, most=2e7, windows=(2, 3))
"""Of counting with a model of caches: enough for a per mille of most."""


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``host_benchmarks.toml``: names of benchmarks, without that word in front, by package.

    :param fitted: what the model is fitted to.
    :param judged: what it is judged on.
    """

    fitted: dict[str, tuple[str, ...]]
    judged: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class HostTrial:
    """What came of it.

    :param failures: a sentence for each benchmark that could not be counted or timed.
    :param environment: what the result's document says of it all.
    """

    judgement: Judgement
    failures: tuple[str, ...]
    environment: Mapping[str, Any] = field(default_factory=dict)


def shipped_choice() -> Choice:
    """Return the benchmarks that are run when nothing else is asked for."""
    path = Path(__file__).parent / "host_benchmarks.toml"
    return msgspec.convert(tomllib.loads(path.read_text()), Choice)


def try_host(
    packages: tuple[str, ...],
    directory: Path,
    go: str | None,
    progress: Progress,
    choice: Choice | None = None,
) -> HostTrial:
    """Count benchmarks, time them here, fit a model to some of them and predict all.

    :param packages: what is judged in place of the shipped choice, with all benchmarks that they have.
    :param choice: other benchmarks than those that ship.
    :raises UsageError: this computer is no amd64, or a package does not exist.
    :raises WorkloadError: a package does not build.
    :raises NothingRanError: there was nothing to fit to or nothing to run.
    :raises InfrastructureError: something beneath failed.
    """
    chosen = choice or shipped_choice()
    board = load_catalogue().board("host")
    # A package that is judged is not fitted to.
    fitted = {name: names for name, names in chosen.fitted.items() if name not in packages}
    shipped = fitted if packages else {**fitted, **chosen.judged}
    outcomes, environment = _count(_request(shipped, board, directory, go), progress)
    if packages:
        own = replace(_request(fitted, board, directory, go), packages=packages, pattern=".", only=None)
        more, _ = _count(own, progress)
        outcomes = [*outcomes, *more]
    failures = [f"{each.workload} failed: {each.failure}" for each in outcomes if each.failure]
    timed, hz = _time(outcomes, board, set(fitted), go, progress, failures)
    core = amd64_core(*processor())
    with progress.step("fitting and predicting"):
        judgement = judge(timed, core, hz)
    return HostTrial(judgement, tuple(failures), environment)


def _request(
    choice: Mapping[str, Sequence[str]], board: Board, directory: Path, go: str | None
) -> BenchRequest:
    tops = sorted({re.escape(name.split("/")[0]) for names in choice.values() for name in names})
    return BenchRequest(
        packages=tuple(choice),
        directory=directory,
        pattern=f"^Benchmark({'|'.join(tops)})$",
        boards=(board.id,),
        build=BuildOptions(go=go),
        caches=True,
        model=host_model(board),
        effort=_EFFORT,
        only=frozenset(f"{package}.Benchmark{name}" for package, names in choice.items() for name in names),
    )


def _count(request: BenchRequest, progress: Progress) -> tuple[list[Outcome], Mapping[str, Any]]:
    result = bench(request, progress)
    return list(result.outcomes), result.document.environment


def _time(
    outcomes: Sequence[Outcome],
    board: Board,
    fitted: set[str],
    go: str | None,
    progress: Progress,
    failures: list[str],
) -> tuple[list[Timed], float]:
    counted = [(each, each.counted) for each in outcomes if each.counted is not None]
    tasks = [Task(each.program, each.name, found.slope.per_operation) for each, found in counted]
    with progress.step("timing on this computer") as step:
        settings = process_environment(counted[0][0].place.target) if counted else {}
        with Clock(progress) as clock:
            times, hz = time_natively(tasks, settings, find_go(go, progress).root, clock, step)
    timed = []
    for (each, found), time in zip(counted, times, strict=True):
        if isinstance(time, WorkloadError):
            failures.append(time.message)
            continue
        package = each.program.package.import_path
        operation = operation_of(found, found, host_model(board))
        timed.append(
            Timed(
                package, each.name, operation, time.seconds, time.spread, len(time.values), package in fitted
            )
        )
    return timed, hz
