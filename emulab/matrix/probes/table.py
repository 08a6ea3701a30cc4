"""The table of probes: what each tests, how it is built, and what is known of it on which machine."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from emulab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulab.machines.target import Target

_ROOT = Path(__file__).resolve().parent
_FILE = _ROOT / "probes.toml"
PROGRAMS = _ROOT / "programs"
"""The Go module that the probes' programs are packages of."""

MAIN_PROGRAM = "pure"
"""The program that holds every probe; others only lie beside it."""

KnownVerdict = Literal["pass", "fail", "unsupported", "emulator-fault"]


class Where(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Machines: those that have all values that are given."""

    arch: Literal["arm64", "armv7", "riscv64", ""] = ""
    libc: Literal["musl", "glibc", "glibc-old", ""] = ""
    mode: Literal["user", "system", ""] = ""

    def holds(self, target: Target) -> bool:
        """Tell whether a target is one of them."""
        has = ((self.arch, target.architecture.name), (self.libc, target.libc), (self.mode, target.mode))
        return all(wanted in ("", value) for wanted, value in has)


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of a probe on some machines.

    :param reason: why it is so there, a clause.
    """

    verdict: KnownVerdict
    reason: str
    where: Where = Where()


class Program(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a program of the probes is built.

    :param cgo: with C code, for the machine's own C library.
    :param dynamic: as a dynamic program where that C library would allow a static one.
    """

    cgo: bool = False
    race: bool = False
    dynamic: bool = False
    plugin: bool = False


class Probe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One probe.

    :param title: the capability that it tests.
    :param beside: programs that must lie beside the main one.
    :param limit_s: seconds until it is given up.
    :param kernel: which kernel a whole machine boots for it, where its architecture has that one.
    :param cpu: the processor that this kernel needs.
    :param remedy: what a program can do where it does not pass.
    :param known: what is known of it, the first that holds; elsewhere it passes.
    """

    id: str
    title: str
    beside: tuple[str, ...] = ()
    limit_s: float = 30.0
    kernel: Literal["", "16k", "64k"] = ""
    cpu: str = ""
    remedy: str = ""
    known: tuple[Known, ...] = ()

    def known_on(self, target: Target) -> Known:
        """Return what is known of it on a machine."""
        return next((each for each in self.known if each.where.holds(target)), _PASSES)


class ProbeTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All probes, and the programs that they are made of."""

    program: dict[str, Program]
    probe: tuple[Probe, ...]

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        ids = [probe.id for probe in self.probe]
        twice = next((name for name in ids if ids.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two probes are called {twice!r}")
        for probe in self.probe:
            for name in probe.beside:
                if name not in self.program:
                    raise ValueError(f"the probe {probe.id!r} needs {name!r}, which is no program")

    def chosen(self, names: Sequence[str]) -> tuple[Probe, ...]:
        """Return the probes of these ids, in their order; all of them for none.

        :raises UsageError: there is no such probe.
        """
        by_id = {probe.id: probe for probe in self.probe}
        for name in names:
            if name not in by_id:
                near = difflib.get_close_matches(name, by_id, 1)
                hint = f"did you mean {near[0]!r}?" if near else "see `emulab matrix --list-probes`"
                raise UsageError(f"there is no probe {name!r}", hint=hint)
        return tuple(by_id[name] for name in dict.fromkeys(names)) or self.probe


_PASSES = Known("pass", "")


def load_probes(path: Path = _FILE) -> ProbeTable:
    """Return the table of probes.

    :raises UsageError: the file is no such table, with the place.
    """
    try:
        return msgspec.toml.decode(path.read_bytes(), type=ProbeTable)
    except msgspec.DecodeError as error:
        raise UsageError(f"{path}: {error}") from error
