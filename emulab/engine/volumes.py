"""Named volumes of the engine that hold content made once: the emulator's tools, snapshots.

A volume can neither be renamed nor relabelled, so its completeness is recorded on this machine,
under the engine's id. A volume without such a record was left half-made and is made again.
"""

from __future__ import annotations

import contextlib
import io
import json
import tarfile
import tempfile
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from emulab import __version__
from emulab.cache import cache_root, digest, is_locked, locked, out_of_space_is_said
from emulab.engine.container import engine_errors
from emulab.engine.ownership import LABEL_ROLE, LABEL_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from emulab.engine.connection import Engine

Facts = dict[str, Any]

# Which cache records that the volume is complete: another user's cache knows nothing of it.
LABEL_RECORDS = "org.emulab.records"
# A container that was killed holds its volumes until the engine has removed it.
_RELEASE_S = 5.0
_RELEASE_POLL_S = 0.05
# How much of an archive is passed on at once, in bytes.
_CHUNK = 1 << 20


def volume_key(*content: object) -> str:
    """Return what names a volume by its content, for this cache.

    Another cache has volumes of its own: what it has not recorded may be in use, and could not be made again.

    :param content: JSON-serialisable.
    """
    return digest([str(cache_root()), *content])


def ensure_volume(engine: Engine, name: str, role: str, fill: Callable[[str], Facts]) -> Facts:
    """Return the facts of a volume, making it with ``fill(name)`` when there is none.

    :param name: the volume's name; it names its content, so equal names mean equal content.
    :param role: what it is for; a label.
    :param fill: fills the empty volume and returns JSON-serialisable facts about it.
    :raises EngineError: the engine refused.
    """
    facts = _recorded(engine, name)
    if facts is not None:
        return facts
    with locked(f"volume-{name}"):
        facts = _recorded(engine, name)
        if facts is not None:
            return facts
        remove_volume(engine, name)
        # It outlives its maker on purpose, so it carries no owner and no sweep takes it.
        labels = {LABEL_ROLE: role, LABEL_VERSION: __version__, LABEL_RECORDS: str(cache_root())}
        with engine_errors(f"volume {name} could not be made"):
            engine.client.api.create_volume(name, labels=labels)
        facts = fill(name)
        record = _record(engine, name)
        with out_of_space_is_said():
            record.parent.mkdir(parents=True, exist_ok=True)
            scratch = record.with_suffix(".new")
            scratch.write_text(json.dumps(facts))
            scratch.rename(record)
        return facts


def remove_volume(engine: Engine, name: str) -> None:
    """Remove a volume and its record; absent ones are fine.

    :raises EngineError: it is in use.
    """
    from docker.errors import APIError, NotFound

    _record(engine, name).unlink(missing_ok=True)
    deadline = time.monotonic() + _RELEASE_S
    with engine_errors(f"volume {name} could not be removed"):
        while True:
            try:
                engine.client.api.remove_volume(name)
                return
            except NotFound:
                return
            except APIError as error:
                if error.status_code != HTTPStatus.CONFLICT or time.monotonic() > deadline:
                    raise
            time.sleep(_RELEASE_POLL_S)


def list_volumes(engine: Engine) -> list[tuple[str, str]]:
    """Return name and role of every volume of emulab's on the engine."""
    with engine_errors("list of volumes could not be had"):
        rows = engine.client.api.volumes(filters={"label": LABEL_ROLE}).get("Volumes") or []
    return sorted((row["Name"], row["Labels"][LABEL_ROLE]) for row in rows)


def half_made_volumes(engine: Engine) -> list[str]:
    """Return the volumes that this cache's processes began, did not finish, and are not making now."""
    filters = {"label": f"{LABEL_RECORDS}={cache_root()}"}
    with engine_errors("list of volumes could not be had"):
        rows = engine.client.api.volumes(filters=filters).get("Volumes") or []
    names = sorted(row["Name"] for row in rows)
    return [name for name in names if not _record(engine, name).exists() and not is_locked(f"volume-{name}")]


def fill_from_image(
    engine: Engine, volume: str, image: str, path: str, extra: Mapping[str, tuple[bytes, int]], role: str
) -> None:
    """Fill an empty volume with an image's directory and further files.

    What the image has there passes through this process: Docker would copy it by itself when a container is
    made, podman when one is started, which an image for another processor can not be.

    :param path: the directory in the image; it may be missing there.
    :param extra: path below it to content and permission bits.
    """
    from docker.errors import NotFound

    with engine_errors(f"volume {volume} could not be filled from {image}"):
        api = engine.client.api
        source = api.create_container(image, command=["-"], labels=engine.labels(role))["Id"]
        binds = api.create_host_config(binds={volume: {"bind": path, "mode": "rw,nocopy"}})
        target = api.create_container(
            image, command=["-"], volumes=[path], host_config=binds, labels=engine.labels(role)
        )["Id"]
        try:
            with tempfile.TemporaryFile() as archive:
                with tarfile.open(fileobj=archive, mode="w") as tar:
                    with contextlib.suppress(NotFound):
                        _copy_directory(api.get_archive(source, path, chunk_size=_CHUNK)[0], tar)
                    for name, (data, mode) in extra.items():
                        info = tarfile.TarInfo(name)
                        info.size, info.mode = len(data), mode
                        tar.addfile(info, io.BytesIO(data))
                archive.seek(0)
                api.put_archive(target, path, archive)
        finally:
            for container in (source, target):
                api.remove_container(container, force=True)


def _copy_directory(archive: Iterator[bytes], into: tarfile.TarFile) -> None:
    """Copy what lies below the first directory of an archive."""
    with tempfile.TemporaryFile() as content:
        for piece in archive:
            content.write(piece)
        content.seek(0)
        with tarfile.open(fileobj=content) as tar:
            for member in tar:
                _, _, member.name = member.name.partition("/")
                if member.islnk():
                    _, _, member.linkname = member.linkname.partition("/")
                if member.name:
                    into.addfile(member, tar.extractfile(member) if member.isreg() else None)


def _record(engine: Engine, name: str) -> Path:
    safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in engine.identity)
    return cache_root() / "volumes" / safe / f"{name}.json"


def _recorded(engine: Engine, name: str) -> Facts | None:
    from docker.errors import NotFound

    try:
        facts: Facts = json.loads(_record(engine, name).read_text())
    except (OSError, ValueError):
        return None
    with engine_errors(f"volume {name} could not be inspected"):
        try:
            engine.client.api.inspect_volume(name)
        except NotFound:
            return None
    return facts
