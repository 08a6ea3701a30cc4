"""A killed matrix goes on with what it has found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulab.matrix.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path


def test_what_was_written_is_known_to_the_next_that_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "journal.jsonl"
    first = Journal(path, resume=False)
    first.write("a", {"verdict": "pass"})
    # As a killed process leaves it: not closed.
    again = Journal(path, resume=True)
    assert again.recall("a") == {"verdict": "pass"}
    assert again.recall("b") is None


def test_a_line_that_was_cut_in_its_middle_is_a_cell_that_runs_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, resume=False)
    journal.write("a", {"verdict": "pass"})
    journal.write("b", {"verdict": "fail"})
    journal.close()
    path.write_text(path.read_text()[:-9])
    again = Journal(path, resume=True)
    assert (again.recall("a"), again.recall("b")) == ({"verdict": "pass"}, None)
    again.write("b", {"verdict": "pass"})
    again.close()
    assert Journal(path, resume=True).recall("b") == {"verdict": "pass"}


def test_one_that_does_not_go_on_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    Journal(path, resume=False).write("a", {"verdict": "pass"})
    assert Journal(path, resume=False).recall("a") is None
    assert Journal(path, resume=True).recall("a") is None
