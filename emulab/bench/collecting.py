"""Counting the benchmarks of one test binary and keeping them as operations, for models to be fitted to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from emulab.bench.iterations import Effort
from emulab.bench.names import top_level
from emulab.bench.operations import operation_of
from emulab.bench.request import BenchRequest
from emulab.bench.runner import bench
from emulab.boards import load_catalogue
from emulab.boards.features import switches_hidden_by_kernel
from emulab.errors import NothingRanError, UsageError, WorkloadError
from emulab.profiling.functions import find_functions
from emulab.profiling.memory_model import model_of
from emulab.profiling.operation_file import OperationFile
from emulab.toolchain.go_versions import parse_go_version
from emulab.workloads.request import BuildOptions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from emulab.bench.counting import Counted
    from emulab.bench.runner import BenchResult
    from emulab.boards import Board
    from emulab.profiling.functions import Function
    from emulab.profiling.memory_model import MemoryModel
    from emulab.profiling.operation import Operation
    from emulab.progress import Progress

HEAVY = Effort(first=4e6, most=4e7, windows=(2, 3))
"""Of what is counted with a model of caches: several times slower, and for measures that vary more than
instructions do."""
_PLACE = re.compile(r"\s*\((from \$GOROOT|/)[^)]*\)")
"""What Go says of where it looked, which differs from machine to machine."""
PARALLEL = "RunParallel: its operations are spread over all processors, of which there is one here"
"""The cause by which an operation says that its time on a board is that of several processors together."""
_RUN_PARALLEL = "testing.(*B).RunParallel"


@dataclass(frozen=True)
class Assignment:
    """What to count of a test binary.

    :param package: its import path.
    :param go: the release of Go, ``1.24``.
    :param benchmarks: the names to count, as Go prints them.
    :param board: whose processor is emulated; its id, or a generic one's.
    :param modelled: the board whose caches and predictors are modelled; None for none.
    :param settings: GOARM, GOARM64 or GORISCV64.
    :param directory: from where the package is looked for, as ``go list`` does.
    """

    package: str
    go: str
    benchmarks: tuple[str, ...]
    board: str
    modelled: Board | None
    directory: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    timeout_s: float = 240.0
    fresh: bool = False

    def request(self) -> BenchRequest:
        """Return the request that counts its blocks."""
        tops = sorted({top_level(name) for name in self.benchmarks})
        return BenchRequest(
            packages=(self.package,),
            directory=self.directory,
            pattern=f"^({'|'.join(re.escape(name) for name in tops)})$",
            boards=(self.board,),
            build=BuildOptions(
                go=self.go,
                tags=self.tags,
                goarm=self.settings.get("GOARM"),
                goarm64=self.settings.get("GOARM64"),
                goriscv64=self.settings.get("GORISCV64"),
            ),
            environment=self._environment(),
            timeout_s=self.timeout_s,
            fresh=self.fresh,
            only=frozenset(self.benchmarks),
        )

    def _environment(self) -> dict[str, str]:
        """Return what lets Go see all that the processor has.

        Who measures a new Go has a kernel that says so; those of some boards, as they are sold, do not.
        """
        release = parse_go_version(self.go).release
        switches = switches_hidden_by_kernel(load_catalogue().board(self.board), release)
        return {"GODEBUG": ",".join(switches)} if switches else {}


@dataclass(frozen=True)
class Collected:
    """What came of an assignment.

    :param content: None where no benchmark could be counted.
    :param missing: why benchmarks have no operation, by name.
    :param unmeasured: why operations have no measures of caches, by the benchmark's name.
    """

    content: OperationFile | None
    missing: Mapping[str, str]
    unmeasured: Mapping[str, str]


def collect(assignment: Assignment, progress: Progress, *, heavy: bool = True) -> Collected:
    """Count an assignment's benchmarks: their blocks, and with a model what caches and predictors do.

    :param heavy: whether to count with the model too.
    :raises InfrastructureError: something beneath failed.
    """
    absent = f"{assignment.package} of Go {assignment.go} has no such benchmark"
    try:
        result = bench(assignment.request(), progress)
    except NothingRanError:
        return Collected(None, dict.fromkeys(assignment.benchmarks, absent), {})
    except (UsageError, WorkloadError) as error:
        at_hand = "no required module provides" not in error.message
        reason = _sentence(error.message) if at_hand else f"no module at hand has {assignment.package}"
        return Collected(None, dict.fromkeys(assignment.benchmarks, reason), {})
    light, failed = _by_name(result)
    missing = {name: failed.get(name, absent) for name in assignment.benchmarks if name not in light}
    measured: dict[str, Counted] = {}
    unmeasured: dict[str, str] = {}
    model = model_of(assignment.modelled) if assignment.modelled is not None and heavy else None
    if model is not None:
        measured, unmeasured = _measured(assignment, model, progress, light)
    binary = result.outcomes[0].program.artifact
    parallel = find_functions(binary.path, [_RUN_PARALLEL]).functions.get(_RUN_PARALLEL)
    operations = {
        f"{assignment.package}.{name}": _operation(light[name], measured.get(name), model, parallel)
        for name in sorted(light)
    }
    content = OperationFile(_origin(assignment, result), operations) if operations else None
    return Collected(content, missing, unmeasured)


def _measured(
    assignment: Assignment, model: MemoryModel, progress: Progress, light: Mapping[str, Counted]
) -> tuple[dict[str, Counted], dict[str, str]]:
    request = replace(assignment.request(), caches=True, model=model, effort=HEAVY, only=frozenset(light))
    try:
        found, failed = _by_name(bench(request, progress))
    except (WorkloadError, NothingRanError) as error:
        return {}, dict.fromkeys(light, _sentence(error.message))
    return found, {name: failed.get(name, "it was not found again") for name in light if name not in found}


def _operation(
    light: Counted, heavy: Counted | None, model: MemoryModel | None, parallel: Function | None
) -> Operation:
    operation = operation_of(light, heavy, model if heavy is not None else None)
    # It is called once in a window, whatever the operations: the windows' difference has nothing of it.
    entry = light.high.execution.blocks["address"] == (parallel.address if parallel is not None else 0)
    if light.high.counts[entry].any():
        return replace(operation, causes=(*operation.causes, PARALLEL))
    return operation


def _by_name(result: BenchResult) -> tuple[dict[str, Counted], dict[str, str]]:
    found = {each.name: each.counted for each in result.outcomes if each.counted is not None}
    failed = {each.name: _sentence(each.failure) for each in result.outcomes if each.failure}
    return found, failed


def _origin(assignment: Assignment, result: BenchResult) -> dict[str, str]:
    (machine,) = result.document.environment["machines"]
    return {
        "package": assignment.package,
        "go": str(result.document.environment["go"]),
        **assignment.settings,
        **({"tags": ",".join(assignment.tags)} if assignment.tags else {}),
        "board": assignment.board,
        "cpu_model": str(machine["cpu_model"]),
        "binary": result.outcomes[0].program.artifact.sha256,
    }


def _sentence(text: str) -> str:
    """Return a reason on one line, without this machine's paths."""
    return _PLACE.sub("", " ".join(text.split()))
