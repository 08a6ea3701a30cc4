"""``emulab clean``: what dead runs left, and on request what is kept to be faster."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from emulab.cli.display import confirmed, json_option, print_json, yes_option
from emulab.errors import EngineError, InfrastructureError, UsageError

if TYPE_CHECKING:
    from emulab.engine import Engine
    from emulab.upkeep.holdings import Holding


@click.command()
@click.option("--cache", "with_stock", is_flag=True, help="Also the build cache, volumes and images.")
@click.option("--all", "everything", is_flag=True, help="All of that, and what runs now.")
@click.option("--dry-run", is_flag=True, help="Show what would be removed; remove nothing.")
@yes_option
@json_option
def command(with_stock: bool, everything: bool, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Remove what emulab left or keeps on this machine.

    Without options: containers, half-made volumes, scratch files and binfmt_misc entries of runs that
    died. What --cache removes is made again when it is needed.
    """
    with_stock = with_stock or everything
    engine, notes = _engine()
    holdings = _holdings(engine, with_stock=with_stock, everything=everything)
    for note in notes:
        click.echo(f"emulab: {note}", err=True)
    if not as_json:
        _list(holdings)
    if dry_run:
        result = Result(removed=holdings, notes=notes)
    else:
        if holdings and with_stock and not confirmed("Remove all of this?", yes=yes):
            raise UsageError("nothing was removed", hint="`--yes` removes it without asking")
        result = _remove(holdings, engine, notes)
    for reason in result.failures:
        click.echo(f"emulab: {reason}", err=True)
    if as_json:
        print_json(_document(result, dry_run=dry_run))
    else:
        click.echo(_sentence(result, dry_run=dry_run))
    return 3 if result.failures else 0


@dataclass(frozen=True)
class Result:
    """What came of it.

    :param removed: what was removed, or would be.
    :param failures: why the rest was not, a sentence each.
    :param freed: bytes, None when nothing was removed for real.
    """

    removed: list[Holding]
    notes: list[str]
    failures: list[str] = field(default_factory=list)
    freed: int | None = None


def _engine() -> tuple[Engine | None, list[str]]:
    from emulab.engine import connect

    try:
        return connect(), []
    except EngineError as error:
        return None, [f"what is on an engine was not looked at: {error.message}"]


def _holdings(engine: Engine | None, *, with_stock: bool, everything: bool) -> list[Holding]:
    from emulab.upkeep import holdings

    found = holdings.litter_of_host(everything=everything)
    if engine is not None:
        found += holdings.litter_of_engine(engine, everything=everything)
    if with_stock:
        found += holdings.stock_of_host()
        if engine is not None:
            found += holdings.stock_of_engine(engine)
    # Litter may lie in what is stock: the first mention removes it.
    return list({(one.kind, one.name): one for one in reversed(found)}.values())[::-1]


def _list(holdings: list[Holding]) -> None:
    from emulab.report.units import quantity

    for holding in holdings:
        size = "" if not holding.size else quantity(holding.size, "B")
        click.echo(f"{holding.kind:<13} {size:>10}  {holding.name}")


def _remove(holdings: list[Holding], engine: Engine | None, notes: list[str]) -> Result:
    from emulab.upkeep.holdings import layers_size, total_size

    removed, failures = [], []
    has_images = engine is not None and any(holding.kind == "image" for holding in holdings)
    before = layers_size(engine) if engine is not None and has_images else 0
    for holding in holdings:
        try:
            holding.remove()
            removed.append(holding)
        except InfrastructureError as error:
            failures.append(error.message)
    after = layers_size(engine) if engine is not None and has_images else 0
    freed = total_size(one for one in removed if one.kind != "image") + max(0, before - after)
    return Result(removed, notes, failures, freed)


def _sentence(result: Result, *, dry_run: bool) -> str:
    from emulab.report.units import quantity
    from emulab.upkeep.holdings import summary

    if not result.removed:
        return "nothing was removed" if result.failures else "there is nothing to remove"
    if dry_run or result.freed is None:
        return f"would remove {summary(result.removed)}"
    return f"removed {summary(result.removed, sized=False)}; {quantity(result.freed, 'B')} are free again"


def _document(result: Result, *, dry_run: bool) -> dict[str, Any]:
    from emulab.figures import Document

    document = Document(command="clean", notes=[*result.notes, *result.failures]).to_json()
    rows = [holding.to_json() for holding in result.removed]
    return document | {"dry_run": dry_run, "removed": rows, "freed": result.freed}
