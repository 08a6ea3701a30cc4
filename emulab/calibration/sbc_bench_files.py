"""Result files of sbc-bench as samples, in the same names as the collection has.

A file is sections of other tools' output between lines of ``#``; each says on which processor it
ran. Read are the measured clocks, tinymembench, ramlat, openssl's speed and 7-zip's ratings.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from emulab.calibration.cores import core_id
from emulab.calibration.go_units import scaled
from emulab.calibration.schema import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FIRST_LINE = re.compile(r"sbc-bench v(\d[\d.]*)\b")
_SECTION = re.compile(r"^#{20,}$", re.MULTILINE)
_RAN_ON = re.compile(r"on (?:cpu|cluster )(?P<cpu>\d+)(?: \((?P<core>[^)]+)\))?")
_CHECKED = re.compile(
    r"Checking cpufreq OPP(?: for cpu(?P<cpus>[\d-]+(?:-cpu\d+)?))?(?: \((?P<core>[^)]+)\))?"
)
_CLOCK = re.compile(r"Cpufreq OPP:\s*(\d+)\s+Measured:\s*(?:\d+\s*\()?([\d.]+(?:/[\d.]+)+)")
_BANDWIDTH = re.compile(r"^ (\S.*?)\s+:\s+([\d.]+) MB/s", re.MULTILINE)
_LATENCY = re.compile(r"^\s+(\d+) :\s+([\d.]+) ns\s+/\s+([\d.]+) ns", re.MULTILINE)
_RAMLAT_HEAD = re.compile(r"^\s+size:\s+(.+)$", re.MULTILINE)
_RAMLAT = re.compile(r"^\s+(\d+)k:\s+([\d. ]+)$", re.MULTILINE)
_OPENSSL = re.compile(r"^OpenSSL ([\w.]+)", re.MULTILINE)
_SPEED_HEAD = re.compile(r"^type\s+(.+bytes)\s*$", re.MULTILINE)
_SPEED = re.compile(r"^(aes-\d+-cbc)((?:\s+[\d.]+k)+)\s*$", re.MULTILINE)
_SEVEN_ZIP = re.compile(r"p7zip Version ([\d.]+)")
_THREADS = re.compile(r"Benchmark threads:\s+(\d+)")
_AVERAGE = re.compile(r"^Avr:\s+\d+\s+\d+\s+(\d+)\s+\|\s+\d+\s+\d+\s+(\d+)\s*$", re.MULTILINE)
_TOTAL = re.compile(r"^Tot:\s+\d+\s+\d+\s+(\d+)\s*$", re.MULTILINE)
_BANDWIDTHS = {
    "libc memcpy copy": "memcpy", "standard memcpy": "memcpy",
    "libc memset fill": "memset", "standard memset": "memset",
    "libc memchr scan": "memchr",
}  # fmt: skip


def looks_like_sbc_bench(text: str) -> bool:
    """Tell whether a text is a result file."""
    return _FIRST_LINE.match(text.lstrip()) is not None


def read_sbc_bench(text: str) -> list[Sample]:
    """Return the samples of a result file; what it does not hold is left out."""
    readers: tuple[Callable[[str], Iterator[Sample]], ...] = (_tinymembench, _ramlat, _openssl, _seven_zip)
    samples: list[Sample] = []
    loaded = False
    for section in _parts(text):
        loaded = loaded or "under full load" in section
        samples.extend(_clocks(section, "after_load" if loaded else "before"))
        for reader in readers:
            samples.extend(reader(section))
    return samples


def _parts(text: str) -> Iterator[str]:
    """Yield the sections, divided where a new processor's turn begins."""
    for section in _SECTION.split(text):
        yield from re.split(r"(?=^(?:Executing|Checking) )", section, flags=re.MULTILINE)


def _place(match: re.Match[str] | None) -> tuple[str, dict[str, str]]:
    if match is None:
        return "", {}
    # A device tree's name of a core: vendor, core, and -mc of SiFive's multi-core clusters.
    name = (match["core"] or "").replace(",", " ").removesuffix("-mc")
    cpus = match.groupdict().get("cpus") or match.groupdict().get("cpu") or ""
    return core_id(name), {"cpus": cpus.replace("cpu", "")} if cpus else {}


def _clocks(section: str, when: str) -> Iterator[Sample]:
    core, place = _place(_CHECKED.search(section))
    # The first line is the highest operating point, at which everything else runs.
    match = _CLOCK.search(section)
    if match is not None:
        clocks = sorted(float(word) for word in match[2].split("/"))
        settings = {"when": when, "opp_mhz": match[1], **place}
        value = scaled(clocks[len(clocks) // 2], 1e6)
        yield Sample("clock.measured", "clock", value, "Hz", core, n=len(clocks), settings=settings)


def _tinymembench(section: str) -> Iterator[Sample]:
    if "tinymembench" not in section:
        return
    core, place = _place(_RAN_ON.search(section))
    for name, value in _BANDWIDTH.findall(section):
        kind = _BANDWIDTHS.get(name)
        if kind is None and name.startswith("C "):
            kind = "fill" if "fill" in name else "copy" if "copy" in name else None
        if kind is not None:
            workload = f"tinymembench.{kind}"
            yield Sample(
                workload,
                "bandwidth",
                scaled(float(value), 1e6),
                "B/s",
                core,
                settings={"test": name, **place},
            )
    for block, single, dual in _LATENCY.findall(section):
        for read, value in (("single", single), ("dual", dual)):
            settings = {"block": block, "read": read, **place}
            yield Sample(
                "tinymembench.latency", "latency", scaled(float(value), 1e-9), "s", core, settings=settings
            )


def _ramlat(section: str) -> Iterator[Sample]:
    head = _RAMLAT_HEAD.search(section)
    if head is None:
        return
    core, place = _place(_RAN_ON.search(section))
    for size, row in _RAMLAT.findall(section):
        for test, value in zip(head[1].split(), row.split(), strict=False):
            settings = {"block": str(int(size) * 1024), "test": test, **place}
            yield Sample("ramlat", "latency", scaled(float(value), 1e-9), "s", core, settings=settings)


def _openssl(section: str) -> Iterator[Sample]:
    head = _SPEED_HEAD.search(section)
    if head is None:
        return
    core, place = _place(_RAN_ON.search(section))
    version = _OPENSSL.search(section)
    blocks = re.findall(r"(\d+) bytes", head[1])
    for cipher, row in _SPEED.findall(section):
        for block, value in zip(blocks, row.split(), strict=False):
            settings = {"openssl": version[1] if version else "", "block": block, **place}
            speed = scaled(float(value.removesuffix("k")), 1e3)
            yield Sample(f"openssl.{cipher}", "throughput", speed, "B/s", core, settings=settings)


def _seven_zip(section: str) -> Iterator[Sample]:
    version = _SEVEN_ZIP.search(section)
    if version is None:
        return
    single = "single-threaded" in section
    core, place = _place(_RAN_ON.search(section)) if single else ("", {})
    threads = _THREADS.findall(section)
    averages, totals = _AVERAGE.findall(section), _TOTAL.findall(section)
    kind = "single-thread" if single else "multi-thread"
    for run, ((compress, decompress), total) in enumerate(zip(averages, totals, strict=False), 1):
        settings = {
            "version": version[1],
            "threads": threads[run - 1] if len(threads) >= run else "1",
            **place,
        }
        if len(averages) > 1:
            settings["run"] = str(run)
        for name, value in (("total", total), ("compress", compress), ("decompress", decompress)):
            rating = scaled(float(value), 1e6)
            yield Sample(f"7-zip.{kind}.{name}", "rating", rating, "1/s", core, settings=settings)
