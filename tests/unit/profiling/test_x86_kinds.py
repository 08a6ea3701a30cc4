"""What kinds of work x86-64 instructions are, by encodings from the manual's own notation."""

from __future__ import annotations

import pytest

from emulab.profiling.classes import kind_of
from emulab.profiling.work import Kind, Work


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("4801d8", Kind(Work.INTEGER)),  # add rax, rbx
        ("48030424", Kind(Work.INTEGER)),  # add rax, [rsp]: no load
        ("488b0424", Kind(Work.LOAD, 8)),  # mov rax, [rsp]
        ("0fb60411", Kind(Work.LOAD, 1, "indexed")),  # movzx eax, byte [rcx + rdx]
        ("48890424", Kind(Work.STORE, 8)),  # mov [rsp], rax
        ("0f1007", Kind(Work.LOAD, 16, "simd")),  # movups xmm0, [rdi]
        ("c5fe7f07", Kind(Work.STORE, 32, "simd")),  # vmovdqu [rdi], ymm0
        ("55", Kind(Work.STORE, 8)),  # push rbp
        ("5d", Kind(Work.LOAD, 8)),  # pop rbp
        ("f348ab", Kind(Work.STORE, 8, "many")),  # rep stosq
        ("480fafc3", Kind(Work.MULTIPLY)),  # imul rax, rbx
        ("48f7e3", Kind(Work.MULTIPLY, 0, "long")),  # mul rbx
        ("48f7f3", Kind(Work.DIVIDE)),  # div rbx
        ("75f0", Kind(Work.BRANCH)),  # jne
        ("eb10", Kind(Work.JUMP)),
        ("ffe0", Kind(Work.JUMP, 0, "indirect")),  # jmp rax
        ("e800010000", Kind(Work.CALL)),
        ("ffd0", Kind(Work.CALL, 0, "indirect")),  # call rax
        ("c3", Kind(Work.RETURN)),
        ("f20f58c1", Kind(Work.FP)),  # addsd xmm0, xmm1
        ("f20f5ec1", Kind(Work.FP, 0, "divide")),  # divsd
        ("f2480f2ac0", Kind(Work.FP, 0, "convert")),  # cvtsi2sd xmm0, rax
        ("660f2ec1", Kind(Work.FP, 0, "compare")),  # ucomisd
        ("660fefc0", Kind(Work.SIMD)),  # pxor xmm0, xmm0
        ("660f38dcc1", Kind(Work.CRYPTO)),  # aesenc
        ("0f38cbc1", Kind(Work.CRYPTO)),  # sha256rnds2
        ("f2480f38f1c3", Kind(Work.CRYPTO, 0, "checksum")),  # crc32 rax, rbx
        ("f0480fb10b", Kind(Work.ATOMIC, 8)),  # lock cmpxchg [rbx], rcx
        ("488703", Kind(Work.ATOMIC, 8)),  # xchg [rbx], rax: locked without saying so
        ("4893", Kind(Work.INTEGER)),  # xchg rax, rbx
        ("0f05", Kind(Work.SYSTEM)),  # syscall
        ("0faef0", Kind(Work.SYSTEM, 0, "fence")),  # mfence
        ("0f1f00", Kind(Work.INTEGER)),  # nop
        ("48b80102030405060708", Kind(Work.INTEGER)),  # movabs rax: ten bytes
    ],
)
def test_instructions_are_of_the_kind_that_the_manual_says(code: str, kind: Kind) -> None:
    code_bytes = bytes.fromhex(code)
    assert kind_of("amd64", int.from_bytes(code_bytes[:8], "little"), len(code_bytes)) == kind
