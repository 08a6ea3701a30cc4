"""Basic blocks of a profile, and how often one came after another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from emulab.profiling.control_flow import Flow
from emulab.profiling.edges import Branches, branches_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emulab.profiling.instructions import Instructions

_LONGEST_WALK = 200
_MOST_INDIRECT = 300
_LEAST_MISSING = 0.01
_INDIRECT = (Flow.INDIRECT_JUMP, Flow.INDIRECT_CALL)
_ONWARD = (Flow.NEXT, Flow.TRAP)


@dataclass(frozen=True)
class Graph:
    """Basic blocks, by address, and the edges between them.

    :param first: each block's first instruction.
    :param end: one past its last.
    :param count: how often each was executed.
    :param source: of each edge the block that it comes from.
    :param target: the block that it leads to.
    :param weight: how often, as far as it is known.
    """

    instructions: Instructions
    branches: Branches
    first: NDArray[np.int64]
    end: NDArray[np.int64]
    count: NDArray[np.int64]
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    weight: NDArray[np.int64]

    @cached_property
    def incoming(self) -> dict[int, list[tuple[int, int]]]:
        """Of each block what came before it and how often, the most frequent first."""
        found: dict[int, list[tuple[int, int]]] = {}
        order = np.argsort(-self.weight, kind="stable")
        triples = zip(
            self.source[order].tolist(), self.target[order].tolist(), self.weight[order].tolist(), strict=True
        )
        for source, target, weight in triples:
            found.setdefault(target, []).append((source, weight))
        return found


def distances(graph: Graph) -> NDArray[np.float64]:
    """Return of each block how many different blocks that a branch leaves lie between two executions of it.

    As far as counts tell: a block that is executed as often or more often lies between any two, another one
    between that share of them.
    """
    leaving = np.zeros(len(graph.first), np.int64)
    address, size = graph.instructions.address, graph.instructions.size
    last = graph.end[graph.source] - 1
    onward = address[last] + size[last] == address[graph.first[graph.target]]
    np.add.at(leaving, graph.source[~onward], graph.weight[~onward])
    rising = np.sort(leaving)
    below = np.searchsorted(rising, leaving)
    share = np.concatenate(([0], np.cumsum(rising)))[below] / np.maximum(leaving, 1)
    found: NDArray[np.float64] = share + (len(rising) - below)
    return np.where(leaving > 0, found, 0.0)


def graph_of(instructions: Instructions, executions: NDArray[np.uint64]) -> Graph:
    """Return the basic blocks that were executed, and the edges between them.

    What a return leads to is what stands after the call; the edge comes from the block that the called
    function most likely returns from. Where an indirect jump or call leads to is taken from how often
    blocks were executed that nothing else leads to.

    :param executions: how often each instruction was executed.
    """
    branches = branches_of(instructions, executions)
    kind, target = instructions.flow
    count = executions.astype(np.int64)
    address, following = instructions.address, instructions.address + instructions.size
    begins = np.ones(len(count), np.bool_)
    if len(count):
        begins[1:] = (address[1:] != following[:-1]) | (kind[:-1] != Flow.NEXT) | (count[1:] != count[:-1])
        direct = np.isin(kind, (Flow.BRANCH, Flow.JUMP, Flow.CALL)) & (count > 0)
        places = _find(address, target[direct])
        begins[places[places >= 0]] = True
    first = np.flatnonzero(begins)
    end = np.append(first[1:], len(count))
    ran = count[first] > 0
    first, end = first[ran], end[ran]
    block_of = np.full(len(count), -1, np.int64)
    block_of[first] = np.arange(len(first))
    edges = _edges(instructions, branches, count, block_of, end - 1)
    source, to, weight = edges
    graph = Graph(instructions, branches, first, end, count[first], source, to, weight)
    return _with_returns(_with_indirect(graph, block_of), block_of)


def _find(address: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.int64]:
    place = np.minimum(np.searchsorted(address, wanted), len(address) - 1)
    return np.where(address[place] == wanted, place, -1)


def _edges(
    instructions: Instructions,
    branches: Branches,
    count: NDArray[np.int64],
    block_of: NDArray[np.int64],
    last: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return all edges but those of returns: from which block, to which, how often."""
    kind, target = instructions.flow
    address, following = instructions.address, instructions.address + instructions.size
    here = np.arange(len(last))
    pieces = []

    def add(blocks: NDArray[np.int64], places: NDArray[np.uint64], weight: NDArray[np.int64]) -> None:
        found = _find(address, places)
        to = np.where(found >= 0, block_of[found], -1)
        good = (to >= 0) & (weight > 0)
        pieces.append(np.stack([blocks[good], to[good], weight[good]]))

    onward = np.isin(kind[last], _ONWARD)
    add(here[onward], following[last[onward]], count[last[onward]])
    direct = np.isin(kind[last], (Flow.JUMP, Flow.CALL))
    add(here[direct], target[last[direct]], count[last[direct]])
    of_branch = np.full(len(count), -1, np.int64)
    of_branch[branches.index] = np.arange(len(branches.index))
    branching = here[kind[last] == Flow.BRANCH]
    which = of_branch[last[branching]]
    add(branching, target[last[branching]], branches.taken[which])
    add(branching, following[last[branching]], branches.not_taken[which])
    edges = np.concatenate(pieces, axis=1) if pieces else np.zeros((3, 0), np.int64)
    return edges[0], edges[1], edges[2]


def _with_indirect(graph: Graph, block_of: NDArray[np.int64]) -> Graph:
    """Add edges from indirect jumps and calls to blocks that nothing else leads to, by likeness of counts."""
    kind, _ = graph.instructions.flow
    address, following = graph.instructions.address, graph.instructions.address + graph.instructions.size
    last = graph.end - 1
    sources = _most(np.flatnonzero(np.isin(kind[last], _INDIRECT)), graph.count)
    missing = graph.count - np.bincount(graph.target, graph.weight, len(graph.count)).astype(np.int64)
    calls = np.isin(kind[last], (Flow.CALL, Flow.INDIRECT_CALL))
    after = _find(address, following[last[calls]])
    after = block_of[after[after >= 0]]
    missing[after[after >= 0]] = 0  # a return leads there
    targets = _most(np.flatnonzero(missing > _LEAST_MISSING * graph.count), missing)
    if not len(sources) or not len(targets):
        return graph
    left, wanted = graph.count[sources].astype(np.int64), missing[targets]
    unlike = np.abs(np.log(left[:, None] / wanted[None, :]))
    added = []
    for pair in np.argsort(unlike, axis=None, kind="stable").tolist():
        one, other = divmod(pair, len(targets))
        weight = int(min(left[one], wanted[other]))
        if weight > 0:
            left[one] -= weight
            wanted[other] -= weight
            added.append((int(sources[one]), int(targets[other]), weight))
    return _with_edges(graph, added)


def _most(blocks: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return those of some blocks that are executed most."""
    chosen: NDArray[np.int64] = blocks[np.argsort(-count[blocks], kind="stable")[:_MOST_INDIRECT]]
    return chosen


def _with_edges(graph: Graph, added: list[tuple[int, int, int]]) -> Graph:
    more = np.array(added, np.int64).reshape(-1, 3).T
    return replace(
        graph,
        source=np.concatenate([graph.source, more[0]]),
        target=np.concatenate([graph.target, more[1]]),
        weight=np.concatenate([graph.weight, more[2]]),
    )


def _with_returns(graph: Graph, block_of: NDArray[np.int64]) -> Graph:
    """Add the edges of returns."""
    kind, target = graph.instructions.flow
    address, following = graph.instructions.address, graph.instructions.address + graph.instructions.size
    last = graph.end - 1
    calls = np.flatnonzero(np.isin(kind[last], (Flow.CALL, Flow.INDIRECT_CALL)))
    continuation = _find(address, following[last[calls]])
    outgoing: dict[int, list[tuple[int, int]]] = {}
    after_call: dict[int, int] = {}
    for source, to, weight in zip(
        graph.source.tolist(), graph.target.tolist(), graph.weight.tolist(), strict=True
    ):
        outgoing.setdefault(source, []).append((weight, to))
    entries: dict[int, int] = {}
    for call, place in zip(calls.tolist(), continuation.tolist(), strict=True):
        if place >= 0 and block_of[place] >= 0:
            after_call[call] = int(block_of[place])
        if kind[last[call]] == Flow.CALL:
            found = int(_find(address, target[last[call] : last[call] + 1])[0])
            entries[call] = int(block_of[found]) if found >= 0 else -1
        else:
            entries[call] = max(outgoing.get(call, []), default=(0, -1))[1]
    returning: dict[int, int] = {}
    added: list[tuple[int, int, int]] = []
    for call, onward in after_call.items():
        entry = entries.get(call, -1)
        if entry >= 0 and entry not in returning:
            returning[entry] = _returning_block(graph, entry, outgoing, after_call)
        source = returning.get(entry, -1)
        # Of a function that is not known only the call is.
        added.append((source if source >= 0 else call, onward, int(graph.count[call])))
    return _with_edges(graph, added)


def _returning_block(
    graph: Graph, entry: int, outgoing: dict[int, list[tuple[int, int]]], after_call: dict[int, int]
) -> int:
    """Return the block that a function most likely returns from, -1 where the likeliest way has no end."""
    kind, _ = graph.instructions.flow
    block, seen = entry, set[int]()
    for _ in range(_LONGEST_WALK):
        seen.add(block)
        if kind[graph.end[block] - 1] == Flow.RETURN:
            return block
        choices = [(1, after_call[block])] if block in after_call else outgoing.get(block, [])
        choices = [choice for choice in choices if choice[1] not in seen]
        if not choices:
            return -1
        block = max(choices)[1]
    return -1
