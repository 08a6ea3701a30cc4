"""Whole programs with what boards are predicted to show of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulab.boards import load_catalogue

if TYPE_CHECKING:
    from collections.abc import Callable


def _named(said: Any, name: str, kind: str = "PREDICTED") -> list[dict[str, Any]]:
    return [
        figure for figure in said.document["figures"] if figure["class"] == kind and figure["name"] == name
    ]


def test_a_run_shows_what_is_emulated_counted_and_predicted_side_by_side(emulab: Callable[..., Any]) -> None:
    said = emulab("run", "healthd", "--board", "visionfive-2", "--runs", "1", "--json", "-q")
    assert said.status == 0, said.stderr
    (seen,), (predicted,) = (_named(said, "startup", kind) for kind in ("EMULATED", "PREDICTED"))
    assert (seen["board"], seen["mode"]) == (predicted["board"], predicted["mode"])
    assert predicted["low"] < predicted["value"] < predicted["high"]
    assert predicted["evidence"]["support"].startswith("user work: ")
    (count,) = _named(said, "instructions-start", "COUNTED")
    assert count["value"] > 1_000_000
    for name in ("rss-rest", "vss-load", "throughput", "latency-p50", "latency-p99", "init-start"):
        assert len(_named(said, name)) == 1, name


def test_a_program_is_predicted_for_every_board_without_an_engine(emulab: Callable[..., Any]) -> None:
    said = emulab("predict", "healthd", "--json", "-q")
    assert said.status == 0, said.stderr
    catalogue = load_catalogue()
    wanted = {
        name
        for name in catalogue.ids()
        if catalogue.board(name).kind == "board" and catalogue.board(name).runs_go
    }
    for name in ("startup", "rss-rest", "throughput", "latency-p99"):
        assert {figure["board"] for figure in _named(said, name)} == wanted


def test_what_if_is_answered_from_the_same_counts(emulab: Callable[..., Any]) -> None:
    words = ("predict", "healthd", "--board", "visionfive-2", "--json", "-q")
    (own,) = _named(emulab(*words), "throughput")
    (half,) = _named(emulab(*words, "--clock-mhz", "750", "--cpus", "2"), "throughput")
    assert 0.25 < half["value"] / own["value"] < 0.4  # memory keeps its pace
    (slow,) = _named(emulab(*words, "--governor", "powersave"), "startup")
    assert slow["evidence"]["clock_hz"] == 375e6


def test_conditions_of_predictions_are_refused_where_there_are_none(emulab: Callable[..., Any]) -> None:
    said = emulab("run", "healthd", "--arch", "riscv64", "--clock-mhz", "750")
    assert said.status == 2
    assert "conditions of predictions" in said.stderr
    assert emulab("predict", "crypto/md5", "--governor", "powersave").status == 2


def test_an_articles_figures_stand_beside_ours_with_what_is_wrong_of_them(emulab: Callable[..., Any]) -> None:
    said = emulab("calibrate", "article")
    assert said.status == 0, said.stderr
    assert "impossible" in said.stdout
    assert "inconsistent" in said.stdout
