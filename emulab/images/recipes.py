"""Recipes of images: data in ``images/*.toml``, checked when they are read.

A recipe names a Dockerfile, the files that its build sees, the build arguments, and the images that it
is made from. Its file's name is its own name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from emulab.architectures import ARCHITECTURES, architecture
from emulab.data import data_directory
from emulab.errors import ImageError, UsageError
from emulab.images.names import ImageName

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Kind = Literal["base", "tool", "emulator", "rootfs", "disk", "kernel", "reference"]

_ARGUMENT = re.compile(r"^ARG\s+([A-Za-z_][A-Za-z0-9_]*)", re.MULTILINE)
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """One recipe, as its file has it.

    :param summary: what the image is, in one line.
    :param kind: which part of a machine it is; tools only serve other builds, and reference programs the
        calibration.
    :param architectures: the guests that there is one image each for; none: one image, for the engine.
    :param dockerfile: the Dockerfile's name without its ending, the recipe's name if not given.
    :param inputs: files and directories below ``images/`` that the build sees; ``{arch}`` and ``{linux}``
        stand for the own architecture, by emulab's name and by the kernel's.
    :param needs: build argument to the image whose reference it gets, with the same placeholders.
    :param unpacks: file name to an image whose file system the build sees as a tar archive of that name.
    :param arguments: further build arguments.
    :param per_architecture: build arguments of single architectures, over the others.
    :param result: the image is not what the Dockerfile makes but the content of its ``/result.tar``,
        for the guest's platform.
    :param command: what the image runs by default.
    :param facts: the build leaves ``/facts.json``, which becomes a label.
    :param seconds: how long the build takes on two idle cores: what is longest begins first.
    :param all_cores: the build keeps every core busy, so that only one such runs at a time.
    """

    summary: str
    kind: Kind
    architectures: tuple[str, ...] = ()
    dockerfile: str = ""
    inputs: tuple[str, ...] = ()
    needs: dict[str, str] = {}
    unpacks: dict[str, str] = {}
    arguments: dict[str, str] = {}
    per_architecture: dict[str, dict[str, str]] = {}
    result: bool = False
    command: tuple[str, ...] = ()
    facts: bool = False
    seconds: float = 10.0
    all_cores: bool = False


@dataclass(frozen=True)
class Plan:
    """What one image is made of.

    :param name: the image's name.
    :param recipe: its recipe.
    :param dockerfile: the Dockerfile's text.
    :param inputs: path in the build's context to the file.
    :param needs: build argument to image.
    :param unpacks: file name in the build's context to image.
    :param arguments: the build arguments that the Dockerfile declares, but for those that name images.
    """

    name: ImageName
    recipe: Recipe
    dockerfile: str
    inputs: Mapping[str, Path]
    needs: Mapping[str, ImageName]
    unpacks: Mapping[str, ImageName]
    arguments: Mapping[str, str]

    @property
    def dependencies(self) -> list[ImageName]:
        """Return the images that must exist before this one can be built."""
        return list(dict.fromkeys([*self.needs.values(), *self.unpacks.values()]))

    @property
    def platform(self) -> str:
        """Return the OCI platform of the image, or "" for the engine's own."""
        if self.recipe.result and self.name.architecture:
            return ARCHITECTURES[self.name.architecture].platform
        return ""


class Recipes:
    """All recipes, and what follows from them."""

    def __init__(self, recipes: Mapping[str, Recipe], images: Path, dockerfiles: Path) -> None:
        self._recipes = dict(recipes)
        self._images = images
        self._dockerfiles = dockerfiles
        self._plans: dict[ImageName, Plan] = {}

    @classmethod
    def load(cls, images: Path | None = None, dockerfiles: Path | None = None) -> Recipes:
        """Read and check the recipes, emulab's own if no directories are given.

        :raises ImageError: a recipe is wrong; the message names its file, the field and what is expected.
        """
        images = images or data_directory("images")
        dockerfiles = dockerfiles or data_directory("dockerfiles")
        recipes = {path.stem: _read(path) for path in sorted(images.glob("*.toml"))}
        loaded = cls(recipes, images, dockerfiles)
        for name in loaded.names():
            loaded.plan(name)
        loaded._refuse_cycles()
        return loaded

    def names(self) -> list[ImageName]:
        """Return the names of all images."""
        return [name for recipe in self._recipes for name in self._expand(recipe)]

    def resolve(self, text: str) -> list[ImageName]:
        """Return the images that a user's word means: one, or a recipe's for every architecture.

        :raises UsageError: there is no such image, with the nearest names.
        """
        name = ImageName.parse(text)
        known = self.names()
        if name in known:
            return [name]
        if text in self._recipes:
            return self._expand(text)
        import difflib

        spellings = [*map(str, known), *self._recipes]
        near = difflib.get_close_matches(text, spellings, n=3, cutoff=0.5)
        hint = (
            f"did you mean {' or '.join(dict.fromkeys(near))}?" if near else "`emulab images list` shows them"
        )
        raise UsageError(f"there is no image {text!r}", hint=hint)

    def plan(self, name: ImageName) -> Plan:
        """Return what an image is made of.

        :raises ImageError: its recipe is wrong.
        """
        if name not in self._plans:
            self._plans[name] = self._make_plan(name)
        return self._plans[name]

    def _expand(self, recipe: str) -> list[ImageName]:
        return [ImageName(recipe, arch) for arch in self._recipes[recipe].architectures] or [
            ImageName(recipe)
        ]

    def _make_plan(self, name: ImageName) -> Plan:
        recipe = self._recipes[name.recipe]
        where = self._images / f"{name.recipe}.toml"
        dockerfile = self._dockerfiles / f"{recipe.dockerfile or name.recipe}.Dockerfile"
        if not dockerfile.is_file():
            raise ImageError(f"{where}: dockerfile: there is no {dockerfile}")
        text = dockerfile.read_text()
        declared = set(_ARGUMENT.findall(text))
        given = recipe.arguments | recipe.per_architecture.get(name.architecture, {})
        for argument in [*given, *recipe.needs]:
            if argument not in declared:
                raise ImageError(
                    f"{where}: build argument {argument} is not declared with ARG in {dockerfile}"
                )
        known = _architecture_arguments(name.architecture) | given
        return Plan(
            name=name,
            recipe=recipe,
            dockerfile=text,
            inputs=dict(self._input_files(where, name)),
            needs={key: self._dependency(where, name, value) for key, value in recipe.needs.items()},
            unpacks={key: self._dependency(where, name, value) for key, value in recipe.unpacks.items()},
            arguments={key: known[key] for key in sorted(declared) if key in known},
        )

    def _input_files(self, where: Path, name: ImageName) -> Iterator[tuple[str, Path]]:
        for entry in self._recipes[name.recipe].inputs:
            path = self._images / _filled(entry, name.architecture)
            if not path.exists():
                raise ImageError(f"{where}: inputs: there is no {path}")
            files = sorted(path.rglob("*")) if path.is_dir() else [path]
            for file in files:
                if file.is_file() and "__pycache__" not in file.parts:
                    yield file.relative_to(self._images).as_posix(), file

    def _dependency(self, where: Path, name: ImageName, text: str) -> ImageName:
        dependency = ImageName.parse(_filled(text, name.architecture))
        recipe = self._recipes.get(dependency.recipe)
        if recipe is None or dependency not in self._expand(dependency.recipe):
            raise ImageError(f"{where}: needs: there is no image {dependency}")
        return dependency

    def _refuse_cycles(self) -> None:
        done: set[ImageName] = set()

        def visit(name: ImageName, path: tuple[ImageName, ...]) -> None:
            if name in path:
                raise ImageError(
                    f"recipes need each other in a circle: {' > '.join(map(str, (*path, name)))}"
                )
            if name not in done:
                for dependency in self.plan(name).dependencies:
                    visit(dependency, (*path, name))
                done.add(name)

        for name in self.names():
            visit(name, ())


def _read(path: Path) -> Recipe:
    try:
        recipe = msgspec.toml.decode(path.read_bytes(), type=Recipe)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ImageError(f"{path}: {error}") from error
    if not _NAME.fullmatch(path.stem) or ImageName.parse(path.stem).architecture:
        raise ImageError(f"{path}: a recipe's name is lower-case words with dashes, without an architecture")
    for arch in (*recipe.architectures, *recipe.per_architecture):
        if arch not in ARCHITECTURES:
            raise ImageError(f"{path}: unknown architecture {arch!r}, use one of {', '.join(ARCHITECTURES)}")
    return recipe


def _filled(text: str, name: str) -> str:
    """Return a text with the placeholders of an architecture filled in."""
    return text.replace("{arch}", name).replace("{linux}", architecture(name).linux) if name else text


def _architecture_arguments(name: str) -> dict[str, str]:
    """Return the build arguments that every recipe of a guest architecture may declare."""
    if not name:
        return {}
    arch = architecture(name)
    return {
        "ARCH": arch.name,
        "DEBIAN_ARCH": arch.debian,
        "TRIPLET": arch.triplet,
        "LINUX_ARCH": arch.linux,
    }
