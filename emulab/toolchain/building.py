"""Building a Go program for a target, or finding that it has been built already.

A request that was built before is answered without the go command: its record names every file
outside GOROOT and the module cache that went into it, and when those are what they were, so is the
program. Otherwise ``go list`` says what the inputs are now, and the program's key, made of their
contents, the flags and the toolchain, says whether it has been built before all the same.

What Go's own build cache does not see is not seen here either: C headers and libraries outside the
packages' directories.
"""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from emulab import cache
from emulab.errors import ToolchainError, UsageError, WorkloadError
from emulab.progress import Silent
from emulab.toolchain.diagnosis import error_of_go
from emulab.toolchain.fitness import interpreter_of
from emulab.toolchain.go_command import effective_variables, go_environment, run_go
from emulab.toolchain.inputs import compare, take_snapshot
from emulab.toolchain.listing import Listing, list_inputs
from emulab.toolchain.published import build_published
from emulab.toolchain.records import BuildRecord, load_record, make_artifact, save_record, stored_artifact
from emulab.toolchain.zig import c_compilers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulab.progress import Progress, Step
    from emulab.toolchain.artifact import Artifact
    from emulab.toolchain.go import GoToolchain
    from emulab.toolchain.inputs import Snapshot
    from emulab.toolchain.request import BuildRequest
    from emulab.toolchain.zig import ZigToolchain

_FORMAT = 1
_ATTEMPTS = 4
_CLOCK_STEP_NS = 20_000_000


class _SourcesChangedError(Exception):
    """A file was edited while the build was reading it."""


def build(
    request: BuildRequest,
    go: GoToolchain,
    zig: ZigToolchain | None = None,
    progress: Progress | None = None,
) -> Artifact:
    """Return the program that a request asks for, from the cache when nothing has changed.

    :param zig: the C compiler, for a request that needs one (``request.needs_zig``).
    :raises UsageError: there is no such package, it is no command, or the target can not be had.
    :raises WorkloadError: it does not compile; ``detail`` is the compiler's message.
    :raises ToolchainError: the toolchain or the network failed.
    :raises NoSpaceError: a disk is full.
    """
    if request.needs_zig and zig is None:
        raise ToolchainError(
            "a cgo build needs a C compiler, and none was given", hint="pass find_zig(progress)"
        )
    progress = progress or Silent()
    request = _located(request)
    compilers = c_compilers(zig, request) if zig is not None and request.needs_zig else None
    environment = go_environment(request, compilers)
    settings: list[object] = [
        _FORMAT,
        go.identity(),
        None if compilers is None else compilers.identity,
        request.test,
        _file_flags(request),
        _output_flags(request),
        effective_variables(environment),
        # Without that the program has the paths of its sources in it.
        *([] if request.trimpath else [str(request.directory)]),
    ]
    if request.is_published:
        return build_published(
            request, go, settings, [*_file_flags(request), *_output_flags(request)], environment, progress
        )
    key = cache.digest([*settings, request.package, str(request.directory)])
    record = load_record(key)
    if record is not None:
        found = _recorded(key, record)
        if found is not None:
            return found
    with progress.step(f"building {request.name} for {request.architecture.name}") as step:
        for _ in range(_ATTEMPTS):
            try:
                return _build_once(request, go, settings, environment, key, step)
            except _SourcesChangedError:
                step.update("the sources changed: starting again")
    raise WorkloadError(
        f"the sources of {request.name} keep changing while they are built",
        hint="build it when they are at rest",
    )


def _located(request: BuildRequest) -> BuildRequest:
    """Return the request with an absolute directory, and with a package that is a directory as ``./path``.

    So a directory is never mistaken for an import path, and one that belongs to another module than
    the request's directory is built in its own.
    """
    directory = Path(os.path.abspath(request.directory.expanduser()))
    if not directory.is_dir():
        raise UsageError(f"there is no directory {directory}", hint="name one that exists")
    request = replace(request, directory=directory, title=request.name)
    if request.is_published:
        return request
    place = Path(os.path.normpath(directory / Path(request.package).expanduser()))
    if place.is_dir():
        if _in_same_module(place, directory):
            return replace(request, package=f"./{place.relative_to(directory)}")
        return replace(request, directory=place, package=".")
    if place.is_file():
        if place.suffix != ".go":
            raise UsageError(f"{place} is no Go file", hint="name a directory, a .go file, or an import path")
        return replace(request, directory=place.parent, package=place.name)
    if request.package.startswith((".", "/", "~")) and "..." not in request.package:
        raise UsageError(
            f"there is no directory {place}", hint="name a directory with Go files, such as ./cmd/thing"
        )
    return request


def _in_same_module(place: Path, directory: Path) -> bool:
    if not place.is_relative_to(directory):
        return False
    between = [place, *place.parents]
    between = between[: between.index(directory)]
    return not any((each / name).exists() for each in between for name in ("go.mod", "go.work"))


def _recorded(key: str, record: BuildRecord) -> Artifact | None:
    now = compare(record.snapshot)
    if now is None:
        return None
    artifact = stored_artifact(record.artifact)
    if artifact is not None and now is not record.snapshot:
        save_record(key, BuildRecord(record.artifact, now))
    return artifact


def _build_once(
    request: BuildRequest,
    go: GoToolchain,
    settings: list[object],
    environment: Mapping[str, str],
    key: str,
    step: Step,
) -> Artifact:
    step.update("listing its packages")
    listing, snapshot = _settled_inputs(request, go, environment)
    content = snapshot.content_digest(request.directory)
    artifact_key = cache.digest([*settings, listing.import_path, listing.program, content])

    def make(directory: Path) -> Path:
        program = directory / listing.program
        _compile(request, go, environment, listing, program, step)
        if compare(snapshot) is None:
            raise _SourcesChangedError
        return program

    artifact = make_artifact(artifact_key, make)
    save_record(key, BuildRecord(artifact_key, snapshot))
    return artifact


def _settled_inputs(
    request: BuildRequest, go: GoToolchain, environment: Mapping[str, str]
) -> tuple[Listing, Snapshot]:
    """List and read the inputs until none was changed between the two."""
    for _ in range(_ATTEMPTS):
        started = time.time_ns()
        listing = list_inputs(request, go, _file_flags(request), environment)
        snapshot = take_snapshot(listing.watch)
        if snapshot.newest_change_ns() < started - _CLOCK_STEP_NS:
            break
    return listing, snapshot


def _compile(
    request: BuildRequest,
    go: GoToolchain,
    environment: Mapping[str, str],
    listing: Listing,
    program: Path,
    step: Step,
) -> None:
    temporary = program.parent / ".tmp"
    temporary.mkdir()
    verb = ["test", "-c"] if request.test else ["build", "-v"]
    arguments = [*verb, *_file_flags(request), *_output_flags(request), "-o", str(program), request.package]
    said: list[str] = []
    compiled = 0
    once = "; zig makes the C library of a target once, which takes a minute" if request.needs_zig else ""
    step.update(f"compiling{once}")

    def on_line(line: str) -> None:
        nonlocal compiled
        if line in listing.packages:
            compiled += 1
            step.update(line, done=float(compiled))
        elif line.startswith("go: downloading "):
            step.update(line.removeprefix("go: "))
        else:
            said.append(line)

    status, _, _ = run_go(
        go,
        arguments,
        directory=request.directory,
        environment={**environment, "GOTMPDIR": str(temporary)},
        on_line=on_line,
    )
    if status != 0 or not program.is_file():
        raise error_of_go("\n".join(said), request, go)
    shutil.rmtree(temporary, ignore_errors=True)


def _file_flags(request: BuildRequest) -> list[str]:
    """Return the flags that decide which files are part of the program."""
    flags = []
    if request.tags:
        flags.append(f"-tags={','.join(request.tags)}")
    if request.race:
        flags.append("-race")
    if request.cover:
        flags.append("-cover")
    return flags


def _output_flags(request: BuildRequest) -> list[str]:
    """Return the flags that decide what is made of those files, the same on every machine."""
    flags = ["-trimpath", "-buildvcs=false"] if request.trimpath else ["-buildvcs=false"]
    linker = request.ldflags
    if request.buildmode is not None:
        flags.append(f"-buildmode={request.buildmode}")
        if request.buildmode == "pie" and not request.cgo:
            # Go's own linker makes a dynamic program of it, which needs no library but a dynamic linker.
            linker = f"-I {interpreter_of(request.architecture, request.libc)} {linker}".strip()
    if request.cgo and request.libc == "musl" and "-linkmode" not in linker:
        # Where only the standard library has C code, Go links by itself, and wants it in shared libraries.
        linker = f"-linkmode=external {linker}".strip()
    if linker:
        flags.append(f"-ldflags={linker}")
    return flags
