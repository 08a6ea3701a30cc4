"""Golden Cove: loops whose cycles benchmarks/cores/amd64.c measures."""

from __future__ import annotations

import pytest

from emulab.timing.core import load_core
from emulab.timing.host_cores import GENERIC, amd64_core
from emulab.timing.pipeline import pipeline_cycles
from tests.unit.timing.encodings import BASE
from tests.unit.timing.test_zen_5 import ROUNDS, counted, loop


@pytest.mark.parametrize(
    ("body", "instructions", "cycles"),
    [
        ("480fafc0" * 10, 10, 30),  # imul rax, rax
        ("4883c001" * 30, 30, 5.3),  # add rax, 1: done away with
        ("f20f58c0" * 10, 10, 20),  # addsd xmm0, xmm0
        ("66480f6ec066480f7ec0" * 10, 20, 40),  # movq xmm0, rax; movq rax, xmm0
        ("c1f803c1f903c1fa03c1fe03" * 5, 20, 10),  # sar eax, ecx, edx, esi: two a cycle
        ("4989442408498b442408" * 10, 20, 5),  # mov [r12 + 8], rax; mov rax, [r12 + 8]
        ("4901442408" * 10, 10, 74),  # add [r12 + 8], rax
        ("f3480fb8c0" * 10, 10, 30),  # popcnt rax, rax
        ("480fc8" * 10, 10, 20),  # bswap rax
        ("f0418344240801" * 10, 10, 180),  # lock add [r12 + 8], 1
    ],
)  # fmt: skip
def test_loops_take_what_was_measured(body: str, instructions: int, cycles: float) -> None:
    assert loop(body, instructions, load_core("golden-cove")) == pytest.approx(cycles, rel=0.12)


def test_a_processors_core_is_told_by_its_maker_family_and_model() -> None:
    assert amd64_core("AuthenticAMD", 26, 2) == "zen-5"
    assert amd64_core("GenuineIntel", 6, 0xCF) == "golden-cove"
    assert amd64_core("GenuineIntel", 6, 0x55) == GENERIC
    assert amd64_core("unknown", 0, 0) == GENERIC


def test_what_a_branch_is_fused_to_takes_no_pipe_of_its_own() -> None:
    # cmp eax, ebx; jne +0 nine times, and the loop's own: two branches a cycle. Thirteen additions have three
    # other pipes for themselves.
    core = load_core("golden-cove")
    pairs = ("39d8" + "7500") * 9
    assert loop(pairs, 18, core) == pytest.approx(5, abs=0.3)
    assert loop(pairs + "01d901da01de01df" * 3 + "01d9", 31, core) == pytest.approx(5, abs=0.3)


def test_a_taken_branch_costs_more_where_many_others_come_in_between() -> None:
    # Lines of 64 bytes: lea eax, [rax + 1]; jmp to the next line. The last one leads to the first.
    def lines(number: int) -> float:
        rows = []
        for line in range(number):
            to = BASE + 64 * ((line + 1) % number)
            jump = (to - (BASE + 64 * line + 3 + 5)) & 0xFFFFFFFF
            rows.append((BASE + 64 * line, "8d4001" + "e9" + jump.to_bytes(4, "little").hex(), 2, ROUNDS))
        return pipeline_cycles(counted(*rows), load_core("golden-cove")).cycles / number

    assert lines(100) == pytest.approx(1, abs=0.05)
    assert lines(400) == pytest.approx(2, abs=0.1)
