"""The catalogue as a page for readers: ``python -m emulab.boards.reference > docs/boards.md``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from emulab.boards.catalogue import HOST, Catalogue, load_catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulab.boards.board import Board, Cache, Cluster, Memory

_HEAD = """\
# Boards

<!-- Made from emulab/boards/catalogue: `python -m emulab.boards.reference > docs/boards.md`. Do not edit. -->

Every figure has its source below it. What no source tells is left out. Clocks that sbc-bench measured stand
beside the maker's. `emulab boards ID --json` prints the same in SI units.

A board of your own is a file: give its path, `--board ./my-board.toml`. It can take over what it has in
common with a board or a chip of the catalogue, and needs only what is different:

```toml
inherits = ["boards/raspberry-pi-5"]
name = "Raspberry Pi 5, overclocked"

[clusters.all]
nominal_mhz = 2800
operating_points_mhz = [1500, 2800]
```

Tables merge key by key, everything else (lists too) is replaced. Of several parents a later one overrides an
earlier one.
"""


def markdown(catalogue: Catalogue) -> str:
    """Return the page."""
    boards = [catalogue.board(i) for i in catalogue.ids() if i != HOST]
    return "\n".join([_HEAD, *_overview(boards), *_unable(boards), *_host(), *_details(boards)])


def _overview(boards: list[Board]) -> Iterator[str]:
    yield "## Boards that run Go\n"
    yield "| id | cores | MHz | memory | architecture | Go | QEMU's model |"
    yield "|---|---|---:|---:|---|---|---|"
    for board in boards:
        if board.runs_go and board.go and board.memory and board.emulation:
            cores = " + ".join(f"{c.count} {c.core.name}" for c in board.clusters)
            clocks = " + ".join(f"{c.nominal_mhz:g}" for c in board.clusters)
            level = board.go.goarm64 or board.go.goarm or board.go.goriscv64
            model = board.emulation.user.partition(",")[0]
            yield (
                f"| [`{board.id}`](#{board.id}) | {cores} | {clocks} | {_mib(board.memory.assumed_mib)}"
                f" | {board.arch} | `{level}` | `{model}` |"
            )
    yield ""


def _unable(boards: list[Board]) -> Iterator[str]:
    yield "## Chips that cannot\n"
    for board in boards:
        if not board.runs_go:
            yield f"### {board.id}\n"
            yield f"{board.name}. {board.refusal()}.\n"
            way = board.way_out() or ""
            yield f"Instead: {way}.\n"
            yield from _sources(board)


def _host() -> Iterator[str]:
    yield "## This computer\n"
    yield "`host` is the computer that emulab runs on. Its facts are read when they are asked for.\n"


def _details(boards: list[Board]) -> Iterator[str]:
    yield "## Figures and sources\n"
    for board in boards:
        if not board.runs_go:
            continue
        yield f"### {board.id}\n"
        yield f"{board.name} by {board.maker}, {board.soc.name} by {board.soc.maker}, {board.arch}.\n"
        for cluster in board.clusters:
            yield f"- {_cluster(cluster)}"
        if board.isa:
            profile = f", profile {board.isa.profile}" if board.isa.profile else ""
            yield f"- Instructions: {board.isa.base}{profile}: {' '.join(board.isa.flags)}."
        if board.memory:
            yield f"- Memory: {_memory(board.memory)}."
        if board.software:
            software = board.software
            libc = " ".join(filter(None, (software.libc, software.libc_version)))
            on = f" ({software.distribution})" if software.distribution else ""
            yield f"- System: Linux {software.kernel}{on}, {libc}, pages of {software.page_kib} KiB."
        for zone in board.thermal:
            trips = [f"throttles at {trip:g}" for trip in zone.passive_c]
            trips += [f"hot at {zone.hot_c:g}"] if zone.hot_c else []
            trips += [f"critical at {zone.critical_c:g}"] if zone.critical_c else []
            yield f"- Temperature of {zone.name}: {', '.join(trips)} degrees Celsius."
        if board.emulation:
            yield f"- QEMU: `-cpu {board.emulation.user}`, {board.emulation.vcpus} processors."
        environment = {**board.build_environment(), **board.run_environment()}
        yield f"- Go: `{' '.join(f'{k}={v}' for k, v in environment.items())}`."
        difference = board.differences()
        if difference.not_on_the_board:
            yield f"- Only under emulation: {', '.join(difference.not_on_the_board)}."
        if difference.not_emulated:
            yield f"- Only on the board: {', '.join(difference.not_emulated)}."
        for note in board.notes:
            yield f"- {note.text}"
        yield ""
        yield from _sources(board)


def _cluster(cluster: Cluster) -> str:
    order = {True: ", out of order", False: ", in order", None: ""}[cluster.core.out_of_order]
    width = f", {cluster.core.decode_width} wide" if cluster.core.decode_width else ""
    core = f"{cluster.core.name} ({cluster.core.maker}{order}{width})"
    text = f"{cluster.count} x {core}, {cluster.nominal_mhz:g} MHz"
    if cluster.measured:
        clocks = (f"{m.clock_mhz:g} ({m.device}, {m.run})" for m in cluster.measured)
        text += f", measured {', '.join(clocks)}"
    if cluster.operating_points_mhz:
        text += f"; operating points {', '.join(f'{p:g}' for p in cluster.operating_points_mhz)} MHz"
    caches = [
        f"{level.upper()} {_cache(cache)}"
        for level in ("l1i", "l1d", "l2", "l3")
        if (cache := getattr(cluster, level)) is not None
    ]
    return "; ".join([text, *caches]) + "."


def _cache(cache: Cache) -> str:
    parts = [_kib(cache.size_kib)]
    parts += [f"{cache.ways} ways"] if cache.ways else []
    parts += [f"{cache.line_b} B lines"] if cache.line_b else []
    parts += [f"for {cache.shared_by} cores"] if cache.shared_by > 1 else []
    return ", ".join(parts)


def _memory(memory: Memory) -> str:
    parts = [f"{_mib(memory.assumed_mib)} assumed"]
    if len(memory.sold_mib) > 1:
        parts.append(f"sold with {', '.join(_mib(size) for size in memory.sold_mib)}")
    parts += [memory.type] if memory.type else []
    parts += [f"{memory.bus_bits} bits"] if memory.bus_bits else []
    parts += [f"{memory.transfer_rate_mt_s} MT/s"] if memory.transfer_rate_mt_s else []
    parts += [f"{memory.peak_gb_per_s:g} GB/s at most"] if memory.peak_gb_per_s else []
    return ", ".join(parts)


def _sources(board: Board) -> Iterator[str]:
    by_text: dict[str, list[str]] = {}
    for source in board.sources:
        by_text.setdefault(source.text, []).append(f"`{source.field}`")
    yield "<details><summary>Sources</summary>\n"
    for text, fields in by_text.items():
        yield f"- {text}: {', '.join(fields)}"
    yield "\n</details>\n"


def _kib(size: int) -> str:
    return f"{size // 1024} MiB" if size % 1024 == 0 and size >= 1024 else f"{size} KiB"


def _mib(size: int) -> str:
    return f"{size // 1024} GiB" if size % 1024 == 0 else f"{size} MiB"


if __name__ == "__main__":
    sys.stdout.write(markdown(load_catalogue()))
