"""How often each branch was taken, from block counts alone.

What goes into an instruction comes out of it: how often a branch's target was executed, less what reached it
by other ways, is how often the branch was taken. Each conditional branch has two unknown edges, whose sum is
known; each place that edges lead to has a known sum of its own. Where these sums form no cycle they determine
every edge, one after the other ("peeling"). What is left in cycles is estimated by iterative proportional
fitting (Deming and Stephan, 1940), which of all the edges with these sums gives the most even ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emulab.profiling.control_flow import Flow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emulab.profiling.instructions import Instructions

_ROUNDS = 200
_CLOSE = 1e-9


@dataclass(frozen=True)
class Branches:
    """The conditional branches of a profile, sorted by address.

    :param index: which of the profile's instructions each is.
    :param executions: how often it was executed.
    :param taken: how often it went to its target; the rest of its executions went on to the next instruction.
    :param exact: whether ``taken`` follows from the counts, or is only likely.
    """

    index: NDArray[np.int64]
    address: NDArray[np.uint64]
    target: NDArray[np.uint64]
    executions: NDArray[np.int64]
    taken: NDArray[np.int64]
    exact: NDArray[np.bool_]

    @property
    def not_taken(self) -> NDArray[np.int64]:
        """How often each went on to the next instruction."""
        rest: NDArray[np.int64] = self.executions - self.taken
        return rest


def branches_of(instructions: Instructions, executions: NDArray[np.uint64]) -> Branches:
    """Return how often each conditional branch was taken.

    :param executions: how often each instruction was executed, of one window or of the whole run.
    """
    kind, target = instructions.flow
    count = executions.astype(np.int64)
    address = instructions.address
    following = address + instructions.size
    index = np.flatnonzero(kind == Flow.BRANCH)
    leads_to = np.stack([_find(address, target[index]), _find(address, following[index])])
    inflow, is_open = _known_inflow(instructions, count)
    system = _System(count[index], leads_to, count - inflow, is_open)
    taken, exact = system.solve()
    return Branches(index, address[index], target[index], count[index], taken, exact)


def _find(address: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return which instruction stands at each address, -1 where none was ever executed."""
    place = np.searchsorted(address, wanted)
    place[place == len(address)] = 0
    return np.where(address[place] == wanted, place, -1)


def _known_inflow(
    instructions: Instructions, count: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return how often each instruction was reached by other ways than branches, and where that is not known.

    Not known are the entries of functions, which pointers may lead to, and what indirect jumps lead to: those
    places that are called, or that nothing known leads to. (An entry that only pointers lead to, and a
    branch of its own function, is taken for that branch's alone; compilers put a prologue there.)
    """
    kind, target = instructions.flow
    address = instructions.address
    inflow = np.zeros(len(count), np.int64)
    reached = np.zeros(len(count), np.bool_)
    is_open = np.zeros(len(count), np.bool_)
    # After a call the flow comes back, after a trap as well; that it may not is a rare thing (a panic).
    onward = np.isin(kind, (Flow.NEXT, Flow.CALL, Flow.INDIRECT_CALL, Flow.TRAP))
    for sources, to in (
        (onward, address + instructions.size),
        (kind == Flow.JUMP, target),
    ):
        found = _find(address, to[sources])
        known = found >= 0
        np.add.at(inflow, found[known], count[sources][known])
        reached[found[known]] = True
    called = _find(address, target[kind == Flow.CALL])
    is_open[called[called >= 0]] = True
    branched = np.flatnonzero(kind == Flow.BRANCH)
    for to in (target[branched], (address + instructions.size)[branched]):
        found = _find(address, to)
        reached[found[found >= 0]] = True
    return inflow, is_open | ~reached


class _System:
    """The unknown edges: edge 2b is branch b taken, edge 2b + 1 not taken."""

    def __init__(
        self,
        total: NDArray[np.int64],
        leads_to: NDArray[np.int64],
        wanted: NDArray[np.int64],
        is_open: NDArray[np.bool_],
    ) -> None:
        self.total = total
        self.to = leads_to.T.reshape(-1)
        self.wanted = wanted
        self.is_open = is_open
        self.value = np.zeros(len(self.to), np.int64)
        self.is_known = np.zeros(len(self.to), np.bool_)
        self.is_exact = np.ones(len(self.to), np.bool_)

    def solve(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        self._note_what_never_happened()
        self._peel()
        if not self.is_known.all():
            self._fit()
        return self.value[0::2], self.is_exact[0::2]

    def _note_what_never_happened(self) -> None:
        nowhere = self.to < 0
        rest = np.where(nowhere, 0, np.maximum(self.wanted[self.to], 0))
        never = nowhere | ((rest == 0) & ~self.is_open[self.to]) | (np.repeat(self.total, 2) == 0)
        self.is_known |= never
        # A branch that leads to two such places was cut off by a window's end; either is as likely.
        other = never.reshape(-1, 2)[:, ::-1].reshape(-1)
        self.value[never & other] = (
            np.repeat(self.total, 2)[never & other] * (np.arange(len(never)) % 2)[never & other]
        )
        self.is_exact[never & other & (np.repeat(self.total, 2) > 0)] = False

    def _peel(self) -> None:
        """Determine edges one after the other: at a branch or a place with one that is not known yet."""
        to, value, known = self.to.tolist(), self.value.tolist(), self.is_known.tolist()
        total, exact = self.total.tolist(), self.is_exact.tolist()
        incoming: dict[int, list[int]] = {}
        for edge, place in enumerate(to):
            if place >= 0 and not self.is_open[place]:
                incoming.setdefault(place, []).append(edge)
        wanted = {place: int(self.wanted[place]) for place in incoming}
        missing = dict.fromkeys(incoming, 0)
        for place, edges in incoming.items():
            for edge in edges:
                if known[edge]:
                    wanted[place] -= value[edge]
                else:
                    missing[place] += 1
        ready = [place for place, number in missing.items() if number == 1]
        open_branches = [b for b in range(len(total)) if known[2 * b] != known[2 * b + 1]]

        def settle(edge: int, amount: int, is_exact: bool) -> None:
            limit = total[edge // 2]
            value[edge] = min(max(amount, 0), limit)
            exact[edge] = is_exact and value[edge] == amount
            known[edge] = True
            place = to[edge]
            if place in missing:
                wanted[place] -= value[edge]
                missing[place] -= 1
                if missing[place] == 1:
                    ready.append(place)

        while open_branches or ready:
            if open_branches:
                branch = open_branches.pop()
                edge = 2 * branch + (1 if known[2 * branch] else 0)
                if not known[edge]:
                    settle(edge, total[branch] - value[edge ^ 1], exact[edge ^ 1])
                continue
            place = ready.pop()
            unknown = [edge for edge in incoming[place] if not known[edge]]
            if len(unknown) == 1:
                edge = unknown[0]
                settle(edge, wanted[place], all(exact[each] for each in incoming[place] if each != edge))
                open_branches.append(edge // 2)
        self.value, self.is_known = np.array(value, np.int64), np.array(known, np.bool_)
        self.is_exact = np.array(exact, np.bool_)

    def _fit(self) -> None:
        """Estimate the edges that are left: scale them to the sums of branches and of places, in turns."""
        edges = np.flatnonzero(~self.is_known)
        branch, place = edges // 2, self.to[edges]
        self.is_exact[edges] = False
        # An edge may still have a known partner, and a place known edges that lead to it.
        known = self.is_known & (self.to >= 0)
        settled = np.zeros(len(self.wanted), np.int64)
        np.add.at(settled, self.to[known], self.value[known])
        left = np.maximum(self.wanted - settled, 0).astype(float)
        of_branch = (self.total - np.where(self.is_known, self.value, 0).reshape(-1, 2).sum(1)).astype(float)
        is_bound = ~self.is_open[place]
        amount = of_branch[branch] / 2
        for _ in range(_ROUNDS):
            sums = np.bincount(place, amount, len(left))
            factor = np.divide(left, sums, out=np.ones_like(left), where=sums > 0)
            amount = np.where(is_bound, amount * factor[place], amount)
            sums = np.bincount(branch, amount, len(of_branch))
            factor = np.divide(of_branch, sums, out=np.ones_like(of_branch), where=sums > 0)
            amount = amount * factor[branch]
            if np.abs(factor - 1).max(initial=0) < _CLOSE:
                break
        self.value[edges] = np.rint(amount).astype(np.int64)
        # Of two estimated edges the second is what the first leaves.
        pair = np.flatnonzero(~self.is_known.reshape(-1, 2).all(1))
        self.value[2 * pair] = np.clip(self.value[2 * pair], 0, self.total[pair])
        self.value[2 * pair + 1] = self.total[pair] - self.value[2 * pair]
