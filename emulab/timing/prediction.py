"""How many branches a core's predictor gets wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emulab.profiling.profile import Measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emulab.profiling.edges import Branches
    from emulab.timing.core import Core
    from emulab.timing.flow_graph import Graph

_RARELY = 0.02
"""A branch that goes the rarer way less often than this is taken to be foretold: an error check, mostly."""
_LONGEST_LEARNT = 8
"""A loop of at most so many rounds ends when the history of branches says so."""

_JALR, _C_JALR_T0, _LINKS = 0x67, 0x9282, (1, 5)


def measured_mispredictions(measures: NDArray[np.float64]) -> float:
    """Return the transfers foretold wrongly per operation, as the heavy mode's predictor counted them."""
    return float(measures[Measure.MISPREDICTED] + measures[Measure.TARGET_MISPREDICTED])


def estimated_mispredictions(graph: Graph, core: Core) -> float:
    """Estimate how many branches are foretold wrongly, from how often each was taken alone.

    A branch that goes either way is wrong as often as it goes the rarer one, which is what a predictor
    without any memory would achieve of a coin that is tossed; a loop is wrong at its end when it is long.
    Correlated branches do better, so a fit may well scale this.

    :return: for all of the graph's executions.
    """
    branches = graph.branches
    executions = np.maximum(branches.executions, 1)
    rarer = np.minimum(branches.taken, branches.not_taken).astype(float)
    rarer[rarer < _RARELY * executions] = 0.0
    is_loop = branches.target <= branches.address
    exits = branches.not_taken.astype(float)
    is_long = executions > _LONGEST_LEARNT * np.maximum(exits, 1)
    wrong = np.where(is_loop, np.where(is_long, exits, 0.0), rarer)
    if core.facts.predicates:
        wrong[_over_one(graph, branches)] = 0.0
    return float(wrong.sum())


def exchanged_returns(graph: Graph) -> float:
    """Return how often a RISC-V core takes a call for a coroutine's switch, and foretells it wrongly.

    A call through one link register that writes the other, ``jalr ra, t0``, is taken as a return and a call
    in one: its target is foretold by the stack of return addresses ("The RISC-V Instruction Set Manual,
    Volume I", 20240411, 2.5.1, table 3). Go calls closures so whenever their address lies in t0. The heavy
    mode's predictor foretells targets by those before, and knows nothing of this.

    :return: for all of the graph's executions.
    """
    instructions = graph.instructions
    if instructions.isa != "riscv64":
        return 0.0
    word, is_full = instructions.word, instructions.size == 4
    target, source = word >> 7 & 31, word >> 15 & 31
    full = (
        is_full
        & (word & 0x7F == _JALR)
        & np.isin(target, _LINKS)
        & np.isin(source, _LINKS)
        & (target != source)
    )
    short = ~is_full & (word & 0xFFFF == _C_JALR_T0)
    # A call ends its block.
    return float(graph.count[np.isin(graph.end - 1, np.flatnonzero(full | short))].sum())


def _over_one(graph: Graph, branches: Branches) -> NDArray[np.bool_]:
    """Tell which branches skip a single instruction."""
    address, size = graph.instructions.address, graph.instructions.size
    after = np.minimum(branches.index + 1, len(address) - 1)
    follows = address[branches.index] + size[branches.index]
    skips: NDArray[np.bool_] = (address[after] == follows) & (branches.target == address[after] + size[after])
    return skips
