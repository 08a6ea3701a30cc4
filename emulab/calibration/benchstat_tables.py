"""Tables of benchstat and benchcmp, as people paste them into commit messages, as samples.

Three forms: the two columns of the old benchstat (``old time/op``), the boxes of the new one, and its
``-format csv``; and ``old ns/op`` of benchcmp before them. The first column is ``parent``, the second
``commit``; a table with one column is ``single``.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

from emulab.calibration.go_units import UNITS, scaled, without_processors, workload
from emulab.calibration.resolution import of_text
from emulab.calibration.schema import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_UNIT = r"(?:sec/op|ns/op|time/op|MB/s|B/s|speed|B/op|alloc/op|allocs/op)"
_OLD_HEAD = re.compile(rf"(?:name|benchmark)\s+(?:(old) )?({_UNIT})(?:\s+new {_UNIT})?(?:\s+delta)?\s*")
_BOX_UNITS = re.compile(rf"\s*[│|]\s+({_UNIT})\b")
_CSV_UNITS = re.compile(rf"(?:name)?,({_UNIT}),")
_KEY = re.compile(r"([a-z][a-z-]*): (\S.*)")
_PREFIX = {
    "": 1.0, "n": 1e-9, "µ": 1e-6, "μ": 1e-6, "u": 1e-6, "m": 1e-3,
    "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40,
}  # fmt: skip
_CELL = re.compile(
    r"(?<![\w.%(+=-])(?P<number>\d+(?:\.\d+)?)(?P<prefix>[nµμumkKMGT]i?)?(?P<unit>s|B/s|B)?"
    r"(?:\s*±\s*(?:(?P<spread>\d+)%|∞))?(?=\s|$)"
)
_RUNS = re.compile(r"n=(\d+)(?:\+(\d+))?")


def looks_like_benchstat(text: str) -> bool:
    """Tell whether a text has the head of a table."""
    return any(
        _OLD_HEAD.fullmatch(line) or _BOX_UNITS.match(line) or _CSV_UNITS.match(line)
        for line in text.splitlines()
    )


def read_benchstat(text: str, core: str = "", go: str = "") -> list[Sample]:
    """Return the samples in the tables of a text.

    :param core: which core ran it, "" when it is not known.
    :param go: the release of Go; of a table with two columns both, as ``go1.23,go1.24``.
    """
    rows = list(_rows(text))
    names, processors = without_processors(row[1] for row in rows)
    samples = []
    first, _, second = go.partition(",")
    releases = {"single": first, "parent": first if second else "", "commit": second}
    for (package, _, unit, cells), name in zip(rows, names, strict=True):
        columns = ("single",) if len(cells) == 1 else ("parent", "commit")
        for column, (value, step, spread, runs) in zip(columns, cells, strict=False):
            settings = {"GOMAXPROCS": processors} if processors else {}
            figure, si, factor = UNITS[unit]
            samples.append(
                Sample(
                    workload=workload(package, name),
                    figure=figure,
                    value=scaled(value, factor),
                    unit=si,
                    core=core,
                    resolution=step * factor,
                    n=runs,
                    spread=spread,
                    go=releases[column],
                    settings={**settings, "column": column},
                )
            )
    return samples


_Cell = tuple[float, float, "float | None", int]


def _rows(text: str) -> Iterator[tuple[str, str, str, list[_Cell]]]:
    """Yield package, name, unit and the cells of each row."""
    package, unit, form = "", "", ""
    for line in text.splitlines():
        key = _KEY.fullmatch(line.strip())
        if key is not None:
            package = key[2].strip() if key[1] == "pkg" else package
            continue
        head = _OLD_HEAD.fullmatch(line)
        box = _BOX_UNITS.match(line)
        table = _CSV_UNITS.match(line)
        if head or box or table:
            unit = head[2] if head else box[1] if box else table[1] if table else ""
            form = "csv" if table else "text"
            continue
        if not unit or not line.strip() or line.lstrip().startswith(("│", "|", ",", "geomean", "[Geo mean]")):
            continue
        name, cells = _csv_cells(line) if form == "csv" else _text_cells(line, unit)
        if cells:
            yield package, name, unit, cells


def _text_cells(line: str, unit: str) -> tuple[str, list[_Cell]]:
    name, _, rest = line.strip().partition(" ")
    runs = _RUNS.search(rest)
    counts = [int(runs[1]), int(runs[2] or runs[1])] if runs else [1, 1]
    # What stands after the second value is the comparison.
    found = list(_CELL.finditer(rest))[:2]
    return name, [_cell(match, unit, counts[index]) for index, match in enumerate(found)]


def _cell(match: re.Match[str], unit: str, runs: int) -> _Cell:
    factor = _PREFIX[match["prefix"] or ""]
    if unit == "MB/s" and match["unit"] == "B/s":
        factor /= 1e6
    spread = float(match["spread"]) / 100 if match["spread"] else None
    return scaled(float(match["number"]), factor), of_text(match["number"], factor), spread, runs


def _csv_cells(line: str) -> tuple[str, list[_Cell]]:
    fields: list[Any] = next(csv.reader([line]))
    runs = _RUNS.search(line)
    cells = []
    for at in (1, 3):
        try:
            value = float(fields[at])
        except (IndexError, ValueError):
            break
        spread = fields[at + 1].removesuffix("%") if len(fields) > at + 1 else ""
        share = float(spread) / 100 if spread.isdigit() else None
        cells.append((value, of_text(fields[at]), share, int(runs[1]) if runs else 1))
    return (str(fields[0]), cells) if fields else ("", [])
