"""Counting one benchmark: processes at several iteration counts, until its counts are stable."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from emulab.bench.attribution import difference
from emulab.bench.causes import COLLECTIONS, causes_of
from emulab.bench.execution import Execution
from emulab.bench.iterations import Effort, counting_samples, first_iterations, next_iterations
from emulab.bench.listing import NO_TESTS
from emulab.bench.names import exact_pattern
from emulab.bench.slopes import Sample, Slope, slope_of
from emulab.bench.windows import own_windows
from emulab.benchmark_text import parse
from emulab.errors import WorkloadError
from emulab.profiling.functions import find_functions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from emulab.bench.attribution import Attribution, BlockCounts
    from emulab.bench.listing import Found
    from emulab.bench.processes import Processes, TestProgram
    from emulab.profiling.profile import Measure
    from emulab.profiling.work import Work

_LONGEST_S = 30.0
"""What stops its timer again and again may take long for few instructions: no process longer than this is
begun when there are windows to compare already."""
_OPERATIONS_AT_LEAST = 6
"""How many operations the time limit has to have room for; what takes longer is run once."""
_GARBAGE_OF_WORK = 1.0
"""Bytes of garbage that make an instruction of the collector's: it works for some 10^6 per 4 MiB at least."""
_COLLECTOR = "runtime.gcStart"


@dataclass(frozen=True)
class Window:
    """A benchmark's own window in one process.

    :param iterations: how many operations it has.
    :param wall_s: how long its process took.
    :param reported: what Go itself said per operation, by unit (``B/op``, ``allocs/op``).
    """

    iterations: int
    execution: Execution
    place: int
    wall_s: float = 0.0
    reported: Mapping[str, float] = field(default_factory=dict)

    @property
    def instructions(self) -> int:
        """Return how many instructions it has."""
        return self.execution.instructions(self.place)

    @property
    def counts(self) -> NDArray[np.uint64]:
        """Return how often each block of its process was executed in it."""
        row: NDArray[np.uint64] = self.execution.counts[self.place]
        return row


@dataclass(frozen=True)
class Counted:
    """What an operation of a benchmark executes.

    :param slope: instructions per operation, and how far they differ.
    :param low, high: the windows whose difference it is; ``low`` is None where only one could be had.
    :param windows: all windows that count.
    :param causes: what may make its counts differ from run to run.
    """

    name: str
    slope: Slope
    low: Window | None
    high: Window
    windows: tuple[Window, ...]
    causes: tuple[str, ...] = ()

    @property
    def operations(self) -> int:
        """Return how many operations the difference of the two windows has."""
        return self.high.iterations - (self.low.iterations if self.low else 0)

    @property
    def repeats(self) -> float | None:
        """Return how far the instructions of equal windows differ, relatively; None where none are equal."""
        size = self.high.iterations
        equal = [each.instructions for each in self.windows if each.iterations == size]
        return (max(equal) - min(equal)) / max(equal) if len(equal) > 1 and max(equal) else None

    def blocks(self) -> BlockCounts:
        """Return how often each block was executed in :attr:`operations` operations."""
        if self.low is None:
            return difference(self.high.execution, self.high.place)
        return difference(self.high.execution, self.high.place, self.low.execution, self.low.place)

    def slope_of(self, value: Callable[[Window], float]) -> Slope:
        """Return how much of something an operation has, and how far that differs."""
        if self.low is None:
            return Slope(value(self.high) / self.operations, 0.0)
        return slope_of([Sample(window.iterations, value(window)) for window in self.windows])

    def work(self, work: Work) -> Slope:
        """Return how many instructions of a class an operation has."""
        return self.slope_of(lambda window: float(window.execution.classes[window.place][work]))

    def measure(self, *measures: Measure) -> Slope | None:
        """Return how much of what the heavy mode measured an operation has; None where it was off."""

        def total(window: Window) -> float:
            known = window.execution.measures
            assert known is not None
            return float(sum(known[window.place][measure].sum() for measure in measures))

        return None if self.high.execution.measures is None else self.slope_of(total)


class Counting:
    """Counts the benchmarks of one test binary.

    :param iterations: the iterations of the largest window; None to choose them.
    """

    def __init__(
        self,
        program: TestProgram,
        processes: Processes,
        attribution: Attribution,
        *,
        iterations: int | None,
        timeout_s: float,
        effort: Effort | None = None,
    ) -> None:
        self._program = program
        self._processes = processes
        self._attribution = attribution
        self._iterations = iterations
        self._timeout_s = timeout_s
        self._effort = effort or Effort()
        known = find_functions(program.artifact.path, [_COLLECTOR]).functions.get(_COLLECTOR)
        self._collector = known.address if known is not None else 0

    def count(self, found: Found) -> Counted:
        """Count one benchmark.

        :raises WorkloadError: it failed, or gave no result.
        :raises InfrastructureError: the machine failed.
        """
        if self._iterations is not None:
            return self._fixed(found.name, self._iterations)
        if found.seconds * _OPERATIONS_AT_LEAST > self._timeout_s:
            return self._fixed(found.name, 1)
        windows: dict[int, list[Window]] = {}
        step: int | None = first_iterations(found.seconds, self._effort)
        thorough = False
        while step is not None:
            for window in self._windows(found.name, step):
                windows.setdefault(window.iterations, []).append(window)
                thorough = thorough or self._makes_garbage(window)
            step = next_iterations(_samples(windows), self._effort, thorough=thorough)
            if step is not None and _seconds(windows, step) > _LONGEST_S:
                break
        samples = counting_samples(_samples(windows), self._effort)
        if thorough or slope_of(samples).spread > self._effort.tolerance:
            self._repeat(found.name, windows)
            samples = counting_samples(_samples(windows), self._effort)
        return self._result(found.name, windows, samples)

    def _makes_garbage(self, window: Window) -> bool:
        """Tell whether the collector ran in a window, or would in larger ones and do a share that counts."""
        if window.iterations == 1:
            return False  # what is done once tells nothing about the rest
        blocks = window.execution.blocks["address"]
        if window.counts[blocks == self._collector].any():
            return True
        instructions = window.instructions / window.iterations
        return window.reported.get("B/op", 0.0) > self._effort.tolerance * instructions * _GARBAGE_OF_WORK

    def _fixed(self, name: str, iterations: int) -> Counted:
        windows: dict[int, list[Window]] = {}
        for number in sorted({max(1, iterations // 9), max(1, iterations // 3), iterations}):
            for window in self._windows(name, number):
                windows.setdefault(window.iterations, []).append(window)
        samples = _samples(windows)
        if len(windows) > 2:
            samples = [sample for sample in samples if sample.iterations > 1]
        return self._result(name, windows, samples)

    def _repeat(self, name: str, windows: dict[int, list[Window]]) -> None:
        """Run the largest window again, which tells what differs by chance from what differs by its size."""
        largest = max(windows)
        again = self._windows(name, largest, repeat=1)
        windows[largest] += [window for window in again if window.iterations == largest]

    def _windows(self, name: str, iterations: int, repeat: int = 0) -> list[Window]:
        """Run a process and return the benchmark's windows in it."""
        arguments = [
            NO_TESTS, f"-test.bench={exact_pattern(name)}", f"-test.benchtime={iterations}x",
            "-test.cpu=1", "-test.benchmem",
            # Without effect on benchmarks; each repeat has a place of its own in the cache by it.
            f"-test.parallel={repeat + 1}",
        ]  # fmt: skip
        run = self._processes.run(self._program, arguments, counted=True, timeout_s=self._timeout_s)
        lines = [line for line in parse(run.output) if line.name == name]
        if not lines or run.profile is None:
            raise WorkloadError(f"{name} gave no result", detail=run.output + run.errors)
        execution = Execution.load(run.profile)
        own = own_windows(execution.arguments, lines[-1].iterations)
        if not own.many:
            raise WorkloadError(f"{name} never ran its timer", hint="it has nothing to count")
        reported = {unit: value for unit, value in lines[-1].values.items() if unit in _REPORTED}
        size = lines[-1].iterations
        first = [Window(1, execution, place, run.wall_s) for place in own.first]
        many = [Window(size, execution, place, run.wall_s, reported) for place in own.many]
        return [*first, *many]

    def _result(self, name: str, windows: dict[int, list[Window]], samples: list[Sample]) -> Counted:
        sizes = sorted({sample.iterations for sample in samples})
        high = _middle(windows[sizes[-1]])
        used = tuple(window for size in sizes for window in windows[size])
        if len(sizes) == 1:
            counted = Counted(name, Slope(high.instructions / high.iterations, 0.0), None, high, used)
        else:
            counted = Counted(name, slope_of(samples), _middle(windows[sizes[0]]), high, used)
        return replace(counted, causes=self._causes(counted))

    def _causes(self, counted: Counted) -> tuple[str, ...]:
        calls = self._attribution.calls(counted.blocks())
        causes = causes_of(calls, counted.operations)
        collects = any(cause.startswith(COLLECTIONS) for cause in causes)
        repeats = counted.repeats
        bends = counted.slope.spread > self._effort.tolerance >= (repeats if repeats is not None else 1.0)
        if bends and not collects:
            causes.insert(0, "its cost depends on the number of iterations")
        if counted.low is None:
            causes.insert(0, "it was run once, so what is done once is part of it")
        return tuple(causes)


_REPORTED = ("B/op", "allocs/op")


def _samples(windows: Mapping[int, list[Window]]) -> list[Sample]:
    return [Sample(size, float(window.instructions)) for size, group in windows.items() for window in group]


def _seconds(windows: Mapping[int, list[Window]], iterations: int) -> float:
    """Return about how long a process will take, as far as earlier ones tell."""
    *below, largest = sorted(size for size in windows if size > 1)
    if not below:
        return 0.0
    low, high = windows[below[-1]][0].wall_s, windows[largest][0].wall_s
    return high + (high - low) * (iterations - largest) / (largest - below[-1])


def _middle(windows: list[Window]) -> Window:
    """Return the window with the median count, the lower of two."""
    return sorted(windows, key=lambda window: window.instructions)[(len(windows) - 1) // 2]
