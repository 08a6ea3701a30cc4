"""emulab's own Go programs: small, static, without any module but the standard library, built once."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from emulab import cache
from emulab.errors import ToolchainError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Without floating point: the kernel leaves a thread's off until its first use, and QEMU translates all code
# anew, the kernel's too, for a processor that has it on.
_GOARM = "7,softfloat"
_BUILD = ("build", "-trimpath", "-buildvcs=false", "-ldflags")
_LINK = "-s -w"


def build_own(
    sources: Path,
    name: str,
    kind: str,
    find_go_root: Callable[[], Path],
    goarch: str | None = None,
    text: int | None = None,
) -> Path:
    """Return a program of emulab's own, building it when it is not in the cache.

    It is an instrument, so it does not change with the Go version that happens to be at hand: what was
    built once from these sources stays.

    :param sources: the directory of its go.mod and its package.
    :param name: what the program's file is called.
    :param kind: the kind of entry in the cache, such as ``agents``.
    :param find_go_root: returns a Go toolchain's directory, which holds ``bin/go``; called only to build.
    :param goarch: ``amd64``, ``arm64``, ``arm`` (version 7) or ``riscv64``, on Linux; None for a
        program that this machine runs.
    :param text: the address that its code is linked at; None for the linker's own choice.
    :raises ToolchainError: the toolchain does not run or refuses the sources.
    """
    words = [*_BUILD, _LINK if text is None else f"{_LINK} -T {text:#x}"]
    target = {} if goarch is None else {"GOOS": "linux", "GOARCH": goarch, "GOARM": _GOARM}
    key = cache.digest([_source_digest(sources), target, words])

    def make(directory: Path) -> None:
        go_root = find_go_root()
        go = go_root / "bin" / "go"
        settings = {
            **target, "CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off", "GOTOOLCHAIN": "local",
            "GOPROXY": "off", "GOROOT": str(go_root), "GOCACHE": str(cache.cache_root() / "go-build"),
        }  # fmt: skip
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GO")} | settings
        from emulab.toolchain.diagnosis import full_disk

        build = subprocess.run(
            [go, *words, "-o", directory / name, "."],
            cwd=sources, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if build.returncode != 0:
            full = full_disk(build.stderr)
            if full is not None:
                raise full
            where = "this machine" if goarch is None else goarch
            raise ToolchainError(
                f"the Go toolchain in {go_root} can not build {name} for {where}",
                detail=build.stderr.strip(),
            )

    return cache.entry(kind, key, make) / name


def _source_digest(sources: Path) -> str:
    files = [path for path in sorted(sources.glob("*.go")) if not path.name.endswith("_test.go")]
    return cache.digest([(path.name, cache.file_digest(path)) for path in [sources / "go.mod", *files]])
