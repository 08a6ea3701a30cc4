"""The phases of a Go program's start: what its runtime does before ``main.main``, told by addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulab.errors import UsageError
from emulab.profiling.gate import Gate
from emulab.symbols import find

if TYPE_CHECKING:
    from pathlib import Path

    from emulab.progress import Progress

ENTRY = "entry"
PHASES = (ENTRY, "runtime.schedinit", "runtime.mallocinit", "main.main")
"""The marks of a Go program's start, in the order in which it passes them."""

# How much of a function tells it from what another program has at its address.
_COMPARED = 32


@dataclass(frozen=True)
class Start:
    """How a program's start is counted.

    :param gate: counts every program that is started after the first marker, with marks where phases begin.
    :param phases: those of ``PHASES`` that are marked; none where they can not be.
    :param note: why there are none, or empty.
    """

    gate: Gate
    phases: tuple[str, ...] = ()
    note: str = ""


def start_of(program: Path | None, progress: Progress) -> Start:
    """Return how the start of a program is counted.

    :param program: its file; None where it is not at hand.
    :raises UsageError: it can not be read as a program.
    :raises InfrastructureError: its tables can not be read.
    """
    everything = Gate(newcomers=True)
    if program is None:
        return Start(everything)
    segments, entry, is_movable = _code(program)
    if is_movable:
        return Start(everything, note="its code lies elsewhere every time: phases of its start are not told")
    found = find(program, PHASES[1:], progress)
    if len(found) < len(PHASES) - 1:
        return Start(everything, note="it has not Go's functions: phases of its start are not told")
    marks = [(entry, ENTRY), *((found[name].entry, name) for name in PHASES[1:])]
    return Start(
        Gate(
            newcomers=True,
            marks=tuple(marks),
            code=tuple((address, _bytes_at(segments, address)) for address, _ in marks),
        ),
        PHASES,
    )


Segments = list[tuple[int, bytes]]


def code_segments(program: Path) -> Segments:
    """Return the executable parts of a program: where each is loaded, and its bytes.

    :raises UsageError: it can not be read as a program.
    """
    return _code(program)[0]


def _code(program: Path) -> tuple[Segments, int, bool]:
    """Return a program's code, its first instruction's address, and whether it is position-independent."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    executable = 1  # PF_X
    try:
        with program.open("rb") as stream:
            elf = ELFFile(stream)
            segments = [
                (int(segment["p_vaddr"]), bytes(segment.data()))
                for segment in elf.iter_segments("PT_LOAD")
                if segment["p_flags"] & executable
            ]
            # The lowest bit of an ARM function's address says that it is Thumb code.
            entry = int(elf["e_entry"]) & (~1 if elf["e_machine"] == "EM_ARM" else ~0)
            return segments, entry, elf["e_type"] == "ET_DYN"
    except (OSError, ELFError) as error:
        raise UsageError(f"{program} can not be read as a program: {error}") from error


def _bytes_at(segments: Segments, address: int) -> bytes:
    for start, code in segments:
        if start <= address < start + len(code):
            return code[address - start : address - start + _COMPARED]
    return b""
