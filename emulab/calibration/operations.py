"""Counted operations beside the samples: where they lie, which sample has one, and why others have none."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulab.calibration.programs import OLDEST, benchmark_of, is_usable, program_of
from emulab.data import data_directory
from emulab.errors import UsageError
from emulab.profiling.operation_file import OperationFile, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from emulab.calibration.programs import Program
    from emulab.calibration.schema import Record, Sample, Session
    from emulab.profiling.operation import Operation

_MISSING = "missing.csv"
_COLUMNS = ("file", "benchmark", "reason")
_NEVER_COUNTED = "not counted yet"


def operations_directory() -> Path:
    """Return where the counted operations are that ship with emulab."""
    return data_directory("calibration") / "operations"


class Operations:
    """The counted operations of a directory; a file is read when the first of its operations is asked for."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = operations_directory() if directory is None else directory
        self._files: dict[Program, OperationFile | None] = {}

    def file(self, program: Program) -> OperationFile | None:
        """Return the operations of a test binary, None where there are none.

        :raises UsageError: its file is damaged.
        """
        if program not in self._files:
            path = self._directory / program.place
            self._files[program] = read(path) if path.is_file() else None
        return self._files[program]

    def find(self, session: Session, sample: Sample) -> Operation | None:
        """Return the operation that a sample is a time of, None where it was not counted.

        :raises UsageError: its file is damaged.
        """
        program = program_of(session, sample)
        content = self.file(program) if program is not None else None
        if program is None or content is None:
            return None
        return content.operations.get(f"{program.package}.{benchmark_of(sample)}")


def read_missing(directory: Path) -> dict[str, dict[str, str]]:
    """Return why benchmarks have no operation, by their file and their name.

    :raises UsageError: the list is no such list.
    """
    path = directory / _MISSING
    if not path.is_file():
        return {}
    rows = list(csv.reader(io.StringIO(path.read_text())))
    if not rows or tuple(rows[0]) != _COLUMNS or any(len(row) != len(_COLUMNS) for row in rows):
        raise UsageError(
            f"{path} is no list of missing operations: its columns are not {', '.join(_COLUMNS)}",
            hint="make it again with `emulab calibrate count`",
        )
    found: dict[str, dict[str, str]] = {}
    for file, benchmark, reason in rows[1:]:
        found.setdefault(file, {})[benchmark] = reason
    return found


def write_missing(directory: Path, missing: Mapping[str, Mapping[str, str]]) -> None:
    """Write what :func:`read_missing` reads, sorted."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for file in sorted(missing):
        writer.writerows((file, name, reason) for name, reason in sorted(missing[file].items()))
    directory.mkdir(parents=True, exist_ok=True)
    (directory / _MISSING).write_text(out.getvalue())


@dataclass(frozen=True)
class Coverage:
    """How many usable samples of a core have an operation.

    :param measured: how many have one with measures of caches and predictors.
    :param missing: how many have none, by the reason.
    """

    core: str
    usable: int
    counted: int
    measured: int
    missing: Mapping[str, int]


def coverage_of(records: Iterable[Record], directory: Path | None = None) -> list[Coverage]:
    """Return what is counted of each core's usable samples, the cores with most of them first.

    :raises UsageError: a file is damaged.
    """
    place = operations_directory() if directory is None else directory
    operations, reasons = Operations(place), read_missing(place)
    found: dict[str, list[tuple[Operation | None, str]]] = {}
    for record in records:
        for sample in record.samples:
            if is_usable(sample):
                operation = operations.find(record.session, sample)
                why = "" if operation is not None else _reason(record.session, sample, reasons)
                core = sample.core or f"unknown ({record.session.arch})"
                found.setdefault(core, []).append((operation, why))
    table = []
    for core, each in found.items():
        missing: dict[str, int] = {}
        for _, why in each:
            if why:
                missing[why] = missing.get(why, 0) + 1
        known = [operation for operation, _ in each if operation is not None]
        measured = sum(operation.measures is not None for operation in known)
        table.append(Coverage(core, len(each), len(known), measured, dict(sorted(missing.items()))))
    return sorted(table, key=lambda row: (-row.counted, -row.usable, row.core))


def _reason(session: Session, sample: Sample, reasons: Mapping[str, Mapping[str, str]]) -> str:
    program = program_of(session, sample)
    if program is None:
        return f"Go older than {OLDEST[0]}.{OLDEST[1]}"
    return reasons.get(program.place, {}).get(benchmark_of(sample), _NEVER_COUNTED)
