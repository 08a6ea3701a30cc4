"""The agent: a small Go program that starts, watches and measures workloads on every machine.

Its sources lie beside this file. It is built once for each architecture and Go version, and is static.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from emulab import cache
from emulab.errors import ToolchainError

if TYPE_CHECKING:
    from collections.abc import Callable

_SOURCES = Path(__file__).resolve().parent
# Without floating point: the kernel leaves a thread's off until its first use, and QEMU translates all code
# anew, the kernel's too, for a processor that has it on.
_GOARM = "7,softfloat"
_BUILD = ("build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w")


def _source_digest() -> str:
    sources = [p for p in sorted(_SOURCES.glob("*.go")) if not p.name.endswith("_test.go")]
    return cache.digest([(p.name, cache.file_digest(p)) for p in [_SOURCES / "go.mod", *sources]])


def build_agent(goarch: str, find_go_root: Callable[[], Path]) -> Path:
    """Return the agent's program for an architecture, building it when it is not in the cache.

    It is the instrument, so it does not change with the Go version that happens to be at hand: what was
    built once from these sources stays.

    :param goarch: ``amd64``, ``arm64``, ``arm`` (version 7) or ``riscv64``.
    :param find_go_root: returns a Go toolchain's directory, which holds ``bin/go``; called only to build.
    :raises ToolchainError: the toolchain does not run or refuses the sources.
    """
    key = cache.digest([_source_digest(), goarch, _BUILD, _GOARM])

    def make(directory: Path) -> None:
        go_root = find_go_root()
        go = go_root / "bin" / "go"
        settings = {
            "CGO_ENABLED": "0", "GOOS": "linux", "GOARCH": goarch, "GOARM": _GOARM,
            "GOFLAGS": "", "GOWORK": "off", "GOTOOLCHAIN": "local", "GOPROXY": "off",
            "GOROOT": str(go_root), "GOCACHE": str(cache.cache_root() / "go-build"),
        }  # fmt: skip
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GO")} | settings
        from emulab.toolchain.diagnosis import full_disk

        build = subprocess.run(
            [go, *_BUILD, "-o", directory / "emulab-agent", "."],
            cwd=_SOURCES, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if build.returncode != 0:
            full = full_disk(build.stderr)
            if full is not None:
                raise full
            raise ToolchainError(
                f"the Go toolchain in {go_root} can not build the agent for {goarch}",
                detail=build.stderr.strip(),
            )

    return cache.entry("agents", key, make) / "emulab-agent"
