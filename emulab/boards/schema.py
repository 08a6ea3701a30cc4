"""What a catalogue file may hold: the form in which boards, SoCs, cores and models are written down.

A file is TOML. Any of them may begin with ``inherits``; the fields of one file need not be complete,
only those of a board after everything it inherits has been merged.
"""

from __future__ import annotations

import msgspec

from emulab.boards.board import (
    Arch,
    Chip,
    ClusterFacts,
    Facts,
    GoSettings,
    Isa,
    Kind,
    Memory,
    Soc,
    Software,
    ThermalZoneFacts,
)


class ClusterEntry(ClusterFacts, frozen=True, kw_only=True):
    """``[clusters.NAME]``: ``core`` names a file of ``cores/``, whose caches hold unless given here."""

    core: str


class EmulationEntry(Facts, frozen=True, kw_only=True):
    """``[emulation]``: ``model`` names a file of ``models/``."""

    model: str
    vcpus: int | None = None


class GoEntry(GoSettings, frozen=True, kw_only=True):
    """``[go]``: ``gomaxprocs`` is the number of cores unless given."""

    gomaxprocs: int | None = None  # type: ignore[assignment]


class BoardFile(Facts, frozen=True, kw_only=True):
    """A file of ``boards/``, ``generic/`` or ``socs/``, or one of the user's."""

    inherits: tuple[str, ...] = ()
    kind: Kind = "board"
    name: str
    maker: str
    arch: Arch
    soc: Soc
    clusters: dict[str, ClusterEntry] = msgspec.field(default_factory=dict)
    isa: Isa | None = None
    memory: Memory | None = None
    software: Software | None = None
    thermal: dict[str, ThermalZoneFacts] = msgspec.field(default_factory=dict)
    emulation: EmulationEntry | None = None
    go: GoEntry | None = None
    chip: Chip | None = None
    sources: dict[str, str] = msgspec.field(default_factory=dict)
    notes: dict[str, str] = msgspec.field(default_factory=dict)


class CacheDesign(Facts, frozen=True, kw_only=True):
    """What a core's design fixes of a cache; a chip's maker chooses the rest."""

    size_kib: int | None = None
    ways: int | None = None
    line_b: int | None = None


class CoreFile(Facts, frozen=True, kw_only=True):
    """A file of ``cores/``: a core's design and the caches it always has."""

    inherits: tuple[str, ...] = ()
    name: str
    maker: str
    out_of_order: bool | None = None
    decode_width: int | None = None
    l1i: CacheDesign | None = None
    l1d: CacheDesign | None = None
    l2: CacheDesign | None = None
    sources: dict[str, str] = msgspec.field(default_factory=dict)


class ModelFile(Facts, frozen=True, kw_only=True):
    """A file of ``models/``: a CPU model of QEMU, by the arguments of ``-cpu``.

    :param reports: what a program sees under it in user mode, in Linux's names.
    """

    inherits: tuple[str, ...] = ()
    arch: Arch
    user: str
    system: str
    reports: tuple[str, ...]
    sources: dict[str, str] = msgspec.field(default_factory=dict)
    notes: dict[str, str] = msgspec.field(default_factory=dict)
