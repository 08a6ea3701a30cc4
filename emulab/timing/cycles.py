"""All that an operation costs on a core, each part by itself, since a fit scales few of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from emulab.timing.flow_graph import graph_of
from emulab.timing.memory import MemorySeconds, MemoryTimes, memory_seconds
from emulab.timing.pipeline import Counted, PipelineCycles, cycles_of_graph, executed_instructions
from emulab.timing.prediction import estimated_mispredictions, exchanged_returns, measured_mispredictions

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from emulab.timing.core import Core


class Measured(Counted, Protocol):
    """An ``Operation`` with what its memory and its system did."""

    @property
    def measures(self) -> NDArray[np.float64] | None:
        """What the heavy mode measured per operation, one for each ``Measure``."""
        ...

    @property
    def syscalls(self) -> Mapping[int, float]:
        """System calls per operation, by number."""
        ...


@dataclass(frozen=True)
class Cycles:
    """What one operation costs.

    :param core: cycles of the pipeline, with everything in the first level and foretold.
    :param mispredictions: transfers that were foretold wrongly: by the heavy mode's predictor where it ran,
        else the estimate; and calls that a core takes for something else.
    :param estimated_mispredictions: from how often each branch was taken. A core with a better predictor than
        the heavy mode's comes closer to this in short loops.
    :param branches: cycles that ``mispredictions`` cost.
    :param are_branches_measured: whether the heavy mode's predictor ran.
    :param memory: seconds by the part of the memory; None where nothing was measured or no times are given.
    :param system: system calls.
    :param pipeline: where the pipeline's cycles went.
    """

    core: float
    mispredictions: float
    estimated_mispredictions: float
    branches: float
    are_branches_measured: bool
    memory: MemorySeconds | None
    system: float
    pipeline: PipelineCycles

    def seconds(self, clock_hz: float) -> float:
        """Return the whole time at a clock, but for system calls."""
        memory = self.memory.total if self.memory is not None else 0.0
        return (self.core + self.branches) / clock_hz + memory


def cycles_of(operation: Measured, core: Core, times: MemoryTimes | None = None) -> Cycles:
    """Return what an operation costs on a core.

    :param times: the board's memory's; None leaves it out.
    :raises UsageError: the core does not execute the operation's instruction set.
    """
    operations = max(operation.operations, 1)
    graph = graph_of(*executed_instructions(operation))
    pipeline = cycles_of_graph(graph, core, operations)
    measures = operation.measures
    estimate = estimated_mispredictions(graph, core) / operations
    exchanged = exchanged_returns(graph) / operations
    estimate += exchanged
    wrong = estimate if measures is None else measured_mispredictions(measures) + exchanged
    return Cycles(
        core=pipeline.cycles,
        mispredictions=wrong,
        estimated_mispredictions=estimate,
        branches=wrong * core.facts.mispredict,
        are_branches_measured=measures is not None,
        memory=memory_seconds(measures, times) if measures is not None and times is not None else None,
        system=float(sum(operation.syscalls.values())),
        pipeline=pipeline,
    )
