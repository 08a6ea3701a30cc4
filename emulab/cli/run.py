"""``emulab run``."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emulab.cli.faults import fault_names
from emulab.cli.parameters import GuestCommand, Listed, Size, flattened, guest_words, key_values
from emulab.cli.verbosity import verbose_option
from emulab.prediction.conditions import GOVERNORS

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulab.prediction.conditions import Conditions
    from emulab.progress import Progress
    from emulab.workloads.counted import CountedProgram
    from emulab.workloads.request import RunRequest


def _boards() -> list[str]:
    from emulab.boards import load_catalogue

    return list(load_catalogue().ids())


def _workloads_and_files(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[click.shell_completion.CompletionItem]:
    from click.shell_completion import CompletionItem

    from emulab.workloads.manifest import workload_ids

    names = [CompletionItem(name) for name in workload_ids() if name.startswith(incomplete)]
    return names or [CompletionItem(incomplete, type="file")]


@click.command(cls=GuestCommand, short_help="Run a Go program under emulation and report its figures.")
@click.argument(
    "what", required=False, metavar="[WORKLOAD|PACKAGE|BINARY]", shell_complete=_workloads_and_files
)
@click.option("--board", type=Listed(_boards), multiple=True, help="Boards to run for.")
@click.option(
    "--arch", type=Listed(lambda: ["arm64", "armv7", "riscv64"]), multiple=True, help="arm64, armv7, riscv64."
)
@click.option(
    "--libc",
    type=Listed(lambda: ["musl", "glibc", "glibc-old"]),
    multiple=True,
    help="musl, glibc, glibc-old.",
)
@click.option(
    "--mode", type=Listed(lambda: ["user", "system"]), multiple=True, help="user (the default), system."
)
@click.option("--memory", type=Size(), help="Memory of the machine: 64M to 4G.")
@click.option("--cpus", type=int, help="Processors of the machine: 1 to 8; cores that predictions use.")
@click.option(
    "--clock-mhz",
    type=click.FloatRange(1, 10_000),
    help="Predict for this clock instead of the board's highest.",
)
@click.option("--governor", type=click.Choice(GOVERNORS), help="Predict under this policy for the clock.")
@click.option(
    "--predict/--no-predict",
    default=None,
    help="Whether to predict boards' figures, counting the program on a whole machine.",
)
@click.option("--kernel", type=click.Choice(["4k", "16k", "64k", "stock"]), help="System mode's kernel.")
@click.option("--go", metavar="VERSION", help="Go toolchain, such as 1.24 or 1.24.11.")
@click.option("--cgo/--no-cgo", default=None, help="Build with C code, by zig.")
@click.option("--ldflags", help="As of `go build`.")
@click.option("--buildmode", help="As of `go build`: exe or pie.")
@click.option("--tags", type=Listed(), multiple=True, help="As of `go build`.")
@click.option("--goarm", help="GOARM instead of the board's.")
@click.option("--goarm64", help="GOARM64 instead of the board's.")
@click.option("--goriscv64", help="GORISCV64 instead of the board's.")
@click.option("--ready", metavar="URL", help="http://:PORT/PATH, tcp://:PORT or log:REGEXP.")
@click.option("--load-url", metavar="URL", help="Where the load goes; the readiness URL by default.")
@click.option("--requests", type=click.IntRange(0), help="Requests of the load, 0 for none. [1000]")
@click.option("--concurrency", type=click.IntRange(1), help="Requests under way at once. [50]")
@click.option("--runs", type=click.IntRange(1), help="How often it is started. [3 for services, else 1]")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds until it is given up.",
)
@click.option("--env", multiple=True, callback=key_values, metavar="NAME=VALUE", help="For the program.")
@click.option("--network", is_flag=True, help="Give it a network besides its own loopback.")
@click.option("--deterministic", is_flag=True, help="Count guest time in instructions: equal every time.")
@click.option("--count", is_flag=True, help="Count what it executes, the kernel's part too; no times.")
@click.option("--find-smallest-memory", is_flag=True, help="Find the least memory a service works in.")
@click.option(
    "--fault",
    type=Listed(fault_names),
    multiple=True,
    metavar="NAME",
    help="Run it under this fault; each of several by itself.",
)
@click.option("--list-faults", is_flag=True, help="Say which faults there are, and end.")
@click.option("--stdin", is_flag=True, help="Pass this command's input on to the program.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the result document; the program's output goes to stderr."
)
@click.option(
    "-o",
    "--output",
    multiple=True,
    metavar="FORMAT=PATH",
    help="Write table, json, markdown; pprof of counts.",
)
@verbose_option
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Run a Go program under emulation and report its figures.

    WORKLOAD is one that ships with emulab (healthd), PACKAGE a Go package, BINARY an executable. With
    neither, a program of the root filesystem stands after `--`.

    \b
    emulab run healthd --board raspberry-pi-5,visionfive-2
    emulab run ./cmd/server --board lichee-rv --ready http://:8080/health
    emulab run ./cmd/tool --arch riscv64 --mode system --memory 64M -- --flag file
    emulab run --arch armv7 --libc glibc -- /bin/uname -a
    emulab run healthd --board visionfive-2 --count -o pprof=healthd.pb.gz
    emulab run ./cmd/server --arch arm64 --fault clock-1970,read-only-root

    The exit status is 0 when every program held, 1 when one failed, 2 for bad input, 3 when the
    engine, an image or the emulator failed.
    """
    from emulab.cli.display import progress_shown
    from emulab.cli.faults import list_faults, runner_under, verdicts_said
    from emulab.prediction.conditions import Conditions
    from emulab.report import check_requests, export

    if options["list_faults"]:
        return list_faults(as_json=options["as_json"])
    check_requests(options["output"], further=("pprof",))
    faults = flattened(options["fault"])
    request = _request(ctx, options)
    _check_profiles(request, options["output"])
    counted: list[CountedProgram] = []
    with progress_shown(quiet=options["quiet"]) as progress:
        writer = _writer(to_stderr=options["as_json"])
        conditions = Conditions(_hertz(options), options["governor"], options["cpus"])
        run = (
            runner_under(faults)
            if faults
            else _runner(request, conditions, wanted=_is_wanted(options, request))
        )
        document, failures = run(request, progress, writer, counted.append)
        requests = list(options["output"])
        if options["as_json"]:
            requests.append("json=-")
        elif (request.ready or request.count) and not any(each.endswith("=-") for each in requests):
            requests.append("table=-")
        export(document, requests, {"pprof": lambda: _profile(counted, progress)})
    if faults:
        return verdicts_said(document, is_shown=not options["as_json"])
    for failure in failures:
        sys.stderr.write(f"emulab: {failure}\n")
    return 1 if failures else 0


def _runner(request: RunRequest, conditions: Conditions, *, wanted: bool) -> Callable[..., Any]:
    """Return what carries a request out: with predictions where there are boards to predict for."""
    from emulab.workloads.runner import run

    is_conditional = conditions.clock_hz is not None or conditions.governor is not None
    if not wanted or not (request.boards or is_conditional):
        return run
    from emulab.prediction.programs import is_predictable, run_with_predictions

    if is_predictable(request):
        return functools.partial(run_with_predictions, conditions=conditions)
    if is_conditional:
        from emulab.errors import UsageError

        raise UsageError(
            "--clock-mhz and --governor are conditions of predictions, and this run has none",
            hint="name a board and a program of your own, without --count, --deterministic and --network",
        )
    return run


def _is_wanted(options: dict[str, Any], request: RunRequest) -> bool:
    """Tell whether to predict: unless the call says so itself, where its figures are shown."""
    if options["predict"] is not None:
        return bool(options["predict"])
    return bool(request.ready or options["as_json"] or options["output"])


def _hertz(options: dict[str, Any]) -> float | None:
    return options["clock_mhz"] * 1e6 if options["clock_mhz"] is not None else None


def _check_profiles(request: RunRequest, outputs: list[str]) -> None:
    """Refuse a profile of what has none.

    :raises UsageError: with the reason.
    """
    from emulab.errors import UsageError
    from emulab.workloads.request import ProgramKind

    if not any(each.startswith("pprof=") for each in outputs):
        return
    if not request.count:
        raise UsageError("a pprof profile is made of counts", hint="add --count")
    if request.program.kind is ProgramKind.GUEST:
        raise UsageError(
            f"{request.program.name} is a program of the root filesystem, whose functions are not known",
            hint="name a Go package or a binary of your own",
        )


def _profile(counted: list[CountedProgram], progress: Progress) -> bytes:
    from emulab.report.program_profile import as_program_pprof

    return as_program_pprof(counted, progress)


def _request(ctx: click.Context, options: dict[str, Any]) -> RunRequest:
    from emulab.workloads.request import BuildOptions, RunRequest, find_program

    program = find_program(options["what"], guest_words(ctx), Path.cwd())
    ready = options["ready"] or (program.manifest.ready if program.manifest else "")
    return RunRequest(
        program=program,
        boards=tuple(flattened(options["board"])),
        architectures=tuple(flattened(options["arch"])),
        libcs=tuple(flattened(options["libc"])),
        modes=tuple(flattened(options["mode"])),
        memory=options["memory"],
        cpus=options["cpus"],
        kernel=options["kernel"],
        network=options["network"],
        environment=options["env"],
        build=BuildOptions(
            go=options["go"],
            cgo=options["cgo"],
            ldflags=options["ldflags"],
            buildmode=options["buildmode"],
            tags=tuple(flattened(options["tags"])),
            goarm=options["goarm"],
            goarm64=options["goarm64"],
            goriscv64=options["goriscv64"],
        ),
        ready=ready,
        load=_load(options, ready, program.manifest),
        runs=options["runs"] or _runs(options, ready),
        timeout_s=options["timeout"],
        deterministic=options["deterministic"],
        count=options["count"],
        find_smallest_memory=options["find_smallest_memory"],
        stdin=sys.stdin.buffer.read() if options["stdin"] else b"",
    )


def _runs(options: dict[str, Any], ready: str) -> int:
    if options["count"]:
        # Several runs show how much the counts spread; determined ones do not.
        return 1 if options["deterministic"] else 3
    return 3 if ready else 1


def _load(options: dict[str, Any], ready: str, manifest: Any) -> Any:
    from emulab.machines.protocol import Load

    own = manifest.load if manifest is not None else None
    url = options["load_url"] or (own.url if own else "") or (ready if ready.startswith("http:") else "")
    requests = options["requests"] if options["requests"] is not None else (own.requests if own else 1000)
    concurrency = options["concurrency"] or (own.concurrency if own else 50)
    return Load(url, requests, concurrency) if url and requests else None


def _writer(*, to_stderr: bool) -> Any:
    streams = {"stdout": sys.stderr if to_stderr else sys.stdout, "stderr": sys.stderr}

    def write(stream: str, piece: bytes) -> None:
        streams[stream].buffer.write(piece)
        streams[stream].flush()

    return write
