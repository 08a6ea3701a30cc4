"""Files of samples: one session each, a head in TOML between lines of ``+++`` and rows as CSV.

Text that a person can review, gzip where there is much of it (``.csv.gz``). Writing is reproducible byte for
byte.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from typing import TYPE_CHECKING, Any

import msgspec

from emulab.calibration.schema import SCHEMA, Flag, Head, Record, Sample
from emulab.data import data_directory
from emulab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_FENCE = "+++"
_FIELDS = (
    "workload", "figure", "value", "unit", "core", "resolution", "n", "spread", "go", "settings", "flags",
    "reasons",
)  # fmt: skip
_REQUIRED = ("workload", "figure", "value", "unit")
_BETWEEN = ";"


def samples_directory() -> Path:
    """Return where the checked samples are."""
    return data_directory("calibration") / "samples"


def load(directories: Iterable[Path] | None = None) -> list[Record]:
    """Return every session in directories, searched through, in the order of their ids.

    :param directories: by default the one that ships with emulab.
    :raises UsageError: a file can not be read, or two have one session.
    """
    found: dict[str, tuple[Path, Record]] = {}
    for directory in [samples_directory()] if directories is None else directories:
        for path in sorted([*directory.rglob("*.csv"), *directory.rglob("*.csv.gz")]):
            record = read(path)
            other = found.setdefault(record.session.id, (path, record))
            if other[0] != path:
                raise UsageError(
                    f"{path}: session {record.session.id!r} is already in {other[0]}",
                    hint="give one of them another `id`, or remove it",
                )
    return [record for _, (_, record) in sorted(found.items())]


def read(path: Path) -> Record:
    """Return the session of a file, checked.

    :raises UsageError: the file can not be read, or a field in it is unknown, missing or wrong.
    """
    text = _text(path)
    lines = text.splitlines(keepends=True)
    fences = [number for number, line in enumerate(lines) if line.strip() == _FENCE][:2]
    if len(fences) != 2 or fences[0] != 0:
        raise UsageError(
            f"{path} is no file of samples: its head does not stand between two lines of {_FENCE}",
            hint="make it with `emulab calibrate import`",
        )
    try:
        head = msgspec.toml.decode("".join(lines[1 : fences[1]]), type=Head)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise UsageError(f"{path}: in the head: {error}", hint="correct that field") from error
    if head.schema != SCHEMA:
        raise UsageError(f"{path}: field `schema` is {head.schema!r}, not {SCHEMA!r}", hint="import it again")
    rows = csv.reader(io.StringIO("".join(lines[fences[1] + 1 :])))
    names = next(rows, [])
    _check_names(path, names)
    first = fences[1] + 3
    samples = tuple(
        _sample(path, number, dict(zip(names, row, strict=False)), len(row) == len(names))
        for number, row in enumerate(rows, first)
    )
    return Record(head.session, samples, head.licence, head.provenance)


def dumps(record: Record) -> str:
    """Return a session as the text of its file."""
    head = Head(SCHEMA, record.licence, record.provenance, record.session)
    out = io.StringIO()
    out.write(f"{_FENCE}\n{_toml(msgspec.to_builtins(head))}{_FENCE}\n")
    rows = [_row(sample) for sample in record.samples]
    names = [name for name in _FIELDS if name in _REQUIRED or any(row[name] for row in rows)]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([row[name] for name in names] for row in rows)
    return out.getvalue()


def write(record: Record, path: Path) -> None:
    """Write a session's file, compressed when its name ends in ``.gz``."""
    data = dumps(record).encode()
    if path.suffix == ".gz":
        data = gzip.compress(data, 9, mtime=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    except OSError as error:
        raise UsageError(
            f"{path} can not be read: {error.strerror or error}", hint="name a file of samples"
        ) from error
    except (UnicodeDecodeError, EOFError, zlib.error) as error:
        raise UsageError(f"{path} is damaged: {error}", hint="make it again") from error


def _check_names(path: Path, names: list[str]) -> None:
    unknown = [name for name in names if name not in _FIELDS]
    missing = [name for name in _REQUIRED if name not in names]
    if unknown or missing or len(set(names)) != len(names):
        word = f"unknown column {unknown[0]!r}" if unknown else f"no column {missing[0]!r}"
        if not unknown and not missing:
            word = "a column twice"
        raise UsageError(f"{path}: the table has {word}", hint=f"the columns are {', '.join(_FIELDS)}")


def _sample(path: Path, line: int, row: dict[str, str], complete: bool) -> Sample:
    if not complete:
        raise UsageError(f"{path}, line {line}: not as many fields as columns", hint="correct that row")
    fields: dict[str, Any] = {name: text for name, text in row.items() if text}
    fields.setdefault("workload", "")
    try:
        for name, kind in (("value", float), ("resolution", float), ("spread", float), ("n", int)):
            if name in fields:
                fields[name] = kind(fields[name])
        if "settings" in fields:
            fields["settings"] = dict(_pair(path, line, word) for word in fields["settings"].split(_BETWEEN))
        for name in ("flags", "reasons"):
            if name in fields:
                fields[name] = fields[name].split(_BETWEEN)
        sample = msgspec.convert(fields, Sample)
    except ValueError as error:
        raise UsageError(
            f"{path}, line {line}: {error}", hint=f"flags are {', '.join(Flag)}; numbers are in SI units"
        ) from error
    fault = sample.fault()
    if fault is not None:
        raise UsageError(f"{path}, line {line}: {fault}")
    return sample


def _pair(path: Path, line: int, word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals:
        raise UsageError(f"{path}, line {line}: `settings` has {word!r}, which is not NAME=VALUE")
    return name, value


def _row(sample: Sample) -> dict[str, str]:
    return {
        "workload": sample.workload,
        "figure": sample.figure,
        "value": repr(sample.value),
        "unit": sample.unit,
        "core": sample.core,
        "resolution": f"{sample.resolution:.6g}" if sample.resolution else "",
        "n": str(sample.n) if sample.n != 1 else "",
        "spread": "" if sample.spread is None else repr(sample.spread),
        "go": sample.go,
        "settings": _BETWEEN.join(f"{key}={_plain(value)}" for key, value in sample.settings.items()),
        "flags": _BETWEEN.join(sample.flags),
        "reasons": _BETWEEN.join(map(_plain, sample.reasons)),
    }


def _plain(text: str) -> str:
    """Return text without what separates, and on one line."""
    return " ".join(text.replace(_BETWEEN, ",").split())


def _toml(head: dict[str, Any]) -> str:
    """Return a head of plain values and one table as TOML."""
    lines = [f"{key} = {_value(value)}" for key, value in head.items() if not isinstance(value, dict)]
    for name, table in head.items():
        if isinstance(table, dict):
            lines += [f"[{name}]", *(f"{key} = {_value(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "[" + "".join(f"\n    {_value(one)}," for one in value) + "\n]"
    # What JSON writes of a string or a number is TOML as well.
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")
