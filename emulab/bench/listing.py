"""Which benchmarks a test binary has: found by running each once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulab.bench.names import exact_pattern, listed, matches_top_level, seen_in, top_level
from emulab.bench.processes import ProcessFailedError
from emulab.benchmark_text import parse
from emulab.errors import UsageError

if TYPE_CHECKING:
    from emulab.bench.processes import Processes, TestProgram

_BAD_PATTERN = re.compile(r"invalid regexp for element .*?: (.*)")
NO_TESTS = "-test.run=^$"


@dataclass(frozen=True)
class Found:
    """A benchmark that gave a result.

    :param seconds: how long its first operation took, emulated on this host.
    """

    name: str
    seconds: float


@dataclass(frozen=True)
class BenchmarkList:
    """What a test binary has.

    :param found: the benchmarks that can be counted.
    :param failed: those that failed when they were run once, with what was said.
    """

    found: tuple[Found, ...]
    failed: tuple[tuple[str, str], ...]


def find_benchmarks(
    program: TestProgram, pattern: str, processes: Processes, timeout_s: float
) -> BenchmarkList:
    """Run every benchmark that a pattern means once, and return those that there are.

    Sub-benchmarks are made by the functions that they are in, so nothing less finds them. When one of them
    ends the process, the others are run each in a process of its own.

    :param pattern: what ``go test -bench`` takes.
    :raises UsageError: the pattern is none.
    :raises WorkloadError: the binary does not even list what it has.
    :raises InfrastructureError: the machine failed.
    """
    try:
        return _read(_once(program, pattern, processes, timeout_s))
    except ProcessFailedError as error:
        refused = _BAD_PATTERN.search(error.detail)
        if refused is not None:
            raise UsageError(f"--bench {pattern!r} is no pattern: {refused[1]}") from error
        whole = error
    arguments = [f"-test.list={_TOP_LEVEL}"]
    names = listed(processes.run(program, arguments, counted=False, timeout_s=timeout_s).output)
    wanted = [name for name in names if matches_top_level(pattern, name)]
    if not wanted:
        raise whole
    found: list[Found] = []
    failed: list[tuple[str, str]] = []
    rest = "/".join(pattern.split("/")[1:]) if pattern.count("|") == 0 else ""
    for name in wanted:
        try:
            single = exact_pattern(name) + (f"/{rest}" if rest else "")
            part = _read(_once(program, single, processes, timeout_s))
            found += part.found
            failed += part.failed
        except ProcessFailedError as error:
            # What it had in front of the one that ended it has results all the same.
            done, broken = seen_in(error.run.output)
            found += _read(error.run.output).found
            culprit = broken[0] if broken else name
            if culprit not in done:
                failed.append((culprit, error.detail))
    return BenchmarkList(tuple(found), tuple(failed))


_TOP_LEVEL = "^Benchmark"


def _once(program: TestProgram, pattern: str, processes: Processes, timeout_s: float) -> str:
    arguments = [NO_TESTS, f"-test.bench={pattern}", "-test.benchtime=1x", "-test.cpu=1"]
    return processes.run(program, arguments, counted=False, timeout_s=timeout_s).output


def _read(output: str) -> BenchmarkList:
    found = {line.name: Found(line.name, line.values.get("ns/op", 0.0) * 1e-9) for line in parse(output)}
    _, failed = seen_in(output)
    inner = {top_level(name) for name in found}
    # A function whose sub-benchmark failed failed too, and is no benchmark itself.
    said = [(name, output.partition(f"--- FAIL: {name}")[2]) for name in failed if name not in inner]
    return BenchmarkList(tuple(found.values()), tuple(said))
