"""Boards whose truth is known: rows made from corrections that a fit has to find again."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from emulab.calibration.fitting.rows import Row, Table
from emulab.calibration.fitting.solve import ClockPrior, CorePrior

CORES = {
    "slow": CorePrior("in-order", 4.0),
    "slower": CorePrior("in-order", 6.0),
    "fast": CorePrior("out-of-order", 14.0),
    "unseen": CorePrior("out-of-order", 12.0),
}


@dataclass
class World:
    """Rows and what they were made from.

    :param pipeline: each core's true correction, as a logarithm.
    """

    pipeline: dict[str, float]
    rows: list[Row] = field(default_factory=list)
    clocks: dict[str, ClockPrior] = field(default_factory=dict)

    @property
    def table(self) -> Table:
        """All rows."""
        return Table(self.rows)


@pytest.fixture
def world() -> World:
    """Eleven sessions of three cores and ten packages, each package off by some 3 %, each figure by 2 %."""
    random = np.random.default_rng(7)
    made = World({"slow": 0.10, "slower": 0.20, "fast": -0.15})
    packages = random.normal(0.0, 0.03, 12)
    for core, sessions, number in (("slow", 6, 12), ("slower", 3, 6), ("fast", 2, 3)):
        for place in range(sessions):
            session, true_hz = f"{core}-{place}", 750e6 * float(np.exp(random.normal(0.0, 0.001)))
            made.clocks[session] = ClockPrior(750e6, 0.002)
            for package in range(number):
                for figure in range(6):
                    cycles = float(10 ** random.uniform(1, 6))
                    missed = cycles * 0.01 * (figure % 2)
                    off = float(np.exp(packages[package] + random.normal(0.0, 0.02)))
                    seconds = (
                        np.exp(made.pipeline[core]) * (cycles + CORES[core].penalty * missed) / true_hz * off
                    )
                    made.rows.append(
                        Row(session, f"board-{place % 2}-{core}", core, f"package{package}", f"w{figure}",
                            f"family{figure // 2}", float(seconds), 0.002, cycles, missed)
                    )  # fmt: skip
    return made
