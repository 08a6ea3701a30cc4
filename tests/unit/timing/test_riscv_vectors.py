"""Vector instructions of RISC-V: what they are, and what several registers at once take."""

from __future__ import annotations

import pytest

from emulab.timing.core import load_core
from emulab.timing.decoding import decode_instruction
from emulab.timing.pipeline import pipeline_cycles
from emulab.timing.riscv_vectors import of_several_registers
from tests.unit.timing.encodings import BASE, add, bne, operation

LENGTH_M8, LENGTH_M1, LENGTH_MF2 = 0x0C3672D7, 0x0C0672D7, 0x0C7672D7  # vsetvli t0, a2, e8, LMUL, ta, ma
LENGTH_E32_M8 = 0x0D3672D7  # vsetvli t0, a2, e32, m8, ta, ma
LENGTH_OF_REGISTER = 0x80B672D7  # vsetvl t0, a2, a1
LOAD, LOAD_OTHER = 0x02050407, 0x02058807  # vle8.v v8, (a0); vle8.v v16, (a1)
NOT_EQUAL = 0x67040057  # vmsne.vv v0, v16, v8
FIRST = 0x4208A357  # vfirst.m t1, v0


def _groups(*words: int) -> list[str]:
    decoded = [decode_instruction("riscv64", word, 4) for word in words]
    return [each.group for each in of_several_registers(words, decoded)]


def test_vector_instructions_are_told_apart_by_what_they_do() -> None:
    words = {
        "load.simd": LOAD,
        "simd.compare": NOT_EQUAL,
        "simd.to-integer.mask": FIRST,
        "simd.to-integer": 0x42802557,  # vmv.x.s a0, v8
        "simd.from-integer": 0x42056457,  # vmv.s.x v8, a0
        "simd.mask": 0x66842457,  # vmand.mm v8, v8, v8
        "simd.reduce": 0x02842457,  # vredsum.vs v8, v8, v8
        "simd.multiply": 0x96842457,  # vmul.vv v8, v8, v8
        "simd.slide": 0x3E853457,  # vslidedown.vi v8, v8, 10
        "simd.gather": 0x32840457,  # vrgather.vv v8, v8, v8
        "simd": 0x02840457,  # vadd.vv v8, v8, v8
    }
    found = {name: decode_instruction("riscv64", word, 4).group for name, word in words.items()}
    assert found == {name: name for name in words}


def test_the_last_setting_in_the_code_says_how_many_registers() -> None:
    assert _groups(LENGTH_M8, LOAD, LENGTH_M1, LOAD, LENGTH_MF2, NOT_EQUAL) == [
        "integer.vector-length",
        "load.simd.m8",
        "integer.vector-length",
        "load.simd.m1",
        "integer.vector-length",
        "simd.compare.mf2",
    ]


def test_bytes_of_wider_elements_take_fewer_registers() -> None:
    assert _groups(LENGTH_E32_M8, LOAD, NOT_EQUAL)[1:] == ["load.simd.m2", "simd.compare.m8"]


def test_a_setting_from_a_register_is_not_known() -> None:
    assert _groups(LENGTH_M8, LENGTH_OF_REGISTER, LOAD)[2] == "load.simd"
    assert _groups(LOAD) == ["load.simd"]


def test_a_comparison_of_eight_registers_takes_what_was_measured_of_its_parts() -> None:
    # Two loads one after the other, the comparison behind them, and where it found something.
    words = [LENGTH_M8, LOAD, LOAD_OTHER, NOT_EQUAL, FIRST, add(5, 6, 6), bne(7, 8, -24)]
    cycles = pipeline_cycles(operation("riscv64", [(BASE, words, 1000)]), load_core("spacemit-x60")).cycles
    assert cycles / 1000 == pytest.approx(16 + 16 + 18 + 6, abs=3)
