"""The engine as a store of images: the only module of this layer that speaks the docker SDK."""

from __future__ import annotations

import contextlib
import io
import json
import tarfile
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from emulab.engine.container import engine_errors
from emulab.engine.ownership import LABEL_OWNER, LABEL_ROLE, Owner
from emulab.errors import EngineError, ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import docker

LABEL_IMAGE = "org.emulab.image"

_BUILD_TIMEOUT_S = 3600  # a compiler may say nothing for long; what hangs for an hour is dead


@dataclass(frozen=True)
class StoredImage:
    """An image that the engine has.

    :param id: the engine's id, ``sha256:…``.
    :param references: its tags.
    :param labels: its labels.
    :param size: bytes of all its layers, which other images may share.
    :param platform: ``os/architecture[/variant]``.
    """

    id: str
    references: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    size: int = 0
    platform: str = ""


class ImageStore:
    """Images of one engine. Safe to use from several threads."""

    def __init__(self, client: docker.DockerClient) -> None:
        self._api = client.api

    def architecture(self) -> str:
        """Return Debian's name of the engine's own architecture.

        :raises EngineError: the engine does not answer.
        """
        with engine_errors("engine's architecture could not be asked for"):
            name = str(self._api.info().get("Architecture", ""))
        return {"x86_64": "amd64", "aarch64": "arm64"}.get(name, name)

    def find(self, reference: str) -> StoredImage | None:
        """Return the image of a reference or id, None if the engine has none.

        :raises EngineError: the engine does not answer.
        """
        from docker.errors import ImageNotFound

        with engine_errors(f"image {reference} could not be looked up"):
            try:
                row = self._api.inspect_image(reference)
            except ImageNotFound:
                return None
        parts = (row.get("Os"), row.get("Architecture"), row.get("Variant"))
        return StoredImage(
            id=row["Id"],
            references=tuple(row.get("RepoTags") or ()),
            labels=(row.get("Config") or {}).get("Labels") or {},
            size=int(row.get("Size") or 0),
            platform="/".join(part for part in parts if part),
        )

    def ours(self) -> list[StoredImage]:
        """Return every tagged image that emulab made.

        :raises EngineError: the engine does not answer.
        """
        with engine_errors("list of images could not be had"):
            rows = self._api.images(filters={"label": LABEL_IMAGE, "dangling": False})
        return [
            StoredImage(row["Id"], tuple(row["RepoTags"]), row.get("Labels") or {}, int(row.get("Size") or 0))
            for row in rows
            if row.get("RepoTags")
        ]

    def build(
        self,
        context: IO[bytes],
        *,
        arguments: Mapping[str, str],
        platform: str = "",
    ) -> Iterator[dict[str, Any]]:
        """Build an image from a context archive, yielding the engine's messages as they come.

        The build ends when the iterator is closed, or this process dies.

        :raises EngineError: the engine went away.
        """
        with engine_errors("build could not be followed"):
            messages = self._api.build(
                fileobj=context,
                custom_context=True,
                rm=True,
                forcerm=True,
                decode=True,
                buildargs=dict(arguments),
                platform=platform or None,
                timeout=_BUILD_TIMEOUT_S,
            )
            yield from messages

    def load_root(self, archive: str, reference: str, labels: Mapping[str, str]) -> None:
        """Make an image of the engine's platform from a tar archive of a root file system on this machine.

        :raises EngineError: the engine refused.
        """
        repository, _, tag = reference.rpartition(":")
        changes = [f"LABEL {key}={json.dumps(value)}" for key, value in labels.items()]
        with engine_errors("root file system could not be imported"):
            answer = self._api.import_image_from_file(
                archive, repository=repository, tag=tag, changes=changes
            )
        if "error" in str(answer):
            raise EngineError("the root file system could not be imported", detail=str(answer))

    def registry_has(self, reference: str, *, timeout_s: float) -> bool:
        """Tell whether the engine reaches a registry that has an image, within a time."""
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        url = f"{self._api.base_url}/v{self._api.api_version}/distribution/{reference}/json"
        try:
            return bool(self._api.get(url, timeout=timeout_s).ok)
        except (DockerException, RequestException):
            return False

    def pull(self, repository: str, tag: str) -> Iterator[dict[str, Any]]:
        """Pull an image from its registry, yielding the engine's messages.

        :raises EngineError: it could not be pulled.
        """
        with engine_errors(f"image {repository}:{tag} could not be pulled"):
            yield from self._api.pull(repository, tag=tag, stream=True, decode=True)

    def tag(self, image_id: str, reference: str) -> None:
        """Give an image a further reference.

        :raises EngineError: the engine refused.
        """
        repository, _, tag = reference.rpartition(":")
        with engine_errors(f"image could not be tagged {reference}"):
            self._api.tag(image_id, repository, tag)

    def remove(self, reference: str) -> str:
        """Remove a reference, and the image with its last one. Returns "" or why it can not be removed now.

        :raises EngineError: the engine does not answer.
        """
        from docker.errors import APIError, ImageNotFound

        with engine_errors(f"image {reference} could not be removed"):
            try:
                self._api.remove_image(reference)
            except ImageNotFound:
                return ""
            except APIError as error:
                if error.status_code == 409:
                    return str(error.explanation)
                raise
        return ""

    def prune(self) -> int:
        """Remove what interrupted builds left; returns the bytes freed.

        :raises EngineError: the engine does not answer.
        """
        with engine_errors("remains of builds could not be removed"):
            answer = self._api.prune_images(filters={"dangling": True, "label": LABEL_IMAGE})
        return int(answer.get("SpaceReclaimed") or 0)

    def read(self, image: str, path: str) -> bytes:
        """Return the content of one file of an image.

        :raises ImageError: there is no such file.
        :raises EngineError: the engine refused.
        """
        with self._archive(image, path) as stream, tarfile.open(fileobj=stream) as archive:
            for member in archive:
                content = archive.extractfile(member)
                if content is not None:
                    return content.read()
        raise ImageError(f"{path} of the image {image} is not a file")

    def copy_file(self, image: str, path: str, to: IO[bytes]) -> None:
        """Write the content of one file of an image to a stream.

        :raises ImageError: there is no such file.
        :raises EngineError: the engine refused.
        """
        import shutil

        with self._archive(image, path) as stream, tarfile.open(fileobj=stream) as archive:
            for member in archive:
                content = archive.extractfile(member)
                if content is not None:
                    shutil.copyfileobj(content, to)
                    return
        raise ImageError(f"{path} of the image {image} is not a file")

    def copy_layer(self, image: str, to: IO[bytes]) -> None:
        """Write the file system of an image that has one layer to a stream, as an uncompressed tar archive.

        :raises ImageError: the image has several layers.
        :raises EngineError: the engine refused.
        """
        import gzip
        import shutil
        import tempfile

        with tempfile.TemporaryFile() as spool:
            with engine_errors(f"image {image} could not be saved"):
                for chunk in self._api.get_image(image):
                    spool.write(chunk)
            spool.seek(0)
            with tarfile.open(fileobj=spool) as archive:
                manifest = archive.extractfile("manifest.json")
                assert manifest is not None
                layers = json.load(manifest)[0]["Layers"]
                if len(layers) != 1:
                    raise ImageError(f"the image {image} has {len(layers)} layers, not one")
                layer = archive.extractfile(layers[0])
                assert layer is not None
                compressed = layer.read(2) == b"\x1f\x8b"
                layer.seek(0)
                shutil.copyfileobj(gzip.GzipFile(fileobj=layer) if compressed else layer, to)

    @contextlib.contextmanager
    def _archive(self, image: str, path: str) -> Iterator[IO[bytes]]:
        """Hold the engine's archive of a path of an image, by way of a container that never starts."""
        import tempfile

        from docker.errors import NotFound

        with engine_errors(f"image {image} could not be read"):
            labels = {LABEL_OWNER: str(Owner.current()), LABEL_ROLE: "read"}
            container = self._api.create_container(image, ["-"], labels=labels)["Id"]
            try:
                with tempfile.SpooledTemporaryFile(max_size=64 << 20) as spool:
                    try:
                        stream, _ = self._api.get_archive(container, path)
                    except NotFound as error:
                        raise ImageError(f"the image {image} has no {path}") from error
                    for chunk in stream:
                        spool.write(chunk)
                    spool.seek(0)
                    yield spool
            finally:
                self._api.remove_container(container, force=True, v=True)


def context_archive(
    files: Mapping[str, bytes], streams: Sequence[tuple[str, IO[bytes]]], to: IO[bytes]
) -> None:
    """Write a build's context: files by path, and seekable streams by name.

    Modes follow from content (a script is executable), so that a checkout's umask changes nothing.
    """
    with tarfile.open(fileobj=to, mode="w") as archive:
        for path, content in sorted(files.items()):
            member = tarfile.TarInfo(path)
            member.size = len(content)
            member.mode = 0o755 if content.startswith(b"#!") else 0o644
            archive.addfile(member, io.BytesIO(content))
        for path, stream in streams:
            member = tarfile.TarInfo(path)
            member.size = stream.seek(0, io.SEEK_END)
            stream.seek(0)
            archive.addfile(member, stream)
    to.seek(0)
