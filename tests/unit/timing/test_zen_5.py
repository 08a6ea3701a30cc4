"""Zen 5: loops whose cycles benchmarks/cores/amd64.c measures, and what only x86-64 cores do."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from emulab.profiling.file_format import BLOCK
from emulab.profiling.operation import Operation
from emulab.timing.core import Core, load_core
from emulab.timing.flow_graph import graph_of
from emulab.timing.pipeline import executed_instructions, pipeline_cycles
from tests.unit.timing.encodings import BASE

ROUNDS = 1000


def counted(*blocks: tuple[int, str, int, int]) -> Operation:
    """Return an operation of blocks: address, code, instructions, executions."""
    rows = np.zeros(len(blocks), BLOCK)
    code = b""
    for row, (address, text, number, _) in zip(rows, blocks, strict=True):
        piece = bytes.fromhex(text)
        row["address"], row["code"], row["size"], row["instructions"] = address, len(code), len(piece), number
        code += piece
    counts = np.array([executions for *_, executions in blocks], np.int64)
    return Operation("amd64", rows, code, counts, ROUNDS, None, "", {}, None, None, 0.0, ())


def loop(body: str, instructions: int, core: Core | None = None) -> float:
    """Return the cycles of one round of a loop: the body, dec r15, jnz back."""
    size = len(body) // 2 + 3 + 6
    back = (-size & 0xFFFFFFFF).to_bytes(4, "little").hex()
    made = counted((BASE, f"{body}49ffcf0f85{back}", instructions + 2, ROUNDS))
    return pipeline_cycles(made, core or load_core("zen-5")).cycles


@pytest.mark.parametrize(
    ("body", "instructions", "cycles"),
    [
        ("480fafc0" * 10, 10, 30),  # imul rax, rax
        ("f20f58c0" * 10, 10, 20),  # addsd xmm0, xmm0
        ("66480f6ec066480f7ec0" * 10, 20, 80),  # movq xmm0, rax; movq rax, xmm0
        ("c1f803c1f903c1fa03" * 10, 30, 10),  # sar eax, ecx, edx: three a cycle
        ("4989442408" "498b442408" * 1, 2, 1),  # mov [r12 + 8], rax; mov rax, [r12 + 8]
        ("4188442408" "410fb6442408" * 1, 2, 7),  # the same of a byte
        ("f0418344240801" * 10, 10, 200),  # lock add [r12 + 8], 1
    ],
)  # fmt: skip
def test_loops_take_what_was_measured(body: str, instructions: int, cycles: float) -> None:
    assert loop(body, instructions) == pytest.approx(cycles, rel=0.1)


def test_what_is_added_to_is_not_waited_for_by_the_load() -> None:
    # xor eax, [rdx] ten times: each waits for the one before, but its load does not.
    assert loop("3302" * 10, 10) == pytest.approx(10, rel=0.1)


def test_a_branch_is_one_with_what_sets_its_flags() -> None:
    # Three nops; cmp r8, r9; je +0: five instructions, four places.
    body = "0f1f00" * 3 + "4d39c8" + "7400"
    core = load_core("zen-5")
    apart = Core("apart", msgspec.structs.replace(core.facts, fuses=False))
    assert loop(body * 8, 40, core) == pytest.approx(4, abs=0.3)
    assert loop(body * 8, 40, apart) == pytest.approx(5, abs=0.3)


def test_dividers_take_what_is_ready_first() -> None:
    # divsd xmm0, xmm1 is a chain; divsd xmm2, xmm3 goes in between: 13 cycles a round as without.
    chain = "f20f5ec1"
    assert loop(chain, 1) == pytest.approx(13, rel=0.05)
    assert loop("0f28d4f20f5ed3" + chain, 3) == pytest.approx(13, rel=0.05)


def test_an_indirect_call_leads_to_what_was_executed_as_often() -> None:
    # call rax; dec r15; jnz back | two functions, of which one was executed as often as the call.
    made = counted(
        (BASE, "ffd0", 1, ROUNDS),
        (BASE + 2, "49ffcf75f9", 2, ROUNDS),
        (BASE + 64, "48ffc3c3", 2, ROUNDS),
        (BASE + 128, "48ffc3c3", 2, 10),
    )
    graph = graph_of(*executed_instructions(made))
    address = graph.instructions.address[graph.first].tolist()
    edges = {
        (address[source], address[target]): weight
        for source, target, weight in zip(
            graph.source.tolist(), graph.target.tolist(), graph.weight.tolist(), strict=True
        )
    }
    assert edges[BASE, BASE + 64] == ROUNDS
    assert (BASE, BASE + 128) not in edges
    # What returns to behind the call comes from that function.
    assert edges[BASE + 64, BASE + 2] == ROUNDS
