"""What emulab holds on this machine and its engine: litter of dead runs, and stock that can be made again."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulab import cache
from emulab.engine.container import engine_errors
from emulab.engine.sweep import litter
from emulab.engine.volumes import half_made_volumes, list_volumes, remove_volume
from emulab.errors import InfrastructureError
from emulab.machines.binfmt import entry_owner
from emulab.report.units import quantity
from emulab.upkeep.checks import Check, Health

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from emulab.engine import Engine

_BINFMT = Path("/proc/sys/fs/binfmt_misc")
_IMAGE_LABEL = "org.emulab.image"
_BLOCK = 512  # the unit of st_blocks, whatever the file system's own


@dataclass(frozen=True)
class Holding:
    """One thing that can be removed.

    :param kind: ``container``, ``volume``, ``scratch``, ``binfmt entry``, ``cache``, ``image``.
    :param name: which one.
    :param size: bytes that it takes, None where that is not known. Images share layers, so that the
        removal of one frees less.
    :param remove: removes it; raises an :class:`InfrastructureError` when it can not.
    """

    kind: str
    name: str
    size: int | None
    remove: Callable[[], None]

    def to_json(self) -> dict[str, Any]:
        """Return it as it stands in the document."""
        return {"kind": self.kind, "name": self.name, "bytes": self.size}


def litter_of_engine(engine: Engine, *, everything: bool = False) -> list[Holding]:
    """Return what dead runs left on the engine.

    :param everything: what living runs use too.
    :raises EngineError: the engine does not answer.
    """
    found = litter(engine, everything=everything)
    volumes = {*found.volumes, *half_made_volumes(engine)}
    sizes = _volume_sizes(engine) if volumes else {}
    return [
        *(_container(engine, name) for name in found.containers),
        *(_volume(engine, name, sizes) for name in sorted(volumes)),
    ]


def litter_of_host(*, everything: bool = False) -> list[Holding]:
    """Return what dead runs left on this machine beside the engine.

    :param everything: what living runs use too.
    """
    scratch = cache.stale_scratch(everything=everything)
    return [*(_directory("scratch", path) for path in scratch), *_binary_formats(everything)]


def stock_of_engine(engine: Engine) -> list[Holding]:
    """Return what emulab keeps on the engine to be faster next time: volumes and images.

    :raises EngineError: the engine does not answer.
    """
    usage = _disk_usage(engine)
    sizes = _sizes_of_volumes(usage)
    return [
        *(_volume(engine, name, sizes) for name, _ in list_volumes(engine)),
        *_images(engine, usage),
    ]


def layers_size(engine: Engine) -> int:
    """Return the bytes that the layers of all images on the engine take together."""
    return int(_disk_usage(engine).get("LayersSize") or 0)


def stock_of_host() -> list[Holding]:
    """Return what emulab keeps in its cache on this machine."""
    root = cache.cache_root()
    # Scratch belongs to whoever fills it now, and removing a lock that is held would let two in.
    kinds = sorted(path for path in root.glob("*") if path.is_dir() and path.name not in ("locks", "scratch"))
    return [_directory("cache", path) for path in kinds]


def tree_size(root: Path) -> int:
    """Return the bytes that a directory takes on its disk; a file with two names counts once."""
    total, seen = 0, set[tuple[int, int]]()
    stack = [root]
    while stack:
        with contextlib.suppress(OSError), os.scandir(stack.pop()) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                if (status.st_dev, status.st_ino) not in seen:
                    seen.add((status.st_dev, status.st_ino))
                    total += status.st_blocks * _BLOCK
                if entry.is_dir(follow_symlinks=False):
                    stack.append(Path(entry.path))
    return total


def images_check(engine: Engine) -> Check:
    """Look at how many images have been built."""
    with engine_errors("list of images could not be had"):
        rows = engine.client.api.images(filters={"label": _IMAGE_LABEL})
    names = {tag for row in rows for tag in _tags(row)}
    if not names:
        return Check("images", Health.OK, "none built yet; a run builds what it needs")
    return Check("images", Health.OK, f"{len(names)} built; `emulab images list` names them")


def leftovers_check(engine: Engine) -> Check:
    """Look at what dead runs left."""
    found = [*litter_of_engine(engine), *litter_of_host()]
    if not found:
        return Check("leftovers", Health.OK, "none")
    return Check("leftovers", Health.WARN, summary(found), "`emulab clean` removes them")


def summary(holdings: Sequence[Holding], *, sized: bool = True) -> str:
    """Return how many of each kind, and how much they take: ``2 containers, 1 volume (12.0 MiB)``."""
    kinds = list(dict.fromkeys(holding.kind for holding in holdings))
    counts = [(kind, sum(holding.kind == kind for holding in holdings)) for kind in kinds]
    text = ", ".join(f"{count} {_plural(kind) if count != 1 else kind}" for kind, count in counts)
    size = total_size(holdings)
    bound = "up to " if "image" in kinds else ""
    return f"{text} ({bound}{quantity(size, 'B')})" if size and sized else text


def total_size(holdings: Iterable[Holding]) -> int:
    """Return the bytes of those whose size is known."""
    return sum(holding.size or 0 for holding in holdings)


def _plural(kind: str) -> str:
    return {"binfmt entry": "binfmt entries", "cache": "caches", "scratch": "scratch directories"}.get(
        kind, f"{kind}s"
    )


def _container(engine: Engine, name: str) -> Holding:
    from docker.errors import NotFound

    def remove() -> None:
        with engine_errors(f"container {name} could not be removed"), contextlib.suppress(NotFound):
            engine.client.api.remove_container(name, force=True, v=True)

    # Everything a container of ours writes is in memory.
    return Holding("container", name, 0, remove)


def _volume(engine: Engine, name: str, sizes: dict[str, int]) -> Holding:
    def remove() -> None:
        # Somebody may have begun to make it since it was seen.
        with cache.locked(f"volume-{name}"):
            remove_volume(engine, name)

    return Holding("volume", name, sizes.get(name), remove)


def _images(engine: Engine, usage: dict[str, Any]) -> list[Holding]:
    holdings = []
    for row in usage.get("Images") or ():
        if _IMAGE_LABEL in (row.get("Labels") or {}):
            # What a build left when it was killed has no name.
            names = _tags(row) or [row["Id"]]
            holdings += [
                Holding("image", name, row.get("Size"), _image_removal(engine, name)) for name in names
            ]
    # An image that others were made from goes by its id only after them; then it may be gone already.
    return sorted(holdings, key=lambda holding: (holding.name.startswith("sha256:"), holding.name))


def _tags(image: dict[str, Any]) -> list[str]:
    return [tag for tag in image.get("RepoTags") or () if tag != "<none>:<none>"]


def _image_removal(engine: Engine, tag: str) -> Callable[[], None]:
    from docker.errors import NotFound

    def remove() -> None:
        with engine_errors(f"image {tag} could not be removed"), contextlib.suppress(NotFound):
            engine.client.api.remove_image(tag)

    return remove


def _directory(kind: str, path: Path) -> Holding:
    def remove() -> None:
        try:
            shutil.rmtree(path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise InfrastructureError(f"{path} could not be removed ({error.strerror})") from error

    return Holding(kind, str(path), tree_size(path), remove)


def _binary_formats(everything: bool) -> list[Holding]:
    holdings = []
    with contextlib.suppress(OSError):
        for path in sorted(_BINFMT.iterdir()):
            owner = entry_owner(path.name)
            if owner is not None and (everything or owner.is_gone()):
                holdings.append(Holding("binfmt entry", path.name, 0, _binary_format_removal(path)))
    return holdings


def _binary_format_removal(path: Path) -> Callable[[], None]:
    def remove() -> None:
        try:
            path.write_text("-1")
        except FileNotFoundError:
            return
        except OSError as error:
            raise InfrastructureError(
                f"the binfmt_misc entry {path.name} could not be removed ({error.strerror})",
                hint=f"as root: `echo -1 > {path}`",
            ) from error

    return remove


def _disk_usage(engine: Engine) -> dict[str, Any]:
    with engine_errors("disk usage could not be had"):
        usage: dict[str, Any] = engine.client.df()
    return usage


def _volume_sizes(engine: Engine) -> dict[str, int]:
    return _sizes_of_volumes(_disk_usage(engine))


def _sizes_of_volumes(usage: dict[str, Any]) -> dict[str, int]:
    rows = usage.get("Volumes") or ()
    sizes = {row["Name"]: (row.get("UsageData") or {}).get("Size", -1) for row in rows}
    return {name: size for name, size in sizes.items() if size >= 0}
