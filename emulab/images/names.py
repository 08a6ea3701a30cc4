"""Names of images: a recipe's name and, where the image is for a guest, the guest's architecture."""

from __future__ import annotations

from dataclasses import dataclass

from emulab.architectures import ARCHITECTURES


@dataclass(frozen=True, order=True)
class ImageName:
    """The name of one image, such as ``qemu-user`` or ``rootfs-musl-armv7``.

    :param recipe: the recipe's name.
    :param architecture: the guest's architecture by emulab's name, or "" when the image belongs to none.
    """

    recipe: str
    architecture: str = ""

    @classmethod
    def parse(cls, text: str) -> ImageName:
        """Return the name that a text means. Whether there is such an image is for the recipes to say."""
        recipe, dash, last = text.rpartition("-")
        if dash and last in ARCHITECTURES:
            return cls(recipe, last)
        return cls(text)

    def __str__(self) -> str:
        return f"{self.recipe}-{self.architecture}" if self.architecture else self.recipe
