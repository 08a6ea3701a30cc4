"""What a board takes for a stretch of a whole program: the program's own work, and the kernel's for it.

The program's work is predicted as an operation of a benchmark is, with the corrections of the board's core.
The kernel's is what its counted code takes in the same pipeline and behind the same caches, with the same
corrections, plus the transfer of the lines that it clears. Nobody measured kernel work alone on these boards,
so it has a spread of its own beside the core's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulab.boards.board import Board, Cluster
    from emulab.calibration.prediction import Predictor
    from emulab.prediction.program_work import Work
    from emulab.profiling.operation import Operation

KERNEL_SPREAD: Final = 0.6
"""How far kernel work may be off beyond the core's own interval, as a logarithm at 90 %: a factor of 1.8.

Two things make it up, and neither is fitted. The board's kernel is another build than the guest's, and what a
system call executes differs by tens of per cent between configurations; and the pipelines know what system
instructions and barriers take by assumption only. docs/design.md has the one check that there is."""
_COVERAGE: Final = 0.9


@dataclass(frozen=True)
class WorkTime:
    """A stretch's time.

    :param seconds: the whole.
    :param below, above: how far the interval reaches to either side, as logarithms.
    :param user_s, kernel_s, clearing_s: its parts.
    :param spreads: what the interval is made of, by name, as logarithms.
    """

    seconds: float
    below: float
    above: float
    user_s: float
    kernel_s: float
    clearing_s: float
    clock_hz: float
    core: str
    support: str
    coverage: float = _COVERAGE
    spreads: Mapping[str, float] = field(default_factory=dict)

    @property
    def low(self) -> float:
        """The interval's lower end in seconds."""
        return self.seconds * math.exp(-self.below)

    @property
    def high(self) -> float:
        """The interval's upper end in seconds."""
        return self.seconds * math.exp(self.above)


def work_time(
    work: Work,
    board: Board,
    predictor: Predictor,
    *,
    clock_hz: float | None = None,
    cluster: Cluster | None = None,
    further: Mapping[str, float] | None = None,
) -> WorkTime:
    """Return what one core of a board takes for a stretch.

    Errors of the core's model are common to both parts; those of the kernel's weigh by its share, and so does
    the clearing, whose price is a bandwidth that differs from run to run.

    :param clock_hz: another clock than the cluster's highest.
    :param cluster: other cores than the fastest.
    :param further: other reasons for the interval to be wider, by name, as logarithms.
    :raises UsageError: the board stands for no real one, or runs other instructions.
    """
    cluster = board.fastest if cluster is None else cluster
    hz = clock_hz or cluster.nominal_mhz * 1e6
    user = predictor.predict(work.user, board, hz, cluster)
    kernel = predictor.predict(work.kernel, board, hz, cluster)
    user_s = user.seconds * _ratio(work.user_instructions, work.user)
    kernel_s = kernel.seconds * _ratio(work.kernel_instructions, work.kernel)
    clearing_s = work.cleared_lines * predictor.latencies(board, cluster.core.id).line_s
    total = user_s + kernel_s + clearing_s
    model = math.log(user.high / user.seconds) if user.seconds else math.log(kernel.high / kernel.seconds)
    share = (kernel_s + clearing_s) / total if total else 0.0
    spreads = {"core": model, "kernel": share * KERNEL_SPREAD, **(further or {})}
    half = math.hypot(*spreads.values())
    return WorkTime(
        total, half, half, user_s, kernel_s, clearing_s, hz, cluster.core.id, user.support, spreads=spreads
    )


def _ratio(instructions: float, operation: Operation) -> float:
    known = operation.instructions
    return instructions / known if known else 0.0
