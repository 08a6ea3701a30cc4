from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from emulab.architectures import ARCHITECTURES, ARM64, ARMV7, RISCV64
from emulab.errors import UsageError
from emulab.toolchain.elf_facts import ElfFacts
from emulab.toolchain.fitness import interpreter_of, library_of, require_runs_on

STATIC = ElfFacts(
    architecture="arm64", system="linux", kind="program", bits=64, endianness="little", float_abi=None,
    instruction_set="", interpreter=None, needed=(), symbol_versions=(), dynamic=False, pie=False,
    stripped=True, segment_alignment=65536, sections=(), go=None,
)  # fmt: skip
GLIBC = replace(
    STATIC, interpreter="/lib/ld-linux-aarch64.so.1", dynamic=True, needed=("libc.so.6", "libresolv.so.2"),
    symbol_versions=(("GLIBC", "2.34"),),
)  # fmt: skip


def test_a_static_program_runs_on_every_root_filesystem_of_its_architecture() -> None:
    for libc in ("musl", "glibc"):
        require_runs_on(STATIC, ARM64, libc=libc, glibc="2.17", page_size=65536)


@pytest.mark.parametrize("level", ["arm", "armv5", "armv6", "armv7"])
def test_armv7_runs_the_older_levels(level: str) -> None:
    require_runs_on(replace(STATIC, architecture=level), ARMV7, libc="musl")


@pytest.mark.parametrize(
    ("built_for", "asked"), [("amd64", ARM64), ("arm64", RISCV64), ("armv8", ARMV7), ("armv7", ARM64)]
)
def test_another_architecture_is_refused_naming_both(built_for: str, asked: Any) -> None:
    with pytest.raises(UsageError) as caught:
        require_runs_on(replace(STATIC, architecture=built_for), asked, libc="musl", name="thing")
    assert built_for in caught.value.message
    assert asked.name in caught.value.message
    assert "thing" in caught.value.message
    assert f"GOARCH={asked.goarch}" in caught.value.hint


def test_a_missing_dynamic_linker_is_named_with_its_library_and_both_ways_out() -> None:
    with pytest.raises(UsageError) as caught:
        require_runs_on(GLIBC, ARM64, libc="musl")
    assert "/lib/ld-linux-aarch64.so.1 of glibc" in caught.value.message
    assert "--libc glibc" in caught.value.hint
    assert "CGO_ENABLED=0" in caught.value.hint


def test_a_dynamic_linker_that_the_root_filesystem_has_is_fine() -> None:
    require_runs_on(GLIBC, ARM64, libc="glibc", glibc="2.41", libraries=("libc.so.6", "libresolv.so.2"))
    require_runs_on(GLIBC, ARM64, libc="musl", interpreters=[GLIBC.interpreter or ""])


@pytest.mark.parametrize("interpreter", ["/lib/ld-linux.so.3", "/lib/ld-musl-arm.so.1"])
def test_a_soft_float_program_is_told_the_hard_float_abi(interpreter: str) -> None:
    facts = replace(STATIC, architecture="armv7", interpreter=interpreter, dynamic=True)
    with pytest.raises(UsageError, match=interpreter) as caught:
        require_runs_on(facts, ARMV7, libc="glibc")
    assert "hard-float" in caught.value.hint


@pytest.mark.parametrize(
    ("offered", "fits"), [("2.31", False), ("2.33", False), ("2.34", True), ("2.100", True)]
)
def test_an_old_glibc_is_refused_naming_the_symbol_version(offered: str, fits: bool) -> None:
    if fits:
        require_runs_on(GLIBC, ARM64, libc="glibc", glibc=offered)
        return
    with pytest.raises(UsageError, match=r"GLIBC_2\.34") as caught:
        require_runs_on(GLIBC, ARM64, libc="glibc", glibc=offered)
    assert offered in caught.value.message


def test_a_library_that_is_not_there_is_named() -> None:
    facts = replace(GLIBC, needed=("libc.so.6", "libsqlite3.so.0"))
    with pytest.raises(UsageError, match=r"libsqlite3\.so\.0"):
        require_runs_on(facts, ARM64, libc="glibc", libraries=("libc.so.6",))


def test_larger_pages_than_the_segments_are_aligned_for_are_refused() -> None:
    with pytest.raises(UsageError, match="4096") as caught:
        require_runs_on(replace(STATIC, segment_alignment=4096), ARM64, libc="musl", page_size=16384)
    assert "max-page-size=16384" in caught.value.hint


def test_another_system_and_a_library_are_refused() -> None:
    with pytest.raises(UsageError, match="freebsd"):
        require_runs_on(replace(STATIC, system="freebsd"), ARM64, libc="musl")
    with pytest.raises(UsageError, match="shared library"):
        require_runs_on(replace(STATIC, kind="library"), ARM64, libc="musl")


def test_each_architecture_has_a_linker_for_each_library_and_it_is_recognised() -> None:
    for architecture in ARCHITECTURES.values():
        for libc in ("musl", "glibc"):
            assert library_of(interpreter_of(architecture, libc)) == libc
    assert library_of("/system/bin/linker64") == "Android"
    assert library_of("/lib/ld-uClibc.so.0") == "uClibc"
    with pytest.raises(UsageError, match="bionic"):
        interpreter_of(ARM64, "bionic")
