"""Which cells of the matrix are left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulab.machines.target import Target

_AXES = ("arch", "libc", "mode")


@dataclass(frozen=True)
class Exclusion:
    """Cells that are left out: those that have all of its values.

    :param values: axis to value, such as ``{"arch": "armv7", "libc": "musl"}``.
    """

    values: tuple[tuple[str, str], ...]

    def holds(self, target: Target) -> bool:
        """Tell whether a target is left out."""
        has = {"arch": target.architecture.name, "libc": target.libc, "mode": target.mode}
        return all(has[axis] == value for axis, value in self.values)


def parse_exclusions(texts: Iterable[str]) -> list[Exclusion]:
    """Return the exclusions that texts such as ``arch=armv7 libc=musl`` mean.

    :raises UsageError: a text has no such axis, or is no list of AXIS=VALUE.
    """
    return [Exclusion(tuple(_pair(word, text) for word in text.split())) for text in texts if text.strip()]


def _pair(word: str, text: str) -> tuple[str, str]:
    axis, equals, value = word.partition("=")
    if not equals or not value or axis not in _AXES:
        raise UsageError(
            f"--exclude {text!r}: {word!r} is not AXIS=VALUE with an axis of the matrix",
            hint=f"axes are {', '.join(_AXES)}; write 'arch=armv7 libc=musl'",
        )
    return axis, value
