"""What Go is told for a board."""

from __future__ import annotations

import pytest

from emulab.boards import load_catalogue
from emulab.boards.features import kernel_version, switches_hidden_by_kernel


@pytest.mark.parametrize(
    ("identifier", "environment"),
    [
        ("raspberry-pi-5", {"GOARCH": "arm64", "GOARM64": "v8.2,crypto"}),
        ("raspberry-pi-4", {"GOARCH": "arm64", "GOARM64": "v8.0"}),
        ("beaglebone-ai-64", {"GOARCH": "arm64", "GOARM64": "v8.0,crypto"}),
        ("stm32mp157a", {"GOARCH": "arm", "GOARM": "7"}),
        ("visionfive-2", {"GOARCH": "riscv64", "GORISCV64": "rva20u64"}),
        ("banana-pi-f3", {"GOARCH": "riscv64", "GORISCV64": "rva22u64"}),
    ],
)
def test_a_build_uses_what_the_boards_cores_have(identifier: str, environment: dict[str, str]) -> None:
    assert load_catalogue().board(identifier).build_environment() == {"GOOS": "linux", **environment}


def test_the_level_never_asks_for_what_the_board_lacks() -> None:
    for board in load_catalogue().boards():
        if board.go is None or board.isa is None or not board.runs_go:
            continue
        if board.go.goarm64:
            assert ("crypto" in board.go.goarm64) == (
                {"aes", "pmull", "sha1", "sha2"} <= set(board.isa.flags)
            ), board.id
            assert board.go.goarm64.startswith("v8.2") == ("atomics" in board.isa.flags), board.id
        if board.go.goriscv64 == "rva22u64":
            assert {"zba", "zbb", "zbs"} <= set(board.isa.flags), board.id


def test_go_is_kept_from_instructions_that_only_the_emulator_has() -> None:
    board = load_catalogue().board("raspberry-pi-4")
    assert board.differences().not_on_the_board == ("aes", "pmull", "sha1", "sha2")
    assert board.run_environment() == {
        "GOMAXPROCS": "4",
        "GODEBUG": "cpu.aes=off,cpu.pmull=off,cpu.sha1=off,cpu.sha2=off",
    }


def test_instructions_that_the_emulator_lacks_are_known() -> None:
    assert load_catalogue().board("jetson-orin-nano").differences().not_emulated == (
        "flagm",
        "ilrcpc",
        "uscat",
    )


def test_a_kernel_too_old_to_report_extensions_hides_them_from_go() -> None:
    catalogue = load_catalogue()
    assert catalogue.board("milk-v-mars").run_environment() == {"GOMAXPROCS": "4", "GODEBUG": "cpu.zbb=off"}
    assert catalogue.board("visionfive-2").run_environment() == {"GOMAXPROCS": "4"}
    assert catalogue.board("banana-pi-f3").run_environment()["GODEBUG"] == "cpu.v=off,cpu.zbb=off"


def test_what_only_the_kernel_hides_can_be_switched_on_again() -> None:
    catalogue = load_catalogue()
    hidden = switches_hidden_by_kernel(catalogue.board("banana-pi-f3"), (1, 26))
    assert hidden == ["cpu.v=on", "cpu.zbb=on"]
    assert switches_hidden_by_kernel(catalogue.board("raspberry-pi-4"), (1, 26)) == []


def test_a_go_that_knows_no_switch_is_given_none() -> None:
    board = load_catalogue().board("milk-v-mars")
    assert "GODEBUG" not in board.run_environment((1, 24))
    assert "GODEBUG" in board.run_environment((1, 25))
    assert "GODEBUG" in load_catalogue().board("raspberry-pi-4").run_environment((1, 22))


@pytest.mark.parametrize(
    ("release", "version"), [("6.6.20+rpt-rpi-2712", (6, 6)), ("5.19.0-rc1-d1", (5, 19)), ("vendor", None)]
)
def test_a_kernel_release_has_a_version(release: str, version: tuple[int, int] | None) -> None:
    assert kernel_version(release) == version


def test_json_is_in_si_units() -> None:
    document = load_catalogue().board("raspberry-pi-5").to_json()
    (cluster,) = document["clusters"]
    assert cluster["nominal_hz"] == 2_400_000_000
    assert cluster["operating_points_hz"][0] == 1_500_000_000
    assert cluster["operating_points_hz"][-1] == 2_400_000_000
    assert cluster["measured"][0]["after_load_hz"] == 2_399_000_000
    assert cluster["l2"]["size_b"] == 512 * 1024
    assert cluster["l2"]["line_b"] == 64
    assert document["memory"]["assumed_b"] == 4 * 1024**3
    assert document["memory"]["sold_b"][-1] == 16 * 1024**3
    assert document["memory"]["peak_b_per_s"] == pytest.approx(17.07e9)
    assert document["memory"]["transfer_rate_t_per_s"] == 4_267_000_000
    assert document["software"]["page_b"] == 16384
    assert document["environment"]["build"]["GOARM64"] == "v8.2,crypto"
    names = str(document)
    assert document["sources"]["software.page_b"].startswith("sbc-bench 8-NK.txt")
    for suffix in ("_kib", "_mib", "_mhz", "gb_per_s"):
        assert suffix not in names


def test_json_of_a_chip_has_the_verdict() -> None:
    document = load_catalogue().board("esp32-c3").to_json()
    assert document["runs_go"] is False
    assert document["chip"]["ram_b"] == 400 * 1024
    assert document["refusal"].startswith("esp32-c3 cannot run")
    assert "TinyGo" in document["way_out"]
