"""User-mode machines that count, and programs of a few instructions whose counts are known by hand."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulab.architectures import architecture
from emulab.boards import generic_board
from emulab.machines.opening import COUNTING_EMULATOR, Opener
from emulab.machines.target import Target
from emulab.progress import Silent
from emulab.toolchain.building import build
from emulab.toolchain.go import find_go
from emulab.toolchain.request import BuildRequest
from emulab.toolchain.zig import find_zig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from emulab.machines.agent_machine import AgentMachine

SOURCES = Path(__file__).parent / "programs"
PROGRAMS = Path(__file__).parents[2] / "programs"
MEBIBYTE = 1 << 20
_TARGETS = {"arm64": "aarch64-linux-none", "armv7": "arm-linux-none", "riscv64": "riscv64-linux-none"}


@pytest.fixture(scope="session")
def opener() -> Iterator[Opener]:
    with Opener(Silent(), COUNTING_EMULATOR) as opener:
        yield opener


@pytest.fixture(scope="session")
def machines(opener: Opener) -> Iterator[Callable[[str], AgentMachine]]:
    """Opens one user-mode machine per architecture, with two processors, for all tests."""
    opened: dict[str, AgentMachine] = {}

    def machine(arch: str) -> AgentMachine:
        if arch not in opened:
            emulation = generic_board(arch).emulation
            assert emulation is not None
            target = Target(architecture(arch), "musl", "user", emulation.user, 512 * MEBIBYTE, 2)
            opener.prepare([target])
            opened[arch] = opener.open(target)
        return opened[arch]

    yield machine
    for each in opened.values():
        each.close()


@pytest.fixture(scope="session")
def sort_tests() -> Callable[[str], Path]:
    """Builds the tests of Go's package sort, benchmarks included."""

    @functools.cache
    def sort_tests(arch: str) -> Path:
        request = BuildRequest("sort", PROGRAMS, architecture(arch), test=True)
        return build(request, find_go(None, Silent())).path

    return sort_tests


@pytest.fixture(scope="session")
def assemble(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Assembles ``programs/NAME-ARCH.S`` to a static program without a C library."""
    directory = tmp_path_factory.mktemp("assembled")

    def assemble(name: str, arch: str) -> Path:
        program = directory / f"{name}-{arch}"
        if not program.exists():
            zig = find_zig(Silent()).command
            source = SOURCES / f"{name}-{arch}.S"
            words = [
                str(zig),
                "cc",
                "-target",
                _TARGETS[arch],
                "-nostdlib",
                "-static",
                "-o",
                str(program),
                str(source),
            ]
            caches = dict.fromkeys(("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"), str(directory / "zig"))
            subprocess.run(words, check=True, env={**os.environ, **caches})
        return program

    return assemble
