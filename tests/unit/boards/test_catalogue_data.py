"""The files that ship with emulab."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from emulab.boards import HOST, Board, Catalogue, load_catalogue
from emulab.boards.checking import check_file
from emulab.boards.library import SCHEMAS, SHIPPED, Library

if TYPE_CHECKING:
    from pathlib import Path

BOARDS_THAT_RUN_GO = (
    "raspberry-pi-5", "raspberry-pi-4", "raspberry-pi-3", "beaglebone-ai-64", "orange-pi-5-plus",
    "orange-pi-zero-2", "nanopi-r6s", "rock-5b", "jetson-orin-nano", "lichee-rv", "lichee-pi-4a",
    "visionfive-2", "milk-v-mars", "hifive-unmatched", "banana-pi-m64", "banana-pi-f3", "stm32mp157a",
)  # fmt: skip
CHIPS = (
    "raspberry-pi-pico-w", "esp32-c3", "esp32-c6", "esp32-s3", "nrf52840-dk", "gd32vf103", "maix-bit",
)  # fmt: skip


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def test_the_catalogue_has_exactly_the_boards_that_emulab_promises(catalogue: Catalogue) -> None:
    assert set(catalogue.ids()) == {*BOARDS_THAT_RUN_GO, *CHIPS, HOST}


@pytest.mark.parametrize("identifier", BOARDS_THAT_RUN_GO)
def test_a_linux_board_has_everything_that_a_run_needs(catalogue: Catalogue, identifier: str) -> None:
    board = catalogue.board(identifier)
    assert board.runs_go
    assert board.refusal() is None
    assert board.architecture.name == board.arch
    assert board.memory is not None
    assert board.software is not None
    assert board.emulation is not None
    assert board.go is not None
    assert board.emulation.vcpus == min(board.cores, 8)
    assert board.go.gomaxprocs == board.cores
    for cluster in board.clusters:
        assert cluster.l1i is not None
        assert cluster.l1d is not None
        assert cluster.l1d.line_b is not None


@pytest.mark.parametrize("identifier", CHIPS)
def test_a_chip_without_linux_is_refused(catalogue: Catalogue, identifier: str) -> None:
    assert not catalogue.board(identifier).runs_go


@pytest.mark.parametrize(
    "identifier", [*BOARDS_THAT_RUN_GO, *CHIPS, "generic-arm64", "generic-armv7", "generic-riscv64"]
)
def test_every_figure_has_a_source(catalogue: Catalogue, identifier: str) -> None:
    board = catalogue.board(identifier)
    without = [field for field in _figures(board) if board.source(field) is None]
    assert without == []


@pytest.mark.parametrize("identifier", BOARDS_THAT_RUN_GO)
def test_every_source_stands_for_a_field_that_is_there(catalogue: Catalogue, identifier: str) -> None:
    board = catalogue.board(identifier)
    figures = _figures(board)
    idle = [s.field for s in board.sources if not any((f + ".").startswith(s.field + ".") for f in figures)]
    assert idle == []


def test_every_file_is_used_by_a_board(catalogue: Catalogue) -> None:
    named = {"boards": set(catalogue.ids()), "generic": {"arm64", "armv7", "riscv64"}}
    inherited, cores, models = set(), set(), set()
    for kind in SCHEMAS:
        for path in (SHIPPED / kind).glob("*.toml"):
            document = tomllib.loads(path.read_text())
            inherited |= set(document.get("inherits", ()))
            cores |= {c["core"] for c in document.get("clusters", {}).values() if "core" in c}
            models |= {document["emulation"]["model"]} if "model" in document.get("emulation", {}) else set()
    named["socs"] = {r.removeprefix("socs/") for r in inherited if r.startswith("socs/")}
    named["models"] = models | {r.removeprefix("models/") for r in inherited if r.startswith("models/")}
    named["cores"] = cores
    for kind in SCHEMAS:
        assert {path.stem for path in (SHIPPED / kind).glob("*.toml")} == named[kind], kind


@pytest.mark.parametrize(
    "path",
    [p for kind in SCHEMAS for p in sorted((SHIPPED / kind).glob("*.toml"))],
    ids=lambda p: f"{p.parent.name}-{p.stem}",
)
def test_a_file_says_nothing_unknown(path: Path) -> None:
    check_file(tomllib.loads(path.read_text()), SCHEMAS[path.parent.name], path.name)


def test_no_board_is_emulated_by_a_model_that_has_everything(catalogue: Catalogue) -> None:
    for name in [*BOARDS_THAT_RUN_GO, "generic-arm64", "generic-armv7", "generic-riscv64"]:
        emulation = catalogue.board(name).emulation
        assert emulation is not None
        for model in (emulation.user, emulation.system):
            assert model.partition(",")[0] not in ("max", "any", "rv64"), name


def test_measured_clocks_are_near_the_claimed_ones(catalogue: Catalogue) -> None:
    for name in BOARDS_THAT_RUN_GO:
        for cluster in catalogue.board(name).clusters:
            for measured in cluster.measured:
                if measured.claimed_mhz is not None:
                    assert measured.clock_mhz == pytest.approx(measured.claimed_mhz, rel=0.05), (
                        name,
                        measured,
                    )


def test_bandwidth_is_rate_times_width_where_both_are_known(catalogue: Catalogue) -> None:
    seen = 0
    for name in BOARDS_THAT_RUN_GO:
        memory = catalogue.board(name).memory
        assert memory is not None
        if memory.peak_gb_per_s and memory.bus_bits and memory.transfer_rate_mt_s:
            seen += 1
            product = memory.bus_bits / 8 * memory.transfer_rate_mt_s / 1000
            assert memory.peak_gb_per_s == pytest.approx(product, rel=0.01), name
    assert seen >= 5


def test_loading_a_board_reads_only_the_files_that_it_is_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = Library._load

    def recording(self: Library, path: Path, kind: str) -> dict[str, Any]:
        read.append(f"{kind}/{path.stem}")
        return original(self, path, kind)

    monkeypatch.setattr(Library, "_load", recording)
    load_catalogue().board("raspberry-pi-5")
    assert set(read) == {"boards/raspberry-pi-5", "socs/bcm2712", "cores/cortex-a76", "models/cortex-a76"}


@pytest.mark.parametrize("identifier", [*BOARDS_THAT_RUN_GO, *CHIPS, HOST])
def test_a_board_is_a_json_document(catalogue: Catalogue, identifier: str) -> None:
    document = json.loads(json.dumps(catalogue.board(identifier).to_json()))
    assert document["id"] == identifier
    assert document["runs_go"] == (identifier not in CHIPS)


_NOT_FIGURES = ("id", "kind", "sources", "notes", "emulation.model")


def _figures(board: Board) -> list[str]:
    """Return the paths of everything that is said of a board, as its sources name them."""
    paths: list[str] = []

    def walk(value: Any, path: str) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                walk(item, f"{path}.{key}" if path else key)
        elif isinstance(value, list) and value and isinstance(value[0], dict) and "name" in value[0]:
            for item in value:
                walk({k: v for k, v in item.items() if k != "name"}, f"{path}.{item['name']}")
        elif value is not None and value != []:
            paths.append(path)

    document = msgspec.json.decode(msgspec.json.encode(board))
    for cluster in document["clusters"]:
        cluster["core"].pop("id")
    if board.kind != "generic" and document["emulation"]:
        document["emulation"].pop("vcpus")  # min(cores, 8)
    if board.kind != "generic" and document["go"]:
        document.pop("go")  # follows from the instructions and the number of cores
    if document["chip"]:
        document["chip"].pop("linux")
        document["chip"].pop("nearest")
    walk(document, "")
    return [path for path in paths if not path.startswith(_NOT_FIGURES)]
