"""How much faster one session's clock ran than another's, from the benchmarks that both measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulab.calibration.schema import Flag

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from emulab.calibration.schema import Record, Sample

_RESAMPLES = 2_000
_SEED = 20_240_101
_FEWEST = 4
_WIDEST = 0.02
_NOT_TO_COMPARE = frozenset(
    {Flag.KERNEL_TRAP, Flag.KERNEL_FIGURE, Flag.IMPOSSIBLE, Flag.ANOMALOUS, Flag.DUPLICATE, Flag.THROTTLED}
)
_SAME_CODE = frozenset({"GORISCV64", "GOARM", "GOARM64", "level", "variant"})


@dataclass(frozen=True)
class Ratio:
    """The clock of session ``one`` over that of session ``other``.

    :param low, high: the bootstrap interval of the median, 90 %.
    :param spread: the median absolute deviation of the logarithms of the ratios.
    :param benchmarks: how many both have.
    :param within: the share of them whose ratio is within 1 % of the median.
    :param columns: which columns of the two were compared.
    """

    one: str
    other: str
    value: float
    low: float
    high: float
    spread: float
    benchmarks: int
    within: float
    columns: tuple[str, str]

    @property
    def is_of_clocks(self) -> bool:
        """Tell whether most benchmarks agree on it, as they do where only the clocks differ."""
        return self.benchmarks >= _FEWEST and self.spread < _WIDEST and self.within >= 0.5


def compare(one: Record, other: Record) -> Ratio | None:
    """Return the ratio of two sessions' clocks, None where they have too few benchmarks in common.

    Of the columns of two comparisons, those are set against each other that agree best: the newer code of
    the earlier source with the older code of the later one, as a rule.
    """
    found = [
        ratio
        for mine, left in _columns(one.samples).items()
        for theirs, right in _columns(other.samples).items()
        if (ratio := _ratio(one.session.id, other.session.id, (mine, theirs), left, right)) is not None
    ]
    return min(found, key=lambda ratio: (ratio.spread, -ratio.benchmarks), default=None)


def _columns(samples: Iterable[Sample]) -> dict[str, dict[tuple[object, ...], float]]:
    columns: dict[str, dict[tuple[object, ...], list[float]]] = {}
    for sample in samples:
        if sample.unit != "s/op" or sample.value <= 0 or _NOT_TO_COMPARE.intersection(sample.flags):
            continue
        code = tuple(sorted((key, value) for key, value in sample.settings.items() if key in _SAME_CODE))
        column = sample.settings.get("column", "single")
        columns.setdefault(column, {}).setdefault((sample.workload, sample.core, code), []).append(
            sample.value
        )
    import statistics

    return {
        column: {key: statistics.median(values) for key, values in rows.items()}
        for column, rows in columns.items()
    }


def _ratio(
    one: str,
    other: str,
    columns: tuple[str, str],
    left: dict[tuple[object, ...], float],
    right: dict[tuple[object, ...], float],
) -> Ratio | None:
    import numpy as np

    common = sorted(left.keys() & right.keys(), key=str)
    if len(common) < _FEWEST:
        return None
    # The quicker one has the shorter times: its clock is the numerator.
    logs = np.log([right[key] / left[key] for key in common])
    middle = float(np.median(logs))
    generator = np.random.default_rng(_SEED)
    medians = np.median(generator.choice(logs, (_RESAMPLES, len(logs))), axis=1)
    low, high = np.exp(np.quantile(medians, (0.05, 0.95)))
    return Ratio(
        one=one,
        other=other,
        value=float(np.exp(middle)),
        low=float(low),
        high=float(high),
        spread=float(np.median(np.abs(logs - middle))),
        benchmarks=len(common),
        within=float(np.mean(np.abs(logs - middle) < 0.01)),
        columns=columns,
    )


def all_ratios(records: Sequence[Record]) -> list[Ratio]:
    """Return the ratios between all sessions that can be compared."""
    timed = [record for record in records if any(sample.unit == "s/op" for sample in record.samples)]
    return [
        ratio
        for index, one in enumerate(timed)
        for other in timed[index + 1 :]
        if (ratio := compare(one, other)) is not None
    ]
