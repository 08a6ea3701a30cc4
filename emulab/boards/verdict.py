"""Why a chip cannot run standard Go programs, in numbers, and what can be done instead.

The sentence is made from data: what the smallest Go program needs (``catalogue/smallest-program.toml``,
measured) and what the chip has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from emulab.boards.library import SHIPPED, read_toml

if TYPE_CHECKING:
    from emulab.boards.board import Board

# WebAssembly's memory comes in pages of this size, and a program needs one for itself and its
# interpreter about as much again.
_WASM_PAGE_KIB = 64

_GO_ARCH = {"riscv64": "riscv64"}


class SmallestProgram(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an empty ``main``, stripped, needs on one of Go's Linux ports.

    :param file_b: size of the file in bytes.
    :param resident_b: memory in use when ``main`` runs, in bytes.
    """

    file_b: int
    resident_b: int


class Needs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the smallest standard Go program needs, by architecture.

    :param go: the release that built it.
    :param wasm_file_b: size of the same program built for WebAssembly (``GOOS=wasip1``).
    """

    go: str
    linux: dict[str, SmallestProgram]
    wasm_file_b: int


def needs() -> Needs:
    """Return the measured needs of the smallest Go program."""
    path = SHIPPED / "smallest-program.toml"
    return msgspec.convert(read_toml(path, path.name), Needs)


def refusal(board: Board) -> str:
    """Return the one sentence that says why no standard Go program can run on a chip."""
    chip = board.chip
    assert chip is not None, "a board of the kind chip has [chip]; consistency checks hold it"
    need = needs()
    port = _GO_ARCH.get(board.arch)
    program = need.linux[port] if port else min(need.linux.values(), key=lambda p: p.resident_b)
    has = [f"{_size(chip.ram_kib * 1024)} of RAM"]
    if chip.psram_kib:
        has[0] += f" (and {_size(chip.psram_kib * 1024)} of PSRAM)"
    has.append(f"{_size(chip.flash_kib * 1024)} of flash")
    unit = "an MMU that Linux does not support" if chip.mmu else "no MMU"
    room = f"{', '.join(has)} and {unit}"
    lacks = "" if port else f", and {board.arch} is no architecture that Go compiles for"
    return (
        f"{board.id} cannot run a standard Go program: the smallest one, an empty main by Go {need.go}"
        f" without symbols, is a file of {_size(program.file_b)} and holds {_size(program.resident_b)}"
        f" of memory when main starts, on a Linux kernel with an MMU; the {board.soc.name} has {room}{lacks}"
    )


def way_out(board: Board) -> str:
    """Return what can be done instead: TinyGo, WebAssembly, another chip."""
    chip = board.chip
    assert chip is not None, "a board of the kind chip has [chip]; consistency checks hold it"
    ways = []
    if chip.tinygo:
        ways.append(f"build it with TinyGo, `tinygo build -target={chip.tinygo}`")
    if chip.ram_kib >= 2 * _WASM_PAGE_KIB:
        ways.append(
            "or build it to WebAssembly with TinyGo and run it in an interpreter on the chip"
            f" (standard Go's own WebAssembly of an empty main is {_size(needs().wasm_file_b)})"
        )
    if not chip.tinygo:
        topic = {note.topic: note.text for note in board.notes}.get("tinygo", "TinyGo has no target for it")
        ways.insert(0, topic)
    if chip.nearest:
        ways.append(f"or take {chip.nearest}, the nearest board here that TinyGo builds for")
    return "; ".join(ways)


def _size(size_b: int) -> str:
    for unit, factor in (("MiB", 1024**2), ("KiB", 1024)):
        if size_b >= factor:
            number = size_b / factor
            return f"{number:.0f} {unit}" if number.is_integer() or number >= 100 else f"{number:.2f} {unit}"
    return f"{size_b} B"
