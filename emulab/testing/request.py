"""What ``emulab test`` is asked to do, and the machines that this means."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from emulab.testing.variants import Variant, parse_variant
from emulab.toolchain.request import BuildRequest
from emulab.workloads.building import GLIBC_VERSIONS, c_library, checked_buildmode
from emulab.workloads.request import BuildOptions, Place, Program, ProgramKind, RunRequest, find_places

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from emulab.machines.target import Target

_MEMORY = 1 << 30


@dataclass(frozen=True)
class TestRequest:
    """One call of ``emulab test``.

    :param packages: directories, patterns or import paths, as ``go test`` takes them.
    :param directory: where relative ones start, and whose module counts.
    :param boards, architectures, libcs, modes: the machines, as every combination; empty ones take defaults.
    :param gos: versions of Go to build with; without any that of ``build``.
    :param builds: ways to build, as :func:`parse_variant` reads them; without any ``build`` as it is.
    :param flags: of every test binary, such as ``-test.run=Parse``.
    :param timeout_s: when a package's tests are given up, for their goroutines' stacks.
    :param second_look: whether what failed is run again on a whole machine.
    :param leaves_out: tells by the values of its axes (``Slot.axes``) whether a cell is left out.
    :param only: import paths of the packages to test, of those that ``packages`` means; None for all.
    :param afflict: what is done to each machine: the faults that it gets.
    """

    __test__ = False

    packages: tuple[str, ...]
    directory: Path
    boards: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    libcs: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    memory: int | None = None
    build: BuildOptions = field(default_factory=BuildOptions)
    gos: tuple[str, ...] = ()
    builds: tuple[str, ...] = ()
    race: bool = False
    cover: bool = False
    flags: tuple[str, ...] = ()
    timeout_s: float = 600.0
    second_look: bool = True
    leaves_out: Callable[[Mapping[str, str]], bool] = lambda axes: False
    only: frozenset[str] | None = None
    afflict: Callable[[Place], Place] = lambda place: place

    def variants(self) -> list[TestRequest]:
        """Return a request of one Go and one way to build for each of them, as every combination.

        :raises UsageError: a way to build has a word that means nothing.
        """
        found: dict[tuple[str | None, str], TestRequest] = {}
        for go in self.gos or (self.build.go,):
            for text in self.builds or ("",):
                variant = parse_variant(text, replace(self.build, go=go), race=self.race)
                one = replace(self, build=variant.options, race=variant.race, gos=(), builds=())
                found.setdefault((go, variant.name()), one)
        return list(found.values())

    def build_name(self, place: Place) -> str:
        """Return how cells on a machine name the way that it is built."""
        return Variant(self.build, self.race).name(place.target.architecture.goarch)

    def places(self) -> list[Place]:
        """Return the machines to test on.

        :raises UsageError: a board, architecture, libc or mode is not known.
        :raises WorkloadError: a board can not run Go programs.
        """
        return find_places(
            RunRequest(
                program=Program(ProgramKind.PACKAGE, "tests", ".", self.directory),
                boards=self.boards,
                architectures=self.architectures,
                libcs=self.libcs,
                modes=self.modes,
                memory=self.memory or _MEMORY,
                build=self.build,
                afflict=self.afflict,
            )
        )

    def second_place(self, place: Place) -> Place:
        """Return the whole machine that is asked when tests failed on another."""
        if place.target.mode == "system":
            return place
        whole = find_places(
            RunRequest(
                program=Program(ProgramKind.PACKAGE, "tests", ".", self.directory),
                boards=(place.board.id,) if place.target.board else (),
                architectures=() if place.target.board else (place.target.architecture.name,),
                libcs=(place.target.libc,),
                modes=("system",),
                memory=self.memory or _MEMORY,
                build=self.build,
                afflict=self.afflict,
            )
        )
        return whole[0]

    def build_request(self, place: Place) -> BuildRequest:
        """Return how test binaries are built for a place; the package is yet to be named."""
        options, settings = self.build, place.board.go
        cgo = bool(options.cgo) or self.race
        libc = options.libc or c_library(place.target)
        return BuildRequest(
            package=".",
            directory=self.directory,
            architecture=place.target.architecture,
            # A position-independent program has a dynamic linker, also without C code.
            libc=libc if cgo or options.buildmode == "pie" else "musl",
            glibc=(options.glibc or GLIBC_VERSIONS.get(place.target.libc))
            if cgo and libc == "glibc"
            else None,
            cgo=cgo,
            race=self.race,
            cover=self.cover,
            # Tests find their data by where their sources lie, as natively.
            trimpath=False,
            tags=options.tags,
            ldflags=options.ldflags or "",
            buildmode=checked_buildmode(options.buildmode),
            goarm=options.goarm or (settings.goarm if settings else None),
            goarm64=options.goarm64 or (settings.goarm64 if settings else None),
            goriscv64=options.goriscv64 or (settings.goriscv64 if settings else None),
            test=True,
        )


def with_writable(target: Target, places: tuple[str, ...]) -> Target:
    """Return a target that has further directories in memory."""
    return replace(target, writable=places)
