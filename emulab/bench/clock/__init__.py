"""The clock that this computer's processor runs at, from one moment to the next.

What it is said to be is its base or its limit; what it is depends on what all of its cores do, those of other
virtual machines too. The Go program beside this file measures it.
"""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Self

from emulab.errors import InfrastructureError
from emulab.toolchain.native import build_own

if TYPE_CHECKING:
    from emulab.progress import Progress

_SOURCES = Path(__file__).resolve().parent


class Clock:
    """Measures the processor's clock. Close it, or use it as a context manager.

    :raises ToolchainError: no Go toolchain can be had to build what measures.
    """

    def __init__(self, progress: Progress) -> None:
        def go_root() -> Path:
            from emulab.toolchain.go import find_go

            return find_go(None, progress).root

        program = build_own(_SOURCES, "emulab-clock", "clocks", go_root)
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def hz(self) -> float:
        """Return the clock of now, in hertz; it takes about a millisecond.

        :raises InfrastructureError: what measures it has ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
            return float(self._process.stdout.readline())
        except (OSError, ValueError) as error:
            raise InfrastructureError(
                "the processor's clock could not be measured", detail=str(error)
            ) from error

    def close(self) -> None:
        """End what measures."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
