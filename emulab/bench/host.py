"""The host as a place to count on: its own kind of processor, emulated, running the code it runs itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from emulab.architectures import AMD64
from emulab.boards.host import go_switches
from emulab.errors import UsageError
from emulab.machines.qemu_command import GIBIBYTE
from emulab.machines.target import Target
from emulab.profiling.memory_model import CacheShape, model_of
from emulab.workloads.request import Place

if TYPE_CHECKING:
    from emulab.boards import Board
    from emulab.profiling.memory_model import MemoryModel

_PAGE = 4096
_MODEL = "max"
"""All that QEMU emulates. What the host or QEMU lacks Go is told not to use."""


def host_place(board: Board) -> Place:
    """Return the machine that stands for this computer.

    :param board: the catalogue's ``host``.
    :raises UsageError: this computer is not of the kind that is emulated.
    """
    if board.arch != AMD64.name:
        raise UsageError(
            f"this computer is of the architecture {board.arch}; only amd64 is counted as the host",
            hint="name a board of its architecture",
        )
    target = Target(
        architecture=AMD64,
        libc="musl",
        mode="user",
        cpu_model=_MODEL,
        memory=4 * GIBIBYTE,
        cpus=1,
        board=board.id,
        environment=host_environment(board),
    )
    return Place(board, target)


def host_environment(board: Board) -> dict[str, str]:
    """Return what makes Go choose the same code on this computer and on the emulated processor."""
    switches = go_switches(board.isa.flags if board.isa is not None else ())
    return {"GODEBUG": ",".join(switches)} if switches else {}


def host_model(board: Board) -> MemoryModel:
    """Return what is modelled of this computer: its own caches, TLBs and prediction like today's cores.

    A recent large core foretells by histories of many lengths (Seznec's TAGE and its kin).
    """
    return replace(
        model_of(board),
        itlb=CacheShape(64, 64, _PAGE),
        dtlb=CacheShape(64, 64, _PAGE),
        tlb2=CacheShape(2048, 8, _PAGE),
        prefetch=8,
        predictor="tage",
    )
