"""Go's benchmark text: what ``go test -bench`` prints and benchstat reads.

A line of results is the benchmark's name, its iterations and pairs of value and unit; lines of
``key: value`` before it say under which configuration; lines of ``Unit`` say how a unit is to be
judged. The format is specified in golang.org/design/14313-benchmark-format, and the ``Unit`` lines in
the documentation of golang.org/x/perf/benchfmt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_NAME = re.compile(r"Benchmark(?![a-z])\S*")
_KEY = re.compile(r"([a-z][^\sA-Z:]*):(?:[ \t]+(.*))?")
_ENDED = re.compile(r"--- (FAIL|SKIP|BENCH): |(PASS|FAIL|ok)\b")
_EXACT = re.compile(r"^Unit (\S+) (?:\S+ )*assume=exact\b", re.MULTILINE)
_MEASURE = re.compile(r"\s(\d+)((?:\s+[-+\d.eEinfNa]+ \S+)+)\s*$")


@dataclass(frozen=True)
class BenchmarkLine:
    """One line of results.

    :param name: as it is printed, ``BenchmarkHash8K/New`` or ``BenchmarkHash8K/New-8``.
    :param values: value by unit, in the order of the line.
    :param configuration: the ``key: value`` lines that hold for it.
    """

    name: str
    iterations: int
    values: Mapping[str, float]
    configuration: Mapping[str, str] = field(default_factory=dict)


def parse(text: str) -> list[BenchmarkLine]:
    """Return the lines of results in a text; what is neither result nor configuration is passed over.

    A benchmark that prints something itself separates its name from its measures: the name that
    began last gets the measures that come.
    """
    return list(_lines(text))


def exact_units(text: str) -> list[str]:
    """Return the units of which a text says that their values have no noise."""
    return _EXACT.findall(text)


def _lines(text: str) -> Iterator[BenchmarkLine]:
    configuration: dict[str, str] = {}
    begun: str | None = None
    for line in text.splitlines():
        key = _KEY.fullmatch(line)
        name = _NAME.match(line)
        if name is not None:
            begun = name[0]
        elif _ENDED.match(line):
            begun = None
        elif key is not None and begun is None:
            configuration = {**configuration, key[1]: (key[2] or "").strip()}
            continue
        measures = _MEASURE.search(line)
        if measures is not None and begun is not None:
            values = _values(measures[2])
            if values is not None:
                yield BenchmarkLine(begun, int(measures[1]), values, configuration)
                begun = None


def _values(text: str) -> dict[str, float] | None:
    words = text.split()
    try:
        return {unit: float(value) for value, unit in zip(words[::2], words[1::2], strict=True)}
    except ValueError:
        return None


def write(lines: Iterable[BenchmarkLine], exact: Iterable[str] = ()) -> str:
    """Return lines of results as text, with the configuration said where it changes.

    :param exact: the units whose values have no noise.
    """
    out = [f"Unit {unit} assume=exact better=lower" for unit in exact]
    said: dict[str, str] = {}
    for line in lines:
        # A key that does not hold any more is taken back by an empty value.
        now = {**dict.fromkeys(said, ""), **line.configuration}
        out += [f"{key}: {value}".rstrip() for key, value in now.items() if said.get(key, "") != value]
        said = now
        pairs = "\t".join(f"{_number(value):>12} {unit}" for unit, value in line.values.items())
        out.append(f"{line.name}\t{line.iterations:>8}\t{pairs}")
    return "\n".join(out) + "\n" if out else ""


def _number(value: float) -> str:
    """Return a value with at least six significant digits and no more of them than it has."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.1f}" if abs(value) >= 1e5 else f"{value:.6g}"
