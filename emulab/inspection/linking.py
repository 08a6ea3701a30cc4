"""What an ELF file asks of the dynamic linker, and what a library has for those who ask.

The layouts of versions and relocations: System V ABI, chapter 5, and the Linux Standard Base 5.0, "Symbol
Versioning".
"""

from __future__ import annotations

import struct
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from emulab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from elftools.elf.elffile import ELFFile

_WEAK = 0x2
_LOCAL, _GLOBAL = 0, 1
_BASE = 0x1
_HIDDEN = 0x8000
_DF_BIND_NOW = 0x8
_DF_1_NOW = 0x1
_MOST = 1 << 20


@dataclass(frozen=True)
class NeededVersion:
    """A version of a library's interface that must be there.

    :param library: the library's name as the file needs it, ``libc.so.6``.
    :param version: ``GLIBC_2.34``.
    :param weak: its absence is no error.
    """

    library: str
    version: str
    weak: bool = False


@dataclass(frozen=True)
class Import:
    """A symbol that another file must define.

    :param version: the version asked for, or empty.
    :param at_start: it is looked up before the program begins, not at the first call.
    """

    name: str
    version: str = ""
    at_start: bool = True


@dataclass(frozen=True)
class Linking:
    """What a file says to the dynamic linker.

    :param needed: the libraries that it names, in order.
    :param search: directories that it has its libraries looked for in (RPATH, RUNPATH).
    :param inherited: whether these hold for its libraries' libraries too (RPATH).
    :param soname: the name by which others need it, or empty.
    :param versions: what it needs of them.
    :param imports: symbols that must be defined elsewhere; weak ones are left out.
    :param exports: symbol to the versions that it has it in; ``""`` for one without version.
    :param defines: the versions that it defines.
    """

    needed: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    inherited: bool = False
    soname: str = ""
    versions: tuple[NeededVersion, ...] = ()
    imports: tuple[Import, ...] = ()
    exports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    defines: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as a value that JSON can hold."""
        return asdict(self)


def linking_from_json(value: dict[str, Any]) -> Linking:
    """Return what :meth:`Linking.to_json` wrote."""
    return Linking(
        needed=tuple(value["needed"]),
        search=tuple(value["search"]),
        inherited=value["inherited"],
        soname=value["soname"],
        versions=tuple(NeededVersion(**each) for each in value["versions"]),
        imports=tuple(Import(**each) for each in value["imports"]),
        exports={name: tuple(versions) for name, versions in value["exports"].items()},
        defines=tuple(value["defines"]),
    )


def read_linking(path: Path) -> Linking:
    """Return what a file asks of the dynamic linker; its facts must have been read without error before.

    :raises UsageError: the file is damaged.
    """
    try:
        with path.open("rb") as stream:
            return linking_of(stream)
    except OSError as error:
        raise UsageError(f"{path} can not be read: {error.strerror}", hint="check its permissions") from error
    except Exception as error:  # whatever a damaged file makes the parser stumble over
        raise UsageError(
            f"{path} is a damaged or truncated ELF file: {error or type(error).__name__}",
            hint="build or copy it again",
        ) from error


def linking_of(stream: BinaryIO) -> Linking:
    """Return what the ELF file in a stream asks of the dynamic linker."""
    from elftools.elf.elffile import ELFFile

    elf = ELFFile(stream)
    tags = list(_dynamic_tags(elf))
    search, inherited, binds_now = _search(tags)
    versions = tuple(_needed_versions(elf))
    imports, exports = _symbols(elf, binds_now)
    return Linking(
        needed=tuple(tag.needed for tag in tags if tag.entry.d_tag == "DT_NEEDED"),
        search=search,
        inherited=inherited,
        soname=next((tag.soname for tag in tags if tag.entry.d_tag == "DT_SONAME"), ""),
        versions=versions,
        imports=imports,
        exports=exports,
        defines=tuple(dict.fromkeys(_defined_versions(elf).values())),
    )


def _dynamic_tags(elf: ELFFile) -> Iterator[Any]:
    for segment in elf.iter_segments():
        if segment["p_type"] == "PT_DYNAMIC":
            tags: Any = segment
            yield from islice(tags.iter_tags(), segment["p_filesz"] // (2 * elf.elfclass // 8))


def _search(tags: list[Any]) -> tuple[tuple[str, ...], bool, bool]:
    """Return the directories of RUNPATH or RPATH, whether it is RPATH, and whether all is bound at start."""
    run = [each for tag in tags if tag.entry.d_tag == "DT_RUNPATH" for each in tag.runpath.split(":")]
    old = [each for tag in tags if tag.entry.d_tag == "DT_RPATH" for each in tag.rpath.split(":")]
    now = any(
        tag.entry.d_tag == "DT_BIND_NOW"
        or (tag.entry.d_tag == "DT_FLAGS" and tag.entry.d_val & _DF_BIND_NOW)
        or (tag.entry.d_tag == "DT_FLAGS_1" and tag.entry.d_val & _DF_1_NOW)
        for tag in tags
    )
    # With a RUNPATH the linker passes over the RPATH.
    return tuple(each for each in run or old if each), not run, now


def _needed_versions(elf: ELFFile) -> Iterator[NeededVersion]:
    for section in elf.iter_sections():
        if section["sh_type"] == "SHT_GNU_verneed":
            table: Any = section
            for library, names in islice(table.iter_versions(), _MOST):
                for each in islice(names, _MOST):
                    yield NeededVersion(library.name, each.name, bool(each.entry["vna_flags"] & _WEAK))


def _defined_versions(elf: ELFFile) -> dict[int, str]:
    found: dict[int, str] = {}
    for section in elf.iter_sections():
        if section["sh_type"] == "SHT_GNU_verdef":
            table: Any = section
            for version, names in islice(table.iter_versions(), _MOST):
                name = next(iter(names)).name
                # The base's name is the file's own: no version of a symbol.
                if not version.entry["vd_flags"] & _BASE:
                    found[version.entry["vd_ndx"]] = name
    return found


def _symbols(elf: ELFFile, binds_now: bool) -> tuple[tuple[Import, ...], dict[str, tuple[str, ...]]]:
    """Return what the file's dynamic symbols ask for, and what they offer by name."""
    section: Any = elf.get_section_by_name(".dynsym")
    if section is None:
        return (), {}
    names = _version_names(elf)
    indices = _symbol_versions(elf, section.num_symbols())
    at_start, at_call = _relocated(elf)
    if binds_now:
        at_start |= at_call
    imports: list[Import] = []
    exports: dict[str, tuple[str, ...]] = {}
    for number, symbol in enumerate(islice(section.iter_symbols(), _MOST)):
        binding = symbol.entry["st_info"]["bind"]
        if not symbol.name or binding == "STB_LOCAL":
            continue
        index = indices[number] if number < len(indices) else _GLOBAL
        version = names.get(index & ~_HIDDEN, "")
        if symbol.entry["st_shndx"] != "SHN_UNDEF":
            if index & ~_HIDDEN != _LOCAL:
                exports[symbol.name] = (*exports.get(symbol.name, ()), version)
        elif binding != "STB_WEAK" and number in at_start | at_call:
            imports.append(Import(symbol.name, version, number in at_start))
    return tuple(imports), exports


def _version_names(elf: ELFFile) -> dict[int, str]:
    """Return the name of each index that ``.gnu.version`` may hold."""
    names = _defined_versions(elf)
    for section in elf.iter_sections():
        if section["sh_type"] == "SHT_GNU_verneed":
            table: Any = section
            for _, versions in islice(table.iter_versions(), _MOST):
                for each in islice(versions, _MOST):
                    names[each.entry["vna_other"] & ~_HIDDEN] = each.name
    return names


def _symbol_versions(elf: ELFFile, count: int) -> tuple[int, ...]:
    for section in elf.iter_sections():
        if section["sh_type"] == "SHT_GNU_versym":
            data = section.data()[: 2 * count]
            return struct.unpack(f"{_order(elf)}{len(data) // 2}H", data[: len(data) // 2 * 2])
    return ()


def _relocated(elf: ELFFile) -> tuple[set[int], set[int]]:
    """Return the numbers of the symbols that are looked up at the start, and at the first call.

    A position-independent Go program has a hundred thousand relocations, hence no parser of general use.
    """
    wide = elf.elfclass == 64
    shapes = {"SHT_RELA": "QQq" if wide else "IIi", "SHT_REL": "QQ" if wide else "II"}
    at_start: set[int] = set()
    at_call: set[int] = set()
    for section in elf.iter_sections():
        shape = shapes.get(section["sh_type"])
        if shape is None or not section["sh_flags"] & 0x2:
            continue
        found = at_call if section.name.endswith(".plt") else at_start
        size = struct.calcsize(f"={shape}")
        data = section.data()
        whole = data[: len(data) // size * size]
        found.update(
            row[1] >> (32 if wide else 8) for row in struct.iter_unpack(f"{_order(elf)}{shape}", whole)
        )
    return at_start - {0}, at_call - {0}


def _order(elf: ELFFile) -> str:
    return "<" if elf.little_endian else ">"
