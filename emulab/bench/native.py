"""Benchmarks timed on this computer itself: the test binaries that were counted, without an emulator.

Each process runs one benchmark a number of times that takes some hundredths of a second; processes of all
benchmarks take turns. The processor's clock is measured before and after each, since it moves by half within
minutes on a computer that others work on too; times are told as they are at the middle one. What else keeps a
run up can only make it longer, so the lower quartile is the figure, and how far the middle one lies above it
says how quiet the computer was.
"""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulab.bench.listing import NO_TESTS
from emulab.bench.names import exact_pattern
from emulab.benchmark_text import parse
from emulab.errors import WorkloadError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from emulab.bench.clock import Clock
    from emulab.bench.processes import TestProgram
    from emulab.progress import Step

_WINDOW_S = 0.03
_FIRST_S = 0.003
"""How long the process takes about that only finds out how long an operation takes."""
_LONGEST_S = 60.0
_INSTRUCTIONS_PER_S = 1e10
"""More than any core executes, so that the first process is rather too short than too long."""
ROUNDS = 7


@dataclass(frozen=True)
class Task:
    """A benchmark to time.

    :param instructions: of one operation, as counted.
    """

    program: TestProgram
    name: str
    instructions: float


@dataclass(frozen=True)
class NativeTime:
    """What was measured of one benchmark.

    :param values: seconds per operation, of each process.
    :param iterations: operations of each process.
    """

    values: tuple[float, ...]
    iterations: int

    @property
    def seconds(self) -> float:
        """Return the figure: the lower quartile."""
        return sorted(self.values)[len(self.values) // 4]

    @property
    def spread(self) -> float:
        """Return how far the middle run lies above the figure, relatively."""
        return statistics.median(self.values) / self.seconds - 1.0


def time_natively(
    tasks: Sequence[Task],
    environment: Mapping[str, str],
    goroot: Path,
    clock: Clock,
    step: Step,
    rounds: int = ROUNDS,
) -> tuple[list[NativeTime | WorkloadError], float]:
    """Time benchmarks on this computer.

    :returns: what was measured of each, or why nothing was; and the clock, in hertz, that the times are at.
    :param environment: what the counted processes had, as far as it is Go's.
    :param goroot: of the toolchain that built them.
    """
    cycles: list[list[float]] = [[] for _ in tasks]
    clocks = [clock.hz()]
    iterations = [max(1, int(_FIRST_S * _INSTRUCTIONS_PER_S / max(each.instructions, 1.0))) for each in tasks]
    failures: dict[int, WorkloadError] = {}
    with tempfile.TemporaryDirectory() as home:
        settings = {
            "PATH": os.environ.get("PATH", ""), "HOME": home, "TMPDIR": home, "GOROOT": str(goroot),
            **environment,
        }  # fmt: skip
        for number in range(rounds + 1):
            for place, task in enumerate(tasks):
                if place in failures:
                    continue
                try:
                    seconds = _run(task, iterations[place], settings)
                except WorkloadError as error:
                    failures[place] = error
                    continue
                clocks.append(clock.hz())
                if number:
                    cycles[place].append(seconds * math.sqrt(clocks[-2] * clocks[-1]))
                else:
                    iterations[place] = max(1, round(_WINDOW_S / max(seconds, 1e-10)))
            step.update(f"round {number} of {rounds}", done=number, total=rounds)
    hz = statistics.median(clocks)
    times = [
        failures.get(place) or NativeTime(tuple(each / hz for each in cycles[place]), iterations[place])
        for place in range(len(tasks))
    ]
    return times, hz


def _run(task: Task, iterations: int, environment: Mapping[str, str]) -> float:
    """Return the seconds that one operation took in a process of its own."""
    package = task.program.package
    command = [
        str(task.program.artifact.path), NO_TESTS, f"-test.bench={exact_pattern(task.name)}",
        f"-test.benchtime={iterations}x", "-test.cpu=1",
    ]  # fmt: skip
    try:
        ended = subprocess.run(
            command,
            cwd=package.directory,
            env=dict(environment),
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise WorkloadError(f"{package.import_path}.{task.name} could not be timed: {error}") from error
    lines = [line for line in parse(ended.stdout) if line.name == task.name]
    if ended.returncode != 0 or not lines or lines[-1].values.get("ns/op", 0.0) <= 0.0:
        raise WorkloadError(
            f"{package.import_path}.{task.name} gave no time on this computer", detail=ended.stdout[-500:]
        )
    return lines[-1].values["ns/op"] * 1e-9
