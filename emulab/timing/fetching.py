"""When instructions come from the code: aligned pieces, one per cycle, and what a taken branch costs."""

from __future__ import annotations


class Fetch:
    """The front end of a core, from one instruction to the next.

    :param piece: bytes that are fetched at once, aligned; 0 when fetching never limits.
    :param bubble: cycles without a fetch after a taken branch.
    :param passed: cycles without a fetch after a branch that was not taken.
    """

    def __init__(self, piece: int, bubble: int, passed: int) -> None:
        self._piece = piece
        self._bubble = bubble
        self._passed = passed
        self._current = -1
        self.time = 0

    def of(self, address: int, size: int) -> int:
        """Return when an instruction is there."""
        if self._piece:
            first, last = address // self._piece, (address + size - 1) // self._piece
            if first != self._current:
                self.time += 1
            self.time += last - first
            self._current = last
        return self.time

    def take(self) -> None:
        """Go on elsewhere: what is left of this piece is of no use."""
        self.time += self._bubble
        self._current = -1

    def go_past(self) -> None:
        """Go on behind a conditional branch that was not taken."""
        self.time += self._passed

    def hold(self, until: int) -> None:
        """Wait, since nothing more can be kept."""
        self.time = max(self.time, until)
