"""``emulab compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emulab.cli.bench import bench_options, bench_request
from emulab.cli.parameters import Listed, flattened
from emulab.cli.verbosity import verbose_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulab.comparison.results import Measurement
    from emulab.progress import Progress


class Share(click.ParamType[float]):
    """A relative change: ``1%`` or ``0.01``."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return it as a fraction."""
        if isinstance(value, float):
            return value
        text = str(value).strip()
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = -1.0
        if not 0 <= share < float("inf"):
            self.fail(f"{value!r} is no share; write it as 1% or 0.01", param, ctx)
        return share


@click.command(short_help="Compare two results, or two git revisions, and fail on a regression.")
@click.argument("base", type=click.Path(path_type=str))
@click.argument("head", type=click.Path(path_type=str))
@click.argument("packages", nargs=-1, metavar="[PACKAGE...]", type=click.Path(path_type=str))
@click.option(
    "--fail-over", type=Share(), default="1%", show_default=True, help="The change that is still allowed."
)
@click.option(
    "--gate",
    type=Listed(),
    multiple=True,
    metavar="UNIT",
    help="Counts whose regressions fail. [insn/op, misses/op, mispredictions/op, B/op, allocs/op]",
)
@click.option("--all", "show_all", is_flag=True, help="Show also what is the same.")
@bench_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@verbose_option
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def command(base: str, head: str, packages: tuple[str, ...], **options: Any) -> int:
    """Compare two results, or two git revisions, and fail on a regression.

    BASE and HEAD are files, each a document that --json printed or Go benchmark text; or they are revisions
    of the repository here, whose benchmarks are then counted with the options of `emulab bench`. The
    revision . is the working tree as it is.

    Counts are judged exactly, but not closer than they repeat. What has noise, such as a time, is worse only
    when the change is beyond chance: by the Mann-Whitney U test of its samples, or by its interval.

    \b
    emulab compare old.json new.json
    emulab compare main . ./... --board visionfive-2
    emulab compare v1.2.0 HEAD ./codec --bench Decode --arch riscv64 --fail-over 0.5%

    The exit status is 0 when nothing got worse, 1 on a regression, 2 for bad input, 3 when the engine, an
    image or the emulator failed, 4 when there was nothing to compare.
    """
    from emulab.cli.display import print_json, progress_shown
    from emulab.comparison.gate import DEFAULT_GATES, compare
    from emulab.errors import NothingRanError
    from emulab.report.comparison import as_document, as_text

    with progress_shown(quiet=options["quiet"]) as progress:
        bases, heads = _measurements(base, head, packages, options, progress)
    gates = flattened(options["gate"]) or DEFAULT_GATES
    comparison = compare(bases, heads, options["fail_over"], gates)
    if options["as_json"]:
        print_json(as_document(comparison).to_json())
    else:
        click.echo(as_text(comparison, options["fail_over"], show_all=options["show_all"]), nl=False)
    if not comparison.changes:
        raise NothingRanError(
            f"{base} and {head} have nothing in common to compare",
            hint="compare results of the same benchmarks, for the same board or architecture",
        )
    return 1 if comparison.regressions else 0


def _measurements(
    base: str, head: str, packages: tuple[str, ...], options: dict[str, Any], progress: Progress
) -> list[Sequence[Measurement]]:
    from emulab.comparison.results import read_results
    from emulab.comparison.revisions import find_revision

    here = Path.cwd()
    # Both are looked at before either is counted: what is misspelt is said at once.
    files = [Path(name) if Path(name).is_file() else None for name in (base, head)]
    revisions = [
        find_revision(name, here) if file is None else None
        for name, file in zip((base, head), files, strict=True)
    ]
    sides: list[Sequence[Measurement]] = []
    for file, revision in zip(files, revisions, strict=True):
        if file is not None:
            sides.append(read_results(file))
        elif revision is not None:
            from emulab.comparison.counting import count_revision

            request = bench_request(packages, here, options)
            sides.append(count_revision(revision, request, progress))
    return sides
