"""Units of Go benchmarks as SI units, and the names of benchmarks without what is no part of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Unit of go test or benchstat: figure, unit, factor.
UNITS: dict[str, tuple[str, str, float]] = {
    "ns/op": ("time", "s/op", 1e-9),
    "sec/op": ("time", "s/op", 1.0),
    "time/op": ("time", "s/op", 1.0),
    "MB/s": ("throughput", "B/s", 1e6),
    "B/s": ("throughput", "B/s", 1.0),
    "speed": ("throughput", "B/s", 1.0),
    "B/op": ("allocated", "B/op", 1.0),
    "alloc/op": ("allocated", "B/op", 1.0),
    "allocs/op": ("allocations", "allocs/op", 1.0),
    "insn/op": ("instructions", "insn/op", 1.0),
}
_SUFFIX = re.compile(r"-(\d+)$")


def scaled(value: float, factor: float) -> float:
    """Return a printed value in SI units, without the digits that the multiplication brings in."""
    return float(f"{value * factor:.12g}")


def without_processors(names: Iterable[str]) -> tuple[list[str], str]:
    """Return the names without the suffix of GOMAXPROCS, and what it was.

    Only a suffix that every name has is one: a benchmark's own name may end in a number.

    >>> without_processors(["Hash8K/New-4", "Hash1K-4"])
    (['Hash8K/New', 'Hash1K'], '4')
    """
    all_names = list(names)
    suffixes = {match[1] if (match := _SUFFIX.search(name)) else "" for name in all_names}
    if len(suffixes) != 1 or suffixes == {""}:
        return all_names, ""
    return [_SUFFIX.sub("", name) for name in all_names], suffixes.pop()


def workload(package: str, name: str) -> str:
    """Return ``import/path.BenchmarkName``, whether or not the name has the prefix."""
    full = name if name.startswith("Benchmark") else f"Benchmark{name}"
    return f"{package}.{full}" if package else full
