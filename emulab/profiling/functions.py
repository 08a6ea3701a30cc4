"""Functions of a program's symbol table, found quickly: Go's tables have tens of thousands of symbols."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emulab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_ISAS = {"EM_AARCH64": "arm64", "EM_ARM": "armv7", "EM_RISCV": "riscv64", "EM_X86_64": "amd64"}
_SYMBOL_64 = np.dtype(
    [("name", "<u4"), ("info", "u1"), ("other", "u1"), ("section", "<u2"), ("value", "<u8"), ("size", "<u8")]
)
_SYMBOL_32 = np.dtype(
    [("name", "<u4"), ("value", "<u4"), ("size", "<u4"), ("info", "u1"), ("other", "u1"), ("section", "<u2")]
)
_FUNCTION = 2


@dataclass(frozen=True)
class Function:
    """A function.

    :param code: its instructions.
    :param is_relocatable: the program is position-independent, so ``address`` counts from where it is loaded.
    """

    name: str
    address: int
    code: bytes
    is_relocatable: bool = False


@dataclass(frozen=True)
class Found:
    """Functions that were found, by name, and the instruction set that they are of."""

    isa: str
    functions: dict[str, Function]


def find_functions(binary: Path, names: Collection[str]) -> Found:
    """Return the functions of these names in a program's symbol table.

    :raises UsageError: it is no ELF file of an architecture that can be counted.
    """
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        with binary.open("rb") as stream:
            elf = ELFFile(stream)
            isa = _ISAS.get(elf["e_machine"])
            if isa is None:
                raise UsageError(f"{binary} is for {elf['e_machine']}, which can not be counted")
            return Found(isa, _find(elf, set(names)))
    except (OSError, ELFError) as error:
        raise UsageError(f"{binary} can not be read as a program: {error}") from error


def _find(elf: Any, names: set[str]) -> dict[str, Function]:
    table = elf.get_section_by_name(".symtab")
    if table is None:
        return {}
    symbols = np.frombuffer(table.data(), _SYMBOL_64 if elf.elfclass == 64 else _SYMBOL_32)
    strings = elf.get_section(table["sh_link"]).data()
    symbols = symbols[(symbols["info"] & 15 == _FUNCTION) & (symbols["section"] > 0)]
    by_name = {int(each["name"]): each for each in symbols}
    found = {}
    for name in names:
        # Names are whole strings of the table, each after a zero; a name may end another one.
        text = b"\0" + name.encode() + b"\0"
        place = strings.find(text)
        while place >= 0:
            symbol = by_name.get(place + 1)
            if symbol is not None:
                found[name] = _function(elf, name, symbol)
                break
            place = strings.find(text, place + 1)
    return found


def _function(elf: Any, name: str, symbol: np.void) -> Function:
    section = elf.get_section(int(symbol["section"]))
    # The lowest bit of an ARM function's address says that it is Thumb code.
    address = int(symbol["value"]) & (~1 if elf["e_machine"] == "EM_ARM" else ~0)
    start = address - section["sh_addr"]
    code = section.data()[start : start + int(symbol["size"])]
    return Function(name, address, code, elf["e_type"] == "ET_DYN")


def return_addresses(isa: str, function: Function) -> tuple[int, ...]:
    """Return the addresses of a function's return instructions.

    :raises UsageError: it has none.
    """
    from emulab.profiling.disassembly import disassembler, is_return

    found = tuple(
        each.address
        for each in disassembler(isa).disasm(function.code, function.address)
        if is_return(isa, each.mnemonic, each.op_str)
    )
    if not found:
        raise UsageError(f"{function.name} never returns, so nothing can be counted from there")
    return found
