"""Building what is missing, once, side by side, and again from where it stopped."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from emulab import __version__
from emulab.cache import locked, out_of_space_is_said
from emulab.errors import ImageError
from emulab.images.buildlog import BuildLog
from emulab.images.digests import Digests
from emulab.images.mirror import SETTING
from emulab.images.recipes import Recipes
from emulab.images.schedule import Job, run
from emulab.images.store import LABEL_IMAGE, ImageStore, StoredImage, context_archive
from emulab.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import docker

    from emulab.images.names import ImageName
    from emulab.images.recipes import Plan
    from emulab.progress import Progress, Step

LABEL_RECIPE = "org.emulab.recipe"
LABEL_DIGEST = "org.emulab.digest"
LABEL_PACKAGES = "org.emulab.packages"
LABEL_FACTS = "org.emulab.facts"
LABEL_MIRROR = "org.emulab.mirror"

_AT_ONCE = 4
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy")


@dataclass(frozen=True)
class BuiltImage:
    """An image that is there.

    :param name: its name, ``rootfs-musl-armv7``.
    :param reference: its tag, ``emulab/rootfs-musl-armv7:0123456789ab``.
    :param id: the engine's id, ``sha256:…``.
    :param labels: its labels: versions, digests and facts.
    """

    name: str
    reference: str
    id: str
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def packages(self) -> dict[str, str]:
        """Return the exact versions of the packages that it was made from."""
        packages: dict[str, str] = json.loads(self.labels.get(LABEL_PACKAGES, "{}"))
        return packages


class Builder:
    """Builds images on one engine from recipes."""

    def __init__(
        self, client: docker.DockerClient, progress: Progress | None = None, recipes: Recipes | None = None
    ) -> None:
        self._store = ImageStore(client)
        self._progress = progress or Silent()
        self.recipes = recipes or Recipes.load()
        self._digests = Digests(self.recipes)

    def ensure(self, names: Iterable[str]) -> dict[str, BuiltImage]:
        """Return images by name, building those that the engine has not, and what they are made from.

        A name of a recipe with several architectures means all of them.

        :raises UsageError: there is no such image.
        :raises ImageError: a build failed, with the last lines of its log.
        :raises NoSpaceError: the engine's disk, or this machine's, is full.
        :raises EngineError: the engine refused or went away.
        """
        wanted = [name for text in names for name in self.recipes.resolve(text)]
        found = {name: self._find(name) for name in wanted}
        missing = [name for name, image in found.items() if image is None]
        if missing:
            run(self._jobs(missing), self._build, at_once=_AT_ONCE)
            found |= {name: self._find(name) for name in missing}
        images = {}
        for name, image in found.items():
            if image is None:
                raise ImageError(f"the image {name} was removed while it was being used", hint="try again")
            images[str(name)] = BuiltImage(str(name), self.reference(name), image.id, image.labels)
        return images

    def missing(self, names: Iterable[str]) -> list[str]:
        """Return those of some images that would have to be built.

        :raises UsageError: there is no such image.
        :raises EngineError: the engine refused or went away.
        """
        wanted = [name for text in names for name in self.recipes.resolve(text)]
        return [str(name) for name in wanted if self._find(name) is None]

    def reference(self, name: ImageName) -> str:
        """Return the reference that an image has, built or not."""
        return self._digests.reference(name)

    def digest(self, name: ImageName) -> str:
        """Return the whole digest of an image's recipe."""
        return self._digests.of(name)

    @property
    def store(self) -> ImageStore:
        """Return the engine's images."""
        return self._store

    def _find(self, name: ImageName) -> StoredImage | None:
        return self._store.find(self.reference(name))

    def _jobs(self, names: Iterable[ImageName]) -> dict[ImageName, Job]:
        """Return the builds that names need; what exists needs nothing."""
        jobs: dict[ImageName, Job] = {}
        rest = list(names)
        while rest:
            name = rest.pop()
            if name not in jobs:
                plan = self.recipes.plan(name)
                needs = [each for each in plan.dependencies if self._is_missing(each)]
                jobs[name] = Job(frozenset(needs), plan.recipe.seconds, plan.recipe.all_cores)
                rest += needs
        return jobs

    def _is_missing(self, name: ImageName) -> bool:
        image = self._find(name)
        if image is None:
            return True
        # Whoever names another mirror wants what is built from now on to come from there.
        setting = os.environ.get(SETTING, "").rstrip("/")
        is_base = self.recipes.plan(name).recipe.kind == "base"
        return is_base and setting not in ("", image.labels.get(LABEL_MIRROR))

    def _build(self, name: ImageName) -> None:
        """Build one image whose dependencies exist. The tag comes last, so nothing half done has one."""
        reference = self.reference(name)
        with self._progress.step(f"building the image {name}") as step:
            step.update("waiting for another process that builds it")
            with locked(f"image-{name}-{self.digest(name)[:12]}"):
                if not self._is_missing(name):
                    return
                plan = self.recipes.plan(name)
                mirror = ""
                arguments = {key: self.reference(needed) for key, needed in plan.needs.items()}
                arguments |= plan.arguments
                if plan.recipe.kind == "base":
                    from emulab.images.origin import ensure_origin

                    arguments["ORIGIN"], mirror = ensure_origin(self._store, step)
                    arguments["MIRROR"] = mirror
                stage = self._make(plan, arguments, step)
                step.update("labelling")
                labels = self._labels(plan, stage, mirror)
                self._finish(plan, stage, labels, reference, step)

    def _make(self, plan: Plan, arguments: Mapping[str, str], step: Step) -> str:
        """Build a recipe's Dockerfile; returns the image's id."""
        files = {path: file.read_bytes() for path, file in plan.inputs.items()}
        marked = f"{plan.dockerfile}\n{_label_line({LABEL_IMAGE: f'{plan.name}:stage'})}"
        files["Dockerfile"] = marked.encode()
        with contextlib.ExitStack() as stack, out_of_space_is_said():
            streams = []
            for path, image in plan.unpacks.items():
                spool = stack.enter_context(tempfile.TemporaryFile())
                self._store.copy_layer(self.reference(image), spool)
                streams.append((path, spool))
            context = stack.enter_context(tempfile.TemporaryFile())
            context_archive(files, streams, context)
            return self._run_build(plan, context, {**arguments, **_proxies()}, step)

    def _finish(self, plan: Plan, stage: str, labels: Mapping[str, str], reference: str, step: Step) -> None:
        """Make the final image from what the Dockerfile made, labelled and then tagged."""
        command = f"CMD {json.dumps(list(plan.recipe.command))}\n" if plan.recipe.command else ""
        with contextlib.ExitStack() as stack, out_of_space_is_said():
            streams = []
            if plan.recipe.result:
                content = stack.enter_context(tempfile.TemporaryFile())
                self._store.copy_file(stage, "/result.tar", content)
                streams.append(("result.tar", content))
                dockerfile = "FROM scratch\nADD result.tar /\n"
            else:
                dockerfile = f"FROM {stage.removeprefix('sha256:')}\n"
            dockerfile += command + _label_line(labels)
            context = stack.enter_context(tempfile.TemporaryFile())
            context_archive({"Dockerfile": dockerfile.encode()}, streams, context)
            image = self._run_build(plan, context, {}, step, platform=plan.platform)
        self._store.tag(image, reference)
        if plan.recipe.result:
            # A compiler's whole build tree; only an interrupted build needs it again.
            self._store.remove(stage)

    def _run_build(
        self, plan: Plan, context: IO[bytes], arguments: Mapping[str, str], step: Step, platform: str = ""
    ) -> str:
        log = BuildLog(str(plan.name), step)
        for message in self._store.build(context, arguments=arguments, platform=platform):
            log.feed(message)
        failure = log.failure(os.environ.get(SETTING, ""))
        if failure is not None:
            raise failure
        return log.image_id

    def _labels(self, plan: Plan, stage: str, mirror: str) -> dict[str, str]:
        """Return the labels of a final image: what it is, from what, in which versions."""
        inputs = {}
        for needed in plan.dependencies:
            image = self._find(needed)
            inputs[str(needed)] = image.id if image else ""
        labels = {
            LABEL_IMAGE: str(plan.name),
            LABEL_RECIPE: plan.name.recipe,
            LABEL_DIGEST: self.digest(plan.name),
            LABEL_PACKAGES: json.dumps(self._packages(stage), sort_keys=True),
            "org.emulab.kind": plan.recipe.kind,
            "org.emulab.architecture": plan.name.architecture,
            "org.emulab.inputs": json.dumps(inputs, sort_keys=True),
            "org.emulab.version": __version__,
            "org.opencontainers.image.title": f"emulab {plan.name}",
            "org.opencontainers.image.description": plan.recipe.summary,
            "org.opencontainers.image.version": self.digest(plan.name)[:12],
        }
        if mirror:
            labels[LABEL_MIRROR] = mirror
        if plan.recipe.facts:
            labels[LABEL_FACTS] = json.dumps(json.loads(self._store.read(stage, "/facts.json")))
        return labels

    def _packages(self, stage: str) -> dict[str, str]:
        """Return package to version, as the build left them in ``/packages.txt``."""
        text = self._store.read(stage, "/packages.txt").decode()
        rows = [line.split() for line in text.splitlines() if line.strip()]
        return {row[0]: row[1] for row in rows}


def _label_line(labels: Mapping[str, str]) -> str:
    """Return one LABEL instruction; each further one would cost the engine a container and a step."""
    pairs = (f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in labels.items())
    return f"LABEL {' '.join(pairs)}\n".replace("$", "\\$")


def _proxies() -> dict[str, str]:
    """Return the proxy settings of this process, which every build step gets and no image keeps."""
    found = {}
    for name in _PROXIES:
        for spelling in (name, name.upper()):
            if spelling in os.environ:
                found[spelling] = os.environ[spelling]
    return found
