"""Which cells of the matrix are left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_AXES = ("arch", "libc", "mode", "go", "build")


@dataclass(frozen=True)
class Exclusion:
    """Cells that are left out: those that have all of its values.

    :param values: axis to value, such as ``{"arch": "armv7", "libc": "musl"}``.
    """

    values: tuple[tuple[str, str], ...]

    def holds(self, axes: Mapping[str, str]) -> bool:
        """Tell whether a cell is left out.

        :param axes: the cell's values. ``go=1.24`` holds for each of its patch releases.
        """
        return all(
            axes[axis] == value or (axis == "go" and axes[axis].startswith(f"{value}."))
            for axis, value in self.values
        )


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
