"""The collection of Go benchmark figures that people published with commits and in issues, as sessions."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

from emulab.calibration.cores import board_of_device, core_id
from emulab.calibration.flags import flagged
from emulab.calibration.resolution import of_session
from emulab.calibration.schema import Flag, Record, Sample, Session
from emulab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LICENCE = "Figures are facts; they were published by their authors at the reference in `source`."
_COLUMNS = (
    "board", "soc", "core", "core_freq_mhz", "goarch", "goarch_level", "go_version", "go_commit", "column",
    "package", "benchmark", "gomaxprocs", "metric", "value", "spread_pct", "n", "source", "date",
    "board_named", "notes",
)  # fmt: skip
_METRICS = {"sec/op": ("time", "s/op"), "B/s": ("throughput", "B/s")}
_LEVELS = {"arm": "GOARM", "riscv64": "GORISCV64", "arm64": "GOARM64"}
_AUTHOR = re.compile(r"[A-Z]\w+( [a-z]{2})?( [A-Z][\w.]+)+|[a-z]+[A-Za-z0-9]{3,}")
_REFERENCE = re.compile(r"(?P<owner>[\w.-]+)/[\w.-]+@")
# What the collector says of how it read the source.
_ASIDE = re.compile(
    r": see the \.md| \(stored file id \d+\)| \(excerpt\)|only the rows shown in the stored excerpt"
)
_SATURATED = "time column was saturated"
_SAME_RUN = re.compile(r"; run (\d) of \d")

Row = dict[str, str]


def read_collected_go(path: Path) -> list[Record]:
    """Return the sessions of the collection.

    :raises UsageError: the file is not this table, or a row has a wrong number.
    """
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != _COLUMNS:
            raise UsageError(f"{path} is not the table of Go samples: its columns are others")
        groups: dict[tuple[str, ...], list[Row]] = {}
        for row in reader:
            key = row["source"], row["board"], row["soc"], row["core"], row["core_freq_mhz"], row["date"]
            groups.setdefault(key, []).append(row)
    taken: dict[str, int] = {}
    provenance = f"{path.name}, by scripts/collect_samples.py"
    records = []
    for rows in groups.values():
        session = _session(rows, taken)
        records.append(
            Record(session, tuple(flagged(session, list(_samples(path, rows)))), LICENCE, provenance)
        )
    return records


def _session(rows: list[Row], taken: dict[str, int]) -> Session:
    first = rows[0]
    named = first["board"] if not first["board"].startswith("unknown") else ""
    author = _author(first)
    identifier = _identifier(first, author)
    taken[identifier] = taken.get(identifier, 0) + 1
    if taken[identifier] > 1:
        identifier = f"{identifier}-{taken[identifier]}"
    parts = (_ASIDE.sub("", part).strip() for row in rows for part in row["notes"].split(";"))
    notes = dict.fromkeys(part for part in parts if part)
    clock = first["core_freq_mhz"]
    return Session(
        id=identifier,
        source=_ASIDE.sub("", first["source"]).strip(),
        author=author,
        date=first["date"],
        device=named,
        board=board_of_device(named),
        board_named=first["board_named"],
        soc=first["soc"],
        arch=first["goarch"],
        claimed_clock_hz=float(clock) * 1e6 if clock else None,
        conditions=tuple(notes),
    )


def _author(row: Row) -> str:
    said = row["notes"].split(";")[0].strip().removesuffix(" (author name Ubuntu, markdryan)")
    said = re.sub(r" \(.*", "", said)
    if _AUTHOR.fullmatch(said) and not said.startswith(("Raspberry", "ZTE", "RPi", "server")):
        return said
    match = _REFERENCE.match(row["source"])
    owner = match["owner"] if match else ""
    return "" if owner == "golang" else owner


def _identifier(row: Row, author: str) -> str:
    reference = re.sub(r".*@(\w{10})\w*(:.*)?", r"\1", _ASIDE.sub("", row["source"]).strip())
    reference = re.sub(r".*/(issues|pull)/", "", reference)[-16:]
    words = [author or "unnamed", row["board"] or row["core"], row["core"], row["date"], reference]
    return re.sub(r"[^a-z0-9]+", "-", "-".join(dict.fromkeys(words)).lower()).strip("-")


def _samples(path: Path, rows: list[Row]) -> Iterator[Sample]:
    resolutions: dict[str, Iterator[float]] = {
        metric: iter(of_session([row["value"] for row in rows if row["metric"] == metric]))
        for metric in _METRICS
    }
    for row in rows:
        try:
            yield _sample(row, next(resolutions[row["metric"]]))
        except (ValueError, KeyError) as error:
            raise UsageError(f"{path}: {row['source']}, {row['benchmark']}: {error}") from error


def _sample(row: Row, resolution: float) -> Sample:
    figure, unit = _METRICS[row["metric"]]
    notes = row["notes"]
    flags: dict[Flag, str] = {}
    if "NOT the go" in notes:
        flags[Flag.NO_RELEASE] = "faster than the releases before and after it, by the same author's figures"
    elif "not a release configuration" in notes:
        flags[Flag.NO_RELEASE] = "an instruction set extension was switched off by hand"
    if "looks anomalous" in notes and row["benchmark"] == "Revcomp":
        flags[Flag.ANOMALOUS] = "35 s beside seconds for its like"
    if _SATURATED in notes and unit == "s/op":
        flags[Flag.IMPOSSIBLE] = "the timer was saturated at 2^31-1 ns"
    settings = {
        _LEVELS.get(row["goarch"], "level"): row["goarch_level"],
        "GOMAXPROCS": row["gomaxprocs"],
        "column": row["column"],
        "commit": row["go_commit"][:12] if row["go_commit"][:10] not in row["source"] else "",
        "run": match[1] if (match := _SAME_RUN.search(notes)) else "",
        "variant": "purego" if "purego" in notes else "",
    }
    return Sample(
        workload=f"{row['package'].split(' (')[0]}.Benchmark{row['benchmark']}",
        figure=figure,
        value=float(row["value"]),
        unit=unit,
        core=core_id(row["core"]),
        resolution=resolution,
        n=int(row["n"] or 1),
        spread=float(row["spread_pct"]) / 100 if row["spread_pct"] else None,
        go=row["go_version"],
        settings={key: value for key, value in settings.items() if value},
        flags=tuple(flags),
        reasons=tuple(flags.values()),
    )
