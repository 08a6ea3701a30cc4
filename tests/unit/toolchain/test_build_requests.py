from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulab.architectures import ARM64, ARMV7, RISCV64, Architecture
from emulab.errors import EmulabError, NoSpaceError, ToolchainError, UsageError, WorkloadError
from emulab.toolchain.diagnosis import error_of_go
from emulab.toolchain.go import GoToolchain
from emulab.toolchain.go_command import effective_variables, go_environment, json_objects
from emulab.toolchain.request import BuildRequest
from emulab.toolchain.zig import CCompilers, ZigToolchain, c_compilers

HERE = Path(__file__).parent
GO = GoToolchain(Path("/none"), "1.24.11", "path")


def request(architecture: Architecture = ARM64, **more: Any) -> BuildRequest:
    return BuildRequest("./cmd/thing", HERE, architecture, **more)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"goarm": "9"}, "GOARM=9"),
        ({"race": True}, "needs cgo"),
        ({"cgo": True, "libc": "glibc", "static": True}, "statically"),
        ({"libc": "musl", "glibc": "2.31"}, "contradicts"),
        ({"environment": (("GOOS", "windows"),)}, "GOOS can not be set"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(more: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        request(**more)
    assert caught.value.hint


def test_only_the_targets_own_level_is_set() -> None:
    levels: dict[str, Any] = {"goarm": "7", "goarm64": "v8.2", "goriscv64": "rva22u64"}
    assert request(ARMV7, **levels).target() == {
        "GOOS": "linux", "GOARCH": "arm", "CGO_ENABLED": "0", "GOARM": "7",
    }  # fmt: skip
    assert request(ARM64, **levels).target()["GOARM64"] == "v8.2"
    assert request(RISCV64, **levels).target()["GORISCV64"] == "rva22u64"
    assert "GOARM" not in request(RISCV64, **levels).target()


def test_the_targets_variables_replace_the_users_and_the_users_others_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GOARCH", "mips")
    monkeypatch.setenv("GOARM64", "v9.0")
    monkeypatch.setenv("GOTOOLCHAIN", "auto")
    monkeypatch.setenv("GOROOT", "/elsewhere")
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    monkeypatch.setenv("CPATH", "/usr/include")
    environment = go_environment(request(environment=(("CGO_CFLAGS", "-O1"),)), None)
    assert environment["GOARCH"] == "arm64"
    assert environment["GOTOOLCHAIN"] == "local"
    assert environment["GOFLAGS"] == "-mod=mod"
    assert environment["CGO_CFLAGS"] == "-O1"
    assert "GOARM64" not in environment
    assert "GOROOT" not in environment
    compilers = CCompilers(Path("/c/cc"), Path("/c/c++"), "x")
    crossed = go_environment(request(cgo=True), compilers)
    assert crossed["CC"] == "/c/cc"
    assert "CPATH" not in crossed, "the host's headers are not the target's"


def test_a_home_that_can_not_be_written_moves_gos_caches(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("GOCACHE", "GOMODCACHE", "GOPATH", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EMULAB_CACHE_DIR", str(tmp_path / "emulab"))
    monkeypatch.setenv("HOME", "/proc/none")
    environment = go_environment(request(), None)
    assert environment["GOCACHE"] == str(tmp_path / "emulab" / "go-build")
    assert environment["GOMODCACHE"] == str(tmp_path / "emulab" / "go-mod")
    monkeypatch.setenv("HOME", str(tmp_path))
    environment = go_environment(request(), None)
    assert "GOCACHE" not in environment
    assert "GOMODCACHE" not in environment


def test_variables_without_effect_on_the_program_do_not_count() -> None:
    found = effective_variables(
        {"GOPROXY": "x", "GOCACHE": "y", "GOFLAGS": "-tags=a", "CGO_CFLAGS": "-O", "PATH": "z"}
    )
    assert found == {"GOFLAGS": "-tags=a", "CGO_CFLAGS": "-O"}


@pytest.mark.parametrize(
    ("architecture", "more", "expected", "absent"),
    [
        (ARM64, {}, ["-target aarch64-linux-musl "], ["-mcpu", "-dynamic", "-Dres_"]),
        (ARMV7, {"static": False}, ["-target arm-linux-musleabihf ", "-mcpu=cortex_a8", "-dynamic"], []),
        (ARMV7, {"goarm": "6"}, ["-mcpu=arm1176jzf_s"], []),
        (RISCV64, {"libc": "glibc"}, ["-target riscv64-linux-gnu.2.31 ", "-Dres_search=__res_search"], []),
        (ARM64, {"libc": "glibc", "glibc": "2.36"}, ["-target aarch64-linux-gnu.2.36 "], ["-Dres_"]),
    ],
)
def test_the_c_compiler_is_told_its_target(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    architecture: Architecture,
    more: dict[str, Any],
    expected: list[str],
    absent: list[str],
) -> None:
    monkeypatch.setenv("EMULAB_CACHE_DIR", str(tmp_path / "with space"))
    compilers = c_compilers(ZigToolchain(Path("/z/zig"), "0"), request(architecture, cgo=True, **more))
    script = compilers.cc.read_text()
    assert all(words in script for words in expected)
    assert not any(words in script for words in absent)
    assert "'" + str(tmp_path / "with space" / "zig") + "'" in script
    assert "zig c++ " in compilers.cxx.read_text()


def test_each_target_has_its_own_c_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Go's cache tells C compilers apart by their path, so one path must never mean two targets."""
    monkeypatch.setenv("EMULAB_CACHE_DIR", str(tmp_path))
    zig = ZigToolchain(Path("/z/zig"), "0")
    kinds: list[dict[str, Any]] = [
        {},
        {"static": False},
        {"libc": "glibc"},
        {"libc": "glibc", "glibc": "2.36"},
    ]
    found = {
        c_compilers(zig, request(a, cgo=True, **kind)).cc for a in (ARM64, ARMV7, RISCV64) for kind in kinds
    }
    assert len(found) == 12


@pytest.mark.parametrize(
    ("architecture", "more", "words"),
    [(ARMV7, {"goarm": "5"}, "GOARM=5"), (ARM64, {"libc": "glibc", "glibc": "2.x"}, "no version of glibc")],
)
def test_a_target_that_zig_has_not_is_refused(
    architecture: Architecture, more: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        c_compilers(ZigToolchain(Path("/z/zig"), "0"), request(architecture, cgo=True, **more))


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (
            "go: go.mod requires go >= 1.99 (running go 1.24.11; GOTOOLCHAIN=local)",
            UsageError,
            "wants Go 1.99",
        ),
        (
            "go: go.mod file not found in current directory or any parent directory; see …",
            UsageError,
            "no Go module",
        ),
        ("go: invalid GOARM64: must start with v8.{0-9}", UsageError, "invalid GOARM64"),
        ("-race is not supported on linux/arm", UsageError, "no -race"),
        ("link: write: no space left on device", NoSpaceError, "disk"),
        ("compile: signal: killed", ToolchainError, "memory"),
        ('x@v1.0.0: Get "https://…": dial tcp: lookup …: no such host', ToolchainError, "modules"),
        ("# example.com/x\n./x.go:3:2: undefined: y", WorkloadError, "does not build for arm64"),
    ],
)
def test_the_go_commands_messages_are_told_apart(said: str, kind: type[EmulabError], words: str) -> None:
    error = error_of_go(said, request(), GO)
    assert type(error) is kind
    assert words in error.message


def test_a_compilers_message_is_passed_on_whole() -> None:
    said = "# example.com/x\n./x.go:3:2: undefined: y\n./x.go:4:2: undefined: z\n"
    assert error_of_go(said, request(), GO).detail == said.strip()


def test_a_stream_of_json_objects_is_read() -> None:
    assert list(json_objects('{"a": 1}\n{\n"b": [2]}\n  ')) == [{"a": 1}, {"b": [2]}]
    assert list(json_objects("")) == []
