"""Which loads read what was stored a moment ago."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulab.timing.core import ADDS, LOADS, STORES
from emulab.timing.instruction import REGISTERS

if TYPE_CHECKING:
    from emulab.timing.core import Step

_GRANULE = 8


class Stored:
    """Follows addresses as far as they are a register's value plus something known.

    :param delay: cycles after a store before a load of the same 8 bytes can have them.
    """

    def __init__(self, delay: int) -> None:
        self._delay = delay
        self._next = REGISTERS
        # What a register holds: the number of a value that is not known, and what was added to it.
        self._value = [(register, 0) for register in range(REGISTERS)]
        self._stores: dict[tuple[int, int], int] = {}

    def ready(self, step: Step) -> int:
        """Return from when on a load can issue."""
        if step.access != LOADS or not step.address:
            return 0
        return self._stores.get(self._place(step), 0)

    def note(self, step: Step, cycle: int) -> None:
        """Note what an instruction that issued stores, and which registers it changes."""
        if step.access == STORES and step.address:
            self._stores[self._place(step)] = cycle + self._delay
        if step.access == ADDS and step.offset is not None and len(step.writes) == 1:
            number, known = self._value[step.data[0]]
            self._value[step.writes[0]] = number, known + step.offset
            return
        for register in (*step.writes, *step.base):
            self._value[register] = self._next, 0
            self._next += 1

    def _place(self, step: Step) -> tuple[int, int]:
        number, known = self._value[step.address[0]]
        return number, (known + (step.offset or 0)) // _GRANULE
