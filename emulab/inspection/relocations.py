"""What position independence costs a program's file: one relocation for each address in its data."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from elftools.elf.elffile import ELFFile

# Elf64_Rela on 64-bit Arm and RISC-V, Elf32_Rel on 32-bit Arm.
_ENTRY = {64: 24, 32: 8}
_ALLOCATED = 0x2
_HELD = (".gopclntab", ".data.rel.ro.gopclntab")


def relocation_bytes(path: Path, *, pie: bool) -> int:
    """Return about how many bytes of relocations a program has, or as a PIE would have.

    Of a PIE it is the size of its tables. Of another program it is estimated: each aligned word of its data
    that could be an address of its own becomes a relocation. A Go program that was built both ways for arm64
    had 1 % fewer.

    :param path: an ELF file whose facts could be read.
    """
    from elftools.elf.elffile import ELFFile

    with path.open("rb") as stream:
        elf = ELFFile(stream)
        if not pie:
            return _addresses(elf) * _ENTRY[elf.elfclass]
        tables = ("SHT_REL", "SHT_RELA", "SHT_RELR")
        return sum(
            section["sh_size"]
            for section in elf.iter_sections()
            if section["sh_type"] in tables and section["sh_flags"] & _ALLOCATED
        )


def _addresses(elf: ELFFile) -> int:
    """Return how many words of data look like addresses of the program."""
    import numpy as np

    loaded = [section for section in elf.iter_sections() if section["sh_flags"] & _ALLOCATED]
    text = elf.get_section_by_name(".text")
    if text is None:
        return 0
    # Below the code there are no addresses, but many small numbers.
    low, high = text["sh_addr"], max(each["sh_addr"] + each["sh_size"] for each in loaded)
    order = "<" if elf.little_endian else ">"
    word = elf.elfclass // 8
    found = 0
    for section in loaded:
        if section["sh_type"] == "SHT_PROGBITS" and section.name not in (".text", *_HELD):
            data = section.data()
            words = np.frombuffer(data[: len(data) // word * word], dtype=f"{order}u{word}")
            found += int(((words >= low) & (words < high)).sum())
    return found
