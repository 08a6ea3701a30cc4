"""What there is: recipes, the images built from them, and what is left of earlier recipes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emulab.errors import ImageError
from emulab.images.origin import MADE

if TYPE_CHECKING:
    from emulab.images.builder import Builder
    from emulab.images.names import ImageName
    from emulab.images.store import StoredImage


@dataclass(frozen=True)
class Listed:
    """One row of the list of images.

    :param name: the image's name.
    :param kind: which part of a machine it is.
    :param summary: what it is, in one line.
    :param reference: the reference that it has, or would have.
    :param id: the engine's id, "" when it is not built.
    :param size: bytes, 0 when it is not built.
    :param stale: references that were built from earlier recipes of this name.
    """

    name: str
    kind: str
    summary: str
    reference: str
    id: str
    size: int
    stale: tuple[str, ...]

    @property
    def built(self) -> bool:
        """Tell whether the engine has it."""
        return bool(self.id)

    def to_json(self) -> dict[str, Any]:
        """Return it as it stands in a document."""
        return {
            "name": self.name,
            "kind": self.kind,
            "summary": self.summary,
            "reference": self.reference,
            "built": self.built,
            "id": self.id,
            "bytes": self.size,
            "stale": list(self.stale),
        }


@dataclass(frozen=True)
class Cleaned:
    """What a cleaning did.

    :param removed: references that are gone.
    :param kept: reference to why it could not be removed.
    :param freed: bytes that were freed beyond the tagged images: remains of interrupted builds.
    """

    removed: tuple[str, ...]
    kept: dict[str, str]
    freed: int


def list_images(builder: Builder) -> list[Listed]:
    """Return every image that there is a recipe for, built or not.

    :raises EngineError: the engine does not answer.
    """
    by_reference = {reference: image for image in builder.store.ours() for reference in image.references}
    return [_row(builder, name, by_reference) for name in builder.recipes.names()]


def show(builder: Builder, text: str) -> dict[str, Any]:
    """Return all that is known of one image: recipe, digest, inputs, and labels when it is built.

    :raises UsageError: there is no such image.
    :raises EngineError: the engine does not answer.
    """
    names = builder.recipes.resolve(text)
    return {"images": [_details(builder, name) for name in names]}


def clean(builder: Builder, *, unused_only: bool = True) -> Cleaned:
    """Remove images: those that no recipe of today leads to, or all of emulab's; and remains of builds.

    :param unused_only: keep what today's recipes lead to.
    :raises EngineError: the engine does not answer.
    """
    current = {MADE, *(builder.reference(name) for name in builder.recipes.names())}
    removed, kept = [], {}
    for image in builder.store.ours():
        for reference in image.references:
            if not reference.startswith("emulab/") or (unused_only and reference in current):
                continue
            reason = builder.store.remove(reference)
            if reason:
                kept[reference] = reason
            else:
                removed.append(reference)
    return Cleaned(tuple(removed), kept, builder.store.prune())


def read_file(builder: Builder, name: str, path: str) -> bytes:
    """Return the content of a file of an image, which is built when the engine has it not.

    :raises ImageError: there is no such file, or the image can not be built.
    :raises UsageError: there is no such image.
    """
    images = builder.ensure([name])
    if name not in images:
        raise ImageError(f"{name} means {len(images)} images", hint=f"name one of {', '.join(images)}")
    return builder.store.read(images[name].reference, path)


def _row(builder: Builder, name: ImageName, images: dict[str, StoredImage]) -> Listed:
    plan = builder.recipes.plan(name)
    reference = builder.reference(name)
    image = images.get(reference)
    repository = reference.rpartition(":")[0]
    stale = [each for each in images if each.rpartition(":")[0] == repository and each != reference]
    return Listed(
        name=str(name),
        kind=plan.recipe.kind,
        summary=plan.recipe.summary,
        reference=reference,
        id=image.id if image else "",
        size=image.size if image else 0,
        stale=tuple(sorted(stale)),
    )


def _details(builder: Builder, name: ImageName) -> dict[str, Any]:
    plan = builder.recipes.plan(name)
    image = builder.store.find(builder.reference(name))
    details: dict[str, Any] = {
        "name": str(name),
        "kind": plan.recipe.kind,
        "summary": plan.recipe.summary,
        "reference": builder.reference(name),
        "digest": builder.digest(name),
        "made_from": {str(each): builder.reference(each) for each in plan.dependencies},
        "inputs": sorted(plan.inputs),
        "arguments": dict(plan.arguments),
        "built": image is not None,
    }
    if image is not None:
        details |= {
            "id": image.id,
            "bytes": image.size,
            "platform": image.platform,
            "labels": _readable(image),
        }
    return details


def _readable(image: StoredImage) -> dict[str, Any]:
    """Return the labels with those that hold JSON decoded."""
    labels: dict[str, Any] = {}
    for key, value in sorted(image.labels.items()):
        labels[key] = json.loads(value) if value.startswith(("{", "[")) else value
    return labels
