"""What `make` would do, asked of make itself."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A place with the project's own Makefile and project file."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(_ROOT / name, tmp_path / name)
    return tmp_path


def _make(project: Path, *words: str) -> str:
    done = subprocess.run(["make", *words], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _pretend_installed(project: Path) -> None:
    """Make the stamps that `make` itself would make, and the Python it looks for."""
    (project / ".venv/bin").mkdir(parents=True)
    (project / ".venv/bin/python").symlink_to(sys.executable)
    for stamp in re.findall(r"touch (\S+)", _make(project, "--dry-run", "test")):
        (project / stamp).touch()


def test_make_alone_explains_every_target() -> None:
    shown = _make(_ROOT)
    for target in ("setup", "demo", "test", "lint", "benchmark", "docs", "clean"):
        assert re.search(rf"^  make {target} +\S", shown, re.MULTILINE)


def test_first_call_installs_and_second_does_not(project: Path) -> None:
    assert "pip install" in _make(project, "--dry-run", "demo")
    _pretend_installed(project)
    again = _make(project, "--dry-run", "demo")
    assert "pip install" not in again
    assert "emulab setup --yes" in again


def test_demo_needs_no_development_tools(project: Path) -> None:
    assert "development tools" not in _make(project, "--dry-run", "demo")
    assert "development tools" in _make(project, "--dry-run", "test")


def test_changed_project_file_is_installed_again(project: Path) -> None:
    _pretend_installed(project)
    with (project / "pyproject.toml").open("a") as stream:
        stream.write("# changed\n")
    assert "pip install" in _make(project, "--dry-run", "setup")


def test_environment_whose_python_has_gone_is_made_again(project: Path) -> None:
    _pretend_installed(project)
    (project / ".venv/bin/python").unlink()
    (project / ".venv/bin/python").symlink_to(project / "gone")
    assert "pip install" in _make(project, "--dry-run", "setup")
