"""Building the probes' programs for a machine, each distinct one once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from emulab.errors import UsageError, WorkloadError
from emulab.matrix.probes.table import PROGRAMS, Program
from emulab.testing.verdicts import Judgement, Verdict
from emulab.toolchain.building import build
from emulab.toolchain.request import BuildRequest
from emulab.toolchain.zig import find_zig
from emulab.workloads.building import GLIBC_VERSIONS, c_library

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from emulab.machines.target import Target
    from emulab.progress import Progress
    from emulab.toolchain.artifact import Artifact
    from emulab.toolchain.go import GoToolchain


class Programs:
    """Builds the probes' programs. Safe to use from several threads.

    :param directory: the Go module that they are packages of.
    """

    def __init__(
        self, table: Mapping[str, Program], go: GoToolchain, progress: Progress, directory: Path = PROGRAMS
    ) -> None:
        self._directory = directory
        self._table = table
        self._go = go
        self._progress = progress
        self._lock = threading.Lock()
        self._built: dict[BuildRequest, Artifact | Judgement] = {}

    def built(self, name: str, target: Target) -> Artifact | Judgement:
        """Return a program for a target, or why there is none.

        :raises InfrastructureError: the toolchain failed.
        """
        request = build_request(name, self._table[name], target, self._directory)
        with self._lock:
            if request not in self._built:
                self._built[request] = self._build(request)
            return self._built[request]

    def _build(self, request: BuildRequest) -> Artifact | Judgement:
        try:
            zig = find_zig(self._progress) if request.needs_zig else None
            return build(request, self._go, zig, self._progress)
        except (UsageError, WorkloadError) as error:
            # The program is ours and builds elsewhere, so it is the toolchain that can not make it for here.
            lines = tuple(error.detail.splitlines()[:5])
            return Judgement(Verdict.UNSUPPORTED, error.message, error.hint, 0, lines)


def build_request(name: str, program: Program, target: Target, directory: Path) -> BuildRequest:
    """Return how a program is built for a target; without C code one build serves every C library."""
    libc = c_library(target) if program.cgo else "musl"
    return BuildRequest(
        package=f"./{name}",
        directory=directory,
        architecture=target.architecture,
        libc=libc,
        glibc=GLIBC_VERSIONS.get(target.libc) if libc == "glibc" else None,
        cgo=program.cgo,
        static=False if program.dynamic else None,
        race=program.race,
        buildmode="plugin" if program.plugin else None,
        ldflags="-s -w",
        title=f"the probes' program {name}",
    )
