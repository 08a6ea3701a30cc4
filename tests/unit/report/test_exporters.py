"""Documents are written as the formats want them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from emulab.errors import UsageError
from emulab.figures import Document, Figure, FigureClass
from emulab.report import export
from emulab.report.exporters import FORMATS, as_json, as_markdown, as_table

if TYPE_CHECKING:
    from pathlib import Path

STARTUP = Figure(
    "startup", 0.116, "s", FigureClass.EMULATED, "healthd", "riscv64", "user", "visionfive-2", "glibc"
)
DOCUMENT = Document(
    "run",
    {},
    [
        replace(STARTUP, low=0.101, high=0.131, coverage=0.9, n=3),
        replace(STARTUP, name="binary-size", value=5 << 20, unit="B", kind=FigureClass.COUNTED),
        replace(STARTUP, board="raspberry-pi-5", arch="arm64", value=0.05),
    ],
    (),
    ["a note"],
)


def test_json_is_the_document() -> None:
    assert json.loads(as_json(DOCUMENT)) == json.loads(json.dumps(DOCUMENT.to_json()))


def test_markdown_has_a_row_a_figure_and_a_column_a_target() -> None:
    lines = as_markdown(DOCUMENT).splitlines()
    assert lines[1].count("---") == 4
    assert "visionfive-2" in lines[0]
    assert "116 ms (101 to 131)" in lines[2]
    assert "50.0 ms" in lines[2]
    assert lines[3].startswith("| binary size | COUNTED | 5.00 MiB |")
    assert lines[-1] == "a note"


def test_markdown_cells_stay_on_one_line() -> None:
    assert all(line.startswith("|") for line in as_markdown(replace(DOCUMENT, notes=())).splitlines())


def test_the_table_shows_class_interval_and_note() -> None:
    text = as_table(DOCUMENT)
    assert "EMULATED" in text
    assert "116 ms (101 to 131)" in text
    assert text.endswith("a note\n")


def test_a_document_goes_to_a_file(tmp_path: Path) -> None:
    export(DOCUMENT, [f"json={tmp_path}/out.json"])
    assert json.loads((tmp_path / "out.json").read_text())["schema"] == "emulab/1"


@pytest.mark.parametrize("request_", ["yaml=-", "json", "json="])
def test_an_unknown_format_is_named_with_the_known(request_: str) -> None:
    with pytest.raises(UsageError, match=r"FORMAT=PATH") as caught:
        export(DOCUMENT, [request_])
    assert "markdown" in caught.value.hint


def test_a_path_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can not be written"):
        export(DOCUMENT, [f"json={tmp_path}/absent/out.json"])


def test_benchmarks_are_written_as_go_prints_them() -> None:
    figures = [
        Figure(
            name, value, unit, FigureClass.COUNTED, "crypto/sha256.BenchmarkHash8K/New", "armv7", "user",
            board="stm32mp157a", evidence={"iterations": 100, "cpu_model": "cortex-a7"},
        )
        for name, value, unit in (("instructions", 519000.0, "insn/op"), ("allocations", 0.0, "allocs/op"))
    ]  # fmt: skip
    other = Figure("startup", 0.1, "s", FigureClass.EMULATED, "healthd", "armv7", "user")
    text = FORMATS["bench"](Document("bench", {}, [*figures, other]))
    assert text.splitlines() == [
        "Unit insn/op assume=exact better=lower",
        "Unit allocs/op assume=exact better=lower",
        "goos: linux",
        "goarch: arm",
        "pkg: crypto/sha256",
        "cpu: cortex-a7",
        "board: stm32mp157a",
        "mode: user",
        "BenchmarkHash8K/New\t     100\t      519000 insn/op\t           0 allocs/op",
    ]
