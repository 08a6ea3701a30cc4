"""What has to be counted for the samples, and which sample gets which operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulab.calibration.operations import Operations, coverage_of, read_missing, write_missing
from emulab.calibration.programs import Program, benchmark_of, is_usable, program_of, wanted_of
from emulab.calibration.schema import Flag, Record, Sample, Session
from emulab.errors import UsageError
from emulab.profiling.file_format import BLOCK
from emulab.profiling.operation import Operation
from emulab.profiling.operation_file import OperationFile, write

if TYPE_CHECKING:
    from pathlib import Path

U74 = Program("sifive-u74", "riscv64", "math/big", "go1.24", "rva20u64")


def sample(
    workload: str = "math/big.BenchmarkAddVV/1",
    unit: str = "s/op",
    go: str = "go1.24",
    core: str = "sifive-u74",
    settings: dict[str, str] | None = None,
    flag: Flag | None = None,
) -> Sample:
    flags = (flag,) if flag is not None else ()
    return Sample(workload, "time", 1e-8, unit, core, go=go, settings=settings or {}, flags=flags,
                  reasons=("because",) * len(flags))  # fmt: skip


def record(*samples: Sample, board: str = "visionfive-2", arch: str = "riscv64", name: str = "s") -> Record:
    return Record(Session(name, "a commit", board=board, arch=arch), samples, "facts", "by hand")


def operation(measures: bool = False) -> Operation:
    numbers = np.ones(15) if measures else None
    return Operation("riscv64", np.array([(0x1000, 0, 4, 1)], BLOCK), b"\x13\x05\x15\x00",
                     np.array([5], np.int64), 5, numbers, "l1d=1:1:1" if measures else "", {}, None, None,
                     0.0, ())  # fmt: skip


@pytest.mark.parametrize(
    "flag",
    [
        Flag.NO_RELEASE, Flag.OLD_TOOLCHAIN, Flag.KERNEL_TRAP, Flag.KERNEL_FIGURE, Flag.IMPOSSIBLE,
        Flag.ANOMALOUS, Flag.DUPLICATE,
    ],
)  # fmt: skip
def test_a_flagged_sample_is_not_counted_for(flag: Flag) -> None:
    assert is_usable(sample())
    assert not is_usable(sample(flag=flag))


def test_only_times_of_go_benchmarks_are_counted_for() -> None:
    assert not is_usable(sample(unit="B/s"))
    assert not is_usable(sample("7-zip.single-thread.compress"))


def test_a_level_that_the_source_does_not_say_is_gos_default() -> None:
    session = record().session
    assert program_of(session, sample()) == U74
    assert program_of(session, sample(settings={"GORISCV64": "rva20u64", "GOMAXPROCS": "4"})) == U74
    other = program_of(session, sample(settings={"GORISCV64": "rva22u64"}))
    assert other is not None
    assert other.settings == {"GORISCV64": "rva22u64"}


@pytest.mark.parametrize("go", ["go1.19", "go1.4.2", "tip", ""])
def test_what_no_toolchain_to_be_had_builds_is_not_counted(go: str) -> None:
    assert program_of(record().session, sample(go=go)) is None


def test_files_are_named_by_core_package_release_and_level() -> None:
    assert U74.place == "sifive-u74/math-big-go1.24-rva20u64.ops"
    soft = Program("cortex-a7", "armv7", "example.com/a_b", "go1.22", "7,softfloat", ("purego",))
    assert soft.place == "cortex-a7/example.com-a-b-go1.22-goarm7-softfloat-purego.ops"
    assert Program("", "arm64", "math", "go1.25", "v8.0").place == "unknown-arm64/math-go1.25-v8.0.ops"


def test_benchmarks_are_named_as_go_prints_them() -> None:
    assert benchmark_of(sample("crypto/sha256.BenchmarkHash8K/New 1")) == "BenchmarkHash8K/New_1"
    assert benchmark_of(sample("a.b/c.d.Benchmark")) == "Benchmark"


def test_samples_of_one_binary_are_wanted_together_and_once() -> None:
    found = wanted_of(
        [
            record(sample(), sample("math/big.BenchmarkAddVV/2")),
            record(sample(), sample(core="", go="go1.25"), name="t", board=""),
        ]
    )
    assert [(each.program.core, each.benchmarks, each.board, each.samples) for each in found] == [
        ("sifive-u74", ("BenchmarkAddVV/1", "BenchmarkAddVV/2"), "visionfive-2", 3),
        ("", ("BenchmarkAddVV/1",), "", 1),
    ]


def test_a_sample_finds_its_operation(tmp_path: Path) -> None:
    write(tmp_path / U74.place, OperationFile({}, {"math/big.BenchmarkAddVV/1": operation()}))
    operations = Operations(tmp_path)
    session = record().session
    found = operations.find(session, sample())
    assert found is not None
    assert found.instructions == 1.0
    assert operations.find(session, sample("math/big.BenchmarkAddVV/2")) is None
    assert operations.find(session, sample(go="go1.23")) is None
    assert operations.find(session, sample(flag=Flag.KERNEL_TRAP)) is None


def test_what_has_no_operation_says_why(tmp_path: Path) -> None:
    content = OperationFile({}, {"math/big.BenchmarkAddVV/1": operation(measures=True)})
    write(tmp_path / U74.place, content)
    reasons = {U74.place: {"BenchmarkGone": "it is gone, or renamed"}}
    write_missing(tmp_path, reasons)
    assert read_missing(tmp_path) == reasons
    (row,) = coverage_of(
        [
            record(sample(), sample("math/big.BenchmarkGone"), sample(go="go1.18"), sample(unit="B/s")),
            record(sample("math/big.BenchmarkNew"), name="t"),
        ],
        tmp_path,
    )
    assert (row.core, row.usable, row.counted, row.measured) == ("sifive-u74", 4, 1, 1)
    assert row.missing == {"Go older than 1.20": 1, "it is gone, or renamed": 1, "not counted yet": 1}


def test_a_list_of_another_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "missing.csv").write_text("file,reason\n")
    with pytest.raises(UsageError, match=r"missing\.csv is no list of missing operations"):
        read_missing(tmp_path)
