"""Every fault by its real mechanism, on every architecture and C library: as its file says, only with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from emulab.matrix.faults.catalogue import faults
from emulab.testing.verdicts import Verdict
from tests.integration.matrix.conftest import Cell, cells_of

if TYPE_CHECKING:
    from collections.abc import Callable

_ARCHITECTURES = ("arm64", "armv7", "riscv64")
_OLD_GO = "1.22"
_OF_OLD_GO = ("getrandom-missing", "randomness-missing", "getrandom-blocks")

_EVERYWHERE = cells_of(_ARCHITECTURES, ("musl", "glibc"))
# What user mode can show, a whole machine shows by other means.
_ON_WHOLE_MACHINES = [
    replace(cell, mode="system")
    for cell in cells_of(_ARCHITECTURES, ("musl",))
    if cell.mode == "user" and not replace(cell, mode="system").hole
]
_BASELINES = [
    replace(cell, baseline=True)
    for cell in cells_of(_ARCHITECTURES, ("musl", "glibc"))
    if not cell.hole and (cell.libc == "musl" or cell.fault == "glibc-too-old")
]
_WITH_OLD_GO = [
    Cell(fault, arch, "musl", mode, go=_OLD_GO)
    for fault in _OF_OLD_GO
    for arch, mode in (("arm64", "user"), ("armv7", "system"), ("riscv64", "user"))
]


def _check(cell: Cell, rows: list[Any]) -> None:
    if cell.hole:
        assert [(row.verdict, row.reason) for row in rows] == [(Verdict.UNSUPPORTED, cell.hole)]
        return
    assert [row.case for row in rows] == [case.id for case in faults()[cell.fault].case]
    assert not [row.reason for row in rows if row.verdict is not Verdict.PASS]


@pytest.mark.parametrize("cell", _EVERYWHERE, ids=str)
def test_a_fault_does_what_its_file_says(cell: Cell, results: Callable[[Cell], Any]) -> None:
    _check(cell, results(cell))


@pytest.mark.parametrize("cell", _ON_WHOLE_MACHINES, ids=str)
def test_it_does_so_on_a_whole_machine_too(cell: Cell, results: Callable[[Cell], Any]) -> None:
    _check(cell, results(cell))


@pytest.mark.parametrize("cell", _WITH_OLD_GO, ids=str)
def test_an_older_go_does_what_is_said_of_it(cell: Cell, results: Callable[[Cell], Any]) -> None:
    _check(cell, results(cell))


@pytest.mark.parametrize("cell", _BASELINES, ids=str)
def test_without_the_fault_its_demonstrations_work(cell: Cell, results: Callable[[Cell], Any]) -> None:
    fault = faults()[cell.fault]
    for case, ended in zip(fault.case, results(cell), strict=True):
        seen = case.expected((1, 26), cell.arch)
        assert ended.survived, ended
        # What a way round shows may be the same with the fault and without; what kills may not.
        assert case.way_round or not (ended.is_as(seen) and ended.says(seen)), ended
