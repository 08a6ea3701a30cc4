"""The article's figures, each with what is to be thought of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulab.calibration.article import read_article
from emulab.calibration.files import load, samples_directory
from emulab.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

HEAD = 'schema = "emulab-article/1"\nsource = "an article"\n'
FIGURE = """[[figures]]
board = "raspberry-pi-5"
figure = "startup"
value = 0.042
unit = "s"
conditions = "none"
verdict = "{verdict}"
"""


def test_all_figures_of_the_article_are_there_in_si_units() -> None:
    figures = read_article()
    assert len(figures) == 45
    known = {(each.board, each.figure): each for each in figures}
    assert known["raspberry-pi-5", "startup"].value == 0.042
    assert known["stm32mp157a", "init-size"].value == 496 * 1024
    assert {each.unit for each in figures} <= {"s", "B", "1/s", "degC", "%", ""}


def test_whatever_is_not_simply_possible_says_why() -> None:
    assert all(each.reason for each in read_article() if each.verdict != "possible")
    impossible = {each.board for each in read_article() if each.verdict == "impossible"}
    assert {"esp32-c3", "esp32-c6"} < impossible


def test_no_fit_sees_the_article() -> None:
    assert (samples_directory() / "article.toml").is_file()
    assert not [record for record in load() if "article" in record.provenance]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + FIGURE.format(verdict="impossible"), r"figure 1 \(raspberry-pi-5, startup\) .*no `reason`"),
        (HEAD + 2 * FIGURE.format(verdict="possible"), "figure 2 .* stands there twice"),
        (HEAD + FIGURE.format(verdict="likely"), "Invalid enum value 'likely'"),
        (HEAD.replace("/1", "/2"), "field `schema`"),
        (HEAD + FIGURE.format(verdict="possible") + "colour = 1\n", "unknown field `colour`"),
        (HEAD + FIGURE.format(verdict="possible").replace("0.042", "inf"), "field `value`"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_place(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "article.toml"
    path.write_text(text + ("figures = []\n" if "[[" not in text else ""))
    with pytest.raises(UsageError, match=words) as caught:
        read_article(path)
    assert str(path) in str(caught.value)
