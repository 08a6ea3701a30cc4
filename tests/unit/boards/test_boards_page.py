"""docs/boards.md is made from the catalogue."""

from __future__ import annotations

from pathlib import Path

from emulab.boards import load_catalogue
from emulab.boards.reference import markdown

PAGE = Path(__file__).resolve().parents[3] / "docs" / "boards.md"


def test_the_page_is_as_fresh_as_the_catalogue() -> None:
    assert PAGE.read_text() == markdown(load_catalogue()), (
        "docs/boards.md is stale: run `python -m emulab.boards.reference > docs/boards.md`"
    )


def test_the_page_names_every_board() -> None:
    text = PAGE.read_text()
    for identifier in load_catalogue().ids():
        assert identifier in text
