"""Fitting a model of this computer, and which benchmarks count, on made-up figures."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from emulab.calibration.host import Timed, judge, reason_against, repeats
from emulab.errors import NothingRanError
from emulab.profiling.file_format import BLOCK
from emulab.profiling.operation import Operation

CLOCK = 4e9
CYCLES = 30
# imul rax, rax ten times; dec r15; jnz back: 30 cycles on Zen 5.
CODE = bytes.fromhex("480fafc0" * 10 + "49ffcf" + "75d3")


def operation(rounds: int = 100, **other: object) -> Operation:
    blocks = np.zeros(1, BLOCK)
    blocks[0] = (0x1000, 0, len(CODE), 12)
    counts = np.array([rounds * 10])
    made = Operation("amd64", blocks, CODE, counts, 10, None, "", {}, None, None, 0.0, ())
    return dataclasses.replace(made, **other)  # type: ignore[arg-type]


def timed(package: str, rounds: int, *, is_fitted: bool, off: float = 1.0) -> Timed:
    seconds = rounds * CYCLES / CLOCK * off
    return Timed(package, "BenchmarkX", operation(rounds), seconds, 0.01, 7, is_fitted)


def test_the_fit_finds_the_clock_and_predicts_what_it_has_not_seen() -> None:
    fitted = [timed(f"p{number}", 50 + number, is_fitted=True) for number in range(8)]
    result = judge([*fitted, timed("q", 1000, is_fitted=False, off=1.1)], "zen-5", 2.6e9)
    assert result.clock_hz == pytest.approx(CLOCK, rel=0.03)
    (one,) = result.judged
    assert one.error == pytest.approx(1 / 1.1 - 1, abs=0.03)
    assert one.low < one.seconds < one.high
    assert result.quantile(0.5) == abs(one.error)


def test_one_package_alone_is_nothing_to_fit_to() -> None:
    with pytest.raises(NothingRanError, match="two packages"):
        judge([timed("p", 10, is_fitted=True), timed("q", 10, is_fitted=False)], "zen-5", 2.6e9)


@pytest.mark.parametrize(
    ("changes", "seconds", "reason"),
    [
        ({}, 1e-6, ""),
        ({}, 0.5e-9, "less than 1 ns"),
        ({"causes": ("system calls: 2 calls an operation",)}, 1e-6, "system calls"),
        ({"causes": ("system calls: 0.001 calls an operation",)}, 1e-6, ""),
        ({"causes": ("goroutines: 1 switches an operation",)}, 1e-6, "goroutines"),
        ({"causes": ("GC: 0.01 cycles an operation",)}, 1e-6, "garbage"),
        ({"causes": ("GC: 1e-6 cycles an operation",)}, 1e-6, ""),
        ({"bytes_per_op": 2e6}, 1e-3, "allocates"),
    ],
)
def test_what_the_model_does_not_mean_is_not_judged(
    changes: dict[str, object], seconds: float, reason: str
) -> None:
    one = Timed("p", "BenchmarkX", operation(**changes), seconds, 0.01, 7, is_fitted=False)  # type: ignore[arg-type]
    assert reason in reason_against(one)
    assert bool(reason) == bool(reason_against(one))


def test_an_operation_repeats_when_its_blocks_are_executed_whole_numbers_of_times() -> None:
    assert repeats(operation())
    assert not repeats(operation(counts=np.array([1234])))
