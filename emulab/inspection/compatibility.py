"""Whether a program starts on a root filesystem and a processor, worked out from what its file says.

The order is that of events: the kernel, the dynamic linker with its libraries, their versions, their symbols,
and then the program's first instructions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emulab.architectures import ARCHITECTURES
from emulab.toolchain.fitness import Misfit, library_of, misfits, missing_libraries, old_glibc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from emulab.inspection.levels import Level, Processor
    from emulab.inspection.linking import Import, Linking
    from emulab.inspection.offers import Offer
    from emulab.toolchain.elf_facts import ElfFacts

_MUSL_OWN = ("libc.", "libpthread.", "librt.", "libm.", "libdl.", "libutil.", "libxnet.")
"""Names that musl's linker takes for itself whatever follows (musl, ldso/dynlink.c, ``load_library``)."""

_GLIBC_VERSION = re.compile(r"GLIBC_(\d+(?:\.\d+)+)")
_MOST_NAMED = 6
_UNKNOWN_THERE = {"system", "program", "architecture"}


@dataclass(frozen=True)
class Subject:
    """A program as far as its file tells.

    :param name: what messages call it.
    :param levels: what it was built for.
    """

    name: str
    facts: ElfFacts
    linking: Linking
    levels: Sequence[Level] = ()


@dataclass(frozen=True)
class Verdict:
    """Whether a program starts somewhere.

    :param offer: the root filesystem's name.
    :param misfits: why it does not; none: it does.
    :param warnings: what may go wrong later.
    """

    offer: str
    misfits: tuple[Misfit, ...] = ()
    warnings: tuple[Misfit, ...] = field(default=())

    @property
    def compatible(self) -> bool:
        """Tell whether the program starts."""
        return not self.misfits


def judge(
    subject: Subject, offer: Offer, processor: Processor | None = None, *, page_size: int | None = None
) -> Verdict:
    """Return whether a program starts on a root filesystem.

    :param processor: what runs it; None where that is not known.
    :param page_size: the kernel's page size in bytes; None where it is not known.
    """
    found = list(
        misfits(
            subject.facts,
            ARCHITECTURES[offer.architecture],
            libc=offer.c_library,
            has_interpreter=offer.has_interpreter,
            page_size=page_size,
            name=subject.name,
        )
    )
    warnings: list[Misfit] = []
    kinds = {each.kind for each in found}
    if subject.facts.interpreter is not None and not kinds & {
        "system",
        "program",
        "architecture",
        "interpreter",
    }:
        linked, late = _link(subject, offer)
        found += linked
        warnings += late
    if processor is not None and not kinds & _UNKNOWN_THERE:
        found += _beyond(subject, processor)
    return Verdict(offer.name, tuple(found), tuple(warnings))


def _link(subject: Subject, offer: Offer) -> tuple[list[Misfit], list[Misfit]]:
    """Return what the dynamic linker refuses at the start, and what fails later."""
    musl = library_of(subject.facts.interpreter or "") == "musl"
    libraries, missing = _libraries(subject.linking, offer, musl=musl)
    if missing:
        return missing_libraries(missing, subject.name), []
    found = [] if musl else list(_versions(subject, offer, libraries))
    if found:
        return found, []
    unknown = [each for each in subject.linking.imports if not _is_defined(each, libraries.values(), musl)]
    first = [each for each in unknown if each.at_start or musl]
    late = [each for each in unknown if each not in first]
    return _symbols(first, subject, offer, "does not start"), _symbols(late, subject, offer, "fails later")


def _libraries(linking: Linking, offer: Offer, *, musl: bool) -> tuple[dict[str, Linking], list[str]]:
    """Return the libraries that the linker loads, by their needed names, and those it does not find."""
    loaded: dict[str, Linking] = {}
    missing: list[str] = []
    waiting = [(name, linking.search) for name in linking.needed]
    while waiting:
        name, search = waiting.pop(0)
        if name in loaded or name in missing:
            continue
        library = _found(name, search, offer, musl=musl)
        if library is None:
            missing.append(name)
            continue
        loaded[name] = library
        further = (*library.search, *(search if linking.inherited else ()))
        waiting += [(each, further) for each in library.needed]
    return loaded, missing


def _found(name: str, search: Sequence[str], offer: Offer, *, musl: bool) -> Linking | None:
    if musl and name.startswith(_MUSL_OWN):
        own = [path for path in offer.interpreters if library_of(path) == "musl"]
        return offer.library(own[0]) if own else None
    if "/" in name:
        return offer.library(name)
    # What $ORIGIN names is the program's own directory, where nothing but the program is.
    places = [each for each in search if "$" not in each]
    for directory in (*places, *offer.search_path(musl=musl)):
        library = offer.library(f"{directory}/{name}")
        if library is not None:
            return library
    return None


def _versions(subject: Subject, offer: Offer, libraries: dict[str, Linking]) -> Iterator[Misfit]:
    """Yield the versions that glibc's linker misses in the libraries that it loads."""
    lacking: list[str] = []
    for each in subject.linking.versions:
        library = libraries.get(each.library)
        # A library that defines no version at all only raises a warning.
        if library is None or not library.defines or each.weak or each.version in library.defines:
            continue
        lacking.append(each.version)
    newest = max(
        (match[1] for each in lacking if (match := _GLIBC_VERSION.fullmatch(each))), key=_number, default=None
    )
    if newest is not None and offer.glibc is not None:
        yield old_glibc(newest, offer.glibc, subject.name)
        return
    if lacking:
        yield Misfit(
            "version",
            f"{subject.name} needs {_listed(lacking)}, which the libraries of {offer.name} do not define",
            "build it against older libraries, or choose a root filesystem with newer ones",
        )


def _is_defined(wanted: Import, libraries: Iterable[Linking], musl: bool) -> bool:
    for library in libraries:
        versions = library.exports.get(wanted.name)
        if versions is None:
            continue
        if musl or not wanted.version or not library.defines or wanted.version in versions:
            return True
    return False


def _symbols(symbols: Sequence[Import], subject: Subject, offer: Offer, what: str) -> list[Misfit]:
    if not symbols:
        return []
    names = [f"{each.name}@{each.version}" if each.version else each.name for each in symbols]
    owner = library_of(subject.facts.interpreter or "")
    return [
        Misfit(
            "symbol",
            f"{subject.name} {what}: no library of {offer.name} defines {_listed(names)}",
            "build it against musl's own headers and libraries"
            if owner == "musl"
            else "build it against the libraries that will be there",
        )
    ]


def _beyond(subject: Subject, processor: Processor) -> Iterator[Misfit]:
    """Yield the levels that are above what the processor can execute."""
    for level in subject.levels:
        lacking = processor.lacks(level)
        if lacking:
            setting = level.setting.partition("=")[0]
            remedy = (
                f"build it with a lower {setting}"
                if setting.startswith("GO")
                else "build its C code for the board's processor (-march, -mcpu)"
            )
            yield Misfit(
                "level",
                f"{subject.name} is built for {level.setting}, "
                f"and {processor.name} has no {_listed(lacking)}",
                f"{remedy}, or choose a board that has it",
            )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMED])
    return f"{shown} and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else shown


def _number(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
