"""Debian's own programs, counted: what the figures rest on that people publish of openssl and 7-zip.

They are in root filesystems of the Debian release that has the version (``images/rootfs-sbc-bench-*``).
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from emulab.architectures import architecture
from emulab.bench.attribution import difference
from emulab.bench.operations import without_overlaps
from emulab.errors import WorkloadError
from emulab.machines.protocol import SEARCH_PATH, Command
from emulab.machines.qemu_command import GIBIBYTE
from emulab.machines.target import Target
from emulab.profiling.counting import Counted, Counter
from emulab.profiling.operation import Operation
from emulab.profiling.operation_file import without_rare_blocks
from emulab.profiling.profile import Measure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from emulab.bench.execution import Execution
    from emulab.machines.agent_machine import AgentMachine
    from emulab.machines.opening import Opener
    from emulab.profiling.gate import Gate
    from emulab.profiling.memory_model import MemoryModel

_LONGEST_S: Final = 3600.0
_DECIMALS: Final = 3
# The same random bytes for every process, and a program's own choice of language.
_ENVIRONMENT: Final = {"QEMU_RAND_SEED": "1", "LC_ALL": "C", "PATH": SEARCH_PATH, "HOME": "/tmp"}


@dataclass(frozen=True)
class Programs:
    """Where programs are counted.

    :param suite: the Debian release that has them.
    :param cpu_model: QEMU's, so that a program chooses the code that it has on boards.
    :param environment: what makes it choose where no ``cpu_model`` does.
    """

    architecture: str
    suite: str
    cpu_model: str
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def target(self) -> Target:
        """Return the machine that they run on."""
        return Target(
            architecture=architecture(self.architecture),
            libc=f"sbc-bench-{self.suite}",
            mode="user",
            cpu_model=self.cpu_model,
            memory=GIBIBYTE,
            cpus=1,
        )


class Runner:
    """Runs programs of one root filesystem, counted."""

    def __init__(self, machine: AgentMachine, programs: Programs) -> None:
        self.machine = machine
        self.triplet = programs.target.architecture.triplet
        self._counter = Counter(machine)
        self._environment = {**_ENVIRONMENT, **programs.environment}

    def run(self, *argv: str, gate: Gate | None = None, model: MemoryModel | None = None) -> Counted:
        """Run a program to its end, counted.

        :raises WorkloadError: it failed.
        """
        command = Command(argv, self._environment, timeout_s=_LONGEST_S)
        counted = self._counter.run(command, gate, model)
        if counted.completed.status != 0:
            raise WorkloadError(
                f"{' '.join(argv)} {counted.completed.ending()}",
                detail=(counted.completed.stdout + counted.completed.stderr).decode(errors="replace")[-2000:],
            )
        return counted


@contextmanager
def opened(opener: Opener, programs: Programs) -> Iterator[Runner]:
    """Open a machine that has the programs; its image is built when it is missing.

    :raises InfrastructureError: the image can not be built, or the machine not opened.
    """
    opener.prepare([programs.target])
    machine = opener.open(programs.target)
    try:
        yield Runner(machine, programs)
    finally:
        machine.close()


def operation_of_windows(
    high: Execution,
    operations: int,
    *,
    window: int = 0,
    low: Execution | None = None,
    spread: float = 0.0,
    syscalls: Mapping[int, float] | None = None,
) -> Operation:
    """Return what a window executes more than another one's, as that of many operations.

    :param operations: how many more.
    """
    blocks = without_overlaps(difference(high, window, low, window))
    return without_rare_blocks(
        Operation(
            isa=blocks.isa,
            blocks=blocks.blocks,
            code=blocks.code,
            counts=blocks.counts,
            operations=operations,
            measures=None,
            memory_model="",
            syscalls=syscalls or {},
            bytes_per_op=None,
            allocs_per_op=None,
            spread=spread,
            causes=(),
        )
    )


def measures_of_windows(
    high: Execution, operations: float, *, window: int = 0, low: Execution | None = None
) -> NDArray[np.float64]:
    """Return what the heavy mode measured per operation, one for each ``Measure``.

    :raises ValueError: it was not on.
    """
    total = np.zeros(len(Measure))
    for execution, sign in ((high, 1.0), (low, -1.0)):
        if execution is not None:
            if execution.measures is None:
                raise ValueError("the run was counted without a model of caches")
            total += sign * execution.measures[window].sum(axis=1).astype(np.float64)
    return np.round(np.maximum(total, 0.0) / operations, _DECIMALS)
