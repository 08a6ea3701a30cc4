"""What the matrix takes: the default one on the example, each cell alone, and how it grows with cells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring import Report, Row, arguments, command, timed_command

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLE = Path(__file__).parents[1] / "examples" / "inventory"
TARGET_S = 60.0
PARTS = (
    ("--arch=arm64", "--libc=musl", "--mode=user", "--build=pure"),
    ("--arch=arm64", "--build=pure"),
    ("--arch=arm64",),
    ("--arch=arm64,riscv64",),
)
"""Ever more of the default matrix, which comes last."""


def main() -> None:
    options = arguments(__doc__ or "", runs=3, architectures=False).parse_args()
    report = Report("the matrix on examples/inventory", options.as_json)
    matrix()  # images, builds and snapshots are made
    wholes = [matrix() for _ in range(options.runs)]
    cells = wholes[0][1]
    seconds = tuple(took for took, _ in wholes)
    report.add("warm", [Row(f"default matrix, {len(cells)} cells", seconds, TARGET_S)])
    report.add(
        "a cell's own time, by how it is run", own_times([cell for _, each in wholes for cell in each])
    )
    rows, points = [], []
    for words in (*PARTS, ()):
        taken = [matrix(*words) for _ in range(options.runs)] if words else wholes
        count = len(taken[0][1])
        values = tuple(took for took, _ in taken)
        points += [(count, value) for value in values]
        rows.append(Row(f"{count} cells", values))
    report.add("growth", rows)
    slope, start, share = line_through(points)
    report.note(f"{start:.2f} s and {slope:.3f} s for each cell explain {share:.1%} of how times differ")
    report.end()


def matrix(*words: str) -> tuple[float, list[dict[str, Any]]]:
    """Run the matrix anew; return the seconds that it took and its cells.

    What the probes found is recalled, as it is for whoever calls it again.
    """
    seconds, said = timed_command(command("matrix", "--json", "--quiet", *words), cwd=str(EXAMPLE))
    cells = [cell for cell in json.loads(said)["verdicts"] if not cell["probe"].startswith("probe:")]
    if wrong := [cell for cell in cells if cell["verdict"] != "pass"]:
        raise SystemExit(f"{len(wrong)} cells are no pass, the first: {wrong[0]}")
    return seconds, cells


def own_times(cells: Sequence[dict[str, Any]]) -> list[Row]:
    """Return the cells' own seconds, together for each package, mode and way to build."""
    groups: dict[str, list[float]] = {}
    for cell in cells:
        name = f"{cell['probe'].rpartition('/')[2]}, {cell['mode']} mode, {cell['build']}"
        groups.setdefault(name, []).append(cell["seconds"])
    return [Row(name, tuple(values)) for name, values in groups.items()]


def line_through(points: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Return slope and start of the line of least squares, and what share of the variance it explains."""
    import numpy as np

    x, y = np.array(points, dtype=float).T
    slope, start = np.polyfit(x, y, 1)
    left = float(np.sum((y - (slope * x + start)) ** 2))
    return float(slope), float(start), 1 - left / float(np.sum((y - y.mean()) ** 2))


if __name__ == "__main__":
    main()
