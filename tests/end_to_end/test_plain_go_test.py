"""``go test`` for another architecture, by what ``emulab setup --go-exec`` installs."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from emulab.progress import Silent
from emulab.testing.go_exec import install
from emulab.toolchain.go import find_go

EXAMPLE = Path(__file__).parents[2] / "examples" / "inventory"

_BAD = """package bad

import (
	"os"
	"testing"
)

func TestStatus(t *testing.T) { os.Exit(7) }

func TestCrash(t *testing.T) { var p *int; *p = 1 }

func TestFails(t *testing.T) { t.Fatal("on purpose") }

func TestHangs(t *testing.T) { select {} }

func FuzzFinds(f *testing.F) {
	f.Add("a")
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 3 { t.Fatal("too long") }
	})
}
"""


def _go_test(
    directory: Path, tools: Path, arch: str, *words: str, mode: str = "user"
) -> subprocess.CompletedProcess[str]:
    go = find_go(None, Silent())
    environment = {
        **os.environ,
        "GOARCH": arch,
        "PATH": f"{tools}:{os.environ['PATH']}",
        "EMULAB_EXEC_MODE": mode,
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    return subprocess.run(
        [str(go.command), "test", *words],
        cwd=directory, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with what the go command looks for."""
    directory, _ = install(tmp_path_factory.mktemp("tools"))
    return directory


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """A module whose tests fail in every way."""
    (tmp_path / "go.mod").write_text("module example.com/bad\n\ngo 1.22\n")
    (tmp_path / "bad_test.go").write_text(_BAD)
    return tmp_path


@pytest.mark.parametrize("mode", ["user", "system"])
@pytest.mark.parametrize("arch", ["arm64", "arm", "riscv64"])
def test_the_example_s_tests_pass_with_their_data_and_their_coverage_comes_back(
    arch: str, mode: str, tools: Path, tmp_path: Path
) -> None:
    profile = tmp_path / "cover.out"
    said = _go_test(EXAMPLE, tools, arch, "-count=1", f"-coverprofile={profile}", "./...", mode=mode)
    assert said.returncode == 0, said.stdout + said.stderr
    lines = profile.read_text().splitlines()
    assert lines[0] == "mode: set"
    assert any("store/store.go" in line and line.endswith(" 1") for line in lines)


@pytest.mark.parametrize(
    ("test", "said"),
    [("TestStatus", "exit status 7"), ("TestCrash", "nil pointer dereference"), ("TestFails", "on purpose")],
)
def test_a_failure_looks_as_it_does_natively(test: str, said: str, bad: Path, tools: Path) -> None:
    ran = _go_test(bad, tools, "riscv64", f"-run={test}")
    assert ran.returncode == 1
    assert said in ran.stdout
    assert "emulab" not in ran.stderr


def test_a_hang_ends_at_go_s_own_limit_with_its_stacks(bad: Path, tools: Path) -> None:
    ran = _go_test(bad, tools, "arm64", "-run=TestHangs", "-timeout=3s")
    assert ran.returncode == 1
    assert "bad_test.go" in ran.stdout
    assert "TestHangs" in ran.stdout


def test_what_fuzzing_finds_is_kept_in_the_package(bad: Path, tools: Path) -> None:
    ran = _go_test(bad, tools, "arm64", "-run=^$", "-fuzz=FuzzFinds", "-fuzztime=20s")
    assert ran.returncode == 1, ran.stdout
    assert list((bad / "testdata" / "fuzz" / "FuzzFinds").iterdir())


def test_a_program_that_a_signal_killed_is_told_by_that_signal(tmp_path: Path, tools: Path) -> None:
    (tmp_path / "go.mod").write_text("module example.com/own\n\ngo 1.22\n")
    (tmp_path / "main.go").write_text(
        'package main\n\nimport "syscall"\n\n'
        "func main() { syscall.Kill(syscall.Getpid(), syscall.SIGKILL) }\n"
    )
    go = find_go(None, Silent())
    subprocess.run(
        [str(go.command), "build", "-o", "own", "."],
        cwd=tmp_path, env={**os.environ, "GOARCH": "riscv64", "CGO_ENABLED": "0"}, check=True,
    )  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run(
        [str(tools / "go_linux_riscv64_exec"), "./own"], cwd=tmp_path, env=environment, check=False
    )
    assert ended.returncode == -signal.SIGKILL
