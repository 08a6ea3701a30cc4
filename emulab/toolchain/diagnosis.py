"""What the go command's messages mean: whose fault it is, in one sentence, and what to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from emulab.cache import cache_root, mount_of
from emulab.errors import EmulabError, NoSpaceError, ToolchainError, UsageError, WorkloadError

if TYPE_CHECKING:
    from emulab.toolchain.go import GoToolchain
    from emulab.toolchain.request import BuildRequest

_TOO_OLD = re.compile(r"(?:go: )?(\S+?):? requires go >= (\S+) \(running go (\S+?)[;)]")
_NO_NETWORK = re.compile(
    r"dial tcp|no such host|i/o timeout|connection refused|network is unreachable|TLS handshake|proxyconnect"
    r"|module lookup disabled by GOPROXY=off"
)
_BAD_LEVEL = re.compile(r"invalid (GOARM64|GORISCV64|GOARM)\b.*")
_NO_MODULE = "go.mod file not found in current directory or any parent directory"
_NO_VERSION = re.compile(
    r"^go: \S+@\S+: .*(?:unknown revision|no matching versions|not found|reading \S+ 4\d\d "
    r"|invalid version|malformed|does not contain package)",
    re.MULTILINE,
)
_FULL = re.compile(r"(?:(?:write|mkdir|open|close) (/[^\s:]+): )?no space left on device")
_NOT_COMMAND = re.compile(r"package (\S+) is not a main package")


def error_of_go(said: str, request: BuildRequest, go: GoToolchain) -> EmulabError:
    """Return the error that a failed go command's output means."""
    return _usage(said, request, go) or _machine(said) or _compile_error(said, request, go)


def _usage(said: str, request: BuildRequest, go: GoToolchain) -> UsageError | None:
    too_old = _TOO_OLD.search(said)
    if too_old:
        return UsageError(
            f"{too_old[1]} of {request.name} wants Go {too_old[2]}, and the chosen one is {too_old[3]}",
            hint=f"use --go {too_old[2]}",
        )
    if _NO_MODULE in said or "cannot find main module" in said:
        return UsageError(
            f"{request.directory} is in no Go module",
            hint="run `go mod init NAME` there, or name a single file: main.go",
        )
    level = _BAD_LEVEL.search(said)
    if level:
        return UsageError(f"Go {go.version} refuses the target: {level[0]}")
    if "-buildmode=pie requires external (cgo) linking" in said:
        return UsageError(
            f"Go {go.version} makes a PIE for {request.architecture.name} only with cgo",
            hint="turn cgo on, or leave out --buildmode=pie",
        )
    for flag in ("-race", "-buildmode=pie"):
        if f"{flag} is not supported on" in said or f"{flag} not supported on" in said:
            return UsageError(
                f"Go {go.version} has no {flag} for {request.architecture.name}", hint=f"leave out {flag}"
            )
    not_command = _NOT_COMMAND.search(said)
    if not_command:
        return UsageError(f"{not_command[1]} is not a command (package main)", hint="name a command")
    if request.is_published and _NO_VERSION.search(said) and not _NO_NETWORK.search(said):
        return UsageError(
            f"there is no {request.name} to be had", hint="check the path and the version", detail=said
        )
    return None


def _machine(said: str) -> EmulabError | None:
    full = full_disk(said)
    if full is not None:
        return full
    if "signal: killed" in said:
        return ToolchainError(
            "the compiler was killed, most likely for want of memory",
            hint="free memory, or set GOFLAGS=-p=1",
            detail=said,
        )
    if _NO_NETWORK.search(said):
        return ToolchainError(
            "the program's modules can not be fetched",
            hint="connect to the network, set GOPROXY, or run `go mod vendor` where there is one",
            detail=said,
        )
    return None


def full_disk(said: str) -> NoSpaceError | None:
    """Return the error of a full disk that a go command told, by the file that it could not write."""
    full = _FULL.search(said)
    if full is None:
        return None
    place = Path(full[1]) if full[1] else None
    if place is None:
        return NoSpaceError(
            "a disk that the go command writes to is full",
            hint="it writes to GOCACHE, GOMODCACHE, TMPDIR and emulab's cache (EMULAB_CACHE_DIR)",
            detail=said,
        )
    if place.is_relative_to(cache_root()):
        hint = "free some, run `emulab clean --cache`, or set EMULAB_CACHE_DIR to a larger disk"
    elif "go-build" in place.parts:
        hint = "free some, run `go clean -cache`, or set GOCACHE to a larger disk"
    else:
        hint = "free some, or set what leads there (GOCACHE, GOMODCACHE, TMPDIR) to a larger disk"
    return NoSpaceError(f"the disk at {mount_of(place)} is full", hint=hint, detail=said)


def _compile_error(said: str, request: BuildRequest, go: GoToolchain) -> WorkloadError:
    target = f"{request.architecture.name} with Go {go.version}"
    hint = "run `go mod tidy`" if "go mod tidy" in said or "missing go.sum entry" in said else ""
    return WorkloadError(f"{request.name} does not build for {target}", hint=hint, detail=said.strip())
