"""7-zip's benchmark (``7zr b``), counted where it takes the time.

It encodes data that it has made up, decodes them again, and rates both by an estimate of how many commands
that takes: p7zip 16.02, ``CPP/7zip/UI/Common/Bench.cpp``, ``CBenchProps``. The time of each part goes from
one call of ``clock()`` to a later one; so counting begins with the first call, and each call begins a window.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from emulab.bench.debian_programs import measures_of_windows, operation_of_windows
from emulab.bench.execution import execution_of_groups
from emulab.errors import WorkloadError
from emulab.profiling.gate import Gate
from emulab.profiling.profile import WindowKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from emulab.bench.debian_programs import Runner
    from emulab.bench.execution import Execution
    from emulab.profiling.memory_model import MemoryModel
    from emulab.profiling.operation import Operation
    from emulab.profiling.profile import Profile, Window

RATED: Final = 1_000_000
"""How many rated commands one operation is."""
COMPRESS, DECOMPRESS = "compress", "decompress"

_DICTIONARY_BITS: Final = 22
_SMALLEST_BITS: Final = 18
_ADDED: Final = 1 << 16
_BUDGET: Final = 1 << 34
"""Commands that each part is repeated for, as often as they go into it (``kComplexInCommands``)."""
_ROUGH_COST: Final = 1200
"""Commands per byte by which compression's repeats are reckoned (``EncComplex``), other than its rating."""
_PACKED_COST, _UNPACKED_COST = 190, 4
_KIB: Final = 1024
_PROGRAM = "/usr/lib/p7zip/7zr"
"""What Debian's ``7zr`` is a script for."""
_TIMER = "clock"
_STARTER = "__libc_start_main"
_COMPARED: Final = 8
_PAGE: Final = 4096
_LEAST: Final = 1_000_000
_TOLERANCE: Final = 0.25

_ROW = re.compile(r"^(\d+):\s+(\d+)\s+\d+\s+\d+\s+(\d+)\s+\|\s+(\d+)\s+\d+\s+\d+\s+(\d+)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Commands:
    """What one pass over a dictionary's data is rated as.

    >>> commands_of(22, 1_300_000).compress
    4046848000
    """

    compress: int
    decompress: int

    @property
    def compress_repeats(self) -> int:
        """How often the benchmark encodes, where it finds no clock of the processor."""
        size = self.compress // _compress_cost(_DICTIONARY_BITS)
        return max(1, _BUDGET // (size * _ROUGH_COST))

    @property
    def decompress_repeats(self) -> int:
        """How often it decodes."""
        return max(1, _BUDGET // self.decompress)


@dataclass(frozen=True)
class Row:
    """A line of the benchmark's table.

    :param compress_speed, decompress_speed: of unpacked data, in bytes per second.
    :param compress_rating, decompress_rating: commands per second.
    """

    bits: int
    compress_speed: float
    compress_rating: float
    decompress_speed: float
    decompress_rating: float


def _size(bits: int) -> int:
    return (1 << bits) + _ADDED


def _compress_cost(bits: int) -> int:
    return 870 + 5 * (bits - _SMALLEST_BITS) ** 2


def commands_of(bits: int, packed: int) -> Commands:
    """Return what one pass is rated as.

    :param bits: of the dictionary's size.
    :param packed: bytes that the data are encoded to.
    """
    return Commands(_size(bits) * _compress_cost(bits), packed * _PACKED_COST + _size(bits) * _UNPACKED_COST)


def rows_of(text: str) -> list[Row]:
    """Return the lines of the table that the benchmark prints.

    :raises WorkloadError: there are none.
    """
    rows = [
        Row(
            int(bits),
            int(speed) * _KIB,
            int(rating) * 1e6,
            int(back) * _KIB,
            int(back_rating) * 1e6,
        )
        for bits, speed, rating, back, back_rating in _ROW.findall(text)
    ]
    if not rows:
        raise WorkloadError("7-zip's benchmark printed no table", detail=text[-2000:])
    return rows


def packed_size(row: Row) -> int:
    """Return to how many bytes the data were encoded, by a line's speed and rating of decoding them."""
    per_byte = row.decompress_rating / row.decompress_speed
    return round((per_byte - _UNPACKED_COST) / _PACKED_COST * _size(row.bits))


@dataclass(frozen=True)
class SevenZip:
    """What encoding and decoding execute, for a million rated commands each.

    :param commands: what all of it is rated as.
    """

    compress: Operation
    decompress: Operation
    commands: Commands


def count_seven_zip(runner: Runner) -> SevenZip:
    """Count the benchmark with one thread and a dictionary of 4 MiB, the first that it rates boards by.

    :raises WorkloadError: it fails, or is not the one that is known.
    """
    execution, commands = _run(runner, None)
    return SevenZip(
        operation_of_windows(execution, commands.compress // RATED),
        operation_of_windows(execution, commands.decompress // RATED, window=1),
        commands,
    )


def with_measures(counted: SevenZip, runner: Runner, model: MemoryModel) -> SevenZip:
    """Return the same with what a model of caches and predictors measures; several times slower.

    :raises WorkloadError: the benchmark fails.
    """
    execution, _ = _run(runner, model)
    commands, name = counted.commands, " ".join(model.arguments())
    return replace(
        counted,
        compress=replace(
            counted.compress,
            measures=measures_of_windows(execution, commands.compress / RATED),
            memory_model=name,
        ),
        decompress=replace(
            counted.decompress,
            measures=measures_of_windows(execution, commands.decompress / RATED, window=1),
            memory_model=name,
        ),
    )


def _run(runner: Runner, model: MemoryModel | None) -> tuple[Execution, Commands]:
    """Return a window of all encoding and one of all decoding, and what they are rated as in all."""
    timer = _address_of_timer(runner)
    # What ends at an address comes before what begins there.
    gate = Gate(window=(timer,), start=(timer,))
    counted = runner.run(_PROGRAM, "b", "-mmt1", f"-md{_DICTIONARY_BITS}", gate=gate, model=model)
    row = rows_of(counted.completed.stdout.decode(errors="replace"))[0]
    once = commands_of(row.bits, packed_size(row))
    all_of_it = Commands(once.compress * once.compress_repeats, once.decompress * once.decompress_repeats)
    _check(row, all_of_it, counted.completed.usage.wall_s)
    windows = [each for each in counted.profile.windows if each.kind is WindowKind.GATE]
    phases = phases_of(windows)
    return execution_of_groups(counted.profile, phases, heavy=model is not None), all_of_it


def _check(row: Row, commands: Commands, wall_s: float) -> None:
    """Refuse a run that took another time than its repeats do: they are reckoned, not printed."""
    expected = commands.compress / row.compress_rating + commands.decompress / row.decompress_rating
    if abs(expected / wall_s - 1.0) > _TOLERANCE:
        raise WorkloadError(
            f"7-zip's benchmark took {wall_s:.0f} s and not the {expected:.0f} s that its table says",
            hint="this is no p7zip 16.02, or it found the processor's clock and repeats otherwise",
        )


def phases_of(windows: Sequence[Window]) -> tuple[list[Window], list[Window]]:
    """Return the windows in which the benchmark encodes, and those in which it decodes.

    Every progress report ends a window; what is executed in it tells which part it is of.

    :raises WorkloadError: there are no two such parts.
    """
    large = [each for each in windows if each.instructions >= _LEAST]
    if len(large) < 2:
        raise WorkloadError("7-zip's benchmark was not counted where it takes the time")
    first, last = (_shares(each) for each in (large[0], large[-1]))
    likes = [_alike(first, each) >= _alike(last, each) for each in map(_shares, large)]
    if all(likes) or likes != sorted(likes, reverse=True):
        raise WorkloadError("7-zip's benchmark did not encode first and decode then")
    turn = large[likes.index(False)].ordinal
    return [each for each in windows if each.ordinal < turn], [
        each for each in windows if each.ordinal >= turn
    ]


def _shares(window: Window) -> NDArray[np.float64]:
    counts = window.by_block().astype(np.float64)
    norm = float(np.linalg.norm(counts))
    return counts / norm if norm else counts


def _alike(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(one @ other)


def _address_of_timer(runner: Runner) -> int:
    """Return where the C library's ``clock`` is in a process: it is loaded at one place every time."""
    library = runner.machine.pull(f"/usr/lib/{runner.triplet}/libc.so.6")
    symbols = exported(library, (_TIMER, _STARTER))
    profile = runner.run(_PROGRAM).profile
    address, code = symbols[_STARTER]
    return place_of(profile, address, code) - address + symbols[_TIMER][0]


def exported(library: bytes, names: Sequence[str]) -> dict[str, tuple[int, bytes]]:
    """Return the address and the first bytes of functions that a shared library exports.

    :raises WorkloadError: it is no such library, or lacks one.
    """
    import io

    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        elf = ELFFile(io.BytesIO(library))
        table = elf.get_section_by_name(".dynsym")
        found = {}
        for symbol in table.iter_symbols() if table is not None else ():
            if symbol.name in names and symbol["st_value"]:
                # The lowest bit of an ARM function's address says that it is Thumb code.
                address = symbol["st_value"] & (~1 if elf["e_machine"] == "EM_ARM" else ~0)
                offset = next(elf.address_offsets(address))
                found[symbol.name] = address, library[offset : offset + _COMPARED]
    except (ELFError, StopIteration) as error:
        raise WorkloadError(f"the C library can not be read: {error}") from error
    missing = [name for name in names if name not in found]
    if missing:
        raise WorkloadError(f"the C library exports no {missing[0]}")
    return found


def place_of(profile: Profile, address: int, code: bytes) -> int:
    """Return where a function of a library was executed.

    :param address: its address in the library's file.
    :param code: its first bytes.
    :raises WorkloadError: it was not.
    """
    starts = profile.blocks["address"].astype(np.int64)
    for block in np.flatnonzero(starts % _PAGE == address % _PAGE).tolist():
        found = profile.code(block)[: len(code)]
        if len(found) >= min(len(code), 4) and code.startswith(found):
            return int(starts[block])
    raise WorkloadError("the C library's start was not executed where it was expected")
