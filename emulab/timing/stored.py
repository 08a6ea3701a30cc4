"""Which loads read what was stored a moment ago."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulab.timing.core import ADDS, LOADS, STORES, UPDATES
from emulab.timing.instruction import FLAGS, REGISTERS

if TYPE_CHECKING:
    from emulab.timing.core import Step

_GRANULE = 8

_Place = tuple[int, tuple[tuple[int, int], ...], int]
"""The number of a value, those of the registers that are added to it, and which 8 bytes from there."""


class Stored:
    """Follows addresses as far as they are a register's value plus something known.

    :param delay: cycles after a store before a load of the same 8 bytes can have them.
    :param mirrored: the same for words of integer registers; None for no difference.
    """

    def __init__(self, delay: int, mirrored: int | None = None) -> None:
        self._delay = delay
        self._mirrored = delay if mirrored is None else mirrored
        self._next = REGISTERS
        # What a register holds: the number of a value that is not known, and what was added to it.
        self._value = [(register, 0) for register in range(REGISTERS)]
        self._stores: dict[_Place, tuple[int, bool]] = {}

    def ready(self, step: Step) -> int:
        """Return from when on a load can issue."""
        if step.access not in (LOADS, UPDATES) or not step.address:
            return 0
        ready = 0
        for place in self._places(step):
            if place in self._stores:
                cycle, is_narrow = self._stores[place]
                delay = self._delay if is_narrow or step.is_narrow else self._mirrored
                ready = max(ready, cycle + delay)
        return ready

    def note(self, step: Step, cycle: int) -> None:
        """Note what an instruction that issued stores, and which registers it changes."""
        if step.access in (STORES, UPDATES) and step.address:
            worked = step.latency if step.access == UPDATES else 0
            for place in self._places(step):
                self._stores[place] = cycle + worked, step.is_narrow
        for register in step.base:
            self._move(register, register, step.moves)
        if step.access == ADDS and step.offset is not None:
            results = [register for register in step.writes if register != FLAGS]
            if len(results) == 1:
                self._move(results[0], step.data[0], step.offset)
                return
        for register in step.writes:
            self._move(register, register, None)

    def _move(self, register: int, source: int, by: int | None) -> None:
        """Note that a register has another's value and something more, or something unknown."""
        if by is None:
            self._value[register] = self._next, 0
            self._next += 1
        else:
            number, known = self._value[source]
            self._value[register] = number, known + by

    def _places(self, step: Step) -> list[_Place]:
        number, known = self._value[step.address[0]]
        # An index is scaled by who knows what: with another one it is another place.
        index = tuple(self._value[register] for register in step.address[1:])
        first = (known + (step.offset or 0)) // _GRANULE
        return [(number, index, first + word) for word in range(step.words)]
