"""What to build, and for what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from emulab.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from emulab.architectures import Architecture

_OURS = ("GOOS", "GOARCH", "GOARM", "GOARM64", "GORISCV64", "CGO_ENABLED", "GOROOT", "GOTOOLCHAIN",
         "GOTMPDIR", "GOBIN")  # fmt: skip

_GOARM = re.compile(r"[567](,(softfloat|hardfloat))?")


@dataclass(frozen=True)
class BuildRequest:
    """A Go program to build for a target.

    :param package: a directory (``./cmd/thing``, absolute or not), a file (``main.go``), an import path,
        or ``import/path@version`` of a published command.
    :param directory: the directory that a relative ``package`` starts at, and whose module counts.
    :param architecture: the target's architecture.
    :param libc: the C library that a cgo program is linked with, ``musl`` or ``glibc``.
    :param glibc: the oldest glibc that it must start on, such as ``2.31``; only with ``glibc`` and cgo.
    :param cgo: whether C code is compiled in.
    :param static: whether a cgo program is linked statically: ``None`` is static with musl and dynamic
        with glibc, which can not be otherwise.
    :param ldflags: what ``go build -ldflags`` takes.
    :param buildmode: ``exe``, ``pie``, ``plugin`` or ``None`` for Go's default.
    :param tags: build tags.
    :param goarm: ``GOARM``, such as ``7`` or ``7,softfloat``; ``None`` for Go's default, as the next two.
    :param goarm64: ``GOARM64``, such as ``v8.2``.
    :param goriscv64: ``GORISCV64``, such as ``rva22u64``.
    :param race: whether the race detector is built in.
    :param test: build the package's test binary (``go test -c``) instead of the program.
    :param trimpath: whether the program names its sources by import path and not by where they lie here.
    :param cover: whether a test binary counts what of its package is executed (``go test -cover``).
    :param environment: further variables for the go command and the C compiler, as pairs. ``CC`` (and
        ``CXX``) among them take zig's place.
    :param title: what messages call the program, when that is not ``package``.
    """

    package: str
    directory: Path
    architecture: Architecture
    libc: Literal["musl", "glibc"] = "musl"
    glibc: str | None = None
    cgo: bool = False
    static: bool | None = None
    ldflags: str = ""
    buildmode: Literal["exe", "pie", "plugin"] | None = None
    tags: tuple[str, ...] = ()
    goarm: str | None = None
    goarm64: str | None = None
    goriscv64: str | None = None
    race: bool = False
    test: bool = False
    trimpath: bool = True
    cover: bool = False
    environment: tuple[tuple[str, str], ...] = ()
    title: str = ""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself.

        :raises UsageError: two settings exclude each other.
        """
        reserved = [name for name, _ in self.environment if name in _OURS]
        if reserved:
            raise UsageError(
                f"{reserved[0]} can not be set for a build",
                hint="it follows from the target and the build's settings",
            )
        if self.goarm is not None and not _GOARM.fullmatch(self.goarm):
            raise UsageError(f"GOARM={self.goarm} does not exist", hint="use 5, 6 or 7, or 7,softfloat")
        if self.race and not self.cgo:
            raise UsageError("the race detector needs cgo", hint="build with cgo on")
        if self.cgo and self.libc == "glibc" and self.static:
            raise UsageError("a cgo program can not be linked statically with glibc", hint="use --libc musl")
        if self.glibc is not None and self.libc != "glibc":
            raise UsageError(
                f"glibc {self.glibc} contradicts the C library {self.libc}", hint="use --libc glibc"
            )

    @property
    def name(self) -> str:
        """What messages call the program."""
        return self.title or self.package

    @property
    def needs_zig(self) -> bool:
        """Whether a C compiler of emulab's is needed."""
        return self.cgo and not any(name == "CC" for name, _ in self.environment)

    @property
    def is_published(self) -> bool:
        """Whether the package is ``import/path@version``."""
        return "@" in self.package and not (self.directory / self.package).exists()

    def target(self) -> dict[str, str]:
        """Return the go command's variables that name the target."""
        chosen = {
            "GOOS": "linux",
            "GOARCH": self.architecture.goarch,
            "CGO_ENABLED": "1" if self.cgo else "0",
            "GOARM": self.goarm if self.architecture.goarch == "arm" else None,
            "GOARM64": self.goarm64 if self.architecture.goarch == "arm64" else None,
            "GORISCV64": self.goriscv64 if self.architecture.goarch == "riscv64" else None,
        }
        return {name: value for name, value in chosen.items() if value}
