"""A profile: what a counted program executed, block by block."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emulab.errors import UsageError
from emulab.profiling.file_format import Content, WindowRecord, parse

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

ISAS = {"aarch64": "arm64", "arm": "armv7", "riscv64": "riscv64", "x86_64": "amd64"}
"""QEMU's names of the targets, and emulab's."""

_SYSCALL, _PROCESS_SYSCALL = 0, 1
# Slots per address space in the file: instructions of the kernel, of programs; switches to it.
_PER_SPACE = 4
# Slots per block in the file.
_MEASURES = 16


class WindowKind(IntEnum):
    """What a window is."""

    WHOLE = 0
    """The whole run, whatever the gate said."""
    GATE = 1
    """From one passing of the gate's window address to the next, as far as counting was on."""
    MARK = 2
    """From a named address to the next one."""
    MARKER = 3
    """What the guest ended with a marker of its own; its argument is the marker's number."""


class Measure(IntEnum):
    """What the heavy mode measures of each block. The plugin has the same list (``emulab.h``)."""

    L1I_MISS = 0
    """Lines of code that missed the first level."""
    L1D_LOAD_MISS = 1
    L1D_STORE_MISS = 2
    L2_CODE_MISS = 3
    """Lines of code that missed the second level too."""
    L2_DATA_MISS = 4
    MEMORY = 5
    """Lines that came from memory: what missed the last level there is."""
    PREFETCHED = 6
    """Lines used for the first time that a prefetch had brought: no misses."""
    PREFETCH_MEMORY = 7
    """Lines that prefetches brought from memory."""
    ITLB_MISS = 8
    DTLB_MISS = 9
    PAGE_WALK = 10
    """What missed the second TLB too, where there is one."""
    TAKEN = 11
    """Conditional branches that went to their target."""
    NOT_TAKEN = 12
    MISPREDICTED = 13
    """Conditional branches that went elsewhere than foretold."""
    TARGET_MISPREDICTED = 14
    """Indirect jumps and calls, and returns, likewise."""


@dataclass(frozen=True)
class Space:
    """What ran in one address space of a whole machine.

    :param root: where its page table is; 0 for what ran before the first switch of address spaces.
    :param is_process: whether it is that of the program of interest.
    :param kernel: instructions of the kernel while the space was in force. Interrupts and the kernel's own
        threads run in whatever space is.
    :param program: instructions of the program.
    :param switches: how often it was switched to.
    """

    root: int
    is_process: bool
    kernel: int
    program: int
    switches: int


@dataclass(frozen=True)
class Window:
    """What was executed in one stretch of a run.

    :param name: the mark that began it, or empty.
    :param argument: what was noted at its beginning (the n of a benchmark's run), or the marker's number.
    :param ordinal: its place among the run's windows, from 0.
    :param counts: (block, vcpu, count), sparse and sorted by (vcpu, block); a vCPU is a thread in user mode.
    :param syscalls: how often each system call was made, by its number.
    :param process_syscalls: those of the program of interest, of a whole machine.
    :param spaces: what ran in each address space, of a whole machine.
    """

    kind: WindowKind
    name: str
    argument: int
    ordinal: int
    counts: NDArray[np.void]
    syscalls: Mapping[int, int]
    process_syscalls: Mapping[int, int]
    spaces: tuple[Space, ...]
    _measures: NDArray[np.void] = field(repr=False)
    _blocks: NDArray[np.void] = field(repr=False)

    def by_block(self, vcpus: Collection[int] | None = None) -> NDArray[np.uint64]:
        """Return how often each block of the profile was executed, summed over some vCPUs (None: all)."""
        counts = self.counts
        if vcpus is not None:
            counts = counts[np.isin(counts["vcpu"], list(vcpus))]
        total = np.zeros(len(self._blocks), np.uint64)
        np.add.at(total, counts["block"], counts["count"])
        return total

    def by_vcpu(self) -> NDArray[np.uint64]:
        """Return how many instructions each vCPU executed, by the vCPU's number."""
        weights = self.counts["count"] * self._blocks["instructions"][self.counts["block"]]
        total = np.zeros(int(self.counts["vcpu"].max(initial=0)) + 1, np.uint64)
        np.add.at(total, self.counts["vcpu"], weights)
        return total

    def measure(self, measure: Measure) -> NDArray[np.uint64]:
        """Return what the heavy mode measured of each block; zeros where the run was a light one."""
        total = np.zeros(len(self._blocks), np.uint64)
        rows = self._measures[self._measures["block"] % _MEASURES == measure]
        total[rows["block"] // _MEASURES] = rows["count"]
        return total

    @cached_property
    def instructions(self) -> int:
        """How many instructions were executed."""
        return int(self.by_vcpu().sum())


@dataclass(frozen=True)
class Profile:
    """What a counted program executed.

    :param isa: emulab's name of the instruction set: ``arm64``, ``armv7``, ``riscv64`` or ``amd64``.
    :param is_system: whether a whole machine was counted, not one process.
    :param plugin: the identity of the plugin that counted.
    :param qemu: the version of QEMU that the plugin was made for.
    :param blocks: (address, code, size, instructions) of each translated block. Blocks may overlap: code
        that is entered at two places is two blocks.
    :param windows: in the order in which they ended.
    :param whole: the whole run.
    """

    isa: str
    is_system: bool
    plugin: str
    qemu: str
    blocks: NDArray[np.void]
    windows: tuple[Window, ...]
    whole: Window
    _code: bytes = field(repr=False)

    @property
    def all_code(self) -> bytes:
        """The bytes of all blocks; a block's begin at its ``code``."""
        return self._code

    def code(self, block: int) -> bytes:
        """Return a block's instructions."""
        start = int(self.blocks["code"][block])
        return self._code[start : start + int(self.blocks["size"][block])]


def read(source: Path | str | bytes, name: str = "") -> Profile:
    """Return the profile in a file, or in a file's content.

    :param name: what messages call it, unless it is a file.
    :raises UsageError: there is no such file, or it is no profile, of another version, cut short or damaged.
    """
    if isinstance(source, bytes):
        return _profile(parse(source, name or "the profile"), name or "the profile")
    try:
        data = Path(source).read_bytes()
    except OSError as error:
        raise UsageError(f"the profile {source} can not be read: {error.strerror}") from error
    return _profile(parse(data, str(source)), str(source))


def _profile(content: Content, name: str) -> Profile:
    isa = ISAS.get(content.isa)
    wholes = [each for each in content.windows if each.kind == WindowKind.WHOLE]
    if isa is None or len(wholes) != 1:
        raise UsageError(f"{name} is a profile of something that this emulab does not know ({content.isa})")
    windows = tuple(_window(content, each) for each in content.windows if each.kind != WindowKind.WHOLE)
    return Profile(
        isa=isa,
        is_system=content.is_system,
        plugin=content.plugin,
        qemu=content.qemu,
        blocks=content.blocks,
        windows=windows,
        whole=_window(content, wholes[0]),
        _code=content.code,
    )


def _window(content: Content, record: WindowRecord) -> Window:
    return Window(
        kind=WindowKind(record.kind),
        name=record.name,
        argument=record.argument,
        ordinal=record.ordinal,
        counts=record.executions,
        syscalls=_events(content, record, _SYSCALL),
        process_syscalls=_events(content, record, _PROCESS_SYSCALL),
        spaces=_spaces(content, record),
        _measures=record.measures,
        _blocks=content.blocks,
    )


def _events(content: Content, record: WindowRecord, kind: int) -> dict[int, int]:
    found: dict[int, int] = {}
    for slot, _, count in record.events.tolist():
        event = content.events[slot]
        if event["kind"] == kind:
            number = int(event["number"])
            found[number] = found.get(number, 0) + count
    return found


def _spaces(content: Content, record: WindowRecord) -> tuple[Space, ...]:
    counts = np.zeros(len(content.spaces) * _PER_SPACE, np.int64)
    counts[record.spaces["block"]] = record.spaces["count"]
    return tuple(
        Space(root, bool(is_process), *own[:3])
        for (root, is_process), own in zip(
            content.spaces.tolist(), counts.reshape(-1, _PER_SPACE).tolist(), strict=True
        )
        if any(own)
    )
