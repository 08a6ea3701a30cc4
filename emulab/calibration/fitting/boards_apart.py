"""How far boards with the same core are apart: what a prediction for one owes to samples of another.

7-zip's single-threaded decompression is what most boards were measured with. Over its measured clock it says
what board, memory and firmware add to the core.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from emulab.calibration.schema import Record

_WORKLOAD = "7-zip.single-thread.decompress"


def boards_apart(records: Iterable[Record], coverages: Sequence[float]) -> list[float]:
    """Return how far boards with one core are apart, as a logarithm, in a share of pairs for each coverage.

    Every core weighs the same, however many boards have it; 0 where no two boards share a core.
    """
    rates: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        clocks: dict[str, list[float]] = defaultdict(list)
        for sample in record.samples:
            if sample.workload == "clock.measured":
                clocks[sample.core].append(sample.value)
        for sample in record.samples:
            if (
                sample.workload == _WORKLOAD
                and not sample.flags
                and sample.settings.get("threads") == "1"
                and sample.core in clocks
            ):
                device = record.session.device or record.session.id
                rates[sample.core][device].append(sample.value / float(np.median(clocks[sample.core])))
    distance: list[float] = []
    weight: list[float] = []
    for devices in rates.values():
        middle = [float(np.median(values)) for _, values in sorted(devices.items())]
        pairs = [abs(float(np.log(one / other))) for one, other in itertools.combinations(middle, 2)]
        distance += pairs
        weight += [1.0 / max(len(pairs), 1)] * len(pairs)
    if not distance:
        return [0.0] * len(coverages)
    order = np.argsort(distance, kind="stable")
    share = np.cumsum(np.array(weight)[order]) / sum(weight)
    return [float(np.array(distance)[order[np.searchsorted(share, coverage)]]) for coverage in coverages]
