"""Real cgo programs for each target. zig makes each target's C library once, which takes its time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from emulab.architectures import ARM64, ARMV7, RISCV64, Architecture
from emulab.errors import WorkloadError
from emulab.progress import Silent
from emulab.toolchain.building import build
from emulab.toolchain.fitness import interpreter_of, require_runs_on
from emulab.toolchain.go import find_go
from emulab.toolchain.request import BuildRequest
from emulab.toolchain.zig import find_zig

if TYPE_CHECKING:
    from pathlib import Path

    from emulab.toolchain.artifact import Artifact

pytestmark = pytest.mark.network

EVERY_TARGET = bool(os.environ.get("EMULAB_TEST_EVERY_TARGET"))

RESOLVER = """package main

// #include <math.h>
// #include <string.h>
// static double root(double x) { return sqrt(x) + strlen("abc"); }
import "C"

import (
	"fmt"
	"net"
)

func main() {
	addresses, err := net.LookupHost("localhost")
	fmt.Println(float64(C.root(2)), addresses, err)
}
"""

LISTENER = """package main

import "net"

func main() {
	_, err := net.Listen("tcp", "localhost:0")
	println(err == nil)
}
"""

DATABASE = """package main

import (
	"database/sql"
	"fmt"

	_ "github.com/mattn/go-sqlite3"
)

func main() {
	database, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		panic(err)
	}
	var version string
	if err := database.QueryRow("select sqlite_version()").Scan(&version); err != nil {
		panic(err)
	}
	fmt.Println(version)
}
"""

DATABASE_SUM = """github.com/mattn/go-sqlite3 v1.14.32 h1:JD12Ag3oLy1zQA+BNn74xRgaBbdhbNIDYvQUEuuErjs=
github.com/mattn/go-sqlite3 v1.14.32/go.mod h1:Uh1q+B4BYcTPb+yiD3kU8Ct7aC0hY9fxUwlHK0RXw+Y=
"""


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    for name, source, requirement, checksums in (
        ("resolver", RESOLVER, "", ""),
        ("listener", LISTENER, "", ""),
        ("database", DATABASE, "\nrequire github.com/mattn/go-sqlite3 v1.14.32\n", DATABASE_SUM),
    ):
        directory = tmp_path / name
        directory.mkdir()
        (directory / "go.mod").write_text(f"module example.com/{name}\n\ngo 1.22\n{requirement}")
        (directory / "go.sum").write_text(checksums)
        (directory / "main.go").write_text(source)
    return tmp_path


def build_cgo(directory: Path, architecture: Architecture, libc: Any, **more: Any) -> Artifact:
    request = BuildRequest(".", directory, architecture, libc=libc, cgo=True, **more)
    return build(request, find_go(None, Silent()), find_zig(Silent()), Silent())


@pytest.mark.parametrize("architecture", [ARM64, ARMV7, RISCV64], ids=lambda a: a.name)
def test_a_glibc_program_needs_no_newer_glibc_than_was_chosen(
    modules: Path, architecture: Architecture
) -> None:
    for name in ("resolver", "database") if architecture is ARM64 or EVERY_TARGET else ("resolver",):
        facts = build_cgo(modules / name, architecture, "glibc", glibc="2.31").facts
        assert facts.interpreter == interpreter_of(architecture, "glibc")
        needed = facts.symbol_version("GLIBC")
        assert needed is not None
        assert tuple(map(int, needed.split("."))) <= (2, 31)
        assert facts.go is not None
        assert facts.go.setting("CGO_ENABLED") == "1"
        require_runs_on(facts, architecture, libc="glibc", glibc="2.31")


@pytest.mark.parametrize("architecture", [ARM64, ARMV7, RISCV64], ids=lambda a: a.name)
def test_a_dynamic_musl_program_has_musls_dynamic_linker(modules: Path, architecture: Architecture) -> None:
    facts = build_cgo(modules / "resolver", architecture, "musl", static=False).facts
    assert facts.interpreter == interpreter_of(architecture, "musl")
    assert facts.needed == ("libc.so",)
    assert facts.float_abi in (None, "hard")
    require_runs_on(facts, architecture, libc="musl")


@pytest.mark.parametrize("architecture", [ARM64, ARMV7, RISCV64], ids=lambda a: a.name)
def test_a_musl_program_is_static_unless_asked_otherwise(modules: Path, architecture: Architecture) -> None:
    if architecture is not RISCV64 and not EVERY_TARGET:
        pytest.skip("a static C library takes zig a minute each; set EMULAB_TEST_EVERY_TARGET=1 for all")
    for name in ("resolver", "database") if EVERY_TARGET else ("resolver",):
        facts = build_cgo(modules / name, architecture, "musl").facts
        assert facts.architecture == architecture.name
        assert not facts.dynamic
        require_runs_on(facts, architecture, libc="musl")


def test_a_position_independent_cgo_program_is_built_where_gos_own_linker_makes_none(modules: Path) -> None:
    facts = build_cgo(modules / "resolver", ARMV7, "glibc", buildmode="pie").facts
    assert facts.pie
    assert facts.interpreter == interpreter_of(ARMV7, "glibc")


def test_the_c_compilers_message_is_passed_on(modules: Path) -> None:
    source = (modules / "resolver" / "main.go").read_text()
    (modules / "resolver" / "main.go").write_text(source.replace("sqrt(x)", "no_such_function(x)"))
    with pytest.raises(WorkloadError) as caught:
        build_cgo(modules / "resolver", ARM64, "glibc")
    assert "no_such_function" in caught.value.detail


@pytest.mark.parametrize("buildmode", ["exe", "pie"])
def test_the_standard_library_s_own_c_code_is_linked_with_musl(modules: Path, buildmode: Any) -> None:
    artifact = build_cgo(modules / "listener", ARM64, "musl", buildmode=buildmode)
    assert not artifact.facts.dynamic
    assert artifact.facts.pie == (buildmode == "pie")
