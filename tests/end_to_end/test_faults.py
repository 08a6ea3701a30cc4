"""``emulab run --fault`` and ``emulab matrix --faults``: what a program does where others die."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.end_to_end.conftest import Said

_WRITES = """package main

import (
	"fmt"
	"os"
)

func main() {
	err := os.WriteFile("/tmp/state", make([]byte, 4096), 0o644)
	fmt.Println("stored:", err)
	if err != nil {
		os.Exit(7)
	}
}
"""
_TESTS = """package own

import (
	"os"
	"testing"
)

func TestStores(t *testing.T) {
	if err := os.WriteFile(t.TempDir()+"/state", make([]byte, 4096), 0o644); err != nil {
		t.Fatal(err)
	}
}
"""


def test_a_program_runs_once_under_each_fault_and_is_judged(
    emulab: Callable[..., Said], module: Callable[[str], Path]
) -> None:
    faults = "urandom-missing,full-disk,clock-1970"
    words = ("run", ".", "--arch", "arm64", "--libc", "musl", "--mode", "user", "--fault", faults)
    said = emulab(*words, "--json", cwd=module(_WRITES))
    assert said.status == 1, said.stderr
    rows = {row["fault"]: row for row in said.document["verdicts"]}
    assert {fault: row["verdict"] for fault, row in rows.items()} == {
        "urandom-missing": "pass",
        "full-disk": "fail",
        "clock-1970": "unsupported",
    }
    assert "ended with status 7" in rows["full-disk"]["reason"]
    assert "rename" in rows["full-disk"]["remedy"]
    assert "wall clock" in rows["clock-1970"]["reason"]
    assert said.stderr.count("no space left on device") == 1


def test_without_a_mode_a_fault_takes_one_that_it_can_be_shown_in(
    emulab: Callable[..., Said], module: Callable[[str], Path]
) -> None:
    words = ("run", ".", "--arch", "arm64", "--libc", "musl", "--fault", "clock-1970")
    said = emulab(*words, cwd=module(_WRITES))
    assert said.status == 0, said.stderr
    assert "pass" in said.stdout
    assert "system mode" in said.stdout


def test_a_fault_that_can_not_be_shown_is_no_success(emulab: Callable[..., Said]) -> None:
    words = ("run", "--arch", "arm64", "--mode", "user", "--fault", "slow-disk", "--", "/bin/true")
    said = emulab(*words)
    assert said.status == 4
    assert "unsupported" in said.stdout


def test_a_fault_that_there_is_not_names_the_nearest(emulab: Callable[..., Said]) -> None:
    for words in (("run", "healthd", "--fault", "clock-1971"), ("matrix", "--faults=clock-1971")):
        said = emulab(*words)
        assert said.status == 2
        assert "did you mean 'clock-1970'?" in said.stderr


def test_a_count_and_a_fault_exclude_each_other(emulab: Callable[..., Said]) -> None:
    said = emulab("run", "healthd", "--count", "--fault", "full-disk")
    assert said.status == 2
    assert "--count and --fault" in said.stderr


def test_every_fault_is_listed_with_its_way_round(emulab: Callable[..., Said]) -> None:
    listed = emulab("matrix", "--list-faults", "--json")
    assert listed.status == 0
    names = [fault["id"] for fault in listed.document["faults"]]
    text = emulab("run", "--list-faults").stdout
    assert len(names) >= 18
    assert all(f"{name}\n" in text for name in names)
    assert text.count("way round: ") == len(names)


def test_a_modules_own_tests_run_under_faults(emulab: Callable[..., Said], tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module example.com/own\n\ngo 1.22\n")
    (tmp_path / "own_test.go").write_text(_TESTS)
    faults = "--faults=urandom-missing,full-disk,glibc-too-old"
    said = emulab("matrix", faults, "--arch", "arm64", "--libc", "musl", "--json", cwd=tmp_path)
    assert said.status == 1, said.stderr
    rows = {row["fault"]: row for row in said.document["verdicts"]}
    assert {fault: (row["verdict"], row["tests"]) for fault, row in rows.items()} == {
        "urandom-missing": ("pass", 1),
        "full-disk": ("fail", 1),
        "glibc-too-old": ("unsupported", 0),
    }
    assert rows["full-disk"]["reason"] == "TestStores failed under the fault, not without it"
    assert rows["full-disk"]["probe"] == "example.com/own under full-disk"


def test_without_a_module_faults_are_shown_by_programs_that_they_kill(
    emulab: Callable[..., Said], tmp_path: Path
) -> None:
    words = ("matrix", "--faults=randomness-missing", "--arch", "arm64", "--libc", "musl", "--json")
    said = emulab(*words, "-o", f"junit={tmp_path / 'junit.xml'}", cwd=tmp_path)
    assert said.status == 0, said.stderr
    rows = {row["probe"]: row for row in said.document["verdicts"]}
    assert {name: (row["verdict"], row["outcome"]) for name, row in rows.items()} == {
        "randomness-missing/draws-secrets": ("pass", "dies"),
        "randomness-missing/needs-no-secrets": ("pass", "survives"),
    }
    assert "/dev/urandom" in rows["randomness-missing/draws-secrets"]["remedy"]
    assert 'tests="2" failures="0"' in (tmp_path / "junit.xml").read_text()
