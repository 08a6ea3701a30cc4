"""The classes of instructions."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Work(IntEnum):
    """What an instruction does, as far as its timing differs."""

    INTEGER = 0
    MULTIPLY = 1
    DIVIDE = 2
    LOAD = 3
    STORE = 4
    BRANCH = 5
    """Conditional."""
    JUMP = 6
    """Unconditional, direct or not."""
    CALL = 7
    RETURN = 8
    FP = 9
    SIMD = 10
    CRYPTO = 11
    ATOMIC = 12
    SYSTEM = 13


class Kind(NamedTuple):
    """What one instruction does.

    :param width: of loads, stores and atomics the bytes of one element; else 0.
    :param form: what else its time depends on: ``pair`` and ``many`` (several registers), ``indexed`` (an
        address of two registers), ``writeback``, ``literal``, ``fp``, ``simd`` (such registers),
        ``ordered`` (acquire or release), ``indirect`` (jumps and calls), ``long`` (a
        multiplication's upper half or double width), ``shifted`` (an operand that is shifted first),
        ``divide``, ``sqrt``, ``multiply``, ``fused``, ``convert``, ``compare``, ``move`` (FP), ``checksum``,
        ``prefetch``, ``fence``; or empty.
    """

    work: Work
    width: int = 0
    form: str = ""
