"""Finding a board by whatever name people use for it."""

from __future__ import annotations

import pytest

from emulab.boards import generic_board, load_catalogue
from emulab.errors import UsageError


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("raspberry-pi-5", "raspberry-pi-5"),
        ("rpi5", "raspberry-pi-5"),
        ("pi5", "raspberry-pi-5"),
        ("RaspberryPi5", "raspberry-pi-5"),
        ("Raspberry Pi 5", "raspberry-pi-5"),
        ("visionfive2", "visionfive-2"),
        ("jh7110-visionfive-2", "visionfive-2"),
        ("VisionFive 2", "visionfive-2"),
        ("bpi-f3", "banana-pi-f3"),
        ("esp32c3", "esp32-c3"),
        ("stm32mp157a-dk1", "stm32mp157a"),
        ("Rock5B", "rock-5b"),
        (" host ", "host"),
    ],
)
def test_a_board_is_known_by_id_alias_and_other_spellings(name: str, identifier: str) -> None:
    assert load_catalogue().board(name).id == identifier


def test_no_two_names_mean_two_boards_when_spelling_is_passed_over() -> None:
    catalogue = load_catalogue()
    meant: dict[str, str] = {}
    for name, identifier in [*catalogue.aliases().items(), *((i, i) for i in catalogue.ids())]:
        plain = "".join(c for c in name.lower() if c.isalnum())
        assert meant.setdefault(plain, identifier) == identifier, name


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("rasberry-pi5", "raspberry-pi-5"),
        ("visonfive-2", "visionfive-2"),
        ("orange-pi-5", "orange-pi-5-plus"),
        ("beaglebone", "beaglebone-ai-64"),
        ("raspberry-pi-6", "raspberry-pi-5"),
    ],
)
def test_an_unknown_board_is_told_with_the_nearest_names(name: str, nearest: str) -> None:
    with pytest.raises(UsageError, match="unknown board") as caught:
        load_catalogue().board(name)
    assert nearest in caught.value.message
    assert repr(name) in caught.value.message
    assert "emulab boards" in caught.value.hint
    assert caught.value.exit_status == 2


def test_a_name_like_none_is_told_too() -> None:
    with pytest.raises(UsageError, match="unknown board 'qqqq'; the nearest known"):
        load_catalogue().board("qqqq")
    with pytest.raises(UsageError, match="unknown board ''"):
        load_catalogue().board("")


@pytest.mark.parametrize(
    ("spelling", "identifier", "model"),
    [
        ("arm64", "generic-arm64", "cortex-a53"),
        ("aarch64", "generic-arm64", "cortex-a53"),
        ("armhf", "generic-armv7", "cortex-a7"),
        ("linux/arm/v7", "generic-armv7", "cortex-a7"),
        ("riscv64", "generic-riscv64", "sifive-u54"),
    ],
)
def test_an_architecture_alone_is_a_target_with_a_named_model(
    spelling: str, identifier: str, model: str
) -> None:
    board = generic_board(spelling)
    assert board.id == identifier
    assert board.emulation is not None
    assert board.emulation.user == model
    assert load_catalogue().board(identifier) == board


def test_a_generic_target_is_in_no_list_and_has_no_clock() -> None:
    board = generic_board("arm64")
    assert board.id not in load_catalogue().ids()
    with pytest.raises(UsageError, match="stands for an architecture"):
        _ = board.fastest


def test_an_architecture_that_is_not_emulated_is_told() -> None:
    with pytest.raises(UsageError, match="unknown architecture 'mips'"):
        generic_board("mips")
    with pytest.raises(UsageError, match="of the architecture xtensa, which emulab does not emulate"):
        _ = load_catalogue().board("esp32-s3").architecture


def test_a_board_asked_for_twice_is_read_once() -> None:
    catalogue = load_catalogue()
    assert catalogue.board("rock-5b") is catalogue.board("Rock 5B")
