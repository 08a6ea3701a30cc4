"""The cycles of a profile: each block as it runs after what usually came before it.

A block's cycles depend on what is still under way when it begins. So each frequent edge between two blocks is
run behind the likeliest way that led to it, long enough to have forgotten its beginning, and the block is
charged what it adds. Blocks that hardly matter are charged what the others take per instruction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from emulab.errors import UsageError
from emulab.profiling.file_format import BLOCK
from emulab.profiling.instructions import instructions_of
from emulab.timing.decoding import decode_all
from emulab.timing.flow_graph import Graph, distances, graph_of
from emulab.timing.in_order import in_order_times
from emulab.timing.out_of_order import out_of_order_times

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from emulab.profiling.instructions import Instructions
    from emulab.profiling.profile import Profile
    from emulab.timing.core import Core, Step
    from emulab.timing.instruction import Instruction

_NEGLIGIBLE = 1e-4
"""Share of all instructions below which a block is not run by itself."""
_RARE = 0.02
"""Share of a block's executions below which what came before it is not looked at by itself."""
_LEAST_COVERED = 0.98
_MOST_BLOCKS = 3000
_WARM, _LENGTH = 24, 96


class Counted(Protocol):
    """How often each block was executed: an ``Operation`` of :mod:`emulab.profiling.operation`."""

    @property
    def isa(self) -> str:
        """The instruction set."""
        ...

    @property
    def blocks(self) -> NDArray[np.void]:
        """Blocks, as the counting plugin writes them."""
        ...

    @property
    def code(self) -> bytes:
        """The blocks' instructions."""
        ...

    @property
    def counts(self) -> NDArray[np.int64]:
        """How often each block was executed."""
        ...

    @property
    def operations(self) -> int:
        """In how many operations."""
        ...


@dataclass(frozen=True)
class BlockCycles:
    """A basic block's part.

    :param address: of its first instruction.
    :param instructions: how many it has.
    :param executions: per operation.
    :param cycles: per operation.
    :param is_simulated: whether it was run by itself, or charged the average.
    """

    address: int
    instructions: int
    executions: float
    cycles: float
    is_simulated: bool


@dataclass(frozen=True)
class PipelineCycles:
    """What the pipeline takes for one operation, with everything in the first level and foretold.

    :param cycles: per operation.
    :param instructions: per operation.
    :param by_work: cycles by the class of the instruction that took them, by its group's first word.
    :param blocks: in falling order of cycles.
    :param covered: the share of the instructions that was run by itself.
    """

    core: str
    cycles: float
    instructions: float
    by_work: Mapping[str, float]
    blocks: tuple[BlockCycles, ...] = field(repr=False)
    covered: float

    @property
    def per_instruction(self) -> float:
        """Cycles per instruction."""
        return self.cycles / self.instructions if self.instructions else 0.0


@dataclass(frozen=True)
class _Code:
    isa: str
    blocks: NDArray[np.void]
    all_code: bytes

    def code(self, block: int) -> bytes:
        start = int(self.blocks["code"][block])
        return self.all_code[start : start + int(self.blocks["size"][block])]


def executed_instructions(counted: Counted) -> tuple[Instructions, NDArray[np.uint64]]:
    """Return an operation's instructions, and how often each was executed in all of its operations."""
    blocks = np.asarray(counted.blocks, BLOCK)
    instructions = instructions_of(cast("Profile", _Code(counted.isa, blocks, counted.code)))
    # A slope's differences may be negative where a block hardly belongs to the operation.
    return instructions, instructions.executions(np.maximum(counted.counts, 0).astype(np.uint64))


def pipeline_cycles(counted: Counted, core: Core) -> PipelineCycles:
    """Return the cycles of one operation on a core.

    :raises UsageError: the core does not execute this instruction set.
    """
    instructions, executions = executed_instructions(counted)
    graph = graph_of(instructions, executions)
    return cycles_of_graph(graph, core, max(counted.operations, 1))


def cycles_of_graph(graph: Graph, core: Core, operations: int) -> PipelineCycles:
    """Return the cycles of one of ``operations`` operations on a core."""
    isa = graph.instructions.isa
    if isa not in core.facts.isas:
        raise UsageError(f"the core {core.id} executes {', '.join(core.facts.isas)}, not {isa}")
    decoded = decode_all(graph.instructions)
    length = graph.end - graph.first
    work = length * graph.count
    total = int(work.sum())
    hot = _hot_blocks(work, total)
    runner = _Runner(graph, core, [core.step(each) for each in decoded])
    cycles = np.zeros(len(length))
    by_place: NDArray[np.float64] = np.zeros(len(decoded))
    for block in hot:
        taken, parts = runner.cycles(block)
        cycles[block] = taken * graph.count[block]
        by_place[graph.first[block] : graph.end[block]] = parts * graph.count[block]
    covered = int(work[hot].sum())
    average = cycles.sum() / covered if covered else 1.0
    rest = np.ones(len(length), np.bool_)
    rest[hot] = False
    cycles[rest] = average * work[rest]
    for block in np.flatnonzero(rest).tolist():
        by_place[graph.first[block] : graph.end[block]] = average * graph.count[block]
    return PipelineCycles(
        core.id,
        float(cycles.sum()) / operations,
        total / operations,
        _by_work(decoded, by_place, operations),
        _blocks(graph, cycles, rest, operations),
        covered / total if total else 1.0,
    )


def _hot_blocks(work: NDArray[np.int64], total: int) -> list[int]:
    """Return the blocks that are run, so many of them that little is left."""
    order = np.argsort(-work, kind="stable")
    shares = work[order] / max(total, 1)
    enough = int(np.searchsorted(np.cumsum(shares), _LEAST_COVERED)) + 1
    number = min(max(int((shares >= _NEGLIGIBLE).sum()), enough), _MOST_BLOCKS)
    return [int(each) for each in order[:number] if work[each] > 0]


def _by_work(
    decoded: Sequence[Instruction], cycles: NDArray[np.float64], operations: int
) -> dict[str, float]:
    found: dict[str, float] = {}
    for instruction, taken in zip(decoded, cycles.tolist(), strict=True):
        name = instruction.group.partition(".")[0]
        found[name] = found.get(name, 0.0) + taken / operations
    return {name: taken for name, taken in sorted(found.items(), key=lambda pair: -pair[1]) if taken}


def _blocks(
    graph: Graph, cycles: NDArray[np.float64], rest: NDArray[np.bool_], operations: int
) -> tuple[BlockCycles, ...]:
    address = graph.instructions.address[graph.first].tolist()
    length = (graph.end - graph.first).tolist()
    order = np.argsort(-cycles, kind="stable").tolist()
    return tuple(
        BlockCycles(
            address[each],
            length[each],
            float(graph.count[each]) / operations,
            float(cycles[each]) / operations,
            not rest[each],
        )
        for each in order
    )


class _Runner:
    """Runs ways through a profile's code on a core, each once.

    A way back from a block by the likeliest edges is the same whatever it was begun for, so every pair of
    blocks on it serves as that pair's sample, as soon as the way's beginning is forgotten.
    """

    def __init__(self, graph: Graph, core: Core, steps: Sequence[Step]) -> None:
        self._graph = graph
        self._core = core
        self._steps = steps
        self._incoming = graph.incoming
        self._first, self._end = graph.first.tolist(), graph.end.tolist()
        self._address = graph.instructions.address.tolist()
        self._samples: dict[tuple[int, int], tuple[int, NDArray[np.float64]]] = {}
        facts = core.facts
        far = distances(graph) > facts.near_branches if facts.near_branches else np.zeros(len(self._first))
        self._late = (far * facts.far_bubble).astype(np.int64).tolist()
        window = facts.window
        self._warm, self._length = max(_WARM, window), max(_LENGTH, 2 * window + _WARM)

    def cycles(self, block: int) -> tuple[float, NDArray[np.float64]]:
        """Return the cycles that one execution of a block adds, in all and by its instructions."""
        before = self._incoming.get(block, [])
        most = before[0][1] if before else 0
        chosen = [(source, weight) for source, weight in before if weight >= _RARE * most] or [(-1, 1)]
        total = sum(weight for _, weight in chosen)
        parts: NDArray[np.float64] = np.zeros(self._end[block] - self._first[block])
        for source, weight in chosen:
            number, added = self._sample(source, block)
            parts += added * (weight / total / number)
        return float(parts.sum()), parts

    def _sample(self, source: int, block: int) -> tuple[int, NDArray[np.float64]]:
        if (source, block) not in self._samples:
            self._run(source, block)
        return self._samples[source, block]

    def _run(self, source: int, block: int) -> None:
        way = self._way_to(source, block)
        places: list[int] = []
        taken: list[int] = []
        bounds = [0]
        for number, each in enumerate(way):
            places += range(self._first[each], self._end[each])
            taken += [0] * (self._end[each] - self._first[each])
            if number + 1 < len(way):
                leaves = self._end[each] != self._first[way[number + 1]] or not self._adjoins(each)
                taken[-1] = 1 + self._late[each] if leaves else 0
            bounds.append(len(places))
        steps = [self._steps[place] for place in places]
        addresses = [self._address[place] for place in places]
        times = np.array([0.0, *_times(self._core, steps, addresses, taken)])
        added = np.diff(times)
        found: dict[tuple[int, int], tuple[int, Any]] = {}
        for number in range(len(way)):
            pair = (way[number - 1] if number else -1, way[number])
            is_last = number == len(way) - 1
            if (bounds[number] < self._warm or pair in self._samples) and not is_last:
                continue
            seen, sums = found.get(pair, (0, 0.0))
            found[pair] = seen + 1, sums + added[bounds[number] : bounds[number + 1]]
        self._samples.update(found)

    def _adjoins(self, block: int) -> bool:
        """Tell whether the instruction after a block in the list is also the next one in the code."""
        end = self._end[block]
        if end >= len(self._address):
            return False
        size = int(self._graph.instructions.size[end - 1])
        return bool(self._address[end] == self._address[end - 1] + size)

    def _way_to(self, source: int, block: int) -> list[int]:
        way = [block]
        length = 0
        while source >= 0 and length < self._length:
            way.append(source)
            length += self._end[source] - self._first[source]
            before = self._incoming.get(source)
            source = before[0][0] if before else -1
        return way[::-1]


_MOST_KNOWN = 20_000


def _times(core: Core, steps: Sequence[Step], addresses: Sequence[int], taken: Sequence[int]) -> list[float]:
    """Run a way, or remember it: the operations of one program share their code."""
    key = (tuple(addresses), tuple(map(id, steps)), tuple(taken))
    times = core.known.get(key)
    if times is None:
        run = in_order_times if core.facts.kind == "in-order" else out_of_order_times
        times = run(core.facts, steps, addresses, taken)
        if len(core.known) >= _MOST_KNOWN:
            core.known.clear()
        core.known[key] = times
    return times
