"""x86-64: where its instructions lead, and a loop of instructions of several lengths."""

from __future__ import annotations

import numpy as np
import pytest

from emulab.profiling.control_flow import Flow, flow_of
from emulab.profiling.file_format import BLOCK
from emulab.timing.core import load_core
from emulab.timing.pipeline import pipeline_cycles
from tests.unit.timing.encodings import BASE, operation


@pytest.mark.parametrize(
    ("code", "flow", "distance"),
    [
        ("75f0", Flow.BRANCH, 2 - 16),  # jne
        ("0f8510000000", Flow.BRANCH, 6 + 16),
        ("e3fe", Flow.BRANCH, 0),  # jrcxz
        ("eb10", Flow.JUMP, 2 + 16),
        ("e9fbffffff", Flow.JUMP, 0),
        ("e800010000", Flow.CALL, 5 + 256),
        ("c3", Flow.RETURN, None),
        ("ffd0", Flow.INDIRECT_CALL, None),  # call rax
        ("41ffd3", Flow.INDIRECT_CALL, None),  # call r11
        ("ffe0", Flow.INDIRECT_JUMP, None),  # jmp rax
        ("0f05", Flow.TRAP, None),  # syscall
        ("4801d8", Flow.NEXT, None),  # add rax, rbx
        ("ff4010", Flow.NEXT, None),  # inc dword ptr [rax + 16]
    ],
)
def test_transfers_are_told_with_their_targets(code: str, flow: Flow, distance: int | None) -> None:
    word = np.array([int.from_bytes(bytes.fromhex(code), "little")], np.uint64)
    kind, target = flow_of("amd64", word, np.array([BASE], np.uint64))
    assert kind[0] == flow
    assert int(target[0]) == (0 if distance is None else BASE + distance)


def test_a_loop_takes_as_long_as_its_longest_chain() -> None:
    # imul rax, rbx; add rcx, rdx; dec rsi; jnz back to the first
    code = bytes.fromhex("480fafc34801d148ffce75f4")
    blocks = np.zeros(1, BLOCK)
    blocks[0] = (BASE, 0, len(code), 4)
    made = operation("amd64", [(BASE, [], 0)])
    counted = type(made)(**{**vars(made), "blocks": blocks, "code": code, "counts": np.array([1000])})
    assert pipeline_cycles(counted, load_core("x86-64")).cycles == pytest.approx(3000, rel=0.01)
