"""From a request's program to the artifact that a machine runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from emulab.errors import UsageError
from emulab.toolchain.artifact import artifact_of_binary
from emulab.toolchain.building import build
from emulab.toolchain.fitness import require_runs_on
from emulab.toolchain.go import find_go
from emulab.toolchain.request import BuildRequest
from emulab.toolchain.zig import find_zig
from emulab.workloads.request import ProgramKind

if TYPE_CHECKING:
    from emulab.machines.target import Target
    from emulab.progress import Progress
    from emulab.toolchain.artifact import Artifact
    from emulab.toolchain.go import GoToolchain
    from emulab.workloads.request import Place, RunRequest

# What the root filesystems have; a cgo program is linked against the version it will meet.
GLIBC_VERSIONS = {"glibc": "2.41", "glibc-old": "2.31"}
PAGE_SIZES = {"4k": 4 << 10, "16k": 16 << 10, "64k": 64 << 10, "stock": 4 << 10}


class Workshop:
    """Builds a request's program for places, with one Go toolchain, each distinct build once."""

    def __init__(self, request: RunRequest, progress: Progress) -> None:
        self._request = request
        self._progress = progress
        self._go: GoToolchain | None = None
        self._built: dict[BuildRequest, Artifact] = {}

    @property
    def go(self) -> GoToolchain | None:
        """The Go toolchain, once something was built."""
        return self._go

    def artifact(self, place: Place) -> Artifact | None:
        """Return the program for a place, None for a program of the root filesystem.

        :raises UsageError: the package or the Go version does not exist, or a binary can not run there.
        :raises WorkloadError: the package does not compile.
        """
        program = self._request.program
        if program.kind is ProgramKind.GUEST:
            return None
        if program.kind is ProgramKind.BINARY:
            artifact = artifact_of_binary(Path(program.source))
        else:
            artifact = self._build(self._build_request(place))
        target = place.target
        try:
            require_runs_on(
                artifact.facts,
                target.architecture,
                libc=c_library(target),
                glibc=GLIBC_VERSIONS.get(target.libc),
                page_size=PAGE_SIZES[target.kernel] if target.mode == "system" else None,
                name=program.name,
            )
        except UsageError as error:
            if target.adversity is None or not target.adversity.starts_misfits:
                raise
            self._progress.note(f"found before it runs: {error.message}")
        return artifact

    def _build(self, request: BuildRequest) -> Artifact:
        if request not in self._built:
            if self._go is None:
                self._go = find_go(self._request.build.go, self._progress)
                if self._go.note:
                    self._progress.note(self._go.note)
            zig = find_zig(self._progress) if request.needs_zig else None
            self._built[request] = build(request, self._go, zig, self._progress)
        return self._built[request]

    def _build_request(self, place: Place) -> BuildRequest:
        options, program = self._request.build, self._request.program
        own = program.manifest.build if program.manifest is not None else None
        cgo = options.cgo if options.cgo is not None else (own.cgo if own else False)
        ldflags = options.ldflags if options.ldflags is not None else (own.ldflags if own else "")
        libc = options.libc or c_library(place.target)
        settings = place.board.go
        return BuildRequest(
            package=program.source,
            directory=program.directory,
            architecture=place.target.architecture,
            # Without C code the libraries play no part, and one build serves every root filesystem; but a
            # position-independent program has a dynamic linker all the same.
            libc=libc if cgo or options.buildmode == "pie" else "musl",
            glibc=(options.glibc or GLIBC_VERSIONS.get(place.target.libc))
            if cgo and libc == "glibc"
            else None,
            cgo=cgo,
            static=options.static,
            ldflags=ldflags,
            buildmode=checked_buildmode(options.buildmode),
            tags=(*(own.tags if own else ()), *options.tags),
            goarm=options.goarm or (settings.goarm if settings else None),
            goarm64=options.goarm64 or (settings.goarm64 if settings else None),
            goriscv64=options.goriscv64 or (settings.goriscv64 if settings else None),
        )


def c_library(target: Target) -> Literal["musl", "glibc"]:
    """Return the C library of a target's root filesystem."""
    return "musl" if target.libc == "musl" else "glibc"


def checked_buildmode(name: str | None) -> Literal["exe", "pie"] | None:
    """Return a build mode, checked.

    :raises UsageError: it gives nothing that runs.
    """
    match name:
        case None | "exe" | "pie":
            return name
    raise UsageError(f"--buildmode {name!r} can not be run", hint="use exe or pie")
