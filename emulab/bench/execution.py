"""What a process executed while its benchmarks' timers were on: the part of its profile that is kept."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from emulab.errors import InfrastructureError
from emulab.profiling.classes import kinds_of
from emulab.profiling.file_format import BLOCK
from emulab.profiling.instructions import instructions_of
from emulab.profiling.profile import Measure
from emulab.profiling.work import Work

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from emulab.profiling.instructions import Instructions
    from emulab.profiling.profile import Profile, Window


@dataclass(frozen=True)
class Code:
    """The part of a profile that its instructions are taken from: all but the counts."""

    isa: str
    blocks: NDArray[np.void]
    all_code: bytes

    def code(self, block: int) -> bytes:
        """Return a block's instructions."""
        start = int(self.blocks["code"][block])
        return self.all_code[start : start + int(self.blocks["size"][block])]

    def instructions(self) -> tuple[Instructions, NDArray[np.int64]]:
        """Return the instructions, each once, and the class of each (a number of ``Work``)."""
        found = instructions_of(cast("Profile", self))
        kinds, numbers = kinds_of(found)
        return found, np.array([kind.work for kind in kinds], np.int64)[numbers]


@dataclass(frozen=True)
class Execution:
    """Windows of a process.

    :param isa: emulab's name of the instruction set.
    :param blocks: address, place in ``code``, size and instructions of each block that a window has.
    :param code: the blocks' instructions.
    :param arguments: what each window says of its operations.
    :param counts: how often each block was executed in each window, windows x blocks.
    :param measures: what the heavy mode measured: windows x :class:`~emulab.profiling.profile.Measure` x
        blocks; None where it was off.
    """

    isa: str
    blocks: NDArray[np.void]
    code: bytes
    arguments: tuple[int, ...]
    counts: NDArray[np.uint64]
    measures: NDArray[np.uint64] | None = None

    def instructions(self, window: int) -> int:
        """Return how many instructions a window has."""
        return int((self.counts[window] * self.blocks["instructions"]).sum())

    @cached_property
    def classes(self) -> NDArray[np.uint64]:
        """How many instructions of each class were executed in each window: windows x classes of ``Work``."""
        instructions, work = Code(self.isa, self.blocks, self.code).instructions()
        table = np.zeros((len(self.arguments), len(Work)), np.uint64)
        for row, counts in zip(table, self.counts, strict=True):
            np.add.at(row, work, instructions.executions(counts))
        return table

    def save(self, path: Path) -> None:
        """Write it to a file."""
        content: dict[str, Any] = {
            "isa": np.array(self.isa),
            "blocks": self.blocks,
            "code": np.frombuffer(self.code, np.uint8),
            "arguments": np.array(self.arguments, np.uint64),
            "counts": self.counts,
        }
        if self.measures is not None:
            content["measures"] = self.measures
        with path.open("wb") as stream:
            np.savez_compressed(stream, **content)

    @staticmethod
    def load(path: Path) -> Execution:
        """Return what :meth:`save` wrote.

        :raises InfrastructureError: the file is damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as content:
                return Execution(
                    str(content["isa"]),
                    content["blocks"],
                    content["code"].tobytes(),
                    tuple(int(each) for each in content["arguments"]),
                    content["counts"],
                    content.get("measures"),
                )
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
            raise InfrastructureError(
                f"{path} is damaged: {error}", hint="remove its directory; it is counted again then"
            ) from error


def execution_of(profile: Profile, without: int | None = None, *, heavy: bool = False) -> Execution:
    """Return the windows of a profile.

    :param without: the address of a function whose threads do not count: that of Go's monitor, which wakes
        up by this host's clock whatever the benchmark does.
    :param heavy: keep what the heavy mode measured too.
    """
    vcpus = _vcpus_without(profile, without)
    rows = [window.by_block(vcpus) for window in profile.windows]
    counts = np.array(rows, np.uint64).reshape(len(rows), len(profile.blocks))
    seen = [_measured(profile, [window]) for window in profile.windows] if heavy else None
    return _kept(profile, tuple(window.argument for window in profile.windows), counts, seen)


def execution_of_groups(
    profile: Profile, groups: Sequence[Sequence[Window]], *, heavy: bool = False
) -> Execution:
    """Return groups of a profile's windows, each added up to one.

    :param heavy: keep what the heavy mode measured too.
    """
    counts = np.zeros((len(groups), len(profile.blocks)), np.uint64)
    for row, group in zip(counts, groups, strict=True):
        for window in group:
            row += window.by_block()
    seen = [_measured(profile, group) for group in groups] if heavy else None
    return _kept(profile, tuple(range(len(groups))), counts, seen)


def _measured(profile: Profile, windows: Sequence[Window]) -> NDArray[np.uint64]:
    """Return what the heavy mode measured in windows together: measures x blocks."""
    total = np.zeros((len(Measure), len(profile.blocks)), np.uint64)
    for window in windows:
        for measure in Measure:
            total[measure] += window.measure(measure)
    return total


def _kept(
    profile: Profile,
    arguments: tuple[int, ...],
    counts: NDArray[np.uint64],
    measured: list[NDArray[np.uint64]] | None,
) -> Execution:
    """Return windows with those blocks alone that were executed in one of them."""
    kept = np.flatnonzero(counts.any(axis=0))
    blocks = np.zeros(len(kept), BLOCK)
    pieces = []
    place = 0
    for row, block in enumerate(kept):
        code = profile.code(int(block))
        known = profile.blocks[block]
        blocks[row] = (known["address"], place, known["size"], known["instructions"])
        pieces.append(code)
        place += len(code)
    measures = None
    if measured is not None:
        shape = len(arguments), len(Measure), len(profile.blocks)
        measures = np.array(measured, np.uint64).reshape(shape)[:, :, kept]
    return Execution(profile.isa, blocks, b"".join(pieces), arguments, counts[:, kept], measures)


def _vcpus_without(profile: Profile, entry: int | None) -> Collection[int] | None:
    if entry is None:
        return None
    whole = profile.whole.counts
    theirs = np.flatnonzero(profile.blocks["address"] == entry)
    monitors = np.unique(whole["vcpu"][np.isin(whole["block"], theirs)])
    return [int(each) for each in np.setdiff1d(np.unique(whole["vcpu"]), monitors)]
