"""Names of benchmarks, and the pattern that means exactly one of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from emulab.benchmark_text import parse

if TYPE_CHECKING:
    from emulab.benchmark_text import BenchmarkLine

_META = re.compile(r"[\\.+*?()|\[\]{}^$]")
_FAILED = re.compile(r"^--- FAIL: (Benchmark\S*)", re.MULTILINE)
_LISTED = re.compile(r"^Benchmark\S*$", re.MULTILINE)


def exact_pattern(name: str) -> str:
    """Return what ``-test.bench`` takes for one benchmark and no other.

    Go matches each element of a sub-benchmark's name (split at slashes) with an element of the pattern.
    """
    return "/".join(f"^{_META.sub(lambda found: chr(92) + found[0], part)}$" for part in name.split("/"))


def names_of(lines: list[BenchmarkLine]) -> list[str]:
    """Return the names of the benchmarks that gave results, each once, in their order."""
    return list(dict.fromkeys(line.name for line in lines))


def listed(output: str) -> list[str]:
    """Return the top-level benchmarks that ``-test.list`` printed."""
    return _LISTED.findall(output)


def seen_in(output: str) -> tuple[list[str], list[str]]:
    """Return the benchmarks that a run's output has results of, and those that failed in it."""
    return names_of(parse(output)), _FAILED.findall(output)


def top_level(name: str) -> str:
    """Return the name of the function that a benchmark is part of."""
    return name.split("/", 1)[0]


def matches_top_level(pattern: str, name: str) -> bool:
    """Tell whether ``--bench`` means a top-level benchmark, or sub-benchmarks of it.

    Go's regular expressions are RE2's; what Python does not know as one means every benchmark, and Go
    itself refuses it where it is none.
    """
    try:
        alternatives = [re.compile(_first_element(each)) for each in _alternatives(pattern)]
    except re.error:
        return True
    return any(each.search(name) for each in alternatives)


def _alternatives(pattern: str) -> list[str]:
    return _split(pattern, "|")


def _first_element(pattern: str) -> str:
    return _split(pattern, "/")[0]


def _split(pattern: str, at: str) -> list[str]:
    """Split a pattern where Go does: not in brackets or parentheses, nor after a backslash."""
    parts, start, brackets, parentheses, place = [], 0, 0, 0, 0
    while place < len(pattern):
        sign = pattern[place]
        if sign == "\\":
            place += 1
        elif sign == "[":
            brackets += 1
        elif sign == "]":
            brackets = max(0, brackets - 1)
        elif brackets == 0 and sign in "()":
            parentheses += 1 if sign == "(" else -1
        elif sign == at and brackets == 0 and parentheses == 0:
            parts.append(pattern[start:place])
            start = place + 1
        place += 1
    return [*parts, pattern[start:]]
