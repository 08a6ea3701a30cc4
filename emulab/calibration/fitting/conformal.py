"""Intervals from what was left out: conformal prediction with groups, of errors made comparable.

A prediction's error is known for every figure that was predicted without its own package, and so is how
uncertain that prediction was relative to others: what is left open of the corrections weighs more in a figure
of many mispredictions or of much memory. The error divided by that uncertainty is the score (normalised
conformal prediction: Papadopoulos et al. 2002; Lei et al. 2018). Families of near copies (the sizes of one
benchmark) are what is exchangeable, so a new one counts as an average family whose score is beyond all others
(weighted conformal prediction: Tibshirani et al. 2019; groups: Dunn, Wasserman and Ramdas 2022). A core also
borrows the scores of its kind, at a smaller weight, which matters where it has few of its own.
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
    """Errors of figures that were left out, each divided by its uncertainty.

    :param score: one for each figure, of either sign.
    :param group: the number of each one's family.
    :param weight: of each family, by its number.
    """

    score: Floats
    group: NDArray[np.int64]
    weight: Floats

    def reach(self, coverage: float) -> float:
        """Return how many times its uncertainty a figure's interval reaches to either side.

        :param coverage: the share of new figures that it shall hold, such as 0.9.
        :return: infinity where nothing was left out.
        """
        if not len(self.score) or not self.weight.max() > 0:
            return float("inf")
        each = self.weight[self.group] / np.bincount(self.group, minlength=len(self.weight))[self.group]
        distance = np.abs(self.score)
        order = np.argsort(distance, kind="stable")
        known = self.weight[np.unique(self.group)]
        share = np.cumsum(each[order]) / (known.sum() + known[known > 0].mean())
        reached = np.flatnonzero(share >= coverage)
        if len(reached):
            return float(distance[order[reached[0]]])
        # Too few families for the guarantee: beyond the greatest score, by what one more is worth.
        return float(distance[order[-1]] * (1.0 + 1.0 / len(known)))


def joined(own: Scores, kin: Sequence[Scores], kin_weight: float) -> Scores:
    """Return own scores with those of others at a smaller weight."""
    scores, groups, weights, first = [own.score], [own.group], [own.weight], len(own.weight)
    for each in kin:
        scores.append(each.score)
        groups.append(each.group + first)
        weights.append(each.weight * kin_weight)
        first += len(each.weight)
    return Scores(np.concatenate(scores), np.concatenate(groups), np.concatenate(weights))
