"""Instructions one after the other through a pipeline that issues in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulab.timing.fetching import Fetch
from emulab.timing.instruction import REGISTERS
from emulab.timing.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulab.timing.core import CoreFile, Step

_NONE_TAKEN = frozenset((0,))


def in_order_times(
    facts: CoreFile, steps: Sequence[Step], addresses: Sequence[int], taken: Sequence[int]
) -> list[float]:
    """Return when each instruction has issued, in cycles from the beginning.

    The fraction says which part of the cycle's issue width was used then, so that differences between two
    places add up, whatever lies between them.

    :param taken: not 0 where something else than the next instruction in the code comes next.
    """
    width, together = facts.issue, facts.pairs_dependent
    fetch = Fetch(facts.fetch_bytes, facts.taken_bubble, facts.passed_bubble)
    ready = [0] * REGISTERS
    in_address = [0] * REGISTERS
    written_at = [-1] * REGISTERS
    free_at = dict.fromkeys((1 << place for place in range(len(facts.pipes))), 0)
    unit_free_at = [0] * len(facts.units)
    cycle, used, taken_pipes, is_closed = 0, 0, _NONE_TAKEN, False
    stored = Stored(facts.store_to_load) if facts.store_to_load is not None else None
    times: list[float] = []
    cycles: list[int] = []
    for number, (step, address, leaves) in enumerate(zip(steps, addresses, taken, strict=True)):
        if number >= facts.fetch_ahead:
            fetch.hold(cycles[number - facts.fetch_ahead])
        earliest = max(cycle, fetch.of(address, step.size))
        last = step.stages[-1]
        for register in step.address:
            earliest = max(earliest, in_address[register])
        for register in step.data:
            earliest = max(earliest, ready[register] - last)
        for register in step.late:
            earliest = max(earliest, ready[register] - step.late_stage)
        if stored is not None:
            earliest = max(earliest, stored.ready(step))
        if step.unit >= 0:
            earliest = max(earliest, unit_free_at[step.unit])
        if not together:
            for register in (*step.address, *step.data, *step.late):
                earliest = max(earliest, written_at[register] + 1)
        if earliest > cycle:
            cycle, used, taken_pipes, is_closed = earliest, 0, _NONE_TAKEN, False
        while True:
            if not is_closed and used + step.slots <= width and not (step.alone and used):
                # All ways of giving the cycle's instructions a pipe each; one is enough.
                possible = taken_pipes
                if step.pipes:
                    open_pipes = [pipe for pipe in step.pipes if free_at[pipe] <= cycle]
                    possible = frozenset(
                        busy | pipe for busy in taken_pipes for pipe in open_pipes if not busy & pipe
                    )
                if possible:
                    break
            cycle, used, taken_pipes, is_closed = cycle + 1, 0, _NONE_TAKEN, False
        taken_pipes = possible
        used += step.slots
        is_closed = step.alone
        if step.unit >= 0:
            unit_free_at[step.unit] = cycle + step.occupancy
        elif step.occupancy > 1 and step.pipes:
            free_at[next(pipe for pipe in step.pipes if free_at[pipe] <= cycle)] = cycle + step.occupancy
        executed = cycle + next(
            (stage for stage in step.stages if all(ready[each] <= cycle + stage for each in step.data)), last
        )
        for register in step.writes:
            ready[register] = executed + step.latency
            in_address[register] = executed + step.to_address
            written_at[register] = cycle
        for register in step.base:
            ready[register] = in_address[register] = cycle + step.base_latency
            written_at[register] = cycle
        if stored is not None:
            stored.note(step, cycle)
        cycles.append(cycle)
        times.append(cycle + (1.0 if step.alone else used / width))
        if leaves:
            fetch.take()
        elif step.is_branch:
            fetch.go_past()
    return times
