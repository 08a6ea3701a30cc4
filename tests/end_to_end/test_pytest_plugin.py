"""The pytest plugin in a project of its own, with real machines."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

_PROGRAM = """package main

import (
	"fmt"
	"os"
	"runtime"
)

func main() {
	content, _ := os.ReadFile("/work/input")
	fmt.Println(runtime.GOARCH, len(os.Args), string(content), os.Getenv("OWN"))
}
"""

_TESTS = """
import pytest

def test_plain(emulab_machine):
    thing = emulab_machine.build("./cmd/thing")
    emulab_machine.push(b"it", "/work/input", permissions=0o644)
    done = emulab_machine.run(thing, "one", environment={"OWN": "mine"})
    goarch = {"armv7": "arm"}.get(emulab_machine.arch, emulab_machine.arch)
    assert done.stdout.decode() == f"{goarch} 2 it mine\\n"

@pytest.mark.emulab(arch="riscv64", libc=["musl", "glibc"])
def test_marked(emulab_machine):
    loader = "/lib/ld-linux-riscv64-lp64d.so.1"
    done = emulab_machine.run("/bin/sh", "-c", f"test -e {loader}")
    assert (done.status == 0) == (emulab_machine.libc == "glibc")

@pytest.mark.emulab(arch="arm64", libc="musl", mode="system", memory=64 << 20)
def test_on_a_whole_machine(emulab_machine):
    said = emulab_machine.run("/bin/cat", "/proc/meminfo").stdout.decode()
    assert int(said.split()[1]) < 64 << 10
    assert emulab_machine.mode == "system"

@pytest.mark.emulab(arch="riscv64", libc="musl")
def test_has_nothing_of_another_test(emulab_machine):
    emulab_machine.push(b"left", "/work/left")

@pytest.mark.emulab(arch="riscv64", libc="musl")
def test_has_nothing_of_another_test_again(emulab_machine):
    assert emulab_machine.run("/bin/ls", "/work").stdout == b""
"""


_HOME = os.environ["HOME"]


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A directory with a Go module and settings of a matrix."""
    # pytester gives a home of its own, in which nothing is cached.
    monkeypatch.setenv("HOME", _HOME)
    pytester.path.joinpath("cmd/thing").mkdir(parents=True)
    pytester.path.joinpath("go.mod").write_text("module example.com/own\n\ngo 1.22\n")
    pytester.path.joinpath("cmd/thing/main.go").write_text(_PROGRAM)
    pytester.path.joinpath("emulab.toml").write_text(
        '[matrix]\narch = ["arm64", "armv7"]\nexclude = ["arch=armv7 libc=musl", "mode=system libc=glibc"]\n'
    )
    pytester.makeini("[pytest]\naddopts = --strict-markers\n")
    return pytester


def test_tests_run_on_the_machines_that_their_marks_mean(project: pytest.Pytester) -> None:
    project.makepyfile(_TESTS)
    result = project.runpytest_subprocess("-v")
    result.assert_outcomes(passed=8)
    result.stdout.fnmatch_lines_random([
        "*::test_plain?arm64-*-user? PASSED*",
        "*::test_plain?armv7-*-user? PASSED*",
        "*::test_plain?riscv64-*-user? PASSED*",
        "*::test_marked?riscv64-glibc-user? PASSED*",
    ])  # fmt: skip


def test_the_matrix_of_the_settings_is_a_parameter(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import pytest

        @pytest.mark.emulab("matrix")
        def test_all(emulab_machine): pass

        @pytest.mark.emulab("matrix", mode="user", exclude="arch=arm64")
        def test_some(emulab_machine): pass
    """)
    result = project.runpytest_subprocess("--collect-only", "-q")
    names = [line.partition("::")[2] for line in result.outlines if "::" in line]
    assert names == [
        "test_all[arm64-musl-user]", "test_all[arm64-musl-system]", "test_all[arm64-glibc-user]",
        "test_all[armv7-glibc-user]",
        "test_some[armv7-musl-user]", "test_some[armv7-glibc-user]",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("mark", "said"),
    [("(arch='z80')", "z80"), ("(arhc='arm64')", "'arhc' is none of"), ("('cells')", "'cells' is none of")],
)
def test_a_mark_that_means_nothing_is_an_error(mark: str, said: str, project: pytest.Pytester) -> None:
    project.makepyfile(f"import pytest\n\n@pytest.mark.emulab{mark}\ndef test_it(emulab_machine): pass\n")
    result = project.runpytest_subprocess()
    assert result.ret != 0
    assert said in result.stdout.str() + result.stderr.str()


def test_loading_the_plugin_imports_nothing_of_the_engine(tmp_path: Path) -> None:
    code = "import pytest, sys\npytest.main(['--collect-only', '-q'])\nprint(*sorted(sys.modules))\n"
    (tmp_path / "test_it.py").write_text("def test_it(): pass\n")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    names = done.stdout.split()
    assert "emulab.pytest_plugin" in names
    assert [name for name in names if name.split(".")[0] in ("docker", "msgspec", "numpy", "rich")] == []
    assert [name for name in names if name.startswith("emulab.")] == ["emulab.pytest_plugin"]
