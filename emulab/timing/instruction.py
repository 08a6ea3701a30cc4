"""What a pipeline needs to know of an instruction."""

from __future__ import annotations

from typing import NamedTuple

FP = 32
"""The number of the first floating-point or vector register; integers come before, from 0."""
VECTOR = 64
"""The first vector register, where these are not the floating-point ones (RISC-V)."""
FLAGS = 96
"""The condition flags; of RISC-V vectors their length and type."""
REGISTERS = 97


class Instruction(NamedTuple):
    """One instruction, as far as its timing goes.

    :param group: what it does, from the general to the special: ``load.fp``; a core says how long it takes of
        the first of ``load.fp`` and ``load`` that it knows. The first words are those of
        :class:`~emulab.profiling.work.Work`.
    :param size: bytes.
    :param data: registers read where it is executed.
    :param address: registers that an address is made of.
    :param late: registers needed last: what a store writes, what a multiplication is added to.
    :param writes: registers of the result.
    :param base: address registers that are moved on (Arm's writeback).
    :param moves: by how much they are, where that is known.
    :param is_narrow: whether it loads or stores a byte, half a word, or a part of a vector register.
    :param elements: registers that a load or store moves.
    :param offset: what is added to the address register of a load or store, or to a register by an addition;
        None where it is not known.
    """

    group: str
    size: int
    data: tuple[int, ...] = ()
    address: tuple[int, ...] = ()
    late: tuple[int, ...] = ()
    writes: tuple[int, ...] = ()
    base: tuple[int, ...] = ()
    elements: int = 1
    offset: int | None = None
    moves: int | None = None
    is_narrow: bool = False


def group_name(work: str, *forms: str) -> str:
    """Return a group's name, without forms that are empty."""
    return ".".join([work.lower(), *filter(None, forms)])
