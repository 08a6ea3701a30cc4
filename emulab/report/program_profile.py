"""Counted programs as one pprof profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emulab import __version__
from emulab.bench.attribution import Attribution, BlockCounts
from emulab.profiling.own_blocks import own_blocks
from emulab.profiling.stretches import stretches
from emulab.report.pprof import CountProfile, ProfileRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from emulab.profiling.stretches import Stretch
    from emulab.progress import Progress
    from emulab.workloads.counted import CountedProgram

KERNEL = "[kernel]"
"""The one function that a program's kernel instructions stand in."""
ELSEWHERE = "[elsewhere]"
"""The one of its instructions that are not in its own file: in libraries, or in programs that it started."""


def as_program_pprof(counted: Sequence[CountedProgram], progress: Progress) -> bytes:
    """Return what the first run of each program executed, by function and line, for ``go tool pprof``.

    A sample has the labels ``stretch`` (``start`` until it was ready or over, then ``load`` and ``end``) and
    ``place``, so that ``-tagfocus`` shows one of them.

    :raises InfrastructureError: a program's tables can not be read.
    """
    rows: list[ProfileRow] = []
    for each in counted:
        assert each.program is not None
        rows += _rows(each, each.program, progress)
    return CountProfile(
        types=[("instructions", "count")],
        rows=rows,
        program=counted[0].name if counted else "",
        comments=[f"counted by emulab {__version__} under emulation: counts, no times"],
    ).encode()


def _rows(counted: CountedProgram, program: Path, progress: Progress) -> Iterator[ProfileRow]:
    profile = counted.runs[0].profile
    attribution = Attribution(program, progress)
    own = own_blocks(profile, program)
    place = counted.place.target.board or counted.place.target.architecture.name
    for name, parts in _by_name(stretches(profile)[1:]).items():
        labels = {"stretch": name, "place": place}
        counts = np.zeros(len(profile.blocks), np.uint64)
        for part in parts:
            for window in part.windows:
                counts += window.by_block()
        counts[~own] = 0
        seen = np.flatnonzero(counts)
        blocks = BlockCounts(
            profile.isa, profile.blocks[seen], profile.all_code, counts[seen].astype(np.int64)
        )
        for line in attribution.lines(blocks):
            at = line.location
            yield ProfileRow(line.address, at.function, at.file, at.line, [int(line.work.sum())], labels)
        executed = [part.executed for part in parts]
        kernel = sum(each.kernel for each in executed)
        elsewhere = sum(each.instructions for each in executed) - int(blocks.instructions.sum())
        for function, amount in ((KERNEL, kernel), (ELSEWHERE, elsewhere)):
            if amount > 0:
                yield ProfileRow(0, function, "", 0, [amount], labels)


def _by_name(parts: Sequence[Stretch]) -> dict[str, list[Stretch]]:
    """Return the stretches from exec on by what they are called, those of the load together."""
    if not parts:
        return {}
    found = {"start": list(parts[:1]), "load": [], "end": []}
    for part in parts[1:]:
        found["load" if part.number is not None else "end"].append(part)
    return found
