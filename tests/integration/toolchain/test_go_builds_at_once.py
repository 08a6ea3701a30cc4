"""Builds of several processes, interrupted builds, and published commands."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from emulab.architectures import RISCV64
from emulab.errors import ToolchainError, UsageError
from emulab.progress import Silent
from emulab.toolchain.building import build

CHILD = """
import sys
from pathlib import Path
from emulab.architectures import ARM64
from emulab.progress import Silent
from emulab.toolchain.building import build
from emulab.toolchain.go import GoToolchain
from emulab.toolchain.request import BuildRequest
go = GoToolchain(Path(sys.argv[1]), sys.argv[2], "path")
print(build(BuildRequest(sys.argv[4], Path(sys.argv[3]), ARM64), go, None, Silent()).sha256)
"""


def child(sample: Any, package: str) -> subprocess.Popen[str]:
    go = sample.go.toolchain
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(go.root), go.version, str(sample.root), package],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_at_once_build_one_program_once(sample: Any) -> None:
    sample.write("inner/inner.go", 'package inner\n\nfunc Name() string { return "two at once" }\n')
    both = [child(sample, "./cmd/thing") for _ in range(2)]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert said[0][0] == said[1][0]
    assert sample.go.starts().count("build") == 1


def test_an_interrupt_ends_the_compiler_and_leaves_nothing_behind(sample: Any, cache_directory: Path) -> None:
    unique = time.time_ns()  # so that Go's own cache has none of it
    functions = "\n".join(
        f"func f{i}(m map[int]int) int {{ m[{i}] += {unique}; return len(m) }}" for i in range(20_000)
    )
    calls = "\n".join(f"\tn += f{i}(m)" for i in range(0, 20_000, 4))
    sample.write(
        "slow/main.go",
        f"package main\n\n{functions}\n\n"
        f"func main() {{\n\tm, n := map[int]int{{}}, 0\n{calls}\n\tprintln(n)\n}}\n",
    )
    process = child(sample, "./slow")
    deadline = time.monotonic() + 60
    while not running(cache_directory, "compile") and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    assert running(cache_directory, "compile")
    process.send_signal(2)
    _, errors = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in errors
    assert not running(cache_directory, "")
    assert list((cache_directory / "scratch").iterdir()) == []
    assert sample.build().facts.architecture == "arm64"


def running(cache_directory: Path, name: str) -> list[str]:
    """Return the command lines of the processes that work on a build in this cache."""
    mark = str(cache_directory / "scratch")
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = path.read_text(errors="replace").split("\0")
            if name in words[0] and any(mark in word for word in words):
                lines.append(" ".join(words))
    return lines


@pytest.mark.network
def test_a_published_command_is_built_once_in_its_own_version(sample: Any) -> None:
    package = "golang.org/x/tools/cmd/stress@v0.24.0"
    artifact = sample.build(package, architecture=RISCV64)
    assert artifact.name == "stress"
    assert artifact.facts.go is not None
    assert artifact.facts.go.module is not None
    assert artifact.facts.go.module.version == "v0.24.0"
    sample.go.forbid()
    assert sample.build(package, architecture=RISCV64) == artifact


@pytest.mark.network
@pytest.mark.parametrize("version", ["v99.0.0", "v0.999.0", "no-such-branch"])
def test_a_published_version_that_does_not_exist_is_a_usage_error(sample: Any, version: str) -> None:
    with pytest.raises(UsageError, match=f"there is no golang.org/x/tools/cmd/stress@{version}") as caught:
        sample.build(f"golang.org/x/tools/cmd/stress@{version}")
    assert version in caught.value.detail


def test_a_build_without_the_go_command_is_said(sample: Any) -> None:
    sample.go.forbid()
    with pytest.raises(ToolchainError, match="can not be run"):
        build(sample.request(tags=("never",)), sample.go.toolchain, None, Silent())
