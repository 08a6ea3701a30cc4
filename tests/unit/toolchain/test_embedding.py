from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulab.toolchain.embedding import embedded_directories

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name in ("one.txt", "static/a.css", "static/deep/b.css", "pages/en/i.html", "pages/de/i.html"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "directories", "files"),
    [
        ("one.txt", set(), {"one.txt"}),
        ("static", {"static", "static/deep"}, {"static/a.css", "static/deep/b.css"}),
        ("all:static", {"static", "static/deep"}, {"static/a.css", "static/deep/b.css"}),
        ("*.txt", {"."}, {"one.txt"}),
        ("static/*", {"static", "static/deep"}, {"static/a.css", "static/deep/b.css"}),
        ("pages/*/i.html", {"pages"}, {"pages/en/i.html", "pages/de/i.html"}),
    ],
)
def test_a_pattern_depends_on_the_listings_that_answer_it_and_on_what_it_matches(
    package: Path, pattern: str, directories: set[str], files: set[str]
) -> None:
    found_directories, found_files = embedded_directories(package, [pattern])
    assert found_directories == {str(package / name) for name in directories}
    assert found_files == {str(package / name) for name in files}
