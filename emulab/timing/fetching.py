"""When instructions come from the code: aligned pieces, one per cycle, and what a taken branch costs."""

from __future__ import annotations


class Fetch:
    """The front end of a core, from one instruction to the next.

    :param piece: bytes that are fetched at once, aligned; 0 when fetching never limits.
    :param bubble: cycles without a fetch after a taken branch.
    :param passed: cycles without a fetch after a branch that was not taken.
    :param per_cycle: pieces that are fetched in a cycle.
    """

    def __init__(self, piece: int, bubble: int, passed: int, per_cycle: int = 1) -> None:
        self._piece = piece
        self._bubble = bubble
        self._passed = passed
        self._current = -1
        self._per_cycle = per_cycle
        self._pieces = 0

    @property
    def time(self) -> int:
        """The cycle."""
        return self._pieces // self._per_cycle

    def of(self, address: int, size: int) -> int:
        """Return when an instruction is there."""
        if self._piece:
            first, last = address // self._piece, (address + size - 1) // self._piece
            if first != self._current:
                self._pieces += 1
            self._pieces += last - first
            self._current = last
        return self.time

    def take(self, further: int = 0) -> None:
        """Go on elsewhere: what is left of this piece is of no use.

        :param further: cycles beside those of any taken branch.
        """
        self._pieces += (self._bubble + further) * self._per_cycle
        self._current = -1

    def go_past(self) -> None:
        """Go on behind a conditional branch that was not taken."""
        self._pieces += self._passed * self._per_cycle

    def hold(self, until: int) -> None:
        """Wait, since nothing more can be kept."""
        self._pieces = max(self._pieces, until * self._per_cycle)

    def wait(self, cycles: int) -> None:
        """Fetch nothing for some cycles."""
        self._pieces += cycles * self._per_cycle
