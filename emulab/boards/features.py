"""How the processor that QEMU emulates differs from a board's, and what Go can be told about it.

QEMU's named models have the options of the licensed core, not of the chip: a Cortex-A72 of theirs has
the cryptographic instructions that the Raspberry Pi 4's lacks, and no property of ``-cpu`` removes
them. Go programs choose their code by what the kernel reports, so a program under emulation would run
other code than on the board. ``GODEBUG=cpu.NAME=off`` makes Go choose as on the board.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from emulab.boards.board import Board

# A flag that Linux sets by itself or that says nothing of user programs' instructions.
_NOT_INSTRUCTIONS = frozenset({
    "evtstrm", "cpuid", "half", "fastmult", "edsp", "tls", "swp",
    "zicntr", "zicsr", "zifencei", "zihpm", "sscofpmf", "sstc", "svpbmt", "svinval", "svnapot",
    "zicbom", "zicbop", "zihintpause", "i", "m", "a", "f", "d",
})  # fmt: skip

# The switches of GODEBUG=cpu.*, by architecture: Linux's flag and Go's name for it.
_GO_SWITCHES = {
    "arm64": {
        "aes": "aes", "pmull": "pmull", "sha1": "sha1", "sha2": "sha2", "sha3": "sha3",
        "sha512": "sha512", "crc32": "crc32", "atomics": "atomics",
    },
    "armv7": {"vfpv4": "vfpv4", "idiva": "idiva", "lpae": "v7atomics"},
    "riscv64": {"v": "v", "zbb": "zbb"},
}  # fmt: skip

# An older Go prints a warning for a switch that it does not know, and needs none of these.
_GO_SWITCH_SINCE = {("riscv64", "v"): (1, 25), ("riscv64", "zbb"): (1, 25)}

# Go asks riscv_hwprobe, which Linux has since 6.4, and which knows the vector extension since 6.5.
_HWPROBE_SINCE = (6, 4)
_HWPROBE_VECTOR_SINCE = (6, 5)


class Differences(msgspec.Struct, frozen=True):
    """Instructions that are on one side only.

    :param not_on_the_board: the emulated processor has them: a program that needs them passes
        under emulation and dies on the board.
    :param not_emulated: the board has them: a program that needs them dies under emulation only.
    """

    not_on_the_board: tuple[str, ...] = ()
    not_emulated: tuple[str, ...] = ()


def differences(board: Board) -> Differences:
    """Return the instructions that only one of board and emulated processor has."""
    if board.isa is None or board.emulation is None:
        return Differences()
    real = set(board.isa.flags) - _NOT_INSTRUCTIONS
    emulated = set(board.emulation.reports) - _NOT_INSTRUCTIONS
    return Differences(tuple(sorted(emulated - real)), tuple(sorted(real - emulated)))


def go_switches(board: Board, go: tuple[int, int]) -> list[str]:
    """Return the items of ``GODEBUG`` that make Go choose its code under emulation as on the board.

    :param go: major and minor of the Go that built the program.
    """
    if board.isa is None or board.emulation is None:
        return []
    visible = set(board.isa.flags)
    kernel = kernel_version(board.software.kernel) if board.software else None
    if board.arch == "riscv64" and kernel is not None:
        if kernel < _HWPROBE_SINCE:
            visible -= {"zbb", "v"}
        elif kernel < _HWPROBE_VECTOR_SINCE:
            visible -= {"v"}
    names = _GO_SWITCHES.get(board.arch, {})
    return [
        f"cpu.{name}=off"
        for flag, name in names.items()
        if flag in board.emulation.reports
        and flag not in visible
        and go >= _GO_SWITCH_SINCE.get((board.arch, name), (0, 0))
    ]


def switches_hidden_by_kernel(board: Board, go: tuple[int, int]) -> list[str]:
    """Return the items of ``GODEBUG`` that undo what :func:`go_switches` says of the board's kernel alone.

    With them Go chooses as it does on the board under a kernel that tells all of the processor.
    """
    without_kernel = go_switches(msgspec.structs.replace(board, software=None), go)
    hidden = [each for each in go_switches(board, go) if each not in without_kernel]
    return [each.replace("=off", "=on") for each in hidden]


def kernel_version(release: str) -> tuple[int, int] | None:
    """Return major and minor of a kernel release (``6.6.20+rpt-rpi-2712``), or ``None``."""
    match = re.match(r"(\d+)\.(\d+)", release)
    return (int(match[1]), int(match[2])) if match else None
