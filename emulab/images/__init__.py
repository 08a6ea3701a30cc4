"""Images: emulators, root filesystems, disks and kernels, built from recipes and named by their content.

A recipe (``images/NAME.toml``) names a Dockerfile and its inputs. An image is kept by the engine as
``emulab/NAME[-ARCH]:DIGEST``, where the digest covers everything that it is made from; a changed recipe
therefore rebuilds it and what is made from it, and nothing else.
"""

from emulab.images.builder import Builder, BuiltImage
from emulab.images.inventory import Cleaned, Listed, clean, list_images, read_file, show
from emulab.images.names import ImageName
from emulab.images.recipes import Recipe, Recipes

__all__ = [
    "Builder",
    "BuiltImage",
    "Cleaned",
    "ImageName",
    "Listed",
    "Recipe",
    "Recipes",
    "clean",
    "list_images",
    "read_file",
    "show",
]
