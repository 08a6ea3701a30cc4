"""Reading the facts about a program from its ELF file."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from emulab.errors import UsageError
from emulab.toolchain.buildinfo import GoBuild, parse_build_info
from emulab.toolchain.elf_attributes import (
    ARM_LEVELS,
    TAG_ARM_ABI_VFP_ARGS,
    TAG_ARM_CPU_ARCH,
    TAG_RISCV_ARCH,
    parse_attributes,
)
from emulab.toolchain.elf_facts import ElfFacts

if TYPE_CHECKING:
    from pathlib import Path

    from elftools.elf.elffile import ELFFile

_NOT_ELF = {
    b"#!": "a script",
    b"MZ": "a Windows program",
    b"\xcf\xfa\xed\xfe": "a macOS program",
    b"\xce\xfa\xed\xfe": "a macOS program",
    b"\xca\xfe\xba\xbe": "a macOS universal program or a Java class",
    b"\0asm": "a WebAssembly module",
    b"!<arch>": "an archive of object files",
    b"\x1f\x8b": "a gzip file",
    b"PK\x03\x04": "a zip file",
}
_NAMES = {
    ("EM_AARCH64", 64): "arm64",
    ("EM_X86_64", 64): "amd64",
    ("EM_386", 32): "386",
    ("EM_RISCV", 64): "riscv64",
    ("EM_RISCV", 32): "riscv32",
    ("EM_PPC64", 64): "ppc64",
    ("EM_S390", 64): "s390x",
    ("EM_MIPS", 32): "mips",
    ("EM_MIPS", 64): "mips64",
    ("EM_LOONGARCH", 64): "loong64",
}
_KINDS = {"ET_REL": "object", "ET_CORE": "core"}
_SYSTEMS = {"ELFOSABI_FREEBSD": "freebsd", "ELFOSABI_NETBSD": "netbsd", "ELFOSABI_OPENBSD": "openbsd",
            "ELFOSABI_SOLARIS": "solaris"}  # fmt: skip
_DF_1_PIE = 0x08000000
_ARM_HARD_FLOAT, _ARM_SOFT_FLOAT = 0x400, 0x200
_RISCV_FLOAT_ABI = 0x6
_BUILD_INFO_SEARCH = 64 << 10
_LARGEST_SMALL_SECTION = 1 << 20
_SMALLEST_VERSION_RECORD = 16
_VERSION = re.compile(r"([A-Za-z_]+)_(\d+(?:\.\d+)*)$")


def inspect(path: Path) -> ElfFacts:
    """Return the facts that an ELF file gives about itself.

    :raises UsageError: the file is not there, is not an ELF file, or is damaged or cut short.
    """
    try:
        if path.is_dir():
            raise UsageError(f"{path} is a directory, not a program", hint="name the program's file")
        if path.exists() and not path.is_file():  # opening a pipe would wait for its other end
            raise UsageError(f"{path} is no regular file", hint="name the program's file")
        with path.open("rb") as stream:
            return _inspect_stream(path, stream)
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {path}", hint="check the path of the program") from error
    except OSError as error:
        raise UsageError(f"{path} can not be read: {error.strerror}", hint="check its permissions") from error


def _inspect_stream(path: Path, stream: BinaryIO) -> ElfFacts:
    start = stream.read(16)
    if not start:
        raise UsageError(f"{path} is empty, not a program", hint="build it again")
    if start[:4] != b"\x7fELF":
        kind = next((name for magic, name in _NOT_ELF.items() if start.startswith(magic)), "no ELF file")
        hint = "name a Linux program built for the target"
        if kind == "a script":
            hint = "run it as a command in the guest instead: emulab run -- PATH-IN-THE-GUEST"
        raise UsageError(f"{path} is {kind}, not a Linux program", hint=hint)
    from elftools.elf.elffile import ELFFile

    size = stream.seek(0, 2)
    stream.seek(0)
    try:
        elf = ELFFile(stream)
        fault = _layout_fault(elf, size)
        if not fault:
            return _facts(elf)
    except Exception as error:  # whatever a damaged file makes the parser stumble over
        fault = str(error) or type(error).__name__
    raise UsageError(f"{path} is a damaged or truncated ELF file: {fault}", hint="build or copy it again")


def _layout_fault(elf: ELFFile, size: int) -> str:
    """Say what lies outside the file. It also keeps the parser from walking tables without end."""
    header = elf.header
    wide = elf.elfclass == 64
    for count, offset, entry, expected, what in (
        (elf.num_segments(), header["e_phoff"], header["e_phentsize"], 56 if wide else 32, "program headers"),
        (elf.num_sections(), header["e_shoff"], header["e_shentsize"], 64 if wide else 40, "section headers"),
    ):
        if count and entry != expected:
            return f"its {what} have an impossible size"
        if offset + count * entry > size:
            return f"its {what} lie beyond its end"
    for segment in elf.iter_segments():
        if segment["p_type"] == "PT_LOAD" and segment["p_offset"] + segment["p_filesz"] > size:
            return f"a segment lies beyond its end ({size} bytes)"
    return ""


def _facts(elf: ELFFile) -> ElfFacts:
    go = _go_build(elf)
    interpreter = _interpreter(elf)
    needed, pie_flag = _dynamic(elf)
    kind = _kind(elf, interpreter, pie_flag)
    architecture, float_abi, instruction_set = _architecture(elf, go)
    system = _SYSTEMS.get(elf.header["e_ident"]["EI_OSABI"], "linux")
    if go is not None and go.setting("GOOS"):
        system = go.setting("GOOS")
    return ElfFacts(
        architecture=architecture,
        system=system,
        kind=kind,
        bits=elf.elfclass,
        endianness="little" if elf.little_endian else "big",
        float_abi=float_abi,
        instruction_set=instruction_set,
        interpreter=interpreter,
        needed=needed,
        symbol_versions=_symbol_versions(elf),
        dynamic=interpreter is not None,
        pie=elf.header["e_type"] == "ET_DYN" and kind == "program",
        stripped=not any(section["sh_type"] == "SHT_SYMTAB" for section in elf.iter_sections()),
        segment_alignment=max(
            (s["p_align"] for s in elf.iter_segments() if s["p_type"] == "PT_LOAD"), default=0
        ),
        sections=tuple((s.name, s["sh_size"]) for s in elf.iter_sections() if s.name),
        go=go,
    )


def _kind(elf: ELFFile, interpreter: str | None, pie_flag: bool) -> str:
    type_ = elf.header["e_type"]
    if type_ == "ET_EXEC" or (type_ == "ET_DYN" and (interpreter is not None or pie_flag)):
        return "program"
    return "library" if type_ == "ET_DYN" else _KINDS.get(type_, "object")


def _interpreter(elf: ELFFile) -> str | None:
    for segment in elf.iter_segments():
        if segment["p_type"] == "PT_INTERP":
            return str(segment.data().rstrip(b"\0").decode(errors="replace"))
    return None


def _dynamic(elf: ELFFile) -> tuple[tuple[str, ...], bool]:
    """Return the needed libraries, and whether the linker marked the file as a PIE."""
    needed: list[str] = []
    pie = False
    for segment in elf.iter_segments():
        if segment["p_type"] != "PT_DYNAMIC":
            continue
        most = segment["p_filesz"] // (2 * elf.elfclass // 8)
        tags: Any = segment
        for tag in islice(tags.iter_tags(), most):
            if tag.entry.d_tag == "DT_NEEDED":
                needed.append(tag.needed)
            elif tag.entry.d_tag == "DT_FLAGS_1":
                pie = bool(tag.entry.d_val & _DF_1_PIE)
    return tuple(needed), pie


def _symbol_versions(elf: ELFFile) -> tuple[tuple[str, str], ...]:
    highest: dict[str, tuple[int, ...]] = {}
    for section in elf.iter_sections():
        if section["sh_type"] != "SHT_GNU_verneed":
            continue
        most = section["sh_size"] // _SMALLEST_VERSION_RECORD
        versions: Any = section
        for _, names in islice(versions.iter_versions(), most):
            for name in islice(names, most):
                match = _VERSION.match(name.name)
                if match:
                    number = tuple(int(part) for part in match[2].split("."))
                    highest[match[1]] = max(highest.get(match[1], ()), number)
    return tuple(sorted((name, ".".join(map(str, number))) for name, number in highest.items()))


def _architecture(elf: ELFFile, go: GoBuild | None) -> tuple[str, str | None, str]:
    """Return the architecture's name, the float ABI and the instruction set's level."""
    machine, flags = elf.header["e_machine"], elf.header["e_flags"]
    if machine == "EM_ARM":
        return _arm(elf, flags, go)
    name = _NAMES.get((machine, elf.elfclass), str(machine).removeprefix("EM_").lower())
    if name in ("arm64", "riscv64", "riscv32", "loong64", "amd64", "386"):
        name += "" if elf.little_endian else "be"
    elif name in ("ppc64", "mips", "mips64"):
        name += "le" if elf.little_endian else ""
    if machine == "EM_RISCV":
        attributes = parse_attributes(_section(elf, ".riscv.attributes"), "riscv")
        level = attributes.get(TAG_RISCV_ARCH, "")
        return name, "hard" if flags & _RISCV_FLOAT_ABI else "soft", str(level)
    return name, None, ""


def _arm(elf: ELFFile, flags: int, go: GoBuild | None) -> tuple[str, str | None, str]:
    attributes = parse_attributes(_section(elf, ".ARM.attributes"), "arm", little=elf.little_endian)
    level = ARM_LEVELS.get(int(attributes.get(TAG_ARM_CPU_ARCH, -1)))
    setting = go.setting("GOARM") if go is not None else ""
    if setting[:1] in ("5", "6", "7"):
        # The Go compiler's level; the C compiler's, if there was one, can be the higher of the two.
        level = max(level or "", f"armv{setting[0]}")
    hard: str | None = None
    if attributes.get(TAG_ARM_ABI_VFP_ARGS) == 1 or flags & _ARM_HARD_FLOAT:
        hard = "hard"
    elif TAG_ARM_ABI_VFP_ARGS in attributes or flags & _ARM_SOFT_FLOAT:
        hard = "soft"
    name = level or "arm"
    return name if elf.little_endian else name + "be", hard, setting


def _section(elf: ELFFile, name: str) -> bytes:
    for section in elf.iter_sections():
        if section.name == name and section["sh_type"] != "SHT_NOBITS":
            if section["sh_size"] > _LARGEST_SMALL_SECTION:
                return b""
            return bytes(section.data())
    return b""


def _go_build(elf: ELFFile) -> GoBuild | None:
    found = parse_build_info(_section(elf, ".go.buildinfo"))
    if found is not None:
        return found
    for segment in elf.iter_segments():  # a file without section headers
        if segment["p_type"] == "PT_LOAD" and segment["p_flags"] & 0x2:
            elf.stream.seek(segment["p_offset"])
            return parse_build_info(elf.stream.read(min(segment["p_filesz"], _BUILD_INFO_SEARCH)))
    return None
