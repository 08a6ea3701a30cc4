"""Removing what dead runs left behind."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulab.engine.container import engine_errors
from emulab.engine.ownership import LABEL_OWNER, Owner

if TYPE_CHECKING:
    from emulab.engine.connection import Engine


@dataclass(frozen=True)
class Swept:
    """What a sweep removed, or would: ids of containers and names of volumes."""

    containers: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()


def litter(engine: Engine, *, everything: bool = False) -> Swept:
    """Return the containers and volumes whose emulab process is gone; removes nothing.

    :param everything: those of living processes too.
    :raises EngineError: the engine does not answer.
    """
    filters = {"label": LABEL_OWNER}
    with engine_errors("list of containers could not be had"):
        containers = engine.client.api.containers(all=True, filters=filters)
        volumes = engine.client.api.volumes(filters=filters).get("Volumes") or []
    return Swept(
        tuple(row["Id"][:12] for row in containers if _is_litter(row.get("Labels") or {}, everything)),
        tuple(row["Name"] for row in volumes if _is_litter(row.get("Labels") or {}, everything)),
    )


def sweep(engine: Engine, *, everything: bool = False) -> Swept:
    """Remove containers and volumes whose emulab process is gone; return what was found.

    :param everything: remove those of living processes too.
    :raises EngineError: the engine does not answer.
    """
    from docker.errors import APIError

    found = litter(engine, everything=everything)
    for container in found.containers:
        # It may be on its way out already: its agent ends it when its owner's stream breaks.
        with contextlib.suppress(APIError):
            engine.client.api.remove_container(container, force=True, v=True)
    for volume in found.volumes:
        with contextlib.suppress(APIError):
            engine.client.api.remove_volume(volume, force=True)
    return found


def _is_litter(labels: dict[str, str], everything: bool) -> bool:
    owner = Owner.parse(labels.get(LABEL_OWNER, ""))
    return owner is not None and (everything or owner.is_gone())
