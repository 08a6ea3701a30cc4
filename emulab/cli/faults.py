"""What the verbs ``run`` and ``matrix`` have to say about faults."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emulab.figures import Document
    from emulab.matrix.faults.schema import Fault
    from emulab.progress import Progress
    from emulab.workloads.request import Place

_COLUMN = 14
_BOTH_MODES = ("user", "system")


def fault_names() -> list[str]:
    """Return the ids of all faults, for a shell to complete."""
    from emulab.matrix.faults.catalogue import fault_ids

    return fault_ids()


def list_faults(*, as_json: bool) -> int:
    """Print every fault."""
    from emulab.cli.display import print_json
    from emulab.matrix.faults.catalogue import faults

    if as_json:
        print_json({"faults": [_described(fault) for fault in faults().values()]})
        return 0
    for fault in faults().values():
        sys.stdout.write(f"{fault.id}\n    {fault.title}. {fault.happens}\n")
        sys.stdout.writelines(f"    {line}\n" for line in _lines(fault))
    return 0


def _lines(fault: Fault) -> list[str]:
    lines = [f"here: {fault.mechanism}"]
    if fault.wisdom:
        lines.append(f"seen: {fault.wisdom}")
    lines.append(f"way round: {fault.remedy}")
    for hole in fault.unsupported:
        where = " ".join(each for each in (hole.arch, hole.libc, hole.mode) if each)
        lines.append(f"unsupported on {where}: {hole.reason}")
    return lines


def _described(fault: Fault) -> dict[str, Any]:
    import msgspec

    kept = ("id", "title", "happens", "mechanism", "wisdom", "remedy", "unsupported", "case")
    described: dict[str, Any] = msgspec.to_builtins(fault)
    return {name: described[name] for name in kept}


def show_verdict(row: dict[str, Any]) -> None:
    """Print a verdict: its line, its reason, and of a failure the way round it."""
    place = f"{row['board'] or row['arch']} ({row['libc']}, {row['mode']} mode)"
    seconds = f"  {row['seconds']:.1f} s" if "seconds" in row else ""
    lines = [f"{row['verdict']:<{_COLUMN}} {row['probe']}  {place}{seconds}"]
    lines += [f"    {row['reason']}"] if row["reason"] else []
    if row["verdict"] in ("fail", "error"):
        lines += [f"    | {line}" for line in row.get("evidence", ())]
    lines += [f"    way round: {row['remedy']}"] if row["remedy"] else []
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def status_of(rows: Sequence[dict[str, Any]]) -> int:
    """Return the exit status that verdicts mean: 1 for a failure, 3 for trouble beneath, 4 if nothing ran."""
    verdicts = {row["verdict"] for row in rows}
    if "fail" in verdicts:
        return 1
    if "error" in verdicts:
        return 3
    return 0 if verdicts & {"pass", "emulator-fault"} else 4


def runner_under(names: Sequence[str]) -> Callable[..., Any]:
    """Return what carries a run out under faults.

    :raises UsageError: there is none of a name.
    """
    import functools

    from emulab.matrix.faults.catalogue import chosen
    from emulab.matrix.under_faults import run_under_faults

    return functools.partial(run_under_faults, faults=chosen(names))


def verdicts_said(document: Document, *, is_shown: bool) -> int:
    """Print a document's verdicts where they are to be shown, and return the exit status that they mean."""
    for row in document.verdicts if is_shown else ():
        show_verdict(row)
    return status_of(document.verdicts)


def fault_matrix(packages: tuple[str, ...], options: dict[str, Any]) -> int:
    """Judge every fault that was named: on a module's own tests, or on the demonstrations.

    :param options: those of ``emulab matrix``.
    :raises UsageError: there is no such fault, or the request makes no sense.
    """
    from emulab.cli.display import progress_shown
    from emulab.matrix.faults.catalogue import chosen
    from emulab.report import VERDICT_FORMATS, check_requests, export

    check_requests(options["output"], formats=VERDICT_FORMATS)
    faults = chosen(options["faults"])
    lock, quiet = threading.Lock(), options["as_json"]

    def show(row: dict[str, Any]) -> None:
        if not quiet:
            with lock:
                show_verdict(row)

    tested = bool(packages) or (_is_in_module() and not options["demonstrations"])
    judge = _module_rows if tested else _demonstration_rows
    with progress_shown(quiet=options["quiet"]) as progress:
        document = judge(packages, options, faults, progress, show)
        requests = [*options["output"], *(["json=-"] if quiet else [])]
        export(document, requests, formats=VERDICT_FORMATS)
    if not quiet:
        found = [row["verdict"] for row in document.verdicts]
        counts = ", ".join(f"{found.count(each)} {each}" for each in dict.fromkeys(sorted(found)))
        sys.stdout.write(f"{len(found)} cells: {counts}\n")
    return status_of(document.verdicts)


def _is_in_module() -> bool:
    here = Path.cwd()
    return any((each / "go.mod").is_file() for each in (here, *here.parents))


def _demonstration_rows(
    packages: tuple[str, ...], options: dict[str, Any], faults: Sequence[Fault], progress: Progress, show: Any
) -> Document:
    from emulab import __version__
    from emulab.cli.parameters import flattened
    from emulab.figures import Document
    from emulab.machines.opening import Opener
    from emulab.matrix.demonstrations import Showing, demonstrate, preferred
    from emulab.matrix.under_faults import axes_of
    from emulab.toolchain.go import find_go
    from emulab.workloads.host import host_facts

    places = [place for place in _places(options) if not options["leaves_out"](axes_of(place))]

    def places_of(fault: Fault) -> list[Place]:
        return places if options["named_modes"] else preferred(fault, places)

    versions = [find_go(go, progress).version for go in flattened(options["go"]) or (None,)]
    rows = []
    with Opener(progress) as opener, progress.step("showing faults"):
        for go in dict.fromkeys(versions):
            showing = Showing(opener, progress, go)
            rows += demonstrate(faults, places_of, showing, lambda row: show(row.to_json()))
    environment = {"emulab": __version__, "host": host_facts(), "go": ", ".join(dict.fromkeys(versions))}
    return Document("matrix", environment, (), [row.to_json() for row in rows])


def _places(options: dict[str, Any]) -> list[Place]:
    from emulab.cli.parameters import flattened
    from emulab.matrix.faults.catalogue import PROGRAMS
    from emulab.workloads.request import Program, ProgramKind, RunRequest, find_places

    return find_places(
        RunRequest(
            program=Program(ProgramKind.PACKAGE, "faults", ".", PROGRAMS),
            architectures=tuple(flattened(options["arch"])),
            libcs=tuple(flattened(options["libc"])),
            modes=tuple(options["named_modes"]) or _BOTH_MODES,
            memory=options["memory"],
        )
    )


def _module_rows(
    packages: tuple[str, ...], options: dict[str, Any], faults: Sequence[Fault], progress: Progress, show: Any
) -> Document:
    from dataclasses import replace

    from emulab import __version__
    from emulab.cli.test import test_request
    from emulab.figures import Document
    from emulab.matrix.under_faults import tests_under_faults
    from emulab.workloads.host import host_facts

    options["mode"] = (list(options["named_modes"]),)
    request = replace(test_request(packages or ("./...",), options), leaves_out=options["leaves_out"])
    rows = tests_under_faults(request, faults, progress, show)
    return Document("matrix", {"emulab": __version__, "host": host_facts()}, (), rows)
