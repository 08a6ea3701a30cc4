"""Debian's openssl, really counted on an emulated processor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulab.bench.debian_programs import opened
from emulab.bench.openssl_speed import count_speed
from emulab.calibration.rated_programs import PROGRAMS
from emulab.machines.opening import COUNTING_EMULATOR, Opener
from emulab.prediction.rated_programs import programs_of
from emulab.profiling.classes import kind_of
from emulab.profiling.memory_model import CacheShape, MemoryModel
from emulab.profiling.profile import Measure
from emulab.profiling.work import Work
from emulab.progress import Silent
from emulab.timing.pipeline import executed_instructions

if TYPE_CHECKING:
    from emulab.profiling.operation import Operation

MODEL = MemoryModel(l1i=CacheShape(32768, 4, 64), l1d=CacheShape(32768, 4, 64))


def _crypto(operation: Operation) -> float:
    """Return how many instructions for ciphers an operation executes."""
    instructions, executions = executed_instructions(operation)
    return (
        sum(
            float(count)
            for word, count in zip(instructions.word.tolist(), executions.tolist(), strict=True)
            if kind_of(operation.isa, word, 4).work is Work.CRYPTO
        )
        / operation.operations
    )


@pytest.mark.parametrize("variant", ["aes", "neon"])
def test_a_block_of_aes_is_counted_with_the_code_of_the_variant(variant: str) -> None:
    place = f"openssl-1.1.1-arm64-{variant}.ops"
    program = next(one for one in PROGRAMS if one.place == place)
    with Opener(Silent(), COUNTING_EMULATOR) as opener, opened(opener, programs_of(program)) as runner:
        operation = count_speed(runner, "aes-128-cbc", 1024, MODEL)
    assert operation.isa == "arm64"
    assert operation.spread < 1e-3
    # 64 times 16 bytes, in ten rounds of which all but the last are two instructions.
    expected = 64 * 19 if variant == "aes" else 0
    assert _crypto(operation) == pytest.approx(expected, rel=0.02)
    assert operation.measures is not None
    assert operation.measures[Measure.L1D_LOAD_MISS] < 1
