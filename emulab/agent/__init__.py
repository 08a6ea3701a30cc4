"""The agent: a small Go program that starts, watches and measures workloads on every machine.

Its sources lie beside this file. It is built once for each architecture, and is static.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from emulab.toolchain.native import build_own

if TYPE_CHECKING:
    from collections.abc import Callable

# Where no other Go program has its code: what is counted in a guest is told apart by address. As the
# linker's own first address it is a header's page above a multiple of 64 KiB.
_TEXT = 0x10011000
_SOURCES = Path(__file__).resolve().parent


def build_agent(goarch: str, find_go_root: Callable[[], Path]) -> Path:
    """Return the agent's program for an architecture, building it when it is not in the cache.

    :param goarch: ``amd64``, ``arm64``, ``arm`` (version 7) or ``riscv64``.
    :param find_go_root: returns a Go toolchain's directory, which holds ``bin/go``; called only to build.
    :raises ToolchainError: the toolchain does not run or refuses the sources.
    """
    return build_own(_SOURCES, "emulab-agent", "agents", find_go_root, goarch, _TEXT)
