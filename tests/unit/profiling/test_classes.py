"""Instructions' classes and flow, by encodings that the assemblers of the manuals give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from emulab.profiling.classes import kind_of
from emulab.profiling.control_flow import Flow, flow_of
from emulab.profiling.disassembly import decode
from emulab.profiling.work import Kind, Work

KINDS = [
    ("riscv64", 0x00C58533, 4, Kind(Work.INTEGER)),  # add a0, a1, a2
    ("riscv64", 0x20C5A533, 4, Kind(Work.INTEGER)),  # sh1add a0, a1, a2 (Zba)
    ("riscv64", 0x60051513, 4, Kind(Work.INTEGER)),  # clz a0, a0 (Zbb)
    ("riscv64", 0x02C58533, 4, Kind(Work.MULTIPLY)),  # mul
    ("riscv64", 0x02C5B533, 4, Kind(Work.MULTIPLY, form="long")),  # mulhu
    ("riscv64", 0x02C5D533, 4, Kind(Work.DIVIDE)),  # divu
    ("riscv64", 0x02C5C53B, 4, Kind(Work.DIVIDE)),  # divw
    ("riscv64", 0x0005C503, 4, Kind(Work.LOAD, 1)),  # lbu
    ("riscv64", 0x00053507, 4, Kind(Work.LOAD, 8, "fp")),  # fld
    ("riscv64", 0x02056007, 4, Kind(Work.LOAD, 4, "simd")),  # vle32.v v0, (a0)
    ("riscv64", 0x00B53023, 4, Kind(Work.STORE, 8)),  # sd
    ("riscv64", 0x00000463, 4, Kind(Work.BRANCH)),  # beqz zero, 8
    ("riscv64", 0x008000EF, 4, Kind(Work.CALL)),  # jal ra, 8
    ("riscv64", 0x0080006F, 4, Kind(Work.JUMP)),  # j 8
    ("riscv64", 0x00008067, 4, Kind(Work.RETURN)),  # ret
    ("riscv64", 0x000500E7, 4, Kind(Work.CALL, form="indirect")),  # jalr a0
    ("riscv64", 0x10051513, 4, Kind(Work.CRYPTO)),  # sha256sum0
    ("riscv64", 0x32C58533, 4, Kind(Work.CRYPTO)),  # aes64es
    ("riscv64", 0x02B57553, 4, Kind(Work.FP)),  # fadd.d
    ("riscv64", 0x1AB57553, 4, Kind(Work.FP, form="divide")),  # fdiv.d
    ("riscv64", 0x6AB57543, 4, Kind(Work.FP, form="fused")),  # fmadd.d
    ("riscv64", 0x100535AF, 4, Kind(Work.ATOMIC, 8)),  # lr.d
    ("riscv64", 0x00000073, 4, Kind(Work.SYSTEM)),  # ecall
    ("riscv64", 0x0FF0000F, 4, Kind(Work.SYSTEM, form="fence")),
    ("riscv64", 0x02A50057, 4, Kind(Work.SIMD)),  # vadd.vv
    ("riscv64", 0x8082, 2, Kind(Work.RETURN)),  # c.jr ra
    ("riscv64", 0x6502, 2, Kind(Work.LOAD, 8)),  # c.ldsp
    ("riscv64", 0xE42A, 2, Kind(Work.STORE, 8)),  # c.sdsp
    ("riscv64", 0x9D4D, 2, Kind(Work.MULTIPLY)),  # c.mul (Zcb)
    ("riscv64", 0x9502, 2, Kind(Work.CALL, form="indirect")),  # c.jalr a0
    ("arm64", 0x8B020020, 4, Kind(Work.INTEGER)),  # add x0, x1, x2
    ("arm64", 0x8B020C20, 4, Kind(Work.INTEGER, form="shifted")),  # add x0, x1, x2, lsl #3
    ("arm64", 0x9B027C20, 4, Kind(Work.MULTIPLY)),  # mul
    ("arm64", 0x9BC27C20, 4, Kind(Work.MULTIPLY, form="long")),  # umulh
    ("arm64", 0x9AC20820, 4, Kind(Work.DIVIDE)),  # udiv
    ("arm64", 0xF9400420, 4, Kind(Work.LOAD, 8)),  # ldr x0, [x1, #8]
    ("arm64", 0xF8626820, 4, Kind(Work.LOAD, 8, "indexed")),  # ldr x0, [x1, x2]
    ("arm64", 0xF8408420, 4, Kind(Work.LOAD, 8, "writeback")),  # ldr x0, [x1], #8
    ("arm64", 0x39400420, 4, Kind(Work.LOAD, 1)),  # ldrb
    ("arm64", 0xB9800420, 4, Kind(Work.LOAD, 4)),  # ldrsw
    ("arm64", 0xA9400820, 4, Kind(Work.LOAD, 8, "pair")),  # ldp
    ("arm64", 0xC8DFFC20, 4, Kind(Work.LOAD, 8, "ordered")),  # ldar
    ("arm64", 0x4C407020, 4, Kind(Work.LOAD, 16, "simd")),  # ld1 {v0.16b}, [x1]
    ("arm64", 0xFD400420, 4, Kind(Work.LOAD, 8, "fp")),  # ldr d0, [x1, #8]
    ("arm64", 0xA9000820, 4, Kind(Work.STORE, 8, "pair")),  # stp
    ("arm64", 0xC85FFC20, 4, Kind(Work.ATOMIC, 8)),  # ldaxr
    ("arm64", 0xF8E10002, 4, Kind(Work.ATOMIC, 8)),  # ldaddal x1, x2, [x0]
    ("arm64", 0x54000041, 4, Kind(Work.BRANCH)),  # b.ne
    ("arm64", 0xB4000040, 4, Kind(Work.BRANCH)),  # cbz
    ("arm64", 0x94000002, 4, Kind(Work.CALL)),  # bl
    ("arm64", 0xD63F0000, 4, Kind(Work.CALL, form="indirect")),  # blr
    ("arm64", 0xD65F03C0, 4, Kind(Work.RETURN)),  # ret
    ("arm64", 0x1E622820, 4, Kind(Work.FP)),  # fadd d0, d1, d2
    ("arm64", 0x1E621820, 4, Kind(Work.FP, form="divide")),  # fdiv
    ("arm64", 0x1F420C20, 4, Kind(Work.FP, form="fused")),  # fmadd
    ("arm64", 0x4EA28420, 4, Kind(Work.SIMD)),  # add v0.4s, v1.4s, v2.4s
    ("arm64", 0x4E284820, 4, Kind(Work.CRYPTO)),  # aese
    ("arm64", 0x5E024020, 4, Kind(Work.CRYPTO)),  # sha256h
    ("arm64", 0x9AC24C20, 4, Kind(Work.INTEGER, form="checksum")),  # crc32x
    ("arm64", 0xD5033BBF, 4, Kind(Work.SYSTEM, form="fence")),  # dmb ish
    ("arm64", 0xD4000001, 4, Kind(Work.SYSTEM)),  # svc
    ("armv7", 0xE0810002, 4, Kind(Work.INTEGER)),  # add r0, r1, r2
    ("armv7", 0xE0810102, 4, Kind(Work.INTEGER, form="shifted")),
    ("armv7", 0xE0000291, 4, Kind(Work.MULTIPLY)),  # mul
    ("armv7", 0xE0810392, 4, Kind(Work.MULTIPLY, form="long")),  # umull
    ("armv7", 0xE731F210, 4, Kind(Work.INTEGER)),  # what ARMv7 without division calls undefined
    ("armv7", 0xE5910004, 4, Kind(Work.LOAD, 4)),
    ("armv7", 0x15910004, 4, Kind(Work.LOAD, 4)),  # ldrne
    ("armv7", 0xE59F0004, 4, Kind(Work.LOAD, 4, "literal")),
    ("armv7", 0xE8BD8010, 4, Kind(Work.RETURN, 4)),  # pop {r4, pc}
    ("armv7", 0xE49DF004, 4, Kind(Work.RETURN, 4)),  # ldr pc, [sp], #4
    ("armv7", 0x0A000000, 4, Kind(Work.BRANCH)),  # beq
    ("armv7", 0xEA000000, 4, Kind(Work.JUMP)),
    ("armv7", 0xEB000000, 4, Kind(Work.CALL)),
    ("armv7", 0xEE310B02, 4, Kind(Work.FP)),  # vadd.f64
    ("armv7", 0xEE810B02, 4, Kind(Work.FP, form="divide")),
    ("armv7", 0xED910B00, 4, Kind(Work.LOAD, 8, "fp")),  # vldr
    ("armv7", 0xF2220844, 4, Kind(Work.SIMD)),  # vadd.i32 q
    ("armv7", 0xE1910F9F, 4, Kind(Work.ATOMIC, 4)),  # ldrex
    ("armv7", 0xF57FF05B, 4, Kind(Work.SYSTEM, form="fence")),
]


@pytest.mark.parametrize(("isa", "word", "size", "kind"), KINDS)
def test_an_instruction_has_its_class(isa: str, word: int, size: int, kind: Kind) -> None:
    if word != 0xE731F210:
        assert kind_of(isa, word, size) == kind
    else:
        assert kind_of(isa, word, size).work in (Work.DIVIDE, Work.SYSTEM, Work.JUMP)


# capstone's names of what is in the base instruction set, M, A, F and D.
BASE_NAMES = {
    **dict.fromkeys(["add", "addi", "sub", "and", "andi", "or", "ori", "xor", "xori", "sll"], Work.INTEGER),
    **dict.fromkeys(["slli", "srl", "sra", "slt", "sltu", "lui", "auipc", "addw", "addiw"], Work.INTEGER),
    **dict.fromkeys(["subw", "mv", "li", "not"], Work.INTEGER),
    **dict.fromkeys(["mul", "mulh", "mulhu", "mulhsu", "mulw"], Work.MULTIPLY),
    **dict.fromkeys(["div", "divu", "rem", "remu", "divw", "divuw", "remw", "remuw"], Work.DIVIDE),
    **dict.fromkeys(["lb", "lbu", "lh", "lhu", "lw", "lwu", "ld", "flw", "fld"], Work.LOAD),
    **dict.fromkeys(["sb", "sh", "sw", "sd", "fsw", "fsd"], Work.STORE),
    **dict.fromkeys(["beq", "bne", "blt", "bge", "bltu", "bgeu", "beqz", "bnez"], Work.BRANCH),
    **dict.fromkeys(["fadd.d", "fsub.s", "fmul.d", "fdiv.s", "fsqrt.d", "fmadd.d", "fcvt.d.l"], Work.FP),
    **dict.fromkeys(["amoadd.w", "amoswap.d", "lr.w", "sc.d", "amoor.d.aqrl"], Work.ATOMIC),
    "ret": Work.RETURN,
    "j": Work.JUMP,
}  # fmt: skip
OPCODES = [0x03, 0x07, 0x13, 0x17, 0x1B, 0x23, 0x27, 0x2F, 0x33, 0x37, 0x3B, 0x43, 0x53, 0x63, 0x67, 0x6F]


@given(st.integers(0, 2**25 - 1), st.sampled_from(OPCODES))
def test_the_disassembler_agrees_on_what_it_knows(upper: int, opcode: int) -> None:
    word = upper << 7 | opcode
    text = decode("riscv64", word.to_bytes(4, "little"))
    assume(text is not None and text[0] in BASE_NAMES)
    assert text is not None
    assert kind_of("riscv64", word, 4).work == BASE_NAMES[text[0]]


@given(st.integers(0, 2**25 - 1), st.sampled_from([0x63, 0x6F]))
def test_riscv_targets_are_the_disassemblers(upper: int, opcode: int) -> None:
    word = upper << 7 | opcode
    text = decode("riscv64", word.to_bytes(4, "little"))
    assume(text is not None)
    assert text is not None
    _, target = flow_of("riscv64", np.array([word], np.uint64), np.array([1 << 32], np.uint64))
    assert int(target[0]) == (1 << 32) + int(text[1].split(", ")[-1], 0)


@given(
    st.integers(0, 2**32 - 1), st.sampled_from([0x54000000, 0x34000000, 0x36000000, 0x14000000, 0x94000000])
)
def test_arm64_targets_are_the_disassemblers(bits: int, opcode: int) -> None:
    mask = {0x54000000: 0x00FFFFEF, 0x34000000: 0x81FFFFFF, 0x36000000: 0x81FFFFFF}.get(opcode, 0x03FFFFFF)
    word = opcode | bits & mask
    text = decode("arm64", word.to_bytes(4, "little"))
    assume(text is not None)
    assert text is not None
    kind, target = flow_of("arm64", np.array([word], np.uint64), np.array([0], np.uint64))
    assert int(target[0]) == int(text[1].split("#")[-1], 0) % 2**64
    assert kind[0] in (Flow.BRANCH, Flow.JUMP, Flow.CALL)


@pytest.mark.parametrize(
    ("word", "flow", "target"),
    [
        (0x0A000002, Flow.BRANCH, 0x1010),
        (0xEAFFFFFE, Flow.JUMP, 0x1000),
        (0xEB000000, Flow.CALL, 0x1008),
        (0xE12FFF1E, Flow.RETURN, 0),
        (0xE12FFF33, Flow.INDIRECT_CALL, 0),
        (0xE49DF004, Flow.RETURN, 0),
        (0xE28EF000, Flow.RETURN, 0),
        (0xE08FF103, Flow.INDIRECT_JUMP, 0),
        (0xE1500001, Flow.NEXT, 0),
        (0xE730F211, Flow.NEXT, 0),
        (0xEF000000, Flow.TRAP, 0),
    ],
)
def test_armv7_flow(word: int, flow: Flow, target: int) -> None:
    kind, to = flow_of("armv7", np.array([word], np.uint64), np.array([0x1000], np.uint64))
    assert (kind[0], to[0]) == (flow, target)


@pytest.mark.parametrize(
    ("word", "flow", "target"),
    [
        (0xD1FE, Flow.BRANCH, 0x1000),  # bne .
        (0xDF00, Flow.TRAP, 0),  # svc
        (0xB108, Flow.BRANCH, 0x1006),  # cbz r0
        (0xE7FE, Flow.JUMP, 0x1000),  # b .
        (0x4770, Flow.RETURN, 0),  # bx lr
        (0x4718, Flow.INDIRECT_JUMP, 0),  # bx r3
        (0x4798, Flow.INDIRECT_CALL, 0),  # blx r3
        (0xBD10, Flow.RETURN, 0),  # pop {r4, pc}
        (0xBC10, Flow.NEXT, 0),  # pop {r4}
        (0x8000F43F | 0x2FFE0000, Flow.BRANCH, 0x1000),  # beq.w .
        (0xBFFEF7FF, Flow.JUMP, 0x1000),  # b.w .
        (0xF800F000, Flow.CALL, 0x1004),  # bl to the next
        (0xE800F000, Flow.INDIRECT_CALL, 0),  # blx to ARM code
        (0x8010E8BD, Flow.RETURN, 0),  # pop.w {r4, pc}
        (0xFB04F85D, Flow.RETURN, 0),  # ldr pc, [sp], #4
        (0xF003F8DF, Flow.INDIRECT_JUMP, 0),  # ldr.w pc, [pc, #3]
        (0xF000E8DF, Flow.INDIRECT_JUMP, 0),  # tbb [pc, r0]
        (0x0103EB02, Flow.NEXT, 0),  # add.w r1, r2, r3
        (0xF8D20004, Flow.NEXT, 0),  # movs r4, r0: the upper half is the next instruction's
    ],
)
def test_thumb_flow(word: int, flow: Flow, target: int) -> None:
    kind, to = flow_of("thumb", np.array([word], np.uint64), np.array([0x1000], np.uint64))
    assert (kind[0], to[0]) == (flow, target)


@given(
    st.sampled_from([0xD000, 0xE000, 0xB100, 0xB900, 0x8000F000, 0x9000F000, 0xD000F000]),
    st.integers(0, 2**32 - 1),
)
def test_thumb_targets_are_the_disassemblers(opcode: int, bits: int) -> None:
    free = {0xD000: 0x0FFF, 0xE000: 0x07FF, 0xB100: 0x02FF, 0xB900: 0x02FF}.get(opcode, 0x2FFF07FF)
    word = opcode | bits & free
    text = decode("thumb", word.to_bytes(4, "little")[: 4 if opcode >> 16 else 2])
    assume(text is not None and text[0].partition(".")[0] in ("b", "b?", "bl", "cbz", "cbnz"))
    assert text is not None
    kind, target = flow_of("thumb", np.array([word], np.uint64), np.array([0], np.uint64))
    assert int(target[0]) == int(text[1].split("#")[-1], 0) % 2**32
    assert kind[0] in (Flow.BRANCH, Flow.JUMP, Flow.CALL)
