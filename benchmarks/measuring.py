"""What the benchmarks share: repeated timings, their summary beside a target, and the host's facts."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ARCHITECTURES = ("arm64", "armv7", "riscv64")


@dataclass(frozen=True)
class Row:
    """One quantity, measured several times.

    :param values: in the unit; seconds unless it says otherwise.
    :param target: what the median may be at most; None for a figure that is only shown.
    """

    name: str
    values: tuple[float, ...]
    target: float | None = None
    unit: str = "s"

    @property
    def holds(self) -> bool | None:
        """Tell whether the target is met; None when there is none."""
        return None if self.target is None else median(self.values) <= self.target

    def cells(self) -> list[str]:
        """Return the row as the table shows it."""
        low, middle, high = min(self.values), median(self.values), max(self.values)
        verdict = {None: "", True: "met", False: "MISSED"}[self.holds]
        target = "" if self.target is None else f"<= {self.target:g} {self.unit}"
        figures = [f"{value:.3f}" for value in (middle, low, high)]
        return [self.name, *figures, self.unit, str(len(self.values)), target, verdict]

    def to_json(self) -> dict[str, Any]:
        """Return it as it stands in the document."""
        return {
            "name": self.name,
            "unit": self.unit,
            "median": median(self.values),
            "min": min(self.values),
            "max": max(self.values),
            "n": len(self.values),
            "values": self.values,
            "target": self.target,
            "met": self.holds,
        }


@dataclass
class Report:
    """Tables of rows, printed as they are complete, or all together as JSON."""

    title: str
    as_json: bool
    facts: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, list[Row]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.facts = {**host_facts(), **self.facts}
        self.facts["load before"] = _load()
        if not self.as_json:
            facts = ", ".join(f"{name} {value}" for name, value in self.facts.items())
            print(f"{self.title}\n  {facts}", flush=True)

    def add(self, title: str, rows: Sequence[Row]) -> None:
        """Add a table and show it."""
        self.tables[title] = list(rows)
        if not self.as_json:
            print(f"\n{title}")
            _print_table([row.cells() for row in rows])

    def note(self, text: str) -> None:
        """Add a sentence and show it."""
        self.notes.append(text)
        if not self.as_json:
            print(f"  {text}", flush=True)

    def end(self) -> None:
        """Show what is known at the end: the load, and which targets were missed."""
        self.facts["load after"] = _load()
        if self.as_json:
            tables = {title: [row.to_json() for row in rows] for title, rows in self.tables.items()}
            document = {"benchmark": self.title, "host": self.facts, "tables": tables, "notes": self.notes}
            print(json.dumps(document, indent=2))
            return
        missed = [
            f"{title}: {row.name}"
            for title, rows in self.tables.items()
            for row in rows
            if row.holds is False
        ]
        print(f"\n  load after {self.facts['load after']}; targets missed: {'; '.join(missed) or 'none'}\n")


def host_facts() -> dict[str, Any]:
    """Return what a time depends on besides the program."""
    return {
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "Python": platform.python_version(),
    }


def _load() -> str:
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    head = ["", "median", "min", "max", "", "n", "target", ""]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, *rows]:
        cells = [
            cell.ljust(width) if column in (0, 4, 6) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  " + "  ".join(cells).rstrip(), flush=True)


def arguments(description: str, *, runs: int, architectures: bool = True) -> argparse.ArgumentParser:
    """Return a parser of the options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON document")
    parser.add_argument("--runs", type=int, default=runs, help="repetitions of each timing [%(default)s]")
    if architectures:
        parser.add_argument(
            "--arch", nargs="+", default=ARCHITECTURES, choices=ARCHITECTURES, help="architectures [all]"
        )
    return parser


def command(*words: str) -> list[str]:
    """Return the command line of emulab itself."""
    return [sys.executable, "-m", "emulab", *words]


def timed_command(argv: Sequence[str], cwd: str | None = None) -> tuple[float, str]:
    """Run a command and return the seconds it took and its standard output.

    :raises SystemExit: it failed, with what it said.
    """
    # An installed command has its bytecode.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    result = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=cwd, env=environment)
    seconds = time.perf_counter() - began
    if result.returncode != 0:
        raise SystemExit(f"{' '.join(argv)} ended with status {result.returncode}:\n{result.stderr}")
    return seconds, result.stdout


def in_turn(runs: int, measured: Sequence[Callable[[], float]]) -> list[tuple[float, ...]]:
    """Measure several things one after the other, again and again, so that a busy host is fair to all.

    :return: the values of each.
    """
    rounds = [[measure() for measure in measured] for _ in range(runs)]
    return list(zip(*rounds, strict=True))
