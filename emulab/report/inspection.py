"""What `emulab inspect` shows: a program's facts, its sizes, and where it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulab.report.tables import text_table
from emulab.report.units import quantity, quantity_with_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulab.figures import Figure
    from emulab.inspection.program import ProgramFile
    from emulab.inspection.sizes import PackageSize
    from emulab.inspection.verdicts import Placed
    from emulab.workloads.variants import Measured

_MOST_DEPENDENCIES = 8
_VARIANT_FIGURES = {
    "binary-size": "size (COUNTED)",
    "startup": "start-up (EMULATED)",
    "run-time": "run time (EMULATED)",
    "rss-rest": "RSS at rest (EMULATED)",
    "peak-rss": "peak RSS (EMULATED)",
}
_SHOWN_SETTINGS = ("-buildmode", "-compiler", "-tags", "-ldflags", "-race", "-trimpath", "CGO_ENABLED",
                   "GOARCH", "GOARM", "GOARM64", "GORISCV64", "vcs.revision", "vcs.modified")  # fmt: skip


def facts_text(program: ProgramFile) -> str:
    """Return what a program's file tells, a fact a line."""
    facts, linking = program.subject.facts, program.subject.linking
    kind = "program" if facts.kind == "program" else f"{facts.kind}, not a program"
    rows = {
        "file": f"{facts.system} {kind}, {program.linkage}, {quantity(program.size, 'B')}"
        + (", stripped" if facts.stripped else ""),
        "architecture": _architecture(program),
    }
    if facts.interpreter is not None or facts.needed:
        rows["interpreter"] = facts.interpreter or "none"
        rows["libraries"] = ", ".join(facts.needed) or "none"
        rows["versions needed"] = ", ".join(_highest_versions(program)) or "none"
        rows["symbols needed"] = f"{len(linking.imports)}"
    if linking.search:
        rows["looks in"] = ":".join(linking.search)
    if facts.go is not None:
        module = facts.go.module
        rows["Go"] = " ".join(
            filter(None, [facts.go.version, facts.go.path, module.version if module is not None else ""])
        )
        rows["cgo"] = "C code inside" if program.has_c else "no C code"
        settings = (
            f"{name}={value}" for name, value in facts.go.settings if name in _SHOWN_SETTINGS and value
        )
        rows["built with"] = " ".join(settings)
        names = [f"{each.path} {each.version}" for each in facts.go.dependencies]
        more = f" and {len(names) - _MOST_DEPENDENCIES} more" if len(names) > _MOST_DEPENDENCIES else ""
        rows["modules"] = ", ".join(names[:_MOST_DEPENDENCIES]) + more
    width = max(map(len, rows)) + 2
    lines = [f"  {name:<{width}}{value}" for name, value in rows.items() if value]
    return "\n".join([program.subject.name, *lines]) + "\n"


def _architecture(program: ProgramFile) -> str:
    facts = program.subject.facts
    levels = [
        f"{each.setting}: {' '.join(each.needs)}" if each.needs and "=" in each.setting else each.setting
        for each in program.subject.levels
    ]
    return "; ".join(
        [facts.architecture, *([f"{facts.float_abi} float"] if facts.float_abi else []), *levels]
    )


def _highest_versions(program: ProgramFile) -> list[str]:
    return [f"{family}_{version}" for family, version in program.subject.facts.symbol_versions]


def sizes_text(program: ProgramFile, uses: dict[str, int], saving: int, relocations: int) -> str:
    """Return what takes a program's room, and what stripping it or its position independence change.

    :param uses: bytes by use, see :func:`emulab.inspection.sizes.sizes_by_use`.
    :param saving: what stripping takes off, bytes.
    :param relocations: what its relocations take, or would take if it were position independent, bytes.
    """
    table = text_table(
        ["what", "size"], [[use, quantity(size, "B")] for use, size in uses.items()], numbers=True
    )
    lines = [
        f"stripping (-ldflags=-s): {quantity(saving, 'B')} less in the file, nothing in memory"
        if saving > 0
        else "stripping: it has no symbols to take away"
    ]
    facts = program.subject.facts
    if facts.pie:
        lines.append(
            f"without PIE: {quantity(relocations, 'B')} of relocations less, none to apply at its start"
        )
    elif facts.kind == "program":
        lines.append(
            f"as PIE: about {quantity(relocations, 'B')} of relocations more, applied at every start"
        )
    return table + "".join(f"{line}\n" for line in lines)


def packages_text(rows: Sequence[PackageSize], *, has_data: bool) -> str:
    """Return what each package takes.

    :param has_data: whether variables are known; without a symbol table only code is.
    """
    header = ["package", "code", *(["data"] if has_data else [])]
    table = text_table(
        header,
        [
            [
                row.package,
                *(quantity(size, "B") if size else "" for size in (row.code, row.data)[: 1 + has_data]),
            ]
            for row in rows
        ],
        numbers=True,
    )
    return table if has_data else table + "it is stripped, so which package its data belong to is not known\n"


def variants_text(measured: Sequence[Measured]) -> str:
    """Return what each way of building a program makes of its size, its start and its memory."""
    shown = [name for name in _VARIANT_FIGURES if any(each.figure(name) for each in measured)]
    smallest = {
        each.place: min(
            size.value for other in measured if other.place == each.place for size in _size(other)
        )
        for each in measured
        if _size(each)
    }
    rows = []
    for each in measured:
        cells = [_cell(each.figure(name)) for name in shown]
        for size in _size(each):
            more = size.value / smallest[each.place] - 1
            cells[0] += f", {more:+.1%}" if more >= 0.0005 else ""
        rows.append([each.place, each.variant.title, *cells, each.failure])
    header = ["machine", "build", *(_VARIANT_FIGURES[name] for name in shown), "what went wrong"]
    if not any(each.failure for each in measured):
        header, rows = header[:-1], [row[:-1] for row in rows]
    return text_table(header, rows)


def _size(measured: Measured) -> list[Figure]:
    figure = measured.figure("binary-size")
    return [figure] if figure is not None else []


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return ""
    return quantity_with_interval(figure.value, figure.low, figure.high, figure.unit)


def verdicts_text(placed: Sequence[Placed]) -> str:
    """Return where a program starts, and why not elsewhere."""
    rows = [
        [
            each.board.id if each.board.kind != "generic" else f"any {each.board.arch}",
            each.offer.libc + (f" {each.offer.glibc}" if each.offer.glibc else ""),
            "*" if each.decides else "",
            "yes" if each.verdict.compatible else "no",
            "; ".join(misfit.reason for misfit in (*each.verdict.misfits, *each.verdict.warnings)),
        ]
        for each in placed
    ]
    text = text_table(["board", "root filesystem", "own", "starts", "why not"], rows)
    remedies = dict.fromkeys(
        misfit.remedy
        for each in placed
        if each.decides
        for misfit in (*each.verdict.misfits, *each.verdict.warnings)
    )
    return text + "".join(f"{remedy}\n" for remedy in remedies)
