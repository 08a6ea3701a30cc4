"""What a run is asked to do, and which machines that means."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from emulab.architectures import architecture
from emulab.boards import generic_board, load_catalogue
from emulab.errors import UsageError
from emulab.machines.qemu_command import check_cpus, check_memory, check_pages
from emulab.machines.target import LIBCS, MODES, Target
from emulab.workloads.manifest import is_workload, load_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emulab.boards import Board
    from emulab.machines.protocol import Load
    from emulab.workloads.manifest import Manifest

MEBIBYTE = 1 << 20
_ELF = b"\x7fELF"
_READY = re.compile(r"http://[^/]*:\d+(/.*)?|tcp://[^/]*:\d+|log:.+")


class ProgramKind(Enum):
    """Where a program comes from."""

    PACKAGE = "package"
    """A Go package that emulab builds."""
    BINARY = "binary"
    """An executable of the user's own."""
    GUEST = "guest"
    """A program of the root filesystem."""


@dataclass(frozen=True)
class Program:
    """What is to run.

    :param name: how figures name it.
    :param source: the package (``./cmd/thing``, ``example.com/cmd/thing@v1.2.3``) or the binary's path.
    :param directory: where a package's path starts from.
    :param arguments: what it is started with; for a guest's program the whole argv.
    :param manifest: the workload's, for one that ships with emulab.
    """

    kind: ProgramKind
    name: str
    source: str
    directory: Path
    arguments: tuple[str, ...] = ()
    manifest: Manifest | None = None


@dataclass(frozen=True)
class BuildOptions:
    """How a package is built; None leaves the board's, the workload's or Go's own default.

    :param static: whether a cgo program is linked statically; with musl it is.
    :param libc, glibc: the C library, and the version of it, that it is linked against; the machine's own.
    """

    go: str | None = None
    cgo: bool | None = None
    ldflags: str | None = None
    buildmode: str | None = None
    tags: tuple[str, ...] = ()
    goarm: str | None = None
    goarm64: str | None = None
    goriscv64: str | None = None
    static: bool | None = None
    libc: Literal["musl", "glibc"] | None = None
    glibc: str | None = None


@dataclass(frozen=True)
class RunRequest:
    """One call of ``emulab run``.

    :param boards, architectures, libcs, modes: the machines, as every combination of them; empty ones
        take the boards' defaults.
    :param ready: how a service's readiness is seen; "" for a program that runs to its end.
    :param load: the load that is sent to a service.
    :param runs: how often it is started.
    :param timeout_s: when a program that does not end, or is not ready, is given up.
    :param deterministic: run in a guest whose every nanosecond is determined.
    :param count: count what the program executes, rather than take times.
    :param find_smallest_memory: find the least memory that the service works in, rather than its figures.
    :param afflict: what is done to each machine: the faults that it gets.
    """

    program: Program
    boards: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    libcs: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    memory: int | None = None
    cpus: int | None = None
    kernel: str | None = None
    network: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    build: BuildOptions = field(default_factory=BuildOptions)
    ready: str = ""
    load: Load | None = None
    runs: int = 3
    timeout_s: float = 60.0
    stdin: bytes = b""
    deterministic: bool = False
    count: bool = False
    find_smallest_memory: bool = False
    afflict: Callable[[Place], Place] = lambda place: place


def find_program(what: str | None, guest: list[str] | None, directory: Path) -> Program:
    """Return the program that a command line means.

    :param what: a workload's id, a package or a binary; None when only guest words were given.
    :param guest: what stood after ``--``.
    :raises UsageError: nothing was named, or a name means nothing.
    """
    arguments = tuple(guest or ())
    if what is None:
        if not arguments:
            raise UsageError(
                "there is nothing to run",
                hint="name a workload (healthd), a Go package (./cmd/thing) or a program after `--`",
            )
        return Program(ProgramKind.GUEST, Path(arguments[0]).name, "", directory, arguments)
    if is_workload(what):
        manifest, package = load_manifest(what)
        return Program(ProgramKind.PACKAGE, what, ".", package, (*manifest.arguments, *arguments), manifest)
    path = directory / what
    if path.is_file() and not what.endswith(".go"):
        with path.open("rb") as stream:
            if stream.read(4) != _ELF:
                raise UsageError(
                    f"{what} is neither an ELF program nor a Go package",
                    hint="name a package's directory, or a built executable",
                )
        return Program(ProgramKind.BINARY, path.name, str(path), directory, arguments)
    name = what.split("@")[0].rstrip("/")
    return Program(
        ProgramKind.PACKAGE,
        Path(name).resolve().name if name in (".", "..") else name,
        what,
        directory,
        arguments,
    )


def service_request(
    program: Program, ready: str | None, boards: tuple[str, ...], build: BuildOptions
) -> RunRequest:
    """Return the request to run a service for boards with its manifest's load, or the usual one.

    :param ready: how it shows that it is ready; None for as its manifest says.
    """
    from emulab.machines.protocol import Load
    from emulab.workloads.manifest import LoadSettings

    manifest = program.manifest
    own = (manifest.load if manifest is not None else None) or LoadSettings()
    answer = ready or (manifest.ready if manifest is not None else "")
    url = own.url or (answer if answer.startswith("http:") else "")
    load = Load(url, own.requests, own.concurrency) if url else None
    return RunRequest(program, boards, build=build, ready=answer, load=load)


@dataclass(frozen=True)
class Place:
    """A machine to run on, with the board it stands for."""

    board: Board
    target: Target


def find_places(request: RunRequest) -> list[Place]:
    """Return every machine that a request means, in the order it names them.

    :raises UsageError: an unknown board, architecture, libc or mode, or ones that exclude each other.
    :raises WorkloadError: a board on which no Go program can run.
    """
    for values, known, option in ((request.libcs, LIBCS, "--libc"), (request.modes, MODES, "--mode")):
        for value in values:
            if value not in known:
                raise UsageError(f"{option} {value!r} is not known", hint=f"use {', '.join(known)}")
    _check_readiness(request)
    places = [
        request.afflict(Place(board, target))
        for board in _boards(request)
        for libc in (request.libcs or (_libc(board),))
        for mode in _modes(request)
        if (target := _target(request, board, libc, mode)) is not None
    ]
    if not places:
        raise UsageError(
            "none of the combinations asked for exists",
            hint="glibc-old is Debian bullseye, which has no riscv64",
        )
    return places


def _check_readiness(request: RunRequest) -> None:
    if request.ready and not _READY.fullmatch(request.ready):
        raise UsageError(
            f"--ready {request.ready!r} is no readiness check",
            hint="use http://:PORT/PATH, tcp://:PORT or log:REGEXP",
        )
    if not request.find_smallest_memory:
        return
    if not request.ready:
        raise UsageError(
            "the least memory is found for services only",
            hint="say how it shows that it works: --ready http://:8080/health",
        )
    if "user" in request.modes:
        raise UsageError(
            "in user mode a program has this host's memory, so there is no least", hint="use --mode system"
        )


def _boards(request: RunRequest) -> list[Board]:
    catalogue = load_catalogue()
    boards = [catalogue.board(name) for name in request.boards]
    boards += [generic_board(architecture(name).name) for name in request.architectures]
    for board in boards:
        board.require_go()
    return boards or [generic_board("arm64")]


def _modes(request: RunRequest) -> tuple[str, ...]:
    """Return the modes to run in: what needs a whole machine gets one unless the call says otherwise."""
    if request.modes:
        return request.modes
    whole = (
        request.deterministic or request.count or request.find_smallest_memory or request.kernel is not None
    )
    return ("system",) if whole else ("user",)


def _libc(board: Board) -> str:
    return board.software.libc if board.software is not None else "musl"


def _target(request: RunRequest, board: Board, libc: str, mode: str) -> Target | None:
    guest = board.architecture
    if libc == "glibc-old" and guest.name == "riscv64":
        # Asked for alone it is an error; as one of several it is a hole in the matrix.
        return None
    emulation = board.emulation
    if emulation is None:
        raise UsageError(f"{board.id} has no emulated processor", hint="name another board")
    memory = board.memory.assumed_mib * MEBIBYTE if board.memory is not None else 512 * MEBIBYTE
    cpus = emulation.vcpus
    if mode == "system":
        memory, cpus = min(memory, _SYSTEM_MEMORY), min(cpus, _SYSTEM_CPUS)
    if request.memory is not None:
        memory = request.memory
        check_memory(guest, memory)
    if request.cpus is not None:
        cpus = request.cpus
        check_cpus(cpus)
    cpu_model = emulation.user if mode == "user" else emulation.system
    kernel = request.kernel or _kernel(board)
    if mode == "system":
        check_pages(cpu_model, kernel)
    return Target(
        architecture=guest,
        libc=libc,
        mode=mode,
        cpu_model=cpu_model,
        memory=memory,
        cpus=cpus,
        kernel=kernel,
        board=None if board.kind == "generic" else board.id,
        network=request.network,
        environment=_environment(board, request, mode),
    )


def _kernel(board: Board) -> str:
    """Return the kernel with the board's page size."""
    return f"{board.software.page_kib}k" if board.software is not None else "4k"


def _environment(board: Board, request: RunRequest, mode: str) -> dict[str, str]:
    """Return what makes a Go program behave as on the board, with the user's own variables.

    In system mode the guest's kernel says how many processors there are.
    """
    environment = board.run_environment(_go_release(request.build.go))
    environment.pop("GOMAXPROCS", None)
    if mode == "user" and board.emulation is not None:
        environment["GOMAXPROCS"] = str(request.cpus or board.emulation.vcpus)
    own = dict(request.environment)
    if "GODEBUG" in environment and "GODEBUG" in own:
        # Of two settings of one switch Go takes the last.
        own["GODEBUG"] = f"{environment['GODEBUG']},{own['GODEBUG']}"
    return environment | own


def _go_release(version: str | None) -> tuple[int, int]:
    """Return the release whose switches a program knows: the one asked for, else a current one."""
    match = re.match(r"(?:go)?(\d+)\.(\d+)", version or "")
    return (int(match[1]), int(match[2])) if match else (1, 26)


# What a system-mode guest gets unless the call says otherwise: enough for a Go service, and one
# snapshot then serves many boards.
_SYSTEM_MEMORY = 512 * MEBIBYTE
_SYSTEM_CPUS = 1
