"""What a command line means: which program, on which machines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from emulab.errors import UsageError, WorkloadError
from emulab.workloads.request import BuildOptions, ProgramKind, RunRequest, find_places, find_program

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def guest_request(tmp_path: Path) -> RunRequest:
    return RunRequest(find_program(None, ["/bin/true"], tmp_path))


def places(request: RunRequest, **changes: object) -> list[str]:
    return [
        f"{p.target.board or p.target.architecture.name} {p.target.libc} {p.target.mode}"
        for p in find_places(replace(request, **changes))  # type: ignore[arg-type]
    ]


def test_a_workloads_name_means_the_workload(tmp_path: Path) -> None:
    program = find_program("healthd", ["-x"], tmp_path)
    assert (program.kind, program.name, program.arguments) == (ProgramKind.PACKAGE, "healthd", ("-x",))
    assert program.manifest is not None
    assert (program.directory / "go.mod").is_file()


def test_words_after_the_dashes_alone_are_a_program_of_the_guest(tmp_path: Path) -> None:
    program = find_program(None, ["/bin/uname", "-a"], tmp_path)
    assert (program.kind, program.name, program.arguments) == (
        ProgramKind.GUEST,
        "uname",
        ("/bin/uname", "-a"),
    )


def test_an_elf_file_is_a_binary_and_a_directory_a_package(tmp_path: Path) -> None:
    (tmp_path / "built").write_bytes(b"\x7fELFxxxx")
    (tmp_path / "cmd").mkdir()
    assert find_program("built", None, tmp_path).kind is ProgramKind.BINARY
    assert find_program("./cmd", None, tmp_path).kind is ProgramKind.PACKAGE
    assert find_program("example.com/tool@v1.2.3", None, tmp_path).name == "example.com/tool"


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(UsageError, match=r"notes\.txt is neither"):
        find_program("notes.txt", None, tmp_path)


def test_nothing_to_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to run"):
        find_program(None, None, tmp_path)


def test_every_combination_is_a_place_and_holes_are_left_out(guest_request: RunRequest) -> None:
    found = places(
        guest_request,
        architectures=("arm64", "riscv64"),
        libcs=("musl", "glibc-old"),
        modes=("user", "system"),
    )
    assert found == [
        "arm64 musl user",
        "arm64 musl system",
        "arm64 glibc-old user",
        "arm64 glibc-old system",
        "riscv64 musl user",
        "riscv64 musl system",
    ]


def test_a_hole_asked_for_alone_is_an_error(guest_request: RunRequest) -> None:
    with pytest.raises(UsageError, match="none of the combinations") as caught:
        places(guest_request, architectures=("riscv64",), libcs=("glibc-old",))
    assert "bullseye" in caught.value.hint


def test_a_board_brings_its_own_defaults(guest_request: RunRequest) -> None:
    (place,) = find_places(RunRequest(guest_request.program, boards=("raspberry-pi-5",)))
    assert (place.target.architecture.name, place.target.libc, place.target.kernel) == (
        "arm64",
        "glibc",
        "16k",
    )
    assert place.target.cpu_model.startswith("cortex-a76")
    assert place.target.environment["GOMAXPROCS"] == "4"


def test_in_system_mode_the_guests_kernel_counts_its_processors(guest_request: RunRequest) -> None:
    request = RunRequest(guest_request.program, boards=("raspberry-pi-5",), modes=("system",), cpus=2)
    (place,) = find_places(request)
    assert place.target.cpus == 2
    assert "GOMAXPROCS" not in place.target.environment


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"libcs": ("uclibc",)}, "uclibc"),
        ({"modes": ("kvm",)}, "kvm"),
        ({"architectures": ("mips",)}, "mips"),
    ],
)
def test_an_unknown_word_is_named(guest_request: RunRequest, changes: dict[str, object], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        places(guest_request, **changes)


def test_a_chip_that_runs_no_go_is_refused_in_numbers(guest_request: RunRequest) -> None:
    with pytest.raises(WorkloadError, match=r"KiB of RAM") as caught:
        places(guest_request, boards=("esp32-c3",))
    assert "TinyGo" in caught.value.hint


def test_what_needs_a_whole_machine_gets_one(guest_request: RunRequest) -> None:
    assert find_places(replace(guest_request, deterministic=True))[0].target.mode == "system"
    assert (
        find_places(replace(guest_request, find_smallest_memory=True, ready="tcp://:80"))[0].target.mode
        == "system"
    )


def test_the_users_switches_come_after_the_boards(guest_request: RunRequest) -> None:
    request = replace(guest_request, boards=("raspberry-pi-4",), environment={"GODEBUG": "gctrace=1"})
    godebug = find_places(request)[0].target.environment["GODEBUG"]
    assert godebug.startswith("cpu.aes=off")
    assert godebug.endswith(",gctrace=1")


def test_an_old_go_gets_no_switches_that_it_does_not_know(guest_request: RunRequest) -> None:
    request = replace(guest_request, boards=("milk-v-mars",))
    new, old = (replace(request, build=BuildOptions(go=version)) for version in ("1.26.6", "1.22"))
    assert "cpu.zbb=off" in find_places(new)[0].target.environment["GODEBUG"]
    assert "GODEBUG" not in find_places(old)[0].target.environment
