"""The agent itself, run on this host, and the health-check service for it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import emulab.workloads
from emulab.agent import build_agent
from emulab.machines.agent_client import AgentClient
from emulab.machines.agent_session import PipeStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GOARCH = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "riscv64": "riscv64"}[platform.machine()]
HEALTHD = Path(emulab.workloads.__file__).parent / "healthd"


@pytest.fixture(scope="session")
def go_root() -> Path:
    go = shutil.which("go")
    if go is None:
        pytest.skip("there is no Go toolchain on PATH")
    return Path(
        subprocess.run([go, "env", "GOROOT"], capture_output=True, text=True, check=True).stdout.strip()
    )


@pytest.fixture(scope="session")
def agent_program(go_root: Path) -> Path:
    return build_agent(GOARCH, lambda: go_root)


@pytest.fixture(scope="session")
def build_go(go_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, str], Path]:
    """Return a function that builds a Go package for a GOARCH."""

    def build(package: Path, goarch: str = GOARCH) -> Path:
        target = tmp_path_factory.mktemp("go") / package.name
        environment = os.environ | {"CGO_ENABLED": "0", "GOOS": "linux", "GOARCH": goarch, "GOARM": "7"}
        command = [
            str(go_root / "bin" / "go"),
            "build",
            "-trimpath",
            "-ldflags",
            "-s -w",
            "-o",
            str(target),
            ".",
        ]
        subprocess.run(command, cwd=package, env=environment, check=True)
        return target

    return build


@pytest.fixture(scope="session")
def healthd(build_go: Callable[[Path], Path]) -> Path:
    return build_go(HEALTHD)


class ServingAgent:
    """An agent that serves on pipes, as a child of this process."""

    def __init__(self, program: Path) -> None:
        self.child = subprocess.Popen(
            [program, "serve", "/nonexistent/holder"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        # The client owns the writing end and closes it.
        writer = os.dup(self.child.stdin.fileno())
        self.child.stdin.close()
        self.client = AgentClient(PipeStream(self.child.stdout.fileno(), writer), name="this host")

    def close(self) -> None:
        self.client.close()
        self.child.wait(10)
        assert self.child.stdout is not None
        self.child.stdout.close()


@pytest.fixture
def serving(agent_program: Path) -> Iterator[ServingAgent]:
    serving = ServingAgent(agent_program)
    yield serving
    serving.close()


@pytest.fixture
def client(serving: ServingAgent) -> AgentClient:
    return serving.client


@pytest.fixture
def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
