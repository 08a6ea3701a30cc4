from __future__ import annotations

from dataclasses import replace

import pytest

from emulab.boards import generic_board, load_catalogue
from emulab.inspection.levels import levels_of, processor_of, riscv_extensions
from emulab.toolchain.buildinfo import GoBuild
from emulab.toolchain.elf_attributes import (
    TAG_ARM_ADVANCED_SIMD_ARCH,
    TAG_ARM_DIV_USE,
    TAG_ARM_FP_ARCH,
)
from emulab.toolchain.elf_facts import ElfFacts

FACTS = ElfFacts(
    architecture="arm64", system="linux", kind="program", bits=64, endianness="little", float_abi=None,
    instruction_set="", interpreter=None, needed=(), symbol_versions=(), dynamic=False, pie=False,
    stripped=True, segment_alignment=65536, sections=(), go=None,
)  # fmt: skip


def go_program(architecture: str, name: str, value: str) -> ElfFacts:
    build = GoBuild("go1.26", "example.com/x", None, (), ((name, value),))
    return replace(FACTS, architecture=architecture, bits=32 if architecture == "armv7" else 64, go=build)


@pytest.mark.parametrize(
    ("architecture", "name", "value", "needs"),
    [
        ("arm64", "GOARM64", "v8.0", ()),
        ("arm64", "GOARM64", "v8.0,lse", ("atomics",)),
        ("arm64", "GOARM64", "v8.0,crypto", ()),
        ("arm64", "GOARM64", "v8.1", ("atomics",)),
        ("arm64", "GOARM64", "v9.0", ("atomics",)),
        ("armv7", "GOARM", "5", ()),
        ("armv7", "GOARM", "6", ("vfp",)),
        ("armv7", "GOARM", "7", ("vfpv3",)),
        ("armv7", "GOARM", "7,softfloat", ()),
        ("riscv64", "GORISCV64", "rva20u64", ()),
        ("riscv64", "GORISCV64", "rva22u64", ("zba", "zbb")),
        ("riscv64", "GORISCV64", "rva23u64", ("zba", "zbb", "v")),
    ],
)
def test_a_level_of_go_needs_what_its_code_does_not_ask_for(
    architecture: str, name: str, value: str, needs: tuple[str, ...]
) -> None:
    (level,) = levels_of(go_program(architecture, name, value), {})
    assert level.setting == f"{name}={value}"
    assert level.needs == needs


def test_attributes_of_c_code_for_32_bit_arm_become_flags() -> None:
    facts = replace(FACTS, architecture="armv7", bits=32)
    attributes: dict[int, int | str] = {TAG_ARM_FP_ARCH: 3, TAG_ARM_ADVANCED_SIMD_ARCH: 1, TAG_ARM_DIV_USE: 2}
    (level,) = levels_of(facts, attributes)
    assert level.needs == ("vfpv3", "neon", "idiva")
    assert level.setting == "C code with vfpv3 neon idiva"


def test_the_attribute_of_riscv_c_code_is_named_by_what_it_adds() -> None:
    facts = replace(FACTS, architecture="riscv64", instruction_set="rv64i2p1_m2p0_a2p1_f2p2_d2p2_c2p0_v1p0")
    assert [(each.setting, each.needs) for each in levels_of(facts, {})] == [("rv64gc_v", ("v",))]


@pytest.mark.parametrize(
    ("text", "extensions"),
    [
        ("rv64i2p1_m2p0_a2p1_f2p2_d2p2_c2p0_zicsr2p0_zifencei2p0_zmmul1p0_zaamo1p0_zalrsc1p0", ()),
        ("rv64i2p1_m2p0_a2p1_f2p2_d2p2_c2p0_zicsr2p0_zba1p0_zbb1p0", ("zba", "zbb")),
        ("rv64i2p1_v1p0_zve32f1p0_zve64d1p0_zvl128b1p0", ("v",)),
        ("", ()),
    ],
)
def test_extensions_beyond_the_base_are_read_off_the_attribute(
    text: str, extensions: tuple[str, ...]
) -> None:
    assert riscv_extensions(text) == extensions


@pytest.mark.parametrize(
    ("board", "architecture", "name", "value", "lacks"),
    [
        ("raspberry-pi-4", "arm64", "GOARM64", "v8.2", ("atomics",)),
        ("raspberry-pi-5", "arm64", "GOARM64", "v8.2", ()),
        ("visionfive-2", "riscv64", "GORISCV64", "rva23u64", ("v",)),
        ("lichee-rv", "riscv64", "GORISCV64", "rva22u64", ("zba", "zbb")),
        ("banana-pi-f3", "riscv64", "GORISCV64", "rva22u64", ()),
        ("stm32mp157a", "armv7", "GOARM", "7", ()),
    ],
)
def test_boards_of_the_catalogue_lack_what_their_cores_do_not_have(
    board: str, architecture: str, name: str, value: str, lacks: tuple[str, ...]
) -> None:
    processor = processor_of(load_catalogue().board(board))
    assert processor is not None
    (level,) = levels_of(go_program(architecture, name, value), {})
    assert processor.lacks(level) == lacks


def test_every_board_that_runs_go_runs_what_its_own_settings_build() -> None:
    catalogue = load_catalogue()
    for board in [*map(catalogue.board, catalogue.ids()), *map(generic_board, ("arm64", "armv7", "riscv64"))]:
        if not board.runs_go or board.arch == "amd64":
            continue
        for name, value in board.build_environment().items():
            if name in ("GOARM", "GOARM64", "GORISCV64"):
                processor = processor_of(board)
                assert processor is not None
                (level,) = levels_of(go_program(board.arch, name, value), {})
                assert processor.lacks(level) == (), board.id
