"""Showing SI values to people: the one place that scales units."""

from __future__ import annotations

import math

_TIME = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_SIZE = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B"))


def scale(value: float, unit: str) -> tuple[float, str]:
    """Return the factor's divisor and the shown unit that suit a value in ``unit`` (s, B, 1/s, …)."""
    table = {"s": _TIME, "B": _SIZE}.get(unit)
    if table is None:
        return 1.0, unit
    for divisor, name in table:
        if abs(value) >= divisor:
            return divisor, name
    return table[-1] if value else table[0]


def digits(value: float, significant: int = 3) -> str:
    """Return a number with that many significant digits and no exponent."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    places = max(0, significant - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{places}f}"


def quantity(value: float, unit: str) -> str:
    """Return a value with its scaled unit: ``quantity(0.116, "s") == "116 ms"``."""
    divisor, name = scale(value, unit)
    return f"{digits(value / divisor)} {name}"


def quantity_with_interval(value: float, low: float | None, high: float | None, unit: str) -> str:
    """Return a value with its interval in the same unit: ``116 ms (101 to 131)``."""
    divisor, name = scale(value, unit)
    text = f"{digits(value / divisor)} {name}"
    if low is None or high is None:
        return text
    return f"{text} ({digits(low / divisor)} to {digits(high / divisor)})"
