"""Operations of a test binary, really counted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from emulab.bench.collecting import PARALLEL, Assignment, Collected, collect
from emulab.boards import load_catalogue
from emulab.profiling.operation_file import dumps, loads
from emulab.profiling.profile import Measure
from emulab.progress import Silent

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def assignment(tmp_path: Path) -> Assignment:
    """Two benchmarks of a package of the standard library, and one that it has not."""
    return Assignment(
        package="math/bits",
        go="1.26",
        benchmarks=("BenchmarkRotateLeft32", "BenchmarkReverse64", "BenchmarkGone"),
        board="visionfive-2",
        modelled=load_catalogue().board("visionfive-2"),
        directory=tmp_path,
        settings={"GORISCV64": "rva20u64"},
        fresh=True,
    )


def test_operations_counted_twice_are_the_same_bytes(assignment: Assignment) -> None:
    first, second = (collect(assignment, Silent()) for _ in range(2))
    assert first.content is not None
    assert second.content is not None
    assert dumps(first.content) == dumps(second.content)
    _check(first)


def _check(found: Collected) -> None:
    assert found.content is not None
    content = loads(dumps(found.content), "the file")
    assert found.missing == {"BenchmarkGone": "math/bits of Go 1.26 has no such benchmark"}
    assert found.unmeasured == {}
    assert sorted(content.operations) == [
        "math/bits.BenchmarkReverse64",
        "math/bits.BenchmarkRotateLeft32",
    ]
    assert (content.origin["package"], content.origin["GORISCV64"]) == ("math/bits", "rva20u64")
    rotate = content.operations["math/bits.BenchmarkRotateLeft32"]
    # The turn of a loop that turns a word with three instructions, adds and stays in the caches.
    assert 4 <= rotate.instructions <= 12
    assert rotate.spread < 1e-3
    assert (rotate.bytes_per_op, rotate.allocs_per_op) == (0, 0)
    assert rotate.measures is not None
    assert rotate.measures[Measure.TAKEN] + rotate.measures[Measure.NOT_TAKEN] == pytest.approx(1, abs=0.01)
    assert rotate.measures[Measure.MEMORY] < 0.01
    assert "l1d=32768" in rotate.memory_model


def test_an_operation_that_all_processors_share_says_so(assignment: Assignment) -> None:
    names = ("BenchmarkAnd8", "BenchmarkAnd8Parallel")
    package = "internal/runtime/atomic"
    found = collect(replace(assignment, package=package, benchmarks=names), Silent(), heavy=False)
    assert found.content is not None
    causes = {name: found.content.operations[f"{package}.{name}"].causes for name in names}
    assert PARALLEL not in causes["BenchmarkAnd8"]
    assert PARALLEL in causes["BenchmarkAnd8Parallel"]


def test_a_package_that_there_is_not_is_a_reason_and_no_failure(assignment: Assignment) -> None:
    found = collect(replace(assignment, package="math/none"), Silent())
    assert found.content is None
    assert set(found.missing) == set(assignment.benchmarks)
    assert all("math/none" in reason and "/" + "usr" not in reason for reason in found.missing.values())
