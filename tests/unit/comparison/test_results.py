"""Result files of both kinds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from emulab.comparison.results import of_figures, read_results
from emulab.errors import UsageError
from emulab.figures import Document, Figure, FigureClass
from emulab.report.benchmarks import as_benchmark_text

if TYPE_CHECKING:
    from pathlib import Path

FIGURES = [
    Figure(
        "instructions", 1234.5, "insn/op", FigureClass.COUNTED, "sort.BenchmarkInts", "riscv64", "user",
        board="visionfive-2", evidence={"spread": 0.02, "causes": ["GC"], "iterations": 9},
    ),
    Figure("startup", 0.1, "s", FigureClass.EMULATED, "healthd", "arm64", "user", low=0.09, high=0.12,
           coverage=0.9, n=5),
]  # fmt: skip


def test_a_document_is_read_with_intervals_spreads_and_causes(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(Document("bench", {}, FIGURES).to_json()))
    count, time = read_results(path)
    assert (count.value, count.is_count, count.spread, count.causes) == (1234.5, True, 0.02, ("GC",))
    assert (time.is_count, time.low, time.high, time.n) == (False, 0.09, 0.12, 5)
    assert [count, time] == of_figures(FIGURES)


def test_emulabs_own_text_is_read_as_counts(tmp_path: Path) -> None:
    path = tmp_path / "result.txt"
    path.write_text(as_benchmark_text(Document("bench", {}, FIGURES)))
    [count] = read_results(path)
    assert count.is_count
    assert (count.subject.workload, count.subject.unit) == ("sort.BenchmarkInts", "insn/op")
    assert (count.subject.board, count.subject.mode) == ("visionfive-2", "user")


def test_predictions_are_not_compared_since_they_follow_from_counts(tmp_path: Path) -> None:
    predicted = Figure(
        "time", 1e-6, "s/op", FigureClass.PREDICTED, "sort.BenchmarkInts", "riscv64", "user",
        board="visionfive-2", low=0.9e-6, high=1.1e-6, coverage=0.9,
    )  # fmt: skip
    document = Document("bench", {}, [FIGURES[0], predicted])
    (tmp_path / "result.json").write_text(json.dumps(document.to_json()))
    (tmp_path / "result.txt").write_text(as_benchmark_text(document))
    assert "1000 predicted-ns/op" in (tmp_path / "result.txt").read_text()
    for name in ("result.json", "result.txt"):
        [count] = read_results(tmp_path / name)
        assert count.subject.unit == "insn/op"


def test_repeated_lines_of_go_test_are_samples(tmp_path: Path) -> None:
    path = tmp_path / "go.txt"
    path.write_text("pkg: sort\n" + "".join(f"BenchmarkA-8 10 {10 + i} ns/op 7 B/op\n" for i in range(5)))
    time, size = read_results(path)
    assert (time.values, time.is_count, time.n) == ((10, 11, 12, 13, 14), False, 5)
    assert (size.is_count, size.spread) == (True, 0)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "holds no results"),
        ("{", "not valid JSON"),
        ('{"schema": "other/1"}', "'other/1'"),
        ('{"schema": "emulab/1", "figures": [{}]}', "not complete"),
    ],
)
def test_what_is_no_result_is_refused(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "file"
    path.write_text(content)
    with pytest.raises(UsageError, match=says):
        read_results(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can not be read"):
        read_results(tmp_path / "none")
