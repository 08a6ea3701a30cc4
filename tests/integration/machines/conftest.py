"""Emulated machines, opened once for all tests that only use them, and Go programs to run on them."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from emulab.architectures import architecture
from emulab.boards import generic_board
from emulab.machines.opening import Opener
from emulab.machines.protocol import Command
from emulab.machines.target import Target
from emulab.progress import Silent
from emulab.toolchain.building import build
from emulab.toolchain.go import find_go
from emulab.toolchain.request import BuildRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from emulab.machines.agent_machine import AgentMachine

PROGRAMS = Path(__file__).parents[2] / "programs"
MEBIBYTE = 1 << 20
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Programs(Protocol):
    """Builds the probe for an architecture and, where asked for, a level of it."""

    def __call__(self, arch: str, *, goarm64: str | None = None, goriscv64: str | None = None) -> Path: ...


@pytest.fixture(scope="session")
def opener() -> Iterator[Opener]:
    with Opener(Silent()) as opener:
        yield opener


@pytest.fixture(scope="session")
def probe() -> Programs:
    @functools.cache
    def go() -> Any:
        return find_go(None, Silent())

    def probe(arch: str, *, goarm64: str | None = None, goriscv64: str | None = None) -> Path:
        request = BuildRequest("./probe", PROGRAMS, architecture(arch), goarm64=goarm64, goriscv64=goriscv64)
        return build(request, go()).path

    return probe


def _target(arch: str, libc: str = "musl", mode: str = "user", **settings: Any) -> Target:
    emulation = generic_board(arch).emulation
    assert emulation is not None
    cpu_model = emulation.user if mode == "user" else emulation.system
    defaults = {"cpu_model": cpu_model, "memory": 128 * MEBIBYTE, "cpus": 1}
    return Target(architecture(arch), libc, mode, **{**defaults, **settings})


@pytest.fixture(scope="session")
def target() -> Callable[..., Target]:
    """Makes a target: of a generic board, with 128 MiB and one processor, unless told otherwise."""
    return _target


@pytest.fixture(scope="session")
def open_machine(opener: Opener) -> Callable[..., AgentMachine]:
    """Opens a machine of a target, with whatever has to be built for it first."""

    def open_machine(target: Target, *, fresh: bool = False) -> AgentMachine:
        opener.prepare([target])
        return opener.open(target, fresh=fresh)

    return open_machine


@pytest.fixture(scope="session")
def command() -> Callable[..., Command]:
    """Makes a command, with a PATH."""

    def command(*argv: str, environment: dict[str, str] | None = None, **more: Any) -> Command:
        more.setdefault("timeout_s", 60.0)
        return Command(argv, {"PATH": _PATH, **(environment or {})}, **more)

    return command
