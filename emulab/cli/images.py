"""``emulab images``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from emulab.cli.display import json_option, print_json, progress_shown, quiet_option

if TYPE_CHECKING:
    from emulab.images import Builder
    from emulab.progress import Progress


def _complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    from emulab.images import Recipes

    return [str(name) for name in Recipes.load().names() if str(name).startswith(incomplete)]


@click.group(short_help="Build, list, show and remove the images that runs use.")
def command() -> None:
    """Build, list, show and remove the images that runs use.

    Runs build what they need by themselves; this is for doing it ahead, and for looking.

    \b
    emulab images list
    emulab images build rootfs-musl kernel-4k-riscv64
    emulab images build --all
    emulab images clean
    """


@command.command("build")
@click.argument("names", nargs=-1, shell_complete=_complete)
@click.option("--all", "everything", is_flag=True, help="Build every image that runs can use.")
@quiet_option
@json_option
def build_images(names: tuple[str, ...], everything: bool, quiet: bool, as_json: bool) -> int:
    """Build images, and what they are made from; a name without an architecture means all of them.

    What exists is left alone, and an interrupted build goes on where it stopped.
    """
    from emulab.errors import UsageError
    from emulab.images import list_images

    if not names and not everything:
        raise UsageError("no image is named", hint="name some (`emulab images list`), or say --all")
    with progress_shown(quiet=quiet) as progress:
        builder = _builder(progress)
        wanted = list(names)
        if everything:
            wanted = [row.name for row in list_images(builder) if row.kind in _USED]
        built = builder.ensure(wanted)
    if as_json:
        rows = [{"name": each.name, "reference": each.reference, "id": each.id} for each in built.values()]
        print_json(_document("images build", rows))
    else:
        for each in built.values():
            click.echo(f"{each.name}\t{each.reference}")
    return 0


# The kinds that machines are made of; the others are steps on the way to them.
_USED = ("emulator", "rootfs", "disk", "kernel")


@command.command("list")
@json_option
def list_all(as_json: bool) -> int:
    """List every image that there is a recipe for, built or not."""
    from emulab.cli.display import progress_shown
    from emulab.images import list_images
    from emulab.report.tables import text_table
    from emulab.report.units import quantity

    with progress_shown(quiet=True) as progress:
        rows = list_images(_builder(progress))
    if as_json:
        print_json(_document("images list", [row.to_json() for row in rows]))
        return 0
    table = [
        [row.name, "built" if row.built else "", quantity(row.size, "B") if row.size else "", row.summary]
        for row in rows
    ]
    click.echo(text_table(["image", "state", "size", "what it is"], table), nl=False)
    return 0


@command.command("show")
@click.argument("name", shell_complete=_complete)
def show_one(name: str) -> int:
    """Print all that is known of an image as JSON: recipe, inputs, versions, digests."""
    from emulab.images import show

    with progress_shown(quiet=True) as progress:
        click.echo(json.dumps(show(_builder(progress), name), indent=2, ensure_ascii=False))
    return 0


@command.command("clean")
@click.option("--all", "everything", is_flag=True, help="Remove the images of today's recipes too.")
@json_option
def clean_up(everything: bool, as_json: bool) -> int:
    """Remove images that no recipe leads to any more, and what interrupted builds left."""
    from emulab.images import clean
    from emulab.report.units import quantity

    with progress_shown(quiet=True) as progress:
        cleaned = clean(_builder(progress), unused_only=not everything)
    if as_json:
        row = {"removed": list(cleaned.removed), "kept": cleaned.kept, "freed_bytes": cleaned.freed}
        print_json({"schema": "emulab/1", "command": "images clean", **row})
        return 0
    for reference in cleaned.removed:
        click.echo(f"removed {reference}")
    for reference, reason in cleaned.kept.items():
        click.echo(f"kept {reference}: {reason}")
    click.echo(f"{len(cleaned.removed)} images removed, {quantity(cleaned.freed, 'B')} of remains freed")
    return 0


def _builder(progress: Progress) -> Builder:
    from emulab.engine import connect
    from emulab.images import Builder

    return Builder(connect().client, progress)


def _document(command_name: str, images: list[Any]) -> dict[str, Any]:
    return {"schema": "emulab/1", "command": command_name, "images": images}
