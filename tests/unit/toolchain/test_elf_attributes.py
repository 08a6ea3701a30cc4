from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from emulab.toolchain.elf_attributes import (
    TAG_ARM_ABI_VFP_ARGS,
    TAG_ARM_CPU_ARCH,
    TAG_RISCV_ARCH,
    parse_attributes,
)


def section(vendor: bytes, values: bytes) -> bytes:
    scoped = b"\x01" + (len(values) + 5).to_bytes(4, "little") + values
    body = vendor + b"\0" + scoped
    return b"A" + (len(body) + 4).to_bytes(4, "little") + body


ARM = section(b"aeabi", b"\x05cortex-a8\0" + bytes([6, 10, 28, 1, 32, 0]) + b"x\0" + bytes([34, 1]))


def test_arm_attributes_hold_strings_numbers_and_the_compatibility_pair() -> None:
    found = parse_attributes(ARM, "arm")
    assert found[TAG_ARM_CPU_ARCH] == 10
    assert found[TAG_ARM_ABI_VFP_ARGS] == 1
    assert found[5] == "cortex-a8"
    assert found[34] == 1


def test_riscv_attributes_hold_the_instruction_set() -> None:
    found = parse_attributes(section(b"riscv", bytes([4, 16, 5]) + b"rv64i2p1_m2p0\0"), "riscv")
    assert found == {4: 16, TAG_RISCV_ARCH: "rv64i2p1_m2p0"}


def test_another_vendor_says_nothing() -> None:
    assert parse_attributes(section(b"gnu", bytes([4, 1])), "arm") == {}


@given(st.binary(max_size=200), st.integers(0, len(ARM)))
def test_damage_ends_and_never_raises(noise: bytes, cut: int) -> None:
    parse_attributes(b"A" + noise, "arm")
    parse_attributes(ARM[:cut] + noise, "riscv")
    parse_attributes(b"A\0\0\0\0" + noise, "arm", little=False)
