from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from emulab.architectures import ARM64
from emulab.progress import Silent
from emulab.toolchain.building import build
from emulab.toolchain.go import GoToolchain, find_go
from emulab.toolchain.request import BuildRequest

if TYPE_CHECKING:
    from pathlib import Path

    from emulab.toolchain.artifact import Artifact


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "network: needs a package index or the Go module proxy")


@pytest.fixture(scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory for emulab's cache that starts empty; Go's own build cache stays the user's."""
    return tmp_path_factory.mktemp("emulab-cache")


@pytest.fixture
def cache_directory(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EMULAB_CACHE_DIR", str(own_cache))
    return own_cache


@pytest.fixture
def path_without_go(monkeypatch: pytest.MonkeyPatch) -> str:
    places = [place for place in os.environ["PATH"].split(os.pathsep) if not os.path.exists(f"{place}/go")]
    monkeypatch.setenv("PATH", os.pathsep.join(places))
    return os.pathsep.join(places)


@dataclass
class CountingGo:
    """A Go toolchain that writes down each time that its go command is started."""

    toolchain: GoToolchain
    log: Path

    def starts(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def forbid(self) -> None:
        self.toolchain.command.chmod(0)


@pytest.fixture
def go(cache_directory: Path, tmp_path: Path) -> CountingGo:
    real = find_go(None, Silent())
    root = tmp_path / "goroot"
    (root / "bin").mkdir(parents=True)
    log = tmp_path / "go-starts"
    script = root / "bin" / "go"
    script.write_text(f'#!/bin/sh\necho "$1" >>{log}\nexec {real.command} "$@"\n')
    script.chmod(0o755)
    return CountingGo(replace(real, root=root), log)


MODULE = {
    "go.mod": "module example.com/sample\n\ngo 1.22\n",
    "cmd/thing/main.go": (
        "package main\n\n"
        'import (\n\t_ "embed"\n\n\t"example.com/sample/inner"\n)\n\n'
        '//go:embed data/greeting.txt\nvar greeting string\n\nvar version = "none"\n\n'
        "func main() { println(greeting, version, inner.Name()) }\n"
    ),
    "cmd/thing/data/greeting.txt": "hello\n",
    "inner/inner.go": 'package inner\n\nfunc Name() string { return "inner" }\n',
    "inner/inner_test.go": (
        'package inner\n\nimport "testing"\n\n'
        'func TestName(t *testing.T) {\n\tif Name() != "inner" {\n\t\tt.Fatal(Name())\n\t}\n}\n'
    ),
    "inner/other.go": '//go:build other\n\npackage inner\n\nfunc init() { println("other") }\n',
    "broken/main.go": "package main\n\nfunc main() { undefinedName() }\n",
    "windows/main_windows.go": "package main\n\nfunc main() {}\n",
    "docs/readme.txt": "no Go here\n",
}


@dataclass
class Sample:
    """A Go module of some packages, and how to build one of them."""

    root: Path
    go: CountingGo

    @property
    def sources(self) -> dict[str, str]:
        """The module's files as they were made, by name."""
        return dict(MODULE)

    def request(self, package: str = "./cmd/thing", **more: Any) -> BuildRequest:
        settings: dict[str, Any] = {"architecture": ARM64, "directory": self.root, **more}
        return BuildRequest(package, **settings)

    def build(self, package: str = "./cmd/thing", **more: Any) -> Artifact:
        return build(self.request(package, **more), self.go.toolchain, None, Silent())

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def sample(tmp_path: Path, go: CountingGo) -> Sample:
    made = Sample(tmp_path / "sample", go)
    for name, text in MODULE.items():
        made.write(name, text)
    return made
