"""One operation of a benchmark: what it executes, without the process that it was counted in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Operation:
    """What one operation of a benchmark executes, block by block.

    :param isa: emulab's name of the instruction set: ``arm64``, ``armv7``, ``riscv64`` or ``amd64``.
    :param blocks: address, place in ``code``, size and instructions of each block
        (:data:`~emulab.profiling.file_format.BLOCK`).
    :param code: a block's bytes are ``code[blocks["code"]:][:blocks["size"]]``.
    :param counts: how often each block was executed in ``operations`` operations.
    :param operations: how many operations the counts are of.
    :param measures: per operation, one for each of :class:`~emulab.profiling.profile.Measure`, from the heavy
        mode for one model of memory and predictors; None where only blocks were counted.
    :param memory_model: that model, as the plugin takes it, words between spaces; "" without measures.
    :param syscalls: how often each system call is made per operation, by its number, where it is known.
    :param bytes_per_op: bytes allocated per operation, as Go reports them; None where it did not.
    :param allocs_per_op: allocations per operation, likewise.
    :param spread: how far the instructions per operation differ between windows, relatively.
    :param causes: what may make the counts differ from run to run.
    """

    isa: str
    blocks: NDArray[np.void]
    code: bytes
    counts: NDArray[np.int64]
    operations: int
    measures: NDArray[np.float64] | None
    memory_model: str
    syscalls: Mapping[int, float]
    bytes_per_op: float | None
    allocs_per_op: float | None
    spread: float
    causes: tuple[str, ...]

    @property
    def instructions(self) -> float:
        """Return the instructions of one operation."""
        return float((self.counts * self.blocks["instructions"].astype("int64")).sum()) / self.operations
