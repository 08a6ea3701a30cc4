"""The agent: a small Go program that starts, watches and measures workloads on every machine.

Its sources lie beside this file. It is built once for each architecture and Go version, and is static.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from emulab import cache
from emulab.errors import ToolchainError

_SOURCES = Path(__file__).resolve().parent
_BUILD = ("build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w")


def _source_digest() -> str:
    sources = [p for p in sorted(_SOURCES.glob("*.go")) if not p.name.endswith("_test.go")]
    return cache.digest([(p.name, cache.file_digest(p)) for p in [_SOURCES / "go.mod", *sources]])


def _go_version(go: Path) -> str:
    try:
        answer = subprocess.run(
            [go, "env", "GOVERSION"], capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolchainError(f"{go} does not run", hint="remove that toolchain from the cache") from error
    return answer.stdout.strip()


def build_agent(architecture_goarch: str, go_root: Path) -> Path:
    """Return the agent's program for an architecture, building it when it is not in the cache.

    :param architecture_goarch: ``GOARCH``: ``amd64``, ``arm64``, ``arm`` (built for GOARM 7) or ``riscv64``.
    :param go_root: the directory of a Go toolchain, which holds ``bin/go``.
    :raises ToolchainError: the toolchain does not run or refuses the sources.
    """
    go = go_root / "bin" / "go"
    version = _go_version(go)
    key = cache.digest([_source_digest(), version, architecture_goarch, _BUILD])

    def make(directory: Path) -> None:
        settings = {
            "CGO_ENABLED": "0", "GOOS": "linux", "GOARCH": architecture_goarch, "GOARM": "7",
            "GOFLAGS": "", "GOWORK": "off", "GOTOOLCHAIN": "local", "GOPROXY": "off",
            "GOROOT": str(go_root), "GOCACHE": str(cache.cache_root() / "go-build"),
        }  # fmt: skip
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GO")} | settings
        build = subprocess.run(
            [go, *_BUILD, "-o", directory / "emulab-agent", "."],
            cwd=_SOURCES, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if build.returncode != 0:
            raise ToolchainError(
                f"{version} can not build the agent for {architecture_goarch}",
                detail=build.stderr.strip(),
            )

    return cache.entry("agents", key, make) / "emulab-agent"
