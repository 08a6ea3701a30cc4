"""7-zip's benchmark: what its table says, and which of its windows are of which part."""

from __future__ import annotations

import numpy as np
import pytest

from emulab.bench.seven_zip import commands_of, packed_size, phases_of, rows_of
from emulab.errors import WorkloadError
from emulab.profiling.file_format import BLOCK
from emulab.profiling.profile import Window, WindowKind

# Printed by p7zip 16.02 of Debian bullseye.
TABLE = """
7-Zip (a) [64] 16.02 : Copyright (c) 1999-2016 Igor Pavlov : 2016-05-21
p7zip Version 16.02 (locale=C.UTF-8,Utf16=on,HugeFiles=on,64 bits,2 CPUs)

CPU Freq: - - - - - - - - -

RAM size:   24105 MB,  # CPU hardware threads:   2
RAM usage:     57 MB,  # Benchmark threads:      1

                       Compressing  |                  Decompressing
Dict     Speed Usage    R/U Rating  |      Speed Usage    R/U Rating
         KiB/s     %   MIPS   MIPS  |      KiB/s     %   MIPS   MIPS

22:       3970   100   3879   3863  |      50940    97   4492   4349
----------------------------------  | ------------------------------
Avr:             100   3879   3863  |               97   4492   4349
Tot:              98   4185   4106
"""


def test_speed_and_rating_of_a_line_agree_with_the_formula() -> None:
    (row,) = rows_of(TABLE)
    size = (1 << 22) + (1 << 16)
    commands = commands_of(row.bits, packed_size(row))
    # The time of one pass, by its speed and by its rating: they are printed to four digits.
    assert commands.compress / row.compress_rating == pytest.approx(size / row.compress_speed, rel=1e-3)
    assert commands.decompress / row.decompress_rating == pytest.approx(size / row.decompress_speed, rel=1e-6)


def test_a_pass_costs_more_commands_the_larger_the_dictionary() -> None:
    # 870 per byte at 256 KiB, and 5 for each squared doubling.
    assert commands_of(18, 0).compress == ((1 << 18) + (1 << 16)) * 870
    assert commands_of(22, 0).compress == ((1 << 22) + (1 << 16)) * 950
    assert commands_of(25, 0).compress == ((1 << 25) + (1 << 16)) * 1115
    assert commands_of(22, 1000).decompress == ((1 << 22) + (1 << 16)) * 4 + 190_000


def test_repeats_are_as_many_as_fit_in_its_budget() -> None:
    commands = commands_of(22, packed_size(rows_of(TABLE)[0]))
    assert commands.compress_repeats == 3
    assert commands.decompress_repeats * commands.decompress <= 1 << 34
    assert (commands.decompress_repeats + 1) * commands.decompress > 1 << 34


def test_a_program_that_prints_no_table_is_told() -> None:
    with pytest.raises(WorkloadError, match="no table"):
        rows_of("System ERROR:\nE_INVALIDARG\n")


def _window(ordinal: int, counts: dict[int, int]) -> Window:
    blocks = np.array([(0x1000 + 16 * each, 0, 16, 4) for each in range(4)], BLOCK)
    rows = np.array(
        [(block, 0, count) for block, count in counts.items()],
        [("block", "<u4"), ("vcpu", "<u4"), ("count", "<u8")],
    )
    return Window(WindowKind.GATE, "", 0, ordinal, rows, {}, {}, (), rows[:0], blocks)


def test_windows_are_of_encoding_until_decoding_begins() -> None:
    encoding = [_window(number, {0: 900_000 + number, 1: 10}) for number in range(3)]
    between = [_window(3, {3: 5})]
    decoding = [_window(number, {1: 20, 2: 400_000}) for number in (4, 5)]
    first, second = phases_of([*encoding, *between, *decoding])
    assert [each.ordinal for each in first] == [0, 1, 2, 3]
    assert [each.ordinal for each in second] == [4, 5]


@pytest.mark.parametrize(
    "counts",
    [
        [{0: 900_000}],
        [{0: 900_000}, {0: 900_000}],
        [{0: 900_000}, {2: 900_000}, {0: 900_000}, {2: 900_000}],
    ],
)
def test_a_run_without_two_parts_is_told(counts: list[dict[int, int]]) -> None:
    with pytest.raises(WorkloadError, match="7-zip's benchmark"):
        phases_of([_window(number, each) for number, each in enumerate(counts)])
