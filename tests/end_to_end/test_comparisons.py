"""``emulab compare`` as a user types it."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RUNS = 20
_SUM = """\
package sum

func Sum(values []int) int {
	total := 0
	for _, value := range values {
		total += %s
	}
	return total
}

func Join(parts []string) string {
	all := ""
	for _, part := range parts {
		all += part
	}
	return all
}
"""
_BENCHMARKS = """\
package sum

import "testing"

var number int
var text string

func BenchmarkSum(b *testing.B) {
	values := make([]int, 1000)
	for i := 0; i < b.N; i++ {
		number = Sum(values)
	}
}

func BenchmarkJoin(b *testing.B) {
	parts := []string{"a", "b", "c", "d"}
	for i := 0; i < b.N; i++ {
		text = Join(parts)
	}
}
"""


def _git(directory: Path, *words: str) -> None:
    own = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *own, *words], cwd=directory, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A module whose second commit makes one of its two benchmarks slower; its third changes a comment."""
    top = tmp_path / "module"
    (top / "sum").mkdir(parents=True)
    (top / "go.mod").write_text("module example.com/own\n\ngo 1.22\n")
    (top / "sum" / "sum_test.go").write_text(_BENCHMARKS)
    _git(top, "init", "--quiet", "--initial-branch=main")
    for change, comment in (("value", ""), ("value*value%7", ""), ("value*value%7", "// a comment\n")):
        (top / "sum" / "sum.go").write_text(comment + _SUM % change)
        _git(top, "add", ".")
        _git(top, "commit", "--quiet", "-m", "a change")
    return top


def test_a_slow_change_is_named_and_fails(emulab: Callable[..., Any], repository: Path) -> None:
    said = emulab("compare", "main~2", "main~1", "./...", "--arch", "riscv64", cwd=repository)
    assert said.status == 1, said.stderr
    [row] = [line for line in said.stdout.splitlines() if "WORSE" in line]
    assert re.search(r"example\.com/own/sum\.BenchmarkSum +insn/op .*\+1\d\d\.\d\d %", row)
    assert "1 of 2 compared got worse by more than 1%" in said.stdout
    assert len(subprocess.check_output(["git", "worktree", "list"], cwd=repository).splitlines()) == 1


def test_a_faster_change_holds(emulab: Callable[..., Any], repository: Path) -> None:
    said = emulab("compare", "main~1", "main~2", "./...", "--arch", "armv7", "--json", cwd=repository)
    assert said.status == 0, said.stderr
    verdicts = {each["probe"].rpartition(".")[2]: each for each in said.document["verdicts"]}
    assert verdicts["BenchmarkSum insn/op"]["change_verdict"] == "better"
    assert verdicts["BenchmarkSum insn/op"]["change"] < -0.1
    assert {each["verdict"] for each in verdicts.values()} == {"pass"}


def test_an_unchanged_tree_never_fails(emulab: Callable[..., Any], repository: Path) -> None:
    """Each time counted anew, since the cache would only repeat what it knows."""
    words = ["bench", "./...", "--arch", "riscv64", "--fresh", "--quiet", "-o"]
    for run in range(RUNS):
        said = emulab(*words, f"json={run}.json", cwd=repository)
        assert said.status == 0, said.stderr
    for run in range(1, RUNS):
        said = emulab("compare", "0.json", f"{run}.json", cwd=repository)
        assert said.status == 0, said.stdout
        assert "nothing got worse among 2 compared" in said.stdout


def test_a_comment_changes_nothing(emulab: Callable[..., Any], repository: Path) -> None:
    (repository / "sum" / "new_test.go").write_text(
        'package sum\n\nimport "testing"\n\nfunc BenchmarkNew(b *testing.B) {\n'
        "\tfor i := 0; i < b.N; i++ {\n\t\tnumber += i\n\t}\n}\n"
    )
    said = emulab("compare", "main~1", ".", "--arch", "riscv64", "./sum", cwd=repository)
    assert said.status == 0, said.stdout + said.stderr
    assert "only in the head: example.com/own/sum.BenchmarkNew" in said.stdout


def test_times_of_go_test_are_judged_beyond_their_noise(emulab: Callable[..., Any], tmp_path: Path) -> None:
    noise = [0.97, 1.02, 1.0, 1.04, 0.99, 1.01, 0.98, 1.03, 1.0, 0.96]
    for name, factor in (("old", 1.0), ("same", 1.005), ("slow", 1.3)):
        lines = [f"BenchmarkX-4 100 {1000 * factor * each:.1f} ns/op" for each in noise]
        (tmp_path / name).write_text("pkg: p\n" + "\n".join(lines) + "\n")
    assert emulab("compare", "old", "same", cwd=tmp_path).status == 0
    slow = emulab("compare", "old", "slow", cwd=tmp_path)
    assert slow.status == 1
    assert re.search(r"p\.BenchmarkX-4 +ns/op .*\+30\.00 % +WORSE", slow.stdout)


def test_nothing_in_common_is_no_pass(emulab: Callable[..., Any], tmp_path: Path) -> None:
    for name in ("A", "B"):
        (tmp_path / name).write_text(f"Benchmark{name} 1 5 ns/op\n")
    said = emulab("compare", "A", "B", cwd=tmp_path)
    assert said.status == 4
    assert "only in the base: BenchmarkA" in said.stdout
    assert json.loads(emulab("compare", "A", "B", "--json", cwd=tmp_path).stdout)["command"] == "compare"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("compare nowhere main", "'nowhere' is no file, and .* is in no git repository"),
        ("compare A A --fail-over much", "'much' is no share; write it as 1% or 0.01"),
        ("compare A empty", "empty holds no results"),
    ],
)
def test_bad_input_is_told_in_a_sentence(
    emulab: Callable[..., Any], tmp_path: Path, words: str, sentence: str
) -> None:
    (tmp_path / "A").write_text("BenchmarkA 1 5 ns/op\n")
    (tmp_path / "empty").write_text("")
    said = emulab(*words.split(), cwd=tmp_path)
    assert re.search(sentence, said.stderr), said.stderr
    assert said.status == 2
