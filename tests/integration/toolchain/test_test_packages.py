"""Packages with tests, found and built by the real Go."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulab.architectures import ARMV7, RISCV64
from emulab.errors import UsageError
from emulab.progress import Silent
from emulab.toolchain.building import build
from emulab.toolchain.go import find_go
from emulab.toolchain.request import BuildRequest
from emulab.toolchain.test_packages import find_test_packages

PROGRAMS = Path(__file__).parents[2] / "programs"


def test_a_pattern_means_the_packages_that_have_tests() -> None:
    found = find_test_packages(["./..."], PROGRAMS, RISCV64, find_go(None, Silent()))
    assert [package.import_path for package in found] == [
        "example.com/programs/measured",
        "example.com/programs/panics",
    ]
    assert not any(package.is_standard for package in found)


def test_tests_find_their_data_where_go_test_has_it() -> None:
    [measured] = find_test_packages(["./measured"], PROGRAMS, RISCV64, find_go(None, Silent()))
    places = {place for _, place in measured.data()}
    assert f"{measured.guest_directory}/testdata/three.txt" in places
    assert f"{measured.guest_directory}/measured.go" in places


def test_the_standard_library_is_built_wherever_the_user_is(tmp_path: Path) -> None:
    go = find_go(None, Silent())
    (tmp_path / "go.work").write_text("go 1.22\n")
    (tmp_path / "sort").mkdir()
    [package] = find_test_packages(["sort"], tmp_path, ARMV7, go)
    assert package.is_standard
    assert package.guest_directory.endswith("/go/src/sort")
    artifact = build(package.build_request(BuildRequest(".", tmp_path, ARMV7)), go)
    assert artifact.name == "sort.test"
    assert artifact.facts.architecture == "armv7"
    assert not artifact.facts.stripped


def test_data_of_parents_lies_beside_them() -> None:
    go = find_go(None, Silent())
    [flate] = find_test_packages(["compress/flate"], PROGRAMS, RISCV64, go)
    places = {place.removeprefix("/work/go/src/") for _, place in flate.data()}
    assert {"compress/testdata/e.txt", "testdata/Isaac.Newton-Opticks.txt"} <= places


def test_a_pattern_outside_every_module_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is in no Go module"):
        find_test_packages(["./..."], tmp_path, RISCV64, find_go(None, Silent()))


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("./probe", "no package of ./probe has tests"),
        ("no/such/package", "there is no Go package 'no/such/package'"),
        ("./nowhere/...", r"no package matches './nowhere/\.\.\.'|there is no Go package"),
    ],
)
def test_what_has_no_tests_is_refused(pattern: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        find_test_packages([pattern], PROGRAMS, RISCV64, find_go(None, Silent()))
