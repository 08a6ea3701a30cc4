"""Telling the agent in a container, again and again, that its host is there.

An agent that hears nothing for 30 s ends, and its container with it. Its input ends when emulab is killed;
but when the engine is, or the way to it, nobody closes that input.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from emulab.errors import EmulabError

if TYPE_CHECKING:
    from collections.abc import Callable

_INTERVAL_S = 8.0


class Pulse:
    """Calls something every 8 s, in the background, until it fails or is stopped."""

    def __init__(self, beat: Callable[[], object]) -> None:
        self._beat = beat
        self._stopped = threading.Event()
        threading.Thread(target=self._work, name="pulse", daemon=True).start()

    def stop(self) -> None:
        """Stop it; a call under way is not waited for."""
        self._stopped.set()

    def _work(self) -> None:
        while not self._stopped.wait(_INTERVAL_S):
            try:
                self._beat()
            except (EmulabError, OSError):
                return  # whoever waits for an answer is told
