"""``openssl speed``, counted: what encrypting one block of a size executes.

It runs for a time, and prints how many blocks that were. Two runs of different length differ in nothing but
in blocks, so their difference has none of the program's start.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from emulab.bench.debian_programs import measures_of_windows, operation_of_windows
from emulab.bench.execution import execution_of_groups
from emulab.bench.slopes import Sample, slope_of
from emulab.errors import WorkloadError

if TYPE_CHECKING:
    from emulab.bench.debian_programs import Runner
    from emulab.bench.execution import Execution
    from emulab.profiling.memory_model import MemoryModel
    from emulab.profiling.operation import Operation

# "Doing AES-256-CBC for 1s on 16384 size blocks: 58421 AES-256-CBC's in 1.00s"
_DONE = re.compile(r"Doing \S+(?: ops)? for \d+s on (\d+) size blocks: (\d+) ")
_SECONDS: Final = (1, 2, 3)
_HEAVY_SECONDS: Final = (1, 3)
_STEADY: Final = 1e-3
_ATTEMPTS: Final = 3
"""How often it is tried until the runs agree: once in many one does something that the others do not."""


@dataclass(frozen=True)
class _Run:
    blocks: int
    execution: Execution


def blocks_done(text: str, size: int) -> int:
    """Return how many blocks of a size ``openssl speed`` says that it has done.

    :raises WorkloadError: it does not say so.
    """
    for found, number in _DONE.findall(text):
        if int(found) == size:
            return int(number)
    raise WorkloadError(
        f"openssl speed does not say how many blocks of {size} bytes it has done", detail=text[-2000:]
    )


def count_speed(runner: Runner, cipher: str, size: int, model: MemoryModel | None = None) -> Operation:
    """Return what encrypting one block executes.

    :param cipher: as EVP names it, such as ``aes-256-cbc``.
    :param size: of the block in bytes.
    :param model: the caches to model too; None for none.
    :raises WorkloadError: openssl fails, or prints something else.
    """
    operation = _operation(runner, cipher, size)
    for _ in range(_ATTEMPTS - 1):
        if operation.spread <= _STEADY:
            break
        again = _operation(runner, cipher, size)
        operation = min(operation, again, key=lambda one: one.spread)
    if model is None:
        return operation
    low, high = (_run(runner, cipher, size, seconds, model) for seconds in _HEAVY_SECONDS)
    measures = measures_of_windows(high.execution, high.blocks - low.blocks, low=low.execution)
    return replace(operation, measures=measures, memory_model=" ".join(model.arguments()))


def _operation(runner: Runner, cipher: str, size: int) -> Operation:
    runs = [_run(runner, cipher, size, seconds) for seconds in _SECONDS]
    slope = slope_of([Sample(run.blocks, run.execution.instructions(0)) for run in runs])
    low, high = runs[0], runs[-1]
    return operation_of_windows(
        high.execution, high.blocks - low.blocks, low=low.execution, spread=slope.spread
    )


def _run(runner: Runner, cipher: str, size: int, seconds: int, model: MemoryModel | None = None) -> _Run:
    counted = runner.run(
        "openssl", "speed", "-elapsed", "-evp", cipher, "-bytes", str(size), "-seconds", str(seconds),
        model=model,
    )  # fmt: skip
    text = counted.completed.stderr.decode(errors="replace")
    execution = execution_of_groups(counted.profile, [[counted.profile.whole]], heavy=model is not None)
    return _Run(blocks_done(text, size), execution)
