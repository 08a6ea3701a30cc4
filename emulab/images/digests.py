"""What an image's content follows from, as one digest: the second half of its reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulab.cache import digest, file_digest

if TYPE_CHECKING:
    from emulab.images.names import ImageName
    from emulab.images.recipes import Recipes

_FORMAT = 1
_SHOWN = 12


class Digests:
    """The digests of recipes, each taken once."""

    def __init__(self, recipes: Recipes) -> None:
        self._recipes = recipes
        self._known: dict[ImageName, str] = {}

    def of(self, name: ImageName) -> str:
        """Return the hexadecimal digest of everything that an image is made from, dependencies included."""
        if name not in self._known:
            plan = self._recipes.plan(name)
            self._known[name] = digest(
                {
                    "format": _FORMAT,
                    "name": str(name),
                    "dockerfile": plan.dockerfile,
                    "inputs": {path: file_digest(file) for path, file in plan.inputs.items()},
                    "needs": {key: self.of(needed) for key, needed in plan.needs.items()},
                    "unpacks": {key: self.of(needed) for key, needed in plan.unpacks.items()},
                    "arguments": dict(plan.arguments),
                    "result": plan.recipe.result,
                    "command": plan.recipe.command,
                    "facts": plan.recipe.facts,
                }
            )
        return self._known[name]

    def reference(self, name: ImageName) -> str:
        """Return the reference under which the engine keeps an image, ``emulab/NAME:12HEX``."""
        return f"emulab/{name}:{self.of(name)[:_SHOWN]}"
