"""What ``emulab bench`` is asked to do, and the machines that this means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emulab.bench.host import host_place
from emulab.boards import load_catalogue
from emulab.errors import UsageError
from emulab.toolchain.request import BuildRequest
from emulab.workloads.request import BuildOptions, Place, Program, ProgramKind, RunRequest, find_places

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from emulab.bench.iterations import Effort
    from emulab.profiling.memory_model import MemoryModel


@dataclass(frozen=True)
class BenchRequest:
    """One call of ``emulab bench``.

    :param packages: directories, patterns or import paths, as ``go test`` takes them.
    :param directory: where relative ones start, and whose module counts.
    :param pattern: what ``go test -bench`` takes.
    :param boards, architectures, modes: the machines; empty ones take the defaults.
    :param iterations: the iterations of the largest window; None to have them chosen.
    :param timeout_s: when one process of a benchmark is given up.
    :param fresh: count again what the cache knows.
    :param concurrent_gc: let garbage be collected while the program goes on, as it is on a board; how much
        of that falls into which instructions depends on this host's clock. Otherwise the program stands.
    :param caches: model the board's caches and branch prediction too.
    :param model: what to model instead of the board's own; only with ``caches``.
    :param only: of the benchmarks that the pattern means, count those of these names alone, which may
        have their package in front (``bytes.BenchmarkEqual``); None for all.
    :param effort: how far the search for stable counts goes; None for as far as figures need it.
    """

    packages: tuple[str, ...]
    directory: Path
    pattern: str = "."
    boards: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    build: BuildOptions = field(default_factory=BuildOptions)
    environment: Mapping[str, str] = field(default_factory=dict)
    iterations: int | None = None
    timeout_s: float = 120.0
    fresh: bool = False
    concurrent_gc: bool = False
    caches: bool = False
    model: MemoryModel | None = None
    only: frozenset[str] | None = None
    effort: Effort | None = None

    def places(self) -> list[Place]:
        """Return the machines to count on.

        :raises UsageError: a board, architecture or mode is not known, or counts nothing.
        :raises WorkloadError: a board can not run Go programs.
        """
        if "system" in self.modes:
            raise UsageError(
                "benchmarks are counted in user mode only",
                hint="leave --mode out: what a benchmark itself executes is the same in both",
            )
        catalogue = load_catalogue()
        hosts = [board for name in self.boards if (board := catalogue.board(name)).kind == "host"]
        boards = tuple(name for name in self.boards if catalogue.board(name).kind != "host")
        of_host = [host_place(board) for board in hosts]
        if of_host and not boards and not self.architectures:
            return of_host
        return of_host + find_places(
            RunRequest(
                program=Program(ProgramKind.PACKAGE, "benchmarks", ".", self.directory),
                boards=boards,
                architectures=self.architectures,
                # A test binary is static: every root filesystem is the same to it.
                libcs=("musl",),
                modes=self.modes,
                environment=self.environment,
                build=self.build,
            )
        )

    def build_request(self, place: Place) -> BuildRequest:
        """Return how test binaries are built for a place; the package is yet to be named."""
        options, settings = self.build, place.board.go
        return BuildRequest(
            package=".",
            directory=self.directory,
            architecture=place.target.architecture,
            tags=options.tags,
            ldflags=options.ldflags or "",
            goarm=options.goarm or (settings.goarm if settings else None),
            goarm64=options.goarm64 or (settings.goarm64 if settings else None),
            goriscv64=options.goriscv64 or (settings.goriscv64 if settings else None),
            test=True,
        )


def parse_benchtime(text: str | None) -> int | None:
    """Return the iterations that ``--benchtime`` asks for.

    :raises UsageError: it is a time, or nothing at all.
    """
    if text is None:
        return None
    number = text.removesuffix("x")
    if not text.endswith("x") or not number.isdigit() or int(number) < 1:
        raise UsageError(
            f"--benchtime {text!r} is no number of iterations",
            hint="write it as 100x; emulated time says nothing, so there is no duration to give",
        )
    return int(number)
