"""Simulated parts are kept, and known by everything that they depend on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulab import cache
from emulab.calibration.fitting.joining import parts_of
from emulab.prediction.kept_parts import kept_parts
from emulab.profiling.file_format import BLOCK
from emulab.profiling.operation import Operation

if TYPE_CHECKING:
    from pathlib import Path

# A loop of one dependent addition and the branch back: addi a0,a0,1; bne a0,a1,-4.
LOOP = bytes.fromhex("13051500e31eb5fe")


@pytest.fixture
def operation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operation:
    monkeypatch.setenv("EMULAB_CACHE_DIR", str(tmp_path))
    blocks = np.zeros(1, BLOCK)
    blocks["address"], blocks["size"], blocks["instructions"] = 0x10000, len(LOOP), 2
    return Operation(
        "riscv64", blocks, LOOP, np.array([1000]), 1, None, "", {}, None, None, 0.0, ()
    )  # fmt: skip


def test_what_is_kept_is_what_was_simulated(operation: Operation) -> None:
    simulated = parts_of(operation, "sifive-u74")
    assert kept_parts(operation, "sifive-u74") == simulated
    (entry,) = (cache.cache_root() / "simulated-parts").iterdir()
    (entry / "parts.json").write_text("[7.5, 2.5]")
    again = kept_parts(operation, "sifive-u74")
    assert (again.cycles, again.mispredictions) == (7.5, 2.5)


def test_another_core_or_another_count_is_another_entry(operation: Operation) -> None:
    one = kept_parts(operation, "sifive-u74")
    twice = kept_parts(replace(operation, counts=operation.counts * 2), "sifive-u74")
    assert twice.cycles == pytest.approx(2 * one.cycles)
    assert kept_parts(operation, "xuantie-c910") == parts_of(operation, "xuantie-c910")
    assert len(list((cache.cache_root() / "simulated-parts").iterdir())) == 3
