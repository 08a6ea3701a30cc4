"""The command as it is typed, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from emulab.architectures import architecture
from emulab.progress import Silent
from emulab.toolchain.building import build
from emulab.toolchain.go import find_go
from emulab.toolchain.request import BuildRequest

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAMS = Path(__file__).parents[1] / "programs"


@dataclass(frozen=True)
class Said:
    """What a call of the command said, and its exit status."""

    status: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document that stdout holds."""
        document: dict[str, Any] = json.loads(self.stdout)
        return document

    def figure(self, name: str, **where: str) -> dict[str, Any]:
        """The one figure of that name at that place; where it is predicted as well, what was seen."""
        found = [
            figure
            for figure in self.document["figures"]
            if figure["name"] == name and all(figure[key] == value for key, value in where.items())
        ]
        found = [figure for figure in found if figure["class"] != "PREDICTED"] or found
        assert len(found) == 1, f"{len(found)} figures {name} {where} in {self.stdout}"
        return dict(found[0])


def _emulab(
    *words: str,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    stdin: str = "",
    timeout_s: float = 3600,  # a first call compiles kernels and QEMU
) -> Said:
    done = subprocess.run(
        [sys.executable, "-m", "emulab", *words],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        timeout=timeout_s,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def emulab() -> Callable[..., Said]:
    """Calls the command; a traceback on stderr is a failure, whatever was asked for."""
    return _emulab


@pytest.fixture(scope="session")
def probe() -> Callable[[str], Path]:
    """Builds the probe for an architecture."""

    def probe(arch: str) -> Path:
        go = find_go(None, Silent())
        return build(BuildRequest("./probe", PROGRAMS, architecture(arch)), go).path

    return probe


@pytest.fixture
def module(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a Go module of one program, and returns its directory."""

    def module(source: str) -> Path:
        directory = tmp_path / "module"
        directory.mkdir()
        (directory / "go.mod").write_text("module example.com/own\n\ngo 1.22\n")
        (directory / "main.go").write_text(source)
        return directory

    return module


@pytest.fixture(scope="session")
def programs() -> Path:
    """The directory of the tests' Go programs."""
    return PROGRAMS
