"""Benchmarks with the times that boards are predicted to take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from emulab.benchmark_text import parse

if TYPE_CHECKING:
    from collections.abc import Callable

WORDS = ("bench", "crypto/md5", "--bench", "Hash8K$", "-q")


def _time(said: Any, board: str) -> dict[str, Any]:
    (found,) = [
        figure
        for figure in said.document["figures"]
        if figure["class"] == "PREDICTED" and figure["board"] == board
    ]
    return dict(found)


def test_a_boards_time_has_its_interval_its_model_and_what_it_rests_on(emulab: Callable[..., Any]) -> None:
    said = emulab(*WORDS, "--board", "visionfive-2,milk-v-mars", "--json")
    assert said.status == 0, said.stderr
    own, other = _time(said, "visionfive-2"), _time(said, "milk-v-mars")
    for figure in (own, other):
        assert (figure["unit"], figure["coverage"]) == ("s/op", 0.9)
        assert 0 < figure["low"] < figure["value"] < figure["high"]
        assert figure["evidence"]["model"] == "sifive-u74"
        assert figure["evidence"]["memory"] == "modelled"
    # About 105,000 instructions at 1.5 GHz, between half of one and two a cycle.
    assert 35e-6 < own["value"] < 140e-6
    assert other["value"] == pytest.approx(own["value"], rel=0.1)  # the same core and clock
    assert other["high"] / other["value"] > own["high"] / own["value"]  # but nobody measured Go there
    assert "on its core, some on this board" in own["evidence"]["support"]
    assert "figures of its core on" in other["evidence"]["support"]


def test_another_clock_is_asked_for_by_its_megahertz(emulab: Callable[..., Any]) -> None:
    usual = _time(emulab(*WORDS, "--board", "visionfive-2", "--json"), "visionfive-2")
    half = _time(emulab(*WORDS, "--board", "visionfive-2", "--clock-mhz", "750", "--json"), "visionfive-2")
    assert half["value"] == pytest.approx(2 * usual["value"], rel=0.02)
    assert half["evidence"]["clock_hz"] == 750e6


def test_go_benchmark_text_has_the_prediction_beside_the_counts(emulab: Callable[..., Any]) -> None:
    said = emulab(*WORDS, "--board", "visionfive-2")
    (line,) = parse(said.stdout)
    low, middle, high = (line.values[f"predicted-{end}ns/op"] for end in ("low-", "", "high-"))
    assert 35_000 < middle < 140_000
    assert low < middle < high
    assert line.values["insn/op"] > 100_000


def test_counts_alone_are_had_for_less(emulab: Callable[..., Any]) -> None:
    said = emulab(*WORDS, "--board", "visionfive-2", "--counts-only", "--json")
    assert said.status == 0, said.stderr
    assert {figure["class"] for figure in said.document["figures"]} == {"COUNTED"}


def test_an_architecture_without_a_board_gets_counts_alone(emulab: Callable[..., Any]) -> None:
    said = emulab(*WORDS, "--arch", "riscv64", "--json")
    assert said.status == 0, said.stderr
    assert {figure["class"] for figure in said.document["figures"]} == {"COUNTED"}


def test_predict_sets_boards_side_by_side_the_fastest_first(emulab: Callable[..., Any]) -> None:
    words = ("predict", "crypto/md5", "--bench", "Hash8K$", "-q")
    said = emulab(*words, "--board", "stm32mp157a,visionfive-2,raspberry-pi-5")
    assert said.status == 0, said.stderr
    rows = [line for line in said.stdout.splitlines() if "BenchmarkHash8K" in line]
    boards = [next(word for word in row.split() if word in BOARDS) for row in rows]
    assert boards == list(BOARDS)
    assert all("no figure of its core" in row or "figures of" in row for row in rows)


BOARDS = ("raspberry-pi-5", "visionfive-2", "stm32mp157a")
