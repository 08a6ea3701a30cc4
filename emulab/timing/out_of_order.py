"""Instructions through a core that executes them as soon as their operands and a pipe are there."""

from __future__ import annotations

from bisect import bisect_right, insort
from typing import TYPE_CHECKING

from emulab.timing.fetching import Fetch
from emulab.timing.instruction import REGISTERS
from emulab.timing.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulab.timing.core import CoreFile, Step

# Cycles that the front end may be ahead of what it feeds: some stages and a queue.
_FETCHED_AHEAD = 8


def out_of_order_times(
    facts: CoreFile, steps: Sequence[Step], addresses: Sequence[int], taken: Sequence[int]
) -> list[float]:
    """Return when each instruction has retired, in cycles from the beginning.

    Registers are renamed without limit, loads pass stores, and the oldest instruction chooses first; what
    limits is how many are dispatched and retire per cycle, the window, the queues before the pipes, pipes and
    operands.

    :param taken: 0 where the next instruction in the code comes next, else 1 and the cycles for which nothing
        is fetched because the branch's target is known late.
    """
    per_slot = 1 / facts.issue
    per_retired = 1 / (facts.retire or facts.issue)
    fetch = Fetch(facts.fetch_bytes, facts.taken_bubble, facts.passed_bubble, facts.fetches)
    ready = [0] * REGISTERS
    in_address = [0] * REGISTERS
    busy: dict[int, set[int]] = {1 << place: set() for place in range(len(facts.pipes))}
    busy |= {-1 - unit: set() for unit in range(len(facts.units))}
    # When those that wait will leave the queues before the pipes that can take them.
    waiting: dict[tuple[int, ...], list[int]] = {}
    front, retired = 0.0, 0.0
    waits = facts.store_to_load
    stored = Stored(waits, facts.mirrors) if waits is not None else None
    times: list[float] = []
    sets_flags = False
    for number, (step, address, leaves) in enumerate(zip(steps, addresses, taken, strict=True)):
        fetch.hold(int(front) - _FETCHED_AHEAD)
        front = max(front, fetch.of(address, step.size))
        if number >= facts.window:
            front = max(front, times[number - facts.window])
        if facts.queue and step.pipes:
            entries = facts.queue * len(step.pipes)
            front = max(front, _has_room(waiting.setdefault(step.pipes, []), entries, int(front)))
        slots = 0 if sets_flags and step.is_branch else step.slots
        sets_flags = facts.fuses and step.sets_flags
        front += slots * per_slot
        needed = int(front)
        for register in step.address:
            needed = max(needed, in_address[register])
        # What is stored or added comes to the pipe later than the rest, as far as the core allows it.
        start = needed
        for register in step.data:
            start = max(start, ready[register])
        for register in step.late:
            start = max(start, ready[register] - step.late_stage)
        if stored is not None:
            start = max(start, stored.ready(step))
        if step.at_retirement:
            start = max(start, int(retired))
        if step.unit >= 0:
            start = _place(start, (-1 - step.unit,), step.occupancy, busy)
        # What a branch is fused to is done in the branch's pipe.
        is_fused = sets_flags and not step.access and number + 1 < len(steps) and steps[number + 1].is_branch
        if step.pipes and not is_fused:
            start = _place(start, step.pipes, step.occupancy if step.unit < 0 else 1, busy)
            if facts.queue:
                insort(waiting[step.pipes], start)
        finished = start + step.latency
        if stored is not None:
            stored.note(step, start)
        for register in step.writes:
            ready[register] = finished
            in_address[register] = start + step.to_address
        for register in step.base:
            ready[register] = in_address[register] = needed + step.base_latency
        retired = max(retired + per_retired * slots, finished)
        times.append(retired)
        fetch.wait(step.bubble)
        if leaves:
            fetch.take(leaves - 1)
        elif step.is_branch:
            fetch.go_past()
    return times


def _has_room(waiting: list[int], entries: int, cycle: int) -> int:
    """Return from when on a queue has room, and forget those that have left it by a cycle."""
    del waiting[: bisect_right(waiting, cycle)]
    return cycle if len(waiting) < entries else waiting[-entries]


def _place(start: int, pipes: tuple[int, ...], occupancy: int, busy: dict[int, set[int]]) -> int:
    """Occupy the pipe that is free first, and return from when on."""
    best, chosen = -1, pipes[0]
    for pipe in pipes:
        cycle, taken = start, busy[pipe]
        while any(cycle + ahead in taken for ahead in range(occupancy)):
            cycle += 1
        if best < 0 or cycle < best:
            best, chosen = cycle, pipe
            if cycle == start:
                break
    busy[chosen].update(range(best, best + occupancy))
    return best
