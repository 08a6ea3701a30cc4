"""The collection of sbc-bench figures, as one session for each run."""

from __future__ import annotations

import csv
import gzip
import re
from datetime import datetime
from typing import TYPE_CHECKING

from emulab.calibration.cores import board_of_device, placed_core
from emulab.calibration.flags import flagged
from emulab.calibration.schema import Record, Sample, Session
from emulab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LICENCE = "Figures are facts, published with the results of ThomasKaiser/sbc-bench at commit 53f7951."
_SOURCE = "ThomasKaiser/sbc-bench@53f7951:results/"
_UNITS = {
    "MHz": ("Hz", 1e6),
    "MIPS": ("1/s", 1e6),
    "ns": ("s", 1e-9),
    "MB/s": ("B/s", 1e6),
    "kB/s (1000 B)": ("B/s", 1e3),
}
_WORKLOADS = {
    "clock_measured": ("clock.measured", "clock"),
    "clock_min_seen": ("clock.least-seen", "clock"),
    "memlat_tinymembench": ("tinymembench.latency", "latency"),
    "memlat_ramlat": ("ramlat", "latency"),
    "c_copy": ("tinymembench.copy", "bandwidth"),
    "c_fill": ("tinymembench.fill", "bandwidth"),
    "memcpy_libc": ("tinymembench.memcpy", "bandwidth"),
    "memset_libc": ("tinymembench.memset", "bandwidth"),
    "memchr_libc": ("tinymembench.memchr", "bandwidth"),
}
_SEVEN_ZIP = re.compile(r"7zip_(st|mt)_(total|compress|decompress)")
_OPENSSL = re.compile(r"openssl_(aes-\d+-cbc)(_parallel)?")
# What only repeats the unit, or how the collector found the core, is no setting of the run.
_PASSED_OVER = frozenset({"stddev_pct", "core_from", "source", "samples", "cpu_freq_by_7zip"})
_RENAMED = {"block_bytes": "block"}

_NO_NAME = re.compile(r"[^A-Za-z0-9_-]+")

Row = dict[str, str]


def read_collected_sbc(path: Path, hardware: Path | None = None) -> list[Record]:
    """Return the runs of the collection, with clocks, 7-zip, openssl, memory latency and bandwidth.

    :param hardware: the table of the same runs' boards, for their dates.
    :raises UsageError: a file is not the table that is meant, or a row has a wrong number.
    """
    dates = _dates(hardware) if hardware is not None else {}
    runs: dict[str, list[Row]] = {}
    with gzip.open(path, "rt", newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if "result_file" not in (reader.fieldnames or ()):
            raise UsageError(f"{path} is not the table of sbc-bench samples: its columns are others")
        for row in reader:
            runs.setdefault(row["result_file"], []).append(row)
    provenance = f"{path.name}, by scripts/collect_samples.py"
    records = []
    for name, rows in runs.items():
        session = _session(name, rows, dates.get(name, ""))
        samples = [sample for row in rows for sample in _samples(path, row)]
        records.append(Record(session, tuple(flagged(session, samples)), LICENCE, provenance))
    return records


def _dates(path: Path) -> dict[str, str]:
    with path.open(newline="", encoding="utf-8") as file:
        return {row["result_file"]: _iso(row["run_date"]) for row in csv.DictReader(file)}


def _iso(date: str) -> str:
    """Return ``Sat, 05 Aug 2023`` as ``2023-08-05``, and whatever is no such date as it is."""
    try:
        return datetime.strptime(date, "%a, %d %b %Y").date().isoformat()
    except ValueError:
        return date


def _session(name: str, rows: list[Row], date: str) -> Session:
    first = rows[0]
    device = first["device"]
    return Session(
        id=f"sbc-bench-{_NO_NAME.sub('-', name.removesuffix('.txt')).strip('-')}",
        source=f"{_SOURCE}{name}",
        date=date,
        device=device,
        board=board_of_device(device),
        soc=first["soc"],
        arch={"armhf": "arm"}.get(first["arch"], first["arch"]),
        kernel=first["kernel"],
        distribution=first["distro"],
    )


def workload_of(metric: str) -> tuple[str, str] | None:
    """Return the workload and the figure of a metric of the collection; None where it is not wanted."""
    seven_zip = _SEVEN_ZIP.fullmatch(metric)
    if seven_zip:
        threads = {"st": "single-thread", "mt": "multi-thread"}[seven_zip[1]]
        return f"7-zip.{threads}.{seven_zip[2]}", "rating"
    openssl = _OPENSSL.fullmatch(metric)
    if openssl:
        return f"openssl.{openssl[1]}{'.parallel' if openssl[2] else ''}", "throughput"
    return _WORKLOADS.get(metric)


def _samples(path: Path, row: Row) -> Iterator[Sample]:
    core, cpus = placed_core(row["core"])
    if row["metric"] == "throttling_reported" and row["value"] in "01":
        yield Sample("throttling", "state", float(row["value"]), "1", core)
        return
    found = workload_of(row["metric"])
    if found is None:
        return
    unit, factor = _UNITS[row["unit"]]
    pairs = [word.partition("=") for word in row["params"].split(";") if word]
    settings = {_RENAMED.get(key, key): value for key, _, value in pairs if key not in _PASSED_OVER}
    spread = next((float(value) / 100 for key, _, value in pairs if key == "stddev_pct"), None)
    if cpus:
        settings["cpus"] = cpus
    try:
        value = float(f"{float(row['value']) * factor:.9g}")
    except ValueError as error:
        raise UsageError(f"{path}: {row['result_file']}, {row['metric']}: {error}") from error
    yield Sample(*found, value, unit, core, spread=spread, settings=settings)
