"""Predictions held against this computer: fitted to some packages, judged on others."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from emulab.calibration.fitting.evaluation import (
    COVERAGE,
    LeftOut,
    half_width,
    interval_scores,
    leave_out,
)
from emulab.calibration.fitting.joining import parts_of
from emulab.calibration.fitting.rows import Row, Table
from emulab.calibration.fitting.solve import ClockPrior, CorePrior, fit, predict, uncertainty
from emulab.errors import NothingRanError
from emulab.profiling.profile import Measure
from emulab.timing.core import load_core
from emulab.timing.flow_graph import graph_of
from emulab.timing.memory import MemoryTimes, memory_seconds
from emulab.timing.pipeline import executed_instructions
from emulab.timing.prediction import estimated_mispredictions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulab.calibration.fitting.solve import Correction
    from emulab.profiling.operation import Operation

SESSION: Final = "this-computer"
_CLOCK_SPREAD: Final = 0.02
"""The clock was measured beside each time."""
_SHORTEST_S: Final = 1e-9
_LEAST_PRECISION: Final = 0.01
_SIZE: Final = re.compile(r"\d+")
_CAUSE: Final = re.compile(r"(.*?): (\S+) ")
_INSTRUCTIONS_OF_A_COLLECTION: Final = 1e6
"""At least, as :mod:`emulab.bench.counting` has it."""
_MOST_OF_COLLECTIONS: Final = 0.2
_FOREIGN: Final = {
    "system calls": "makes system calls, whose time is the kernel's",
    "goroutines": "switches goroutines",
    "preemption": "switches goroutines",
}
_MUCH_MEMORY: Final = 1 << 20
_OFTEN: Final = 0.01
"""Of something per operation: less than that is the test's, not the benchmark's."""
_FILL_CYCLES: Final = 2.0
"""Of a line that is foreseen: 32 bytes a cycle."""
_HISTORY: Final = 256
"""Branches that a predictor remembers the way of (TAGE, Seznec and Michaud 2006, has histories of hundreds):
an operation that has fewer and is the same each time is foretold."""
_NEARLY_WHOLE: Final = 0.05
_NEARLY_ALL: Final = 0.98
_L2_CYCLES: Final = 10.0
_L3_S: Final = 12e-9
_LINE_S: Final = 64 / 60e9
_STORE: Final = 0.2
"""What lies behind the first level of a computer of today, of the order that makers' guides give: the second
and the third level, and a line in a stream from the third; a store's miss mostly hides in its buffer. The fit
has a factor for all of it."""


@dataclass(frozen=True)
class Timed:
    """A benchmark that was counted, and timed here.

    :param seconds: of one operation, the lower quartile of ``n`` runs.
    :param spread: how far the middle one lies above that, relatively.
    :param is_fitted: whether the model is fitted to it; otherwise it is judged.
    """

    package: str
    name: str
    operation: Operation
    seconds: float
    spread: float
    n: int
    is_fitted: bool

    @property
    def workload(self) -> str:
        """Return how figures name it."""
        return f"{self.package}.{self.name}"


@dataclass(frozen=True)
class Predicted:
    """A benchmark with its prediction.

    :param low, high: the interval that holds ``COVERAGE`` of such figures.
    :param cycles: of the pipeline, uncorrected.
    :param reason: why it is not judged, or "".
    """

    timed: Timed
    seconds: float
    low: float
    high: float
    cycles: float
    mispredictions: float
    reason: str

    @property
    def error(self) -> float:
        """Return by how much the prediction is too long, relative to what was measured."""
        return self.seconds / self.timed.seconds - 1.0

    @property
    def is_covered(self) -> bool:
        """Tell whether the interval holds what was measured."""
        return self.low <= self.timed.seconds <= self.high


@dataclass(frozen=True)
class Judgement:
    """What came of it.

    :param clock_hz: at which the pipeline's cycles, uncorrected, give the times of the fitted benchmarks.
    """

    core: str
    clock_hz: float
    correction: Correction
    rows: tuple[Predicted, ...]

    @property
    def judged(self) -> tuple[Predicted, ...]:
        """Return the benchmarks that count: not fitted to, with no reason against them."""
        return tuple(row for row in self.rows if not row.timed.is_fitted and not row.reason)

    def quantile(self, share: float) -> float:
        """Return a quantile of the judged errors' absolute values."""
        return float(np.quantile([abs(row.error) for row in self.judged], share)) if self.judged else math.nan

    @property
    def coverage(self) -> float:
        """Return the share of the judged figures within their intervals."""
        return float(np.mean([row.is_covered for row in self.judged])) if self.judged else math.nan


def judge(timed: Sequence[Timed], core: str, clock_hz: float) -> Judgement:
    """Fit a core's corrections to the fitted benchmarks, and predict all of them.

    :param core: an id of :mod:`emulab.timing`.
    :param clock_hz: at which the times are.
    :raises UsageError: there is no such core.
    :raises NothingRanError: nothing is left to fit.
    """
    facts = load_core(core).facts
    cores = {core: CorePrior(facts.kind, float(facts.mispredict))}
    clocks = {SESSION: ClockPrior(clock_hz, _CLOCK_SPREAD)}
    rows = [_row(each, core, clock_hz) for each in timed]
    reasons = [reason_against(each) for each in timed]
    fitted = [
        row for each, row, reason in zip(timed, rows, reasons, strict=True) if each.is_fitted and not reason
    ]
    if len({row.package for row in fitted}) < 2:
        raise NothingRanError("there are not two packages that a model could be fitted to")
    table = Table(fitted)
    solution = fit(table, cores, clocks)
    left_out = leave_out(LeftOut.PACKAGE, table, cores, clocks)
    score = np.array([one.error / one.open_by for one in left_out])
    reach = interval_scores(table, score, core, cores).reach(COVERAGE)
    every = Table(rows)
    hz = solution.clocks[SESSION]
    correction, penalty = solution.cores[core], cores[core].penalty
    columns = every.cycles, every.mispredictions, every.memory_s, np.full(len(every), hz)
    seconds = predict(correction, penalty, *columns)
    halves = half_width(reach, uncertainty(correction, penalty, *columns))
    return Judgement(
        core,
        hz / math.exp(correction.pipeline),
        correction,
        tuple(
            Predicted(
                each,
                value,
                value * math.exp(-half),
                value * math.exp(half),
                row.cycles,
                row.mispredictions,
                reason,
            )
            for each, row, value, half, reason in zip(
                timed, rows, seconds.tolist(), halves.tolist(), reasons, strict=True
            )
        ),
    )


def reason_against(timed: Timed) -> str:
    """Return why a benchmark's time says nothing of the model, or ""."""
    if timed.seconds < _SHORTEST_S:
        return "takes less than 1 ns: its loop is all that there is"
    operation = timed.operation
    if (operation.bytes_per_op or 0.0) > _MUCH_MEMORY:
        return "allocates more than 1 MiB an operation: new pages are the kernel's time"
    for cause in operation.causes:
        found = _CAUSE.match(cause)
        if found is None:
            continue
        often = float(found[2])
        if found[1] in _FOREIGN and often >= _OFTEN:
            return _FOREIGN[found[1]]
        collected = often * _INSTRUCTIONS_OF_A_COLLECTION
        if found[1] == "GC" and collected > _MOST_OF_COLLECTIONS * operation.instructions:
            return "collects garbage most of its time"
    return ""


def _row(timed: Timed, core: str, hz: float) -> Row:
    parts = parts_of(timed.operation, core)
    return Row(
        session=SESSION,
        board="host",
        core=core,
        package=timed.package,
        workload=timed.workload,
        family=_SIZE.sub("", timed.name),
        seconds=timed.seconds,
        precision=max(_LEAST_PRECISION, timed.spread),
        cycles=parts.cycles,
        mispredictions=_mispredictions(timed.operation, core, parts.mispredictions),
        memory_s=_memory_s(timed.operation, hz),
    )


def _memory_s(operation: Operation, hz: float) -> float:
    """Return the seconds of what lies behind the first level, at a clock.

    Nothing comes from memory. A count is too short to fill a third level, so what missed it there was touched
    for the first time; a benchmark that is timed goes over the same lines again, after each collection of its
    garbage at the latest, and finds them there.
    """
    measures = operation.measures
    if measures is None:
        return 0.0
    second = _L2_CYCLES / hz
    times = MemoryTimes(l2=second, memory=_L3_S, l3=_L3_S, line=_LINE_S, page_walk=2 * second, store=_STORE)
    # A core that works on meanwhile waits for a prefetched line no longer than its transfer takes.
    near = max(0.0, float(measures[Measure.PREFETCHED] - measures[Measure.PREFETCH_MEMORY]))
    return memory_seconds(measures, times).total - near * (_L2_CYCLES - _FILL_CYCLES) / hz


def _mispredictions(operation: Operation, core: str, modelled: float) -> float:
    """Return how many branches of an operation a core of today gets wrong.

    :param modelled: by the predictor of the heavy mode, which knows no long histories.
    """
    if operation.measures is not None:
        branches = float(operation.measures[Measure.TAKEN] + operation.measures[Measure.NOT_TAKEN])
        if branches <= _HISTORY and repeats(operation):
            return 0.0
    graph = graph_of(*executed_instructions(operation))
    # What follows from counts alone takes short loops for learnt.
    learnt = estimated_mispredictions(graph, load_core(core)) / max(operation.operations, 1)
    return min(modelled, learnt)


def repeats(operation: Operation) -> bool:
    """Tell whether an operation takes the same way each time: it executes blocks whole numbers of times."""
    each = operation.counts / max(operation.operations, 1)
    work = operation.counts * operation.blocks["instructions"].astype(np.int64)
    is_whole = np.abs(each - np.round(each)) <= _NEARLY_WHOLE
    return bool(work[is_whole].sum() >= _NEARLY_ALL * work.sum())
