"""Bad input: a clear sentence, what to do, and the right exit status."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FAILED, USAGE, INFRASTRUCTURE = 1, 2, 3


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (
            "run healthd --board raspbery-pi-5",
            USAGE,
            r"unknown board 'raspbery-pi-5'; the nearest known are raspberry-pi-5\b",
        ),
        ("run healthd --arch mips", USAGE, "unknown architecture 'mips'\n  use one of arm64, armv7, riscv64"),
        ("run healthd --libc muzl", USAGE, "--libc 'muzl' is not known\n  use musl, glibc, glibc-old"),
        ("run healthd --mode kernel", USAGE, "--mode 'kernel' is not known\n  use user, system"),
        ("run healthd --memory lots", USAGE, "'lots' is not a size; write it as 64M or 1G"),
        ("run healthd --memory 20G", USAGE, "can not have 20480 MiB of memory\n  use --memory 16M to 4G"),
        ("run healthd --memory 0 --mode system", USAGE, "can not have 0 MiB of memory"),
        ("run healthd --arch armv7 --memory 5G", USAGE, "can not have 5120 MiB of memory\n.* 16M to 4G"),
        ("run healthd --cpus 0", USAGE, "0 processors can not be given to a guest\n  use --cpus 1 to 8"),
        ("run healthd --cpus 9 --mode system", USAGE, "9 processors can not be given to a guest"),
        (
            "run healthd --arch arm64 --kernel 16k",
            USAGE,
            "a cortex-a53 has no pages of 16 KiB\n  use --kernel 4k",
        ),
        ("run healthd --timeout 0", USAGE, "'--timeout'"),
        ("run healthd --runs 0", USAGE, "'--runs'"),
        ("run healthd --arch riscv64 --libc glibc-old", USAGE, "bullseye, which has no riscv64"),
        (
            "run healthd --board raspberry-pi-pico-w",
            FAILED,
            r"raspberry-pi-pico-w cannot run a standard Go program: .* MiB .* 264 KiB of RAM.*\n.*TinyGo",
        ),
        ("run healthd --board esp32-c3", FAILED, r"esp32-c3 cannot run a standard Go program: .* KiB"),
        ("run healthd --go 1.99.1", USAGE, "Go 1.99.1 does not exist or can not be had"),
        ("run ./nothing", USAGE, "there is no directory .*/nothing"),
        ("run", USAGE, "there is nothing to run"),
        ("run --arch arm64 -- /bin/nosuch", USAGE, "there is no program /bin/nosuch on the machine"),
        ("run /etc/passwd", USAGE, "/etc/passwd is neither an ELF program nor a Go package"),
        ("run healthd --ready ftp://x", USAGE, "--ready 'ftp://x' is no readiness check"),
        ("run healthd --ready log:[", USAGE, "no readiness check"),
        ("run healthd -o picture=x.png", USAGE, "not FORMAT=PATH with a known format\n  formats are table"),
        ("run healthd -o json=/nonexistent/x", USAGE, "/nonexistent/x can not be written"),
        ("run healthd --mode user --deterministic", USAGE, "user mode has this host.s clock"),
        ("run --find-smallest-memory -- /bin/true", USAGE, "for services only|a service|--ready"),
        ("run healthd --env NAME", USAGE, "'NAME' is not NAME=VALUE"),
        ("run healthd --buildmode plugin", USAGE, "'plugin'"),
        ("rum", USAGE, "there is no verb 'rum'; did you mean `emulab run`"),
        ("run healthd --bord x", USAGE, "No such option '?--bord'?.*--board"),
        ("shell --arch arm64 --libc nope", USAGE, "--libc 'nope' is not known"),
    ],
)
def test_it_is_told_in_a_sentence(emulab: Callable[..., Any], words: str, status: int, sentence: str) -> None:
    said = emulab(*words.split())
    assert re.search(sentence, said.stderr), said.stderr
    assert said.status == status
    assert said.stdout == ""


def test_a_package_that_does_not_compile_is_told_in_the_compilers_words(
    emulab: Callable[..., Any], module: Callable[[str], Path]
) -> None:
    directory = module("package main\n\nfunc main() {\n\tvar unused int\n\tmissing()\n}\n")
    said = emulab("run", ".", "--arch", "arm64", cwd=directory)
    assert said.status == FAILED
    assert "main.go:4:6: declared and not used: unused" in said.stderr
    assert "main.go:5:2: undefined: missing" in said.stderr


def test_a_binary_of_another_architecture_is_refused(
    emulab: Callable[..., Any], probe: Callable[[str], Path]
) -> None:
    said = emulab("run", str(probe("riscv64")), "--arch", "arm64")
    assert said.status == USAGE
    assert "is built for riscv64, and arm64 can not run it" in said.stderr


def test_a_dynamic_binary_without_its_interpreter_is_refused(
    emulab: Callable[..., Any], tmp_path: Path
) -> None:
    built = _program_with_interpreter(tmp_path, "/lib/ld-linux-aarch64.so.1")
    said = emulab("run", str(built), "--arch", "arm64", "--libc", "musl")
    assert said.status == USAGE
    assert "ld-linux-aarch64.so.1" in said.stderr


def _program_with_interpreter(directory: Path, interpreter: str) -> Path:
    """Write a small ELF program for arm64 that names an interpreter and does nothing."""
    import struct

    name = interpreter.encode() + b"\0"
    header = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", 2, 0xB7, 1, 0x400000, 64, 0, 0, 64, 56, 2, 64, 0, 0)
    at = 64 + 2 * 56
    interp = struct.pack("<IIQQQQQQ", 3, 4, at, 0x400000 + at, 0x400000 + at, len(name), len(name), 1)
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, at + len(name), at + len(name), 0x10000)
    path = directory / "dynamic"
    path.write_bytes(header + interp + load + name)
    path.chmod(0o755)
    return path


def test_no_engine_is_told_with_the_way_out(emulab: Callable[..., Any]) -> None:
    said = emulab("run", "--", "/bin/true", env={"DOCKER_HOST": "unix:///nonexistent/docker.sock"})
    assert said.status == INFRASTRUCTURE
    assert "no container engine answers at unix:///nonexistent/docker.sock" in said.stderr
    assert "emulab setup" in said.stderr


@pytest.fixture
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={request.param}", "none", small], check=True)
    yield small
    subprocess.run(["umount", small], check=True)


@pytest.mark.parametrize("small_disk", ["64k", "12m"], indirect=True)
def test_no_space_for_the_cache_is_told_with_its_place(emulab: Callable[..., Any], small_disk: Path) -> None:
    said = emulab("run", "healthd", "--arch", "arm64", env={"EMULAB_CACHE_DIR": str(small_disk)})
    assert said.status == INFRASTRUCTURE
    # Whether emulab, the go command or the agent's build comes first, it is this disk that is told.
    assert re.search(f"(the disk at {small_disk} is full|on the disk at {small_disk})\n", said.stderr)
    assert "or set EMULAB_CACHE_DIR to a larger disk" in said.stderr
    assert "GOCACHE" not in said.stderr


def test_a_port_that_the_program_finds_taken_is_told_in_its_words(
    emulab: Callable[..., Any], programs: Path
) -> None:
    said = emulab("run", "./probe", "--arch", "arm64", "--ready", "http://:8080/", "--requests", "0",
                  "--", "serve-twice", ":9090", cwd=programs)  # fmt: skip
    assert said.status == FAILED
    assert "ended with status 1 before it was ready" in said.stderr
    assert "listen tcp :9090: bind: address already in use" in said.stderr


def test_a_port_that_an_earlier_run_still_serves_is_told(emulab: Callable[..., Any], programs: Path) -> None:
    said = emulab("run", "./probe", "--arch", "arm64", "--ready", "http://:8080/", "--requests", "0",
                  "--runs", "2", "--", "serve-behind", ":8080", cwd=programs)  # fmt: skip
    assert said.status == USAGE
    assert "listens on port 8080 already" in said.stderr


def test_too_little_memory_to_boot_is_told_with_the_console(emulab: Callable[..., Any]) -> None:
    said = emulab("run", "--arch", "arm64", "--mode", "system", "--libc", "musl", "--memory", "18M",
                  "--", "/bin/true")  # fmt: skip
    assert said.status == INFRASTRUCTURE
    assert "the arm64 guest did not boot with 18 MiB of memory" in said.stderr
    assert "  | QEMU" in said.stderr
    assert "give it more with --memory" in said.stderr


def test_a_service_that_is_never_ready_is_given_up(emulab: Callable[..., Any], programs: Path) -> None:
    said = emulab("run", "./probe", "--arch", "arm64", "--ready", "http://:8080/", "--timeout", "2",
                  "--", "sleep", cwd=programs)  # fmt: skip
    assert said.status == FAILED
    assert "was not ready at http://:8080/ within 2 s" in said.stderr
    assert "  | asleep" in said.stderr


@pytest.mark.parametrize(
    ("words", "died"),
    [
        ("eat", "probe was killed by the kernel, out of memory (64 MiB) on arm64 ("),
        (
            "serve :8080 45000000 --ready",
            "was killed by the kernel, out of memory (64 MiB) before it was",
        ),
    ],
    ids=["program", "service"],
)
def test_a_program_that_eats_all_of_a_guests_memory_is_told_with_its_size(
    emulab: Callable[..., Any], programs: Path, words: str, died: str
) -> None:
    what, *ready = words.split(" --ready")
    options = ["--ready", "http://:8080/"] if ready else []
    said = emulab("run", "./probe", "--arch", "arm64", "--mode", "system", "--memory", "64M", *options,
                  "--", *what.split(), cwd=programs)  # fmt: skip
    assert said.status == FAILED
    assert died in said.stderr


def test_a_guest_without_space_for_the_program_is_told(emulab: Callable[..., Any], tmp_path: Path) -> None:
    large = tmp_path / "large"
    content = _program_with_interpreter(tmp_path, "/lib/ld-musl-aarch64.so.1").read_bytes()
    large.write_bytes(content + bytes(80 << 20))
    said = emulab("run", str(large), "--arch", "arm64", "--mode", "system", "--libc", "musl",
                  "--memory", "64M")  # fmt: skip
    assert said.status == INFRASTRUCTURE
    assert "no space" in said.stderr.lower()
    assert "memory" in said.stderr
