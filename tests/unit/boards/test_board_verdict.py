"""What is said of chips that cannot run standard Go."""

from __future__ import annotations

import re

import pytest

from emulab.boards import load_catalogue
from emulab.boards.verdict import needs
from emulab.errors import WorkloadError

CHIPS = ["raspberry-pi-pico-w", "esp32-c3", "esp32-c6", "esp32-s3", "nrf52840-dk", "gd32vf103", "maix-bit"]


@pytest.mark.parametrize("identifier", CHIPS)
def test_a_refusal_is_one_sentence_with_the_needs_and_the_chip_in_numbers(identifier: str) -> None:
    board = load_catalogue().board(identifier)
    sentence = board.refusal()
    assert sentence is not None
    assert sentence.startswith(f"{identifier} cannot run a standard Go program: ")
    assert "\n" not in sentence
    needed, _, available = sentence.partition("; the ")
    assert len(re.findall(r"\d+(?:\.\d+)? [KM]iB", needed)) == 2
    assert board.soc.name in available
    assert re.search(r"\d+ [KM]iB of RAM", available)
    assert re.search(r"\d+ [KM]iB of flash", available)
    assert "MMU" in available


@pytest.mark.parametrize(
    ("identifier", "numbers"),
    [
        ("raspberry-pi-pico-w", ["264 KiB of RAM", "2 MiB of flash", "thumb"]),
        ("esp32-s3", ["512 KiB of RAM (and 8 MiB of PSRAM)", "xtensa"]),
        ("gd32vf103", ["32 KiB of RAM", "128 KiB of flash", "rv32imac"]),
        ("maix-bit", ["8 MiB of RAM", "an MMU that Linux does not support"]),
    ],
)
def test_a_refusal_has_the_chips_own_figures(identifier: str, numbers: list[str]) -> None:
    sentence = load_catalogue().board(identifier).refusal() or ""
    for number in numbers:
        assert number in sentence


def test_the_needs_in_the_sentence_are_the_measured_ones() -> None:
    smallest = min(needs().linux.values(), key=lambda p: p.resident_b)
    sentence = load_catalogue().board("esp32-c3").refusal() or ""
    assert f"a file of {smallest.file_b / 1024**2:.2f} MiB" in sentence
    assert f"holds {smallest.resident_b / 1024**2:.2f} MiB" in sentence


@pytest.mark.parametrize("identifier", CHIPS)
def test_asking_to_run_is_an_error_of_status_1_with_the_way_out(identifier: str) -> None:
    board = load_catalogue().board(identifier)
    for ask in (board.require_go, board.build_environment):
        with pytest.raises(WorkloadError) as caught:
            ask()
        assert caught.value.exit_status == 1
        assert caught.value.message == board.refusal()
        assert caught.value.hint == board.way_out()
        assert "TinyGo" in caught.value.hint


def test_the_way_out_names_tinygos_target_where_there_is_one() -> None:
    catalogue = load_catalogue()
    assert "`tinygo build -target=pico-w`" in (catalogue.board("raspberry-pi-pico-w").way_out() or "")
    out = catalogue.board("gd32vf103").way_out() or ""
    assert "-target" not in out
    assert "esp32-c3" in out
    assert "run it in an interpreter" not in out, "its RAM is smaller than a page of WebAssembly"


def test_a_board_that_runs_go_is_not_refused() -> None:
    board = load_catalogue().board("raspberry-pi-5")
    assert board.refusal() is None
    assert board.way_out() is None
    board.require_go()
