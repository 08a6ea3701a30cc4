"""The ways to build the same tests: with which Go, with or without C code, for which processor level."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from emulab.errors import UsageError

if TYPE_CHECKING:
    from emulab.workloads.request import BuildOptions

_SWITCHES = ("pure", "cgo", "pie", "race", "stripped")
_LEVELS = {"goarm": "arm", "goarm64": "arm64", "goriscv64": "riscv64"}
"""Settings of one architecture each, by Go's names of both."""
_SETTINGS = ("tags", *_LEVELS)
_STRIPPED = "-s -w"


@dataclass(frozen=True)
class Variant:
    """One way to build tests.

    :param options: Go's version, as it was asked for, and the build's settings.
    :param race: whether the race detector is built in.
    """

    options: BuildOptions
    race: bool = False

    def name(self, goarch: str | None = None) -> str:
        """Return the build's name, whatever order its words had: ``pure``, ``cgo+pie``, ``pure+tags=a,b``.

        :param goarch: leave out the settings that say nothing for this architecture.
        """
        options = self.options
        words = ["cgo" if options.cgo or self.race else "pure"]
        words += ["pie"] if options.buildmode == "pie" else []
        words += ["race"] if self.race else []
        words += ["stripped"] if options.ldflags == _STRIPPED else []
        words += [f"tags={','.join(options.tags)}"] if options.tags else []
        levels = [name for name, arch in _LEVELS.items() if goarch in (None, arch)]
        words += [f"{name}={value}" for name in levels if (value := getattr(options, name))]
        return "+".join(words)


def parse_variant(text: str, base: BuildOptions, *, race: bool = False) -> Variant:
    """Return the build that a text such as ``cgo pie`` or ``pure+tags=netgo`` means.

    :param base: the settings that the text changes.
    :raises UsageError: a word means nothing, or two contradict each other.
    """
    options = base
    for word in text.replace("+", " ").split():
        name, equals, value = word.partition("=")
        if equals and value and name in _SETTINGS:
            changed: dict[str, Any] = {name: tuple(value.split(",")) if name == "tags" else value}
            options = replace(options, **changed)
        elif not equals and name in _SWITCHES:
            options, race = _switched(options, race, name)
        else:
            near = difflib.get_close_matches(name, (*_SWITCHES, *_SETTINGS), 1)
            known = ", ".join((*_SWITCHES, *(f"{each}=..." for each in _SETTINGS)))
            raise UsageError(
                f"--build {text!r}: {word!r} is no setting of a build",
                hint=f"did you mean {near[0]!r}?" if near else f"settings are {known}",
            )
    if "pure" in text.replace("+", " ").split() and (options.cgo or race):
        raise UsageError(
            f"--build {text!r} is with and without C code", hint="leave out 'pure', or 'cgo' and 'race'"
        )
    return Variant(options, race)


def _switched(options: BuildOptions, race: bool, name: str) -> tuple[BuildOptions, bool]:
    match name:
        case "pure":
            return replace(options, cgo=False), race
        case "cgo":
            return replace(options, cgo=True), race
        case "pie":
            return replace(options, buildmode="pie"), race
        case "race":
            return options, True
    return replace(options, ldflags=_STRIPPED), race
