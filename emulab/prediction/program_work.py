"""What a stretch of a whole program executes: its own part and the kernel's, as timing takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from emulab.bench.attribution import BlockCounts
from emulab.bench.operations import without_overlaps
from emulab.profiling.operation import Operation
from emulab.profiling.operation_file import without_rare_blocks
from emulab.profiling.own_blocks import kernel_blocks, own_blocks
from emulab.profiling.profile import Measure
from emulab.profiling.stretches import executed, stretches
from emulab.timing.pipeline import executed_instructions
from emulab.workloads.counted import BEFORE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from emulab.machines.marks import Account
    from emulab.profiling.memory_model import MemoryModel
    from emulab.profiling.profile import Profile, Window
    from emulab.workloads.counted import CountedRun

_DC_ZVA: Final = (0xFFFFFFE0, 0xD50B7420)
"""Arm64's DC ZVA, Xt, as (mask, bits): it clears 64 bytes, as QEMU's processors say of themselves."""
_CBO_ZERO: Final = (0xFFF07FFF, 0x0040200F)
"""RISC-V's CBO.ZERO (Zicboz), likewise."""


@dataclass(frozen=True)
class Work:
    """What is executed once: a start, or one request.

    :param user: the program's own code.
    :param kernel: a sample of the kernel's code in that stretch, whoever it ran for.
    :param user_instructions: the program's in all; those of code that is not in its file run like the rest.
    :param kernel_instructions: the kernel's for the program, which run like the sample.
    :param cleared_lines: lines of 64 bytes that the kernel cleared for it by an instruction each, which no
        model of caches sees.
    :param faults, switches, calls: page faults, context switches and system calls.
    """

    user: Operation
    kernel: Operation
    user_instructions: float
    kernel_instructions: float
    cleared_lines: float = 0.0
    faults: float = 0.0
    switches: float = 0.0
    calls: float = 0.0


def start_work(run: CountedRun, program: Path, model: MemoryModel | None) -> Work:
    """Return what a program executes from exec until it is ready, or to its end."""
    own = own_blocks(run.profile, program)
    return _work(run.profile, own, run.start.windows, (), 1, run.account, None, model)


def request_work(run: CountedRun, program: Path, model: MemoryModel | None) -> Work | None:
    """Return what one request takes: what a larger load has more than a smaller one, shared out.

    :return: None where the program was not loaded.
    """
    if run.few is None or run.many is None:
        return None
    own = own_blocks(run.profile, program)
    requests = run.many.requests - run.few.requests
    return _work(
        run.profile, own, run.many.stretch.windows, run.few.stretch.windows, requests,
        run.many.account, run.few.account, model,
    )  # fmt: skip


def boot_work(run: CountedRun, model: MemoryModel | None) -> Work | None:
    """Return what a machine executes from the kernel's first instruction until its first program is at work.

    :return: None of a machine that was not booted for the run.
    """
    first = stretches(run.profile)[0]
    if first.number != BEFORE:
        return None
    others = ~kernel_blocks(run.profile)
    spaces = [space for window in first.windows for space in window.spaces]
    work = _work(run.profile, others, first.windows, (), 1, None, None, model)
    return Work(
        work.user,
        work.kernel,
        float(sum(space.program for space in spaces)),
        float(sum(space.kernel for space in spaces)),
        _cleared(work.kernel),
    )


def _work(
    profile: Profile,
    own: NDArray[np.bool_],
    more: Sequence[Window],
    less: Sequence[Window],
    operations: int,
    account: Account | None,
    before: Account | None,
    model: MemoryModel | None,
) -> Work:
    high, low = executed(more), executed(less)
    user = _operation(profile, own, more, less, operations, model)
    kernel = _operation(profile, kernel_blocks(profile), more, less, operations, model)
    own_kernel = max(0.0, (high.kernel - low.kernel) / operations)
    calls = sum(high.syscalls.values()) - sum(low.syscalls.values())
    share = own_kernel / kernel.instructions if kernel.instructions else 0.0
    faults = switches = 0.0
    for each, sign in ((account, 1), (before, -1)):
        if each is not None:
            faults += sign * (each.minor_faults + each.major_faults)
            switches += sign * (each.voluntary_switches + each.involuntary_switches)
    return Work(
        user,
        kernel,
        max(0.0, (high.instructions - low.instructions) / operations),
        own_kernel,
        _cleared(kernel) * share,
        max(0.0, faults / operations),
        max(0.0, switches / operations),
        max(0.0, calls / operations),
    )


def _operation(
    profile: Profile,
    mask: NDArray[np.bool_],
    more: Sequence[Window],
    less: Sequence[Window],
    operations: int,
    model: MemoryModel | None,
) -> Operation:
    counts = np.zeros(len(profile.blocks), np.int64)
    measures = np.zeros(len(Measure))
    for windows, sign in ((more, 1), (less, -1)):
        for window in windows:
            counts += sign * window.by_block().astype(np.int64)
            if model is not None:
                measures += [sign * float(window.measure(each)[mask].sum()) for each in Measure]
    counts[~mask] = 0
    seen = np.flatnonzero(counts)
    blocks = without_overlaps(BlockCounts(profile.isa, profile.blocks[seen], profile.all_code, counts[seen]))
    return without_rare_blocks(
        Operation(
            isa=blocks.isa,
            blocks=blocks.blocks,
            code=blocks.code,
            counts=blocks.counts,
            operations=operations,
            measures=None if model is None else np.maximum(measures, 0.0) / operations,
            memory_model="" if model is None else " ".join(model.arguments()),
            syscalls={},
            bytes_per_op=None,
            allocs_per_op=None,
            spread=0.0,
            causes=(),
        )
    )


def _cleared(kernel: Operation) -> float:
    """Return how many lines are cleared by an instruction each, per operation."""
    known = {"arm64": _DC_ZVA, "riscv64": _CBO_ZERO}.get(kernel.isa)
    if known is None or not len(kernel.blocks):
        return 0.0
    instructions, executions = executed_instructions(kernel)
    mask, bits = (np.uint64(each) for each in known)
    found = (instructions.word & mask) == bits
    return float(executions[found].sum()) / kernel.operations
