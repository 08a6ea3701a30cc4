from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from emulab.cli.calibrate import command

if TYPE_CHECKING:
    from collections.abc import Sequence

_PAGE = Path(__file__).parents[3] / "docs" / "calibration.md"


def _printed(words: Sequence[str]) -> str:
    done = CliRunner().invoke(command, list(words), catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


@pytest.mark.parametrize(
    ("block", "words"),
    [("boards", []), ("flags", ["--flags"]), ("clocks", ["--clocks"]), ("operations", ["--operations"])],
)
def test_the_tables_of_the_page_are_what_the_command_prints(block: str, words: list[str]) -> None:
    begin, end = f"<!-- {block}:begin -->", f"<!-- {block}:end -->"
    table = re.search(f"{begin}\n(.*){end}", _PAGE.read_text(), re.DOTALL)
    assert table is not None
    assert table[1] == _printed(["show", *words, "--markdown"]), "run `make docs-calibration`"


def test_show_lists_a_boards_sessions_with_their_clocks() -> None:
    text = _printed(["show", "visionfive-2"])
    assert "grid:" in text
    assert "kin:" in text
    assert "measured:" in text


def test_import_writes_a_session_that_show_lists(tmp_path: Path) -> None:
    golden = Path(__file__).parent / "golden" / "go-bench.txt"
    words = ["--board", "vf2", "--author", "Somebody", "--output", str(tmp_path)]
    assert "5 samples of visionfive-2" in _printed(["import", str(golden), *words])
    shown = _printed(["show", "visionfive-2", "--samples", str(tmp_path)])
    assert "somebody-visionfive-2-go-bench" in shown


def test_the_document_has_every_clock_with_its_evidence_in_hertz() -> None:
    document = json.loads(_printed(["show", "milk-v-mars", "--json"]))
    (session,) = document["sessions"]
    assert session["board"] == "milk-v-mars"
    assert {clock["kind"] for clock in session["clocks"]} == {"measured"}
    assert all(1e9 < clock["low"] <= clock["value"] <= clock["high"] < 2e9 for clock in session["clocks"])
