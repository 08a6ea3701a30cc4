"""What a module has that its matrix should know: packages, C code, build tags, the Go that it wants."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulab.architectures import ARCHITECTURES, architecture
from emulab.errors import UsageError
from emulab.toolchain.diagnosis import error_of_go
from emulab.toolchain.go_command import go_environment, json_objects, run_go
from emulab.toolchain.request import BuildRequest

if TYPE_CHECKING:
    from emulab.toolchain.go import GoToolchain

_FIELDS = "Dir,ImportPath,Name,Module,Error,CgoFiles,Imports,TestGoFiles,XTestGoFiles,IgnoredGoFiles,GoFiles"
_WORD = re.compile(r"[A-Za-z_][\w.]*")
_VERSION = re.compile(r"go1\.\d+")
_NO_TAGS = frozenset({
    "cgo", "ignore", "tools", "race", "msan", "asan", "unix", "gc", "gccgo", "purego", "appengine", "js",
    "aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "linux", "nacl", "netbsd",
    "openbsd", "plan9", "solaris", "wasip1", "windows", "zos", "386", "amd64", "arm", "arm64", "loong64",
    "mips", "mipsle", "mips64", "mips64le", "ppc64", "ppc64le", "riscv64", "s390x", "sparc64", "wasm",
})  # fmt: skip


@dataclass(frozen=True)
class Survey:
    """What there is in a module.

    :param root: its directory.
    :param go: the version that its go.mod wants, such as ``1.22``; "" where it says none.
    :param tested: packages with tests, by import path.
    :param commands: directories of package main below the module's, as ``./cmd/thing``.
    :param services: those of them that import ``net/http``.
    :param with_c: packages with C code.
    :param only_with_c: those of them that do not build without it.
    :param tags: build tags that its files ask for.
    :param missing: architecture to packages that are not there on it.
    """

    root: Path
    name: str
    go: str
    tested: tuple[str, ...]
    commands: tuple[str, ...]
    services: tuple[str, ...]
    with_c: tuple[str, ...]
    only_with_c: tuple[str, ...]
    tags: tuple[str, ...]
    missing: dict[str, tuple[str, ...]]


def survey(directory: Path, go: GoToolchain) -> Survey:
    """Look at the module that a directory lies in.

    :raises UsageError: it is in no module.
    :raises WorkloadError: the module can not be loaded.
    """
    root = next((each for each in (directory, *directory.parents) if (each / "go.mod").is_file()), None)
    if root is None:
        raise UsageError(f"{directory} is in no Go module", hint="run `go mod init NAME` there first")
    by_architecture = {name: _list(root, name, go, cgo=True) for name in ARCHITECTURES}
    everything = {row["ImportPath"]: row for rows in by_architecture.values() for row in rows}
    missing = {
        name: tuple(sorted(everything.keys() - {row["ImportPath"] for row in rows}))
        for name, rows in by_architecture.items()
    }
    pure = {row["ImportPath"] for row in _list(root, next(iter(ARCHITECTURES)), go, cgo=False)}
    with_c = tuple(sorted(name for name, row in everything.items() if row.get("CgoFiles")))
    module: dict[str, Any] = next((row["Module"] for row in everything.values() if row.get("Module")), {})
    commands = [row for row in everything.values() if row.get("Name") == "main"]
    return Survey(
        root=root,
        name=module.get("Path", root.name),
        go=module.get("GoVersion", ""),
        tested=tuple(sorted(
            name for name, row in everything.items() if row.get("TestGoFiles") or row.get("XTestGoFiles")
        )),
        commands=tuple(sorted(_place(row, root) for row in commands)),
        services=tuple(sorted(_place(row, root) for row in commands if "net/http" in row.get("Imports", []))),
        with_c=with_c,
        only_with_c=tuple(name for name in with_c if name not in pure),
        tags=_tags(everything.values()),
        missing={name: found for name, found in missing.items() if found},
    )  # fmt: skip


def _list(root: Path, name: str, go: GoToolchain, *, cgo: bool) -> list[dict[str, Any]]:
    """Return the module's packages that have files for an architecture."""
    request = BuildRequest("./...", root, architecture(name), cgo=cgo)
    arguments = ["list", "-e", f"-json={_FIELDS}", "./..."]
    status, output, errors = run_go(go, arguments, directory=root, environment=go_environment(request, None))
    if status != 0:
        raise error_of_go(errors, request, go)
    sources = ("GoFiles", "CgoFiles", "TestGoFiles", "XTestGoFiles")
    return [row for row in json_objects(output) if any(row.get(key) for key in sources)]


def _place(row: dict[str, Any], root: Path) -> str:
    return "./" + Path(row["Dir"]).relative_to(root).as_posix().removeprefix(".")


def _tags(rows: Any) -> tuple[str, ...]:
    """Return the tags that ``//go:build`` lines name, other than those that Go itself sets."""
    found = set()
    keys = ("GoFiles", "CgoFiles", "TestGoFiles", "XTestGoFiles", "IgnoredGoFiles")
    for path in {Path(row["Dir"]) / name for row in rows for key in keys for name in row.get(key) or ()}:
        for line in path.read_text(errors="replace").splitlines():
            if line.startswith("package "):
                break
            if line.startswith("//go:build "):
                found |= set(_WORD.findall(line.removeprefix("//go:build ")))
    return tuple(sorted(tag for tag in found if tag not in _NO_TAGS and not _VERSION.fullmatch(tag)))
