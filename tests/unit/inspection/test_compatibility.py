from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from emulab.inspection.compatibility import Subject, judge
from emulab.inspection.levels import Level, Processor
from emulab.inspection.linking import Import, Linking, NeededVersion
from emulab.inspection.offers import Offer, offer_from_json
from emulab.toolchain.elf_facts import ElfFacts

FACTS = ElfFacts(
    architecture="arm64", system="linux", kind="program", bits=64, endianness="little", float_abi=None,
    instruction_set="", interpreter="/lib/ld-linux-aarch64.so.1", needed=(), symbol_versions=(), dynamic=True,
    pie=False, stripped=True, segment_alignment=65536, sections=(), go=None,
)  # fmt: skip
LIBC = Linking(
    soname="libc.so.6",
    needed=("ld-linux-aarch64.so.1",),
    exports={"puts": ("GLIBC_2.17",), "arc4random": ("GLIBC_2.36",), "plain": ("",)},
    defines=("GLIBC_2.17", "GLIBC_2.34", "GLIBC_2.36"),
)
LOADER = Linking(soname="ld-linux-aarch64.so.1", exports={"__tls_get_addr": ("GLIBC_2.17",)})
LIB = "/usr/lib/aarch64-linux-gnu"
GLIBC = Offer(
    "rootfs-glibc-arm64", "glibc", "arm64", "2.36",
    interpreters=("/usr/lib/ld-linux-aarch64.so.1",),
    links={"/lib": "usr/lib", "/usr/lib/ld-linux-aarch64.so.1": "aarch64-linux-gnu/ld-linux-aarch64.so.1",
           f"{LIB}/liblink.so.1": "libfile.so.1.2"},
    libraries={
        f"{LIB}/libc.so.6": LIBC,
        f"{LIB}/ld-linux-aarch64.so.1": LOADER,
        f"{LIB}/libfile.so.1.2": Linking(soname="liblink.so.1", needed=("libgone.so",)),
        "/opt/own/libown.so": Linking(soname="libown.so", exports={"own": ("",)}),
    },
)  # fmt: skip
MUSL_LOADER = "/usr/lib/ld-musl-aarch64.so.1"
MUSL = Offer(
    "rootfs-musl-arm64", "musl", "arm64",
    interpreters=(MUSL_LOADER,),
    links={"/lib": "usr/lib", "/usr/lib/libc.so": "ld-musl-aarch64.so.1"},
    libraries={MUSL_LOADER: Linking(exports={"puts": ("",)})},
)  # fmt: skip


NOTHING = Linking()


def subject(linking: Linking = NOTHING, levels: tuple[Level, ...] = (), **facts: Any) -> Subject:
    return Subject("thing", replace(FACTS, **facts), linking, levels)


def kinds(verdict: Any) -> list[str]:
    return [each.kind for each in verdict.misfits]


def test_what_finds_its_linker_libraries_versions_and_symbols_starts() -> None:
    linking = Linking(
        needed=("libc.so.6",),
        versions=(NeededVersion("libc.so.6", "GLIBC_2.17"),),
        imports=(Import("puts", "GLIBC_2.17"), Import("plain"), Import("__tls_get_addr", "GLIBC_2.17")),
    )
    verdict = judge(subject(linking), GLIBC)
    assert verdict.compatible
    assert not verdict.warnings


def test_a_version_that_glibc_does_not_define_is_named_with_the_glibc_that_is_there() -> None:
    versions = tuple(NeededVersion("libc.so.6", f"GLIBC_2.{n}") for n in (17, 100, 38))
    verdict = judge(subject(Linking(needed=("libc.so.6",), versions=versions)), GLIBC)
    assert kinds(verdict) == ["version"]
    assert "GLIBC_2.100" in verdict.misfits[0].reason
    assert "glibc 2.36" in verdict.misfits[0].reason


def test_a_version_that_is_not_of_glibc_is_named_with_the_root_filesystem() -> None:
    linking = Linking(needed=("libc.so.6",), versions=(NeededVersion("libc.so.6", "GLIBC_ABI_DT_RELR"),))
    verdict = judge(subject(linking), GLIBC)
    assert "GLIBC_ABI_DT_RELR" in verdict.misfits[0].reason
    assert "rootfs-glibc-arm64" in verdict.misfits[0].reason


def test_a_weak_version_may_be_missing() -> None:
    linking = Linking(needed=("libc.so.6",), versions=(NeededVersion("libc.so.6", "GLIBC_9", weak=True),))
    assert judge(subject(linking), GLIBC).compatible


def test_a_library_that_defines_no_versions_satisfies_any() -> None:
    linking = Linking(
        needed=("libown.so",), search=("/opt/own",), versions=(NeededVersion("libown.so", "OWN_1"),),
        imports=(Import("own", "OWN_1"),),
    )  # fmt: skip
    assert judge(subject(linking), GLIBC).compatible


def test_libraries_are_missing_also_where_only_another_library_needs_them() -> None:
    verdict = judge(subject(Linking(needed=("liblink.so.1", "libnone.so.2"))), GLIBC)
    assert kinds(verdict) == ["library"]
    assert "libgone.so" in verdict.misfits[0].reason
    assert "libnone.so.2" in verdict.misfits[0].reason
    assert "liblink" not in verdict.misfits[0].reason


def test_the_directory_of_the_program_itself_has_no_libraries() -> None:
    assert kinds(judge(subject(Linking(needed=("libown.so",), search=("$ORIGIN",))), GLIBC)) == ["library"]


def test_a_symbol_that_is_looked_up_at_the_start_must_be_there_and_a_later_one_is_a_warning() -> None:
    first = Linking(needed=("libc.so.6",), imports=(Import("gone", "", True),))
    verdict = judge(subject(first), GLIBC)
    assert kinds(verdict) == ["symbol"]
    assert "gone" in verdict.misfits[0].reason
    late = Linking(needed=("libc.so.6",), imports=(Import("gone", "", False),))
    verdict = judge(subject(late), GLIBC)
    assert verdict.compatible
    assert "gone" in verdict.warnings[0].reason


def test_musl_takes_glibc_s_own_libraries_for_itself_and_misses_what_it_does_not_define() -> None:
    linking = Linking(
        needed=("libc.so.6", "libpthread.so.0"),
        versions=(NeededVersion("libc.so.6", "GLIBC_2.34"),),
        imports=(Import("puts", "GLIBC_2.17"), Import("gnu_get_libc_version", "GLIBC_2.17", False)),
    )
    verdict = judge(subject(linking, interpreter="/lib/ld-musl-aarch64.so.1"), MUSL)
    assert kinds(verdict) == ["symbol"]
    assert "gnu_get_libc_version" in verdict.misfits[0].reason
    assert "puts" not in verdict.misfits[0].reason


@pytest.mark.parametrize(("offer", "libc"), [(MUSL, "glibc"), (GLIBC, "musl")])
def test_each_c_library_lacks_the_other_s_linker(offer: Offer, libc: str) -> None:
    path = {"glibc": "/lib/ld-linux-aarch64.so.1", "musl": "/lib/ld-musl-aarch64.so.1"}[libc]
    verdict = judge(subject(Linking(needed=("libc.so.6",)), interpreter=path), offer)
    assert kinds(verdict) == ["interpreter"]
    assert path in verdict.misfits[0].reason
    assert f"--libc {libc}" in verdict.misfits[0].remedy


def test_another_architecture_is_all_that_is_said() -> None:
    level = (Level("GOARM64=v9.0", ("atomics",)),)
    verdict = judge(subject(levels=level, architecture="riscv64"), GLIBC, Processor("board", frozenset()))
    assert kinds(verdict) == ["architecture"]


def test_a_level_above_the_processor_names_both_and_what_is_lacking() -> None:
    level = (Level("GOARM64=v9.0", ("atomics",)),)
    static = subject(levels=level, interpreter=None)
    verdict = judge(static, GLIBC, Processor("raspberry-pi-4", frozenset({"fp", "asimd"})))
    assert kinds(verdict) == ["level"]
    for word in ("GOARM64=v9.0", "raspberry-pi-4", "atomics"):
        assert word in verdict.misfits[0].reason
    assert "lower GOARM64" in verdict.misfits[0].remedy
    assert judge(static, GLIBC, Processor("raspberry-pi-5", frozenset({"atomics"}))).compatible
    assert judge(static, GLIBC).compatible


def test_larger_pages_than_a_program_is_aligned_for_are_refused() -> None:
    program = subject(interpreter=None, segment_alignment=4096)
    assert kinds(judge(program, GLIBC, page_size=16384)) == ["pages"]
    assert judge(program, GLIBC, page_size=4096).compatible


def test_an_offer_survives_its_document_and_follows_links() -> None:
    again = offer_from_json(GLIBC.to_json())
    assert again == GLIBC
    assert again.glibc == "2.36"
    assert MUSL.glibc is None
    assert again.has_interpreter("/lib/ld-linux-aarch64.so.1")
    assert not again.has_interpreter("/lib/ld-musl-aarch64.so.1")
    assert again.resolve("/lib/aarch64-linux-gnu/liblink.so.1") == f"{LIB}/libfile.so.1.2"


def test_links_in_a_circle_end() -> None:
    Offer("x", "glibc", "arm64", links={"/lib": "usr/lib", "/usr/lib": "../lib"}).resolve("/lib/x")
