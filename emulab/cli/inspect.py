"""``emulab inspect``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emulab.cli.display import document_options, print_json, progress_shown, quiet_option
from emulab.cli.parameters import Listed, flattened
from emulab.cli.verbosity import verbose_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulab.inspection.program import ProgramFile
    from emulab.inspection.sizes import PackageSize
    from emulab.inspection.verdicts import Placed
    from emulab.progress import Progress

_PACKAGES_SHOWN = 15
_RUNS = 5


def _boards() -> list[str]:
    from emulab.boards import load_catalogue

    return list(load_catalogue().ids())


@click.command(short_help="Say of a built program where it starts, without running it.")
@click.argument("what", metavar="BINARY|PACKAGE", type=click.Path(path_type=str))
@click.option("--board", type=Listed(_boards), multiple=True, help="Boards that it is to start on.")
@click.option(
    "--libc",
    type=Listed(lambda: ["musl", "glibc", "glibc-old"]),
    multiple=True,
    help="Root filesystems that it is to start on, instead of the boards' own.",
)
@click.option("--builds", is_flag=True, help="Of a package: every way to build it, run and compared.")
@click.option("--mode", type=click.Choice(["user", "system"]), help="Where builds run. [user for services]")
@click.option("--ready", metavar="URL", help="Of builds: http://:PORT/PATH, tcp://:PORT or log:REGEXP.")
@click.option(
    "--runs", type=click.IntRange(1), default=_RUNS, show_default=True, help="Starts of each build."
)
@click.option("--go", metavar="VERSION", help="Go toolchain of builds, such as 1.24 or 1.24.11.")
@document_options("json, markdown, junit, sarif or annotations")
@verbose_option
@quiet_option
def command(what: str, **options: Any) -> int:
    """Say of a built program where it starts and what takes its room, without running it.

    Read are its ELF file, what Go wrote into it, and the libraries of the root filesystems, each of which it
    is held against; `*` marks those that decide: the boards' own, or those of --libc.

    \b
    emulab inspect ./server --board raspberry-pi-4,visionfive-2
    emulab inspect ./tool --libc musl --json
    emulab inspect ./cmd/server --builds --board raspberry-pi-5 --ready http://:8080/health

    With --builds a Go package is built with and without cgo, `-s -w` and PIE, and each build is run under
    emulation: its size, how long it takes to start (or to run), and the memory that it then has.

    The exit status is 0 when it starts on every board named, or without any on some root filesystem; 1 when
    it does not; 2 when BINARY is missing, damaged or no ELF file; 3 when the libraries of a root filesystem
    can not be read.
    """
    from emulab.errors import UsageError
    from emulab.report import VERDICT_FORMATS, check_requests

    check_requests(options["output"], formats=VERDICT_FORMATS)
    if options["builds"] and options["output"]:
        raise UsageError(
            "-o writes verdicts, and --builds has none", hint="leave out one of them; --json serves both"
        )
    if options["builds"]:
        return _compare_builds(what, options)
    return _inspect(Path(what), options)


def _inspect(binary: Path, options: dict[str, Any]) -> int:
    from emulab.errors import UsageError
    from emulab.inspection.program import read_program
    from emulab.inspection.sizes import largest
    from emulab.inspection.verdicts import fits, hold_against
    from emulab.report.inspection import facts_text, packages_text, sizes_text, verdicts_text

    if binary.is_dir():
        raise UsageError(
            f"{binary} is a directory, not a program",
            hint="add --builds to build it in every way and compare",
        )
    program = read_program(binary)
    boards, libcs = flattened(options["board"]), flattened(options["libc"])
    with progress_shown(quiet=options["quiet"]) as progress:
        if not options["as_json"]:
            click.echo(facts_text(program))
        placed = hold_against(program.subject, boards, libcs, progress)
        if not options["as_json"]:
            click.echo(verdicts_text(placed))
        sizes = _sizes(program, progress)
    if options["as_json"]:
        print_json(_document(program, [each.to_json() for each in placed], sizes))
    else:
        click.echo(sizes_text(program, sizes["uses"], sizes["stripping"], sizes["relocations"]))
        if sizes["packages"]:
            rows = largest(sizes["packages"], _PACKAGES_SHOWN)
            click.echo(packages_text(rows, has_data=not program.subject.facts.stripped), nl=False)
    _export(binary, program, placed, sizes, options["output"])
    return 0 if fits(placed, named=bool(boards or libcs)) else 1


def _export(
    binary: Path, program: ProgramFile, placed: list[Placed], sizes: dict[str, Any], requests: Sequence[str]
) -> None:
    """Write the verdicts on the root filesystems that decide; as JSON everything."""
    import json

    from emulab import __version__
    from emulab.figures import Document
    from emulab.report import VERDICT_FORMATS, export
    from emulab.testing.locations import top_of

    # Code scanning knows only what lies in the repository.
    top, path = top_of(Path.cwd().resolve()), binary.resolve()
    places = []
    if path.is_relative_to(top):
        places = [
            {"file": path.relative_to(top).as_posix(), "line": 1, "column": 0, "test": "", "message": ""}
        ]
    rows = [each.to_json() | {"locations": places} for each in placed if each.decides]
    document = Document("inspect", {"emulab": __version__}, verdicts=rows)

    def as_json() -> bytes:
        everything = _document(program, [each.to_json() for each in placed], sizes)
        return (json.dumps(everything, indent=2, ensure_ascii=False) + "\n").encode()

    export(document, requests, {"json": as_json}, VERDICT_FORMATS)


def _sizes(program: ProgramFile, progress: Progress) -> dict[str, Any]:
    """Return what takes the program's room, in bytes."""
    from emulab.inspection.relocations import relocation_bytes
    from emulab.inspection.sizes import Piece, sizes_by_package, sizes_by_use, stripped_saving

    facts = program.subject.facts
    packages: list[PackageSize] = []
    if facts.go is not None:
        from emulab.symbols import pieces

        named = (Piece(*each) for each in pieces(program.path, progress))
        packages = sizes_by_package(named, has_c=bool(program.has_c))
    return {
        "uses": sizes_by_use(facts),
        "stripping": stripped_saving(facts),
        "relocations": relocation_bytes(program.path, pie=facts.pie),
        "packages": packages,
    }


def _document(program: ProgramFile, verdicts: list[dict[str, Any]], sizes: dict[str, Any]) -> dict[str, Any]:
    from emulab import __version__
    from emulab.figures import Document

    rows = [{"package": row.package, "code": row.code, "data": row.data} for row in sizes["packages"]]
    document = Document("inspect", {"emulab": __version__}, verdicts=verdicts).to_json()
    return document | {"program": program.to_json() | {"sizes": sizes | {"packages": rows}}}


def _compare_builds(what: str, options: dict[str, Any]) -> int:
    from emulab.report.inspection import variants_text
    from emulab.workloads.request import BuildOptions, RunRequest, find_program
    from emulab.workloads.variants import measure_variants

    program = find_program(what, None, Path.cwd())
    ready = options["ready"] or (program.manifest.ready if program.manifest else "")
    request = RunRequest(
        program=program,
        boards=tuple(flattened(options["board"])),
        libcs=tuple(flattened(options["libc"])),
        # Only a whole machine's kernel tells how much memory a program that ends has had.
        modes=(options["mode"] or ("user" if ready else "system"),),
        build=BuildOptions(go=options["go"]),
        ready=ready,
        runs=options["runs"],
    )
    with progress_shown(quiet=options["quiet"]) as progress:
        measured, document = measure_variants(request, progress)
    if options["as_json"]:
        print_json(document.to_json())
    else:
        click.echo(variants_text(measured), nl=False)
    sys.stdout.flush()
    return 0
