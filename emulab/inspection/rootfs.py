"""The offers of emulab's root filesystems: read from the images, and kept."""

from __future__ import annotations

import json
import os
import tempfile
from typing import TYPE_CHECKING

from emulab import cache
from emulab.errors import EngineError
from emulab.images.builder import Builder
from emulab.images.recipes import Recipes
from emulab.inspection.offers import Offer, offer_from_json, read_offer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from emulab.images.builder import BuiltImage
    from emulab.images.names import ImageName
    from emulab.progress import Progress

_FORMAT = 2
_KIND = "offers"
_PREFIX = "rootfs-"


def root_filesystems(recipes: Recipes | None = None) -> dict[ImageName, str]:
    """Return every root filesystem that there is a recipe for, with its C library: ``musl``, ``glibc``, …."""
    recipes = recipes or Recipes.load()
    return {
        name: name.recipe.removeprefix(_PREFIX)
        for name in recipes.names()
        if recipes.plan(name).recipe.kind == "rootfs"
    }


def offers(architectures: Sequence[str], progress: Progress) -> list[Offer]:
    """Return what each root filesystem of some architectures offers, as its image has it.

    An image that has not been built is built first. Without an engine, what was read last is taken.

    :raises EngineError: no engine answers, and the image was never read.
    :raises ImageError: an image can not be built.
    """
    names = [name for name in root_filesystems() if name.architecture in architectures]
    return [_offer(name, image, progress) for name, image in _images(names, progress)]


def _images(names: Sequence[ImageName], progress: Progress) -> list[tuple[ImageName, BuiltImage | None]]:
    from emulab.engine import connect

    try:
        engine = connect()
    except EngineError:
        if not all(_path(name).exists() for name in names):
            raise
        return [(name, None) for name in names]
    try:
        built = Builder(engine.client, progress).ensure(map(str, names))
        return [(name, built[str(name)]) for name in names]
    finally:
        engine.client.close()


def _path(name: ImageName) -> Path:
    return cache.cache_root() / _KIND / f"{name}.json"


def _offer(name: ImageName, image: BuiltImage | None, progress: Progress) -> Offer:
    try:
        kept = json.loads(_path(name).read_bytes())
        if kept["format"] == _FORMAT and (image is None or kept["image"] == image.id):
            return offer_from_json(kept["offer"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    if image is None:
        raise EngineError(f"{name} has not been read yet", hint="`emulab doctor` says what is missing")
    with progress.step(f"reading the libraries of {name}"):
        offer = _read(name, image)
    _keep(name, {"format": _FORMAT, "image": image.id, "offer": offer.to_json()})
    return offer


def _read(name: ImageName, image: BuiltImage) -> Offer:
    from emulab.engine import connect

    engine = connect()
    try:
        with cache.out_of_space_is_said(), tempfile.TemporaryFile() as root:
            Builder(engine.client).store.copy_layer(image.reference, root)
            root.seek(0)
            return read_offer(str(name), name.recipe.removeprefix(_PREFIX), name.architecture, root)
    finally:
        engine.client.close()


def _keep(name: ImageName, value: object) -> None:
    """Store an offer; of two writers the later one wins whole."""
    path = _path(name)
    with cache.out_of_space_is_said():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        fresh.write_text(json.dumps(value))
        fresh.replace(path)
