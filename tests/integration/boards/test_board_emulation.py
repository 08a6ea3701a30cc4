"""QEMU's models stand in for the boards as the catalogue says."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from emulab.boards import Board, load_catalogue
from emulab.boards.library import SHIPPED
from emulab.boards.verdict import needs
from emulab.machines.initramfs import agent_initramfs, file

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Compiled = Callable[..., Path]
    RunInImage = Callable[..., subprocess.CompletedProcess[str]]

BOARDS = [board for board in load_catalogue().boards() if board.emulation is not None]
GENERIC = [load_catalogue().generic(arch) for arch in ("arm64", "armv7", "riscv64")]

# What every correct processor computes in the program "probe".
DIGEST = "6ffdfbdce2dd54a97f669ea01600f44093e51024230d34a4f2219d930575b672"


def representatives() -> list[Board]:
    """Return one board for each model, level of Go's code and size of pages."""
    chosen: dict[tuple[str | int, ...], Board] = {}
    for board in [*GENERIC, *BOARDS]:
        assert board.emulation is not None
        assert board.software is not None
        pages = board.software.page_kib
        chosen.setdefault((board.emulation.system, pages, *board.build_environment().values()), board)
    return list(chosen.values())


def emulator(board: Board) -> list[str]:
    assert board.emulation is not None
    return [f"/.emulab/bin/qemu-{board.architecture.qemu}", "-cpu", board.emulation.user]


@pytest.mark.parametrize("board", [*BOARDS, *GENERIC], ids=lambda board: board.id)
def test_a_program_built_for_a_board_runs_on_its_model(
    board: Board, compiled: Compiled, run_in_image: RunInImage
) -> None:
    probe = compiled("probe", board.build_environment())
    result = run_in_image(
        "qemu-user",
        *emulator(board),
        "/in/probe",
        files={"probe": probe},
        environment=board.run_environment(),
    )
    assert (result.returncode, result.stderr) == (0, "")
    report = json.loads(result.stdout)
    assert board.emulation is not None
    assert board.go is not None
    assert report["arch"] == board.architecture.goarch
    assert report["gomaxprocs"] == board.go.gomaxprocs
    assert report["digest"] == DIGEST
    assert tuple(report["flags"]) == board.emulation.reports


def test_the_switches_keep_go_from_the_instructions_that_the_board_lacks(
    compiled: Compiled, run_in_image: RunInImage
) -> None:
    board = load_catalogue().board("raspberry-pi-4")
    probe = compiled("probe", board.build_environment())
    translated = {}
    for case, environment in (("board", board.run_environment()), ("model", {})):
        result = run_in_image(
            "qemu-user",
            *emulator(board),
            "-d",
            "in_asm",
            "/in/probe",
            files={"probe": probe},
            environment=environment,
        )
        assert result.returncode == 0
        translated[case] = {line.split()[2] for line in result.stderr.splitlines() if line.startswith("0x")}
    assert {"sha256h", "aese"} <= translated["model"]
    assert not translated["board"] & {"sha256h", "sha256su0", "aese", "aesmc", "pmull", "sha1c"}
    assert "crc32cx" in translated["board"], "the board has the checksum instructions"


@pytest.mark.parametrize(
    ("identifier", "level"),
    [("raspberry-pi-4", {"GOARM64": "v8.2"}), ("hifive-unmatched", {"GORISCV64": "rva22u64"})],
)
def test_instructions_that_the_board_lacks_end_a_program(
    identifier: str, level: dict[str, str], compiled: Compiled, run_in_image: RunInImage
) -> None:
    board = load_catalogue().board(identifier)
    probe = compiled("probe", {**board.build_environment(), **level})
    result = run_in_image("qemu-user", *emulator(board), "/in/probe", files={"probe": probe})
    assert result.returncode == 128 + 4, result.stderr  # SIGILL
    assert result.stdout == ""


@pytest.mark.parametrize("board", representatives(), ids=lambda board: board.id)
def test_the_boards_model_boots_linux_in_system_mode(
    board: Board,
    compiled: Compiled,
    run_in_image: RunInImage,
    file_of_image: Callable[[str, str], Path],
    tmp_path: Path,
) -> None:
    assert board.emulation is not None
    disk = tmp_path / "initramfs"
    disk.write_bytes(
        agent_initramfs(
            compiled("boot", board.build_environment()).read_bytes(),
            [file("probe", compiled("probe", board.build_environment()).read_bytes(), 0o755)],
        )
    )
    assert board.software is not None
    kernel = file_of_image(f"kernel-{board.software.page_kib}k-{board.arch}", "/kernel/image")
    console = {"arm64": "ttyAMA0", "armv7": "ttyAMA0", "riscv64": "ttyS0"}[board.arch]
    machine = {"armv7": "virt,highmem-ecam=off,highmem-mmio=off"}.get(board.arch, "virt")
    result = run_in_image(
        "qemu-system",
        f"qemu-system-{board.architecture.qemu}", "-M", machine, "-cpu", board.emulation.system,
        "-smp", str(board.emulation.vcpus), "-m", "256", "-nodefaults", "-nographic", "-no-reboot",
        "-serial", "stdio", "-kernel", "/in/kernel", "-initrd", "/in/initramfs",
        "-append", f"console={console} quiet panic=-1",
        files={"kernel": kernel, "initramfs": disk},
    )  # fmt: skip
    lines = [line for line in result.stdout.splitlines() if line.startswith("PROBE ")]
    assert lines, result.stdout[-2000:] + result.stderr[-2000:]
    report: dict[str, Any] = json.loads(lines[0].removeprefix("PROBE "))
    assert report["digest"] == DIGEST
    assert report["gomaxprocs"] == board.emulation.vcpus
    assert report["page_size"] == board.software.page_kib * 1024
    # Linux adds what it finds out by itself, and shows what its own configuration brings into use.
    assert set(board.emulation.reports) - {"swp", "thumbee", "cpuid"} <= set(report["flags"])


def test_the_smallest_program_needs_what_refusals_say(compiled: Compiled, run_in_image: RunInImage) -> None:
    base, size = 1 << 44, 1 << 44
    for board in GENERIC:
        need = needs().linux[board.arch]
        smallest = compiled("smallest", board.build_environment())
        assert smallest.stat().st_size == pytest.approx(need.file_b, rel=0.15), board.arch
        qemu, *options = emulator(board)
        idle = compiled("idle", board.build_environment())
        held = []
        # How much of itself a program has touched when main starts differs from run to run; the least counts.
        for _ in range(3):
            result = run_in_image(
                "qemu-user", "-resident", str(base), str(size), qemu, *options, "-B", str(base), "/in/idle",
                files={"idle": idle},
            )  # fmt: skip
            assert result.returncode == 0, result.stderr
            held.append(int(result.stdout))
        assert min(held) == pytest.approx(need.resident_b, rel=0.25), (board.arch, held)


def test_the_smallest_program_for_webassembly_is_of_the_size_that_is_told(compiled: Compiled) -> None:
    smallest = compiled("smallest", {"GOOS": "wasip1", "GOARCH": "wasm"})
    assert smallest.stat().st_size == pytest.approx(needs().wasm_file_b, rel=0.15)


def test_every_model_is_of_a_board_that_is_tried_here() -> None:
    tried = {board.emulation.model for board in [*BOARDS, *GENERIC] if board.emulation is not None}
    for path in (SHIPPED / "models").glob("*.toml"):
        assert path.stem in tried
        assert tomllib.loads(path.read_text())
