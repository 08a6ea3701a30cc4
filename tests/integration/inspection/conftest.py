"""Programs of many kinds for every guest architecture, some of which start nowhere."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from emulab import cache
from emulab.architectures import EMULATED
from emulab.progress import Silent
from emulab.toolchain.building import build
from emulab.toolchain.go import GoToolchain, find_go
from emulab.toolchain.request import BuildRequest
from emulab.toolchain.zig import ZigToolchain, find_zig

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAMS = Path(__file__).parent / "programs"
_MUSL_LOADER = "-Wl,-dynamic-linker,/lib/ld-musl-aarch64.so.1"


@dataclass(frozen=True)
class Workbench:
    """The compilers, and where they put what they make."""

    directory: Path
    go: GoToolchain
    zig: ZigToolchain

    def go_program(self, name: str, package: str, arch: str, **settings: Any) -> Path:
        request = BuildRequest(f"./{package}", PROGRAMS, EMULATED[arch], **settings)
        made = build(request, self.go, self.zig if request.needs_zig else None).path
        path = self.directory / name
        path.symlink_to(made)
        return path

    def c_program(self, name: str, source: str, target: str, *words: str | Path) -> Path:
        path = self.directory / name
        place = str(cache.cache_root() / "zig")
        subprocess.run(
            [self.zig.command, "cc", "-target", target, "-O1", "-s", PROGRAMS / source, *words, "-o", path],
            env={**os.environ, "ZIG_GLOBAL_CACHE_DIR": place, "ZIG_LOCAL_CACHE_DIR": place},
            check=True,
        )
        return path


def _arm64(make: Workbench) -> list[Path]:
    new, old = "aarch64-linux-gnu.2.38", "aarch64-linux-gnu.2.31"
    library = make.c_program("libabsent.so.1", "absent.c", old, "-shared", "-Wl,-soname,libabsent.so.1")
    # A library that only the older glibc brings, and one that is there but without the function.
    crypt = make.c_program("libcrypt.so", "absent.c", old, "-shared", "-Wl,-soname,libcrypt.so.1")
    maths = make.c_program("libm.so", "absent.c", old, "-shared", "-Wl,-soname,libm.so.6")
    return [
        make.go_program("arm64-go", "static", "arm64"),
        make.go_program("arm64-go-v9.0", "static", "arm64", goarm64="v9.0"),
        make.go_program("arm64-go-pie-glibc", "static", "arm64", buildmode="pie", libc="glibc"),
        make.go_program("arm64-go-pie-musl", "static", "arm64", buildmode="pie"),
        make.go_program("arm64-cgo-glibc-2.17", "cgo", "arm64", cgo=True, libc="glibc", glibc="2.17"),
        make.go_program("arm64-cgo-glibc-2.38", "newer", "arm64", cgo=True, libc="glibc", glibc="2.38"),
        make.go_program("arm64-cgo-musl", "cgo", "arm64", cgo=True),
        make.go_program("arm64-cgo-musl-dynamic", "cgo", "arm64", cgo=True, static=False),
        make.c_program("arm64-c-new-headers-old-symbols", "plain.c", new, "-pie", "-fPIE"),
        make.c_program("arm64-c-since-2.36", "since_2_36.c", "aarch64-linux-gnu.2.36"),
        make.c_program("arm64-c-library-absent", "needs_absent.c", old, library),
        make.c_program("arm64-c-libcrypt", "plain.c", old, "-Wl,--no-as-needed", crypt),
        make.c_program("arm64-c-symbol-absent", "needs_absent.c", old, maths),
        make.c_program("arm64-c-symbol-absent-later", "needs_absent.c", old, "-Wl,-z,lazy", maths),
        make.c_program("arm64-c-glibc-by-musl-loader", "plain.c", old, _MUSL_LOADER),
        make.c_program("arm64-c-glibc-only-by-musl-loader", "of_glibc_only.c", old, _MUSL_LOADER),
        make.c_program("arm64-c-no-such-loader", "plain.c", old, "-Wl,-dynamic-linker,/lib/ld-none.so.1"),
        library,
    ]


def _armv7(make: Workbench) -> list[Path]:
    gnu, musl = "arm-linux-gnueabihf", "arm-linux-musleabihf"
    return [
        make.go_program("armv7-go-softfloat", "static", "armv7", goarm="5"),
        make.go_program("armv7-cgo-glibc-2.31", "cgo", "armv7", cgo=True, libc="glibc", glibc="2.31"),
        make.c_program("armv7-c-since-2.36", "since_2_36.c", f"{gnu}.2.36", "-mcpu=cortex_a8"),
        make.c_program("armv7-c-musl-dynamic", "plain.c", musl, "-dynamic", "-mcpu=cortex_a8"),
        make.c_program("armv7-c-soft-float", "plain.c", "arm-linux-gnueabi.2.31", "-mcpu=cortex_a8"),
        make.c_program("armv7-c-armv8-code", "armv8_rounding.c", musl, "-static", "-mcpu=cortex_a53"),
    ]


def _riscv64(make: Workbench) -> list[Path]:
    gnu, musl = "riscv64-linux-gnu", "riscv64-linux-musl"
    return [
        make.go_program("riscv64-go", "static", "riscv64"),
        make.go_program("riscv64-go-rva22", "static", "riscv64", goriscv64="rva22u64"),
        make.go_program("riscv64-cgo-glibc", "cgo", "riscv64", cgo=True, libc="glibc", glibc="2.34"),
        make.c_program("riscv64-c-musl-static-pie", "plain.c", musl, "-static", "-pie", "-fPIE"),
        make.c_program("riscv64-c-musl-dynamic", "plain.c", musl, "-dynamic"),
        make.c_program("riscv64-c-since-2.42", "since_2_42.c", f"{gnu}.2.42"),
        make.c_program("riscv64-c-vector", "vector.c", musl, "-static", "-mcpu=generic_rv64+m+a+f+d+c+v"),
    ]


def _amd64(make: Workbench) -> list[Path]:
    return [make.go_program("amd64-go", "static", "amd64")]


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Every program; those that start print "ok" and end with status 0."""
    make = Workbench(tmp_path_factory.mktemp("inspected"), find_go(None, Silent()), find_zig(Silent()))
    kinds: list[Callable[[Workbench], list[Path]]] = [_arm64, _armv7, _riscv64, _amd64]
    return [path for kind in kinds for path in kind(make)]
