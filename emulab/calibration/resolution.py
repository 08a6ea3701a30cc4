"""How finely a value was printed: what its digits do not say is noise for whoever looks for a grid."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def of_text(text: str, scale: float = 1.0) -> float:
    """Return the distance between neighbouring values that a printed number leaves, times ``scale``.

    >>> of_text("14.70", 1e-9)
    1e-11
    """
    exponent = Decimal(text).as_tuple().exponent
    return 10.0 ** int(exponent) * scale if isinstance(exponent, int) else 0.0


def of_session(texts: Iterable[str]) -> list[float]:
    """Return the resolution of values whose trailing zeros are lost.

    Programs print either a fixed number of digits, or of decimals in each decade. So what the values of a
    decade have at most is what all of them had.

    :param texts: the numbers of one session in one unit, such as ``1.47e-08``.
    """
    numbers = [Decimal(text) for text in texts]
    finest: dict[int, int] = {}
    for number in numbers:
        last = number.normalize().as_tuple().exponent
        if number and isinstance(last, int):
            decade = number.adjusted()
            finest[decade] = min(last, finest.get(decade, last))
    digits = max((decade - last + 1 for decade, last in finest.items()), default=0)
    out = []
    for number in numbers:
        decade = number.adjusted()
        # A decade with few values may show fewer digits than it had; four is what benchstat prints.
        assumed = finest.get(decade, decade)
        if digits == 4:
            assumed = min(assumed, decade - 3)
        out.append(math.pow(10.0, assumed) if number else 0.0)
    return out
