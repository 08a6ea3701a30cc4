"""Intervals from what was left out: conformal prediction with groups.

A prediction's error is known for every figure that was predicted without its own package. Families of near
copies (the sizes of one benchmark), not figures, are what is exchangeable: so every family weighs the same
however many figures it has, and the interval reaches to the weighted quantile of the left-out errors, with
the new family itself counted as one whose error is beyond all others (Tibshirani et al. 2019, weighted
conformal prediction; Dunn, Wasserman and Ramdas 2022, for groups). A core also borrows the errors of its
kind, at a smaller weight, which matters where it has few of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """Errors of figures that were left out.

    :param error: logarithms of measured over predicted, one for each figure.
    :param group: the number of each one's family.
    :param weight: of each group, by its number.
    """

    error: Floats
    group: NDArray[np.int64]
    weight: Floats

    def half_width(self, coverage: float, cap: float = 1.5) -> float:
        """Return how far an interval reaches to both sides, as a logarithm.

        :param coverage: the share of new figures that it shall hold, such as 0.9.
        :param cap: what it is at most, where too few groups are known to say anything.
        """
        if not len(self.error) or not self.weight.max() > 0:
            return cap
        each = self.weight[self.group] / np.bincount(self.group, minlength=len(self.weight))[self.group]
        distance = np.abs(self.error)
        order = np.argsort(distance, kind="stable")
        share = np.cumsum(each[order]) / (self.weight[np.unique(self.group)].sum() + self.weight.max())
        reached = np.flatnonzero(share >= coverage)
        if len(reached):
            return float(min(cap, distance[order[reached[0]]]))
        # Too few groups for the guarantee: beyond the greatest error, by what a group more is worth.
        return float(min(cap, distance[order[-1]] * (1.0 + 1.0 / len(np.unique(self.group)))))


def joined(own: Scores, kin: Sequence[Scores], kin_weight: float) -> Scores:
    """Return own scores with those of others at a smaller weight."""
    errors, groups, weights, first = [own.error], [own.group], [own.weight], len(own.weight)
    for each in kin:
        errors.append(each.error)
        groups.append(each.group + first)
        weights.append(each.weight * kin_weight)
        first += len(each.weight)
    return Scores(np.concatenate(errors), np.concatenate(groups), np.concatenate(weights))
