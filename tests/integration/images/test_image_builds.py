"""Builds on the real engine: once, resumed, side by side, and clear about what went wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from emulab.data import data_directory
from emulab.errors import ImageError, NoSpaceError
from emulab.images import Builder, Recipes, clean, list_images, read_file, show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import docker

    House = Callable[..., Recipes]

TOOL = 'summary = "a test"\nkind = "tool"\nneeds = { BASE = "base" }\n'
HEAD = "ARG BASE\nFROM $BASE\n"
ENSURE = """
import sys, docker
from pathlib import Path
from emulab.images import Builder, Recipes
from emulab.progress import Silent

class Told(Silent):
    def step(self, title):
        return self

    def update(self, text, *, done=None, total=None):
        if text.startswith("RUN"):
            print(text, flush=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

directory = Path(sys.argv[1])
recipes = Recipes.load(directory / "images", directory / "dockerfiles")
images = Builder(docker.from_env(), Told(), recipes).ensure(sys.argv[2:])
print(*(image.id for image in images.values()), flush=True)
"""


@pytest.fixture
def house(tmp_path: Path, client: docker.DockerClient) -> Iterator[House]:
    """Make a house of recipes: emulab's own base and small images (name to Dockerfile) made from it."""
    for kind in ("images", "dockerfiles"):
        (tmp_path / kind).mkdir()
    shutil.copytree(data_directory("images") / "base", tmp_path / "images" / "base")
    shutil.copy(data_directory("images") / "base.toml", tmp_path / "images")
    shutil.copy(data_directory("dockerfiles") / "base.Dockerfile", tmp_path / "dockerfiles")

    def make(**dockerfiles: str) -> Recipes:
        for name, text in dockerfiles.items():
            (tmp_path / "images" / f"{name}.toml").write_text(TOOL)
            (tmp_path / "dockerfiles" / f"{name}.Dockerfile").write_text(HEAD + text)
        return Recipes.load(tmp_path / "images", tmp_path / "dockerfiles")

    yield make
    for image in Builder(client).store.ours():
        for reference in image.references:
            if reference.startswith("emulab/itest"):
                client.images.remove(reference, force=True)


def start(directory: Path, *names: str) -> subprocess.Popen[str]:
    """Build in a process of its own."""
    command = [sys.executable, "-c", ENSURE, str(directory), *names]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.1)


def build_containers(client: docker.DockerClient, marker: str) -> list[str]:
    """Return the ids of containers of build steps whose command has a marker."""
    rows = client.api.containers(all=True)
    return [row["Id"] for row in rows if marker in row["Command"]]


def test_an_image_is_built_once_and_says_what_it_is_made_of(
    client: docker.DockerClient, house: House
) -> None:
    builder = Builder(client, recipes=house(itest1=f"RUN echo {os.getpid()} >/hello\n"))
    image = builder.ensure(["itest1"])["itest1"]
    assert image.reference == builder.reference(builder.recipes.resolve("itest1")[0])
    assert image.labels["org.emulab.image"] == "itest1"
    assert image.labels["org.emulab.digest"].startswith(image.reference.rpartition(":")[2])
    assert image.packages["libc6"]
    base = builder.ensure(["base"])["base"]
    assert json.loads(image.labels["org.emulab.inputs"]) == {"base": base.id}
    begun = time.monotonic()
    assert builder.ensure(["itest1"])["itest1"] == image
    assert time.monotonic() - begun < 1.0
    assert (
        show(builder, "itest1")["images"][0]["labels"]["org.emulab.packages"]["libc6"]
        == image.packages["libc6"]
    )
    assert read_file(builder, "itest1", "/hello").decode().strip() == str(os.getpid())


def test_a_failing_step_is_an_image_error_with_the_builds_last_lines(
    client: docker.DockerClient, house: House
) -> None:
    recipes = house(itest2="RUN echo so far so good && echo no further >&2 && exit 3\n")
    with pytest.raises(ImageError) as caught:
        Builder(client, recipes=recipes).ensure(["itest2"])
    assert "itest2" in caught.value.message
    assert "status 3" in caught.value.message
    assert "so far so good" in caught.value.detail
    assert "no further" in caught.value.detail


def test_a_full_disk_is_a_no_space_error(client: docker.DockerClient, house: House) -> None:
    recipes = house(itest3="RUN head -c 999M /dev/zero >/dev/shm/large\n")
    with pytest.raises(NoSpaceError):
        Builder(client, recipes=recipes).ensure(["itest3"])


def test_a_mirror_that_does_not_answer_is_said(client: docker.DockerClient, house: House) -> None:
    sources = "/etc/apt/sources.list.d/emulab.sources"
    elsewhere = f"sed -i 's|^URIs:.*|URIs: http://127.0.0.1:9/debian|' {sources}"
    step = f"RUN {elsewhere} && /usr/share/emulab/install hello\n"
    with pytest.raises(ImageError) as caught:
        Builder(client, recipes=house(itest4=step)).ensure(["itest4"])
    assert "mirror" in caught.value.message
    assert "EMULAB_DEBIAN_MIRROR" in caught.value.hint


def test_two_processes_at_once_build_once(client: docker.DockerClient, house: House, tmp_path: Path) -> None:
    house(itest5=f"RUN sleep 2 && echo {os.getpid()}\n")
    outputs = [
        process.communicate()[0].splitlines() for process in [start(tmp_path, "itest5") for _ in range(2)]
    ]
    assert sorted(map(len, outputs)) == [1, 2], outputs
    assert outputs[0][-1] == outputs[1][-1]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_build_leaves_no_image_and_goes_on_where_it_was(
    client: docker.DockerClient, house: House, tmp_path: Path, number: signal.Signals
) -> None:
    marker = f"{time.time_ns()}"
    recipes = house(itest6=f"RUN sleep 4 && echo first {marker}\nRUN sleep 2 && echo second {marker}\n")
    process = start(tmp_path, "itest6")
    wait_for(lambda: bool(build_containers(client, f"second {marker}")))
    process.send_signal(number)
    process.communicate(timeout=10)
    assert process.returncode != 0
    builder = Builder(client, recipes=recipes)
    assert not next(row for row in list_images(builder) if row.name == "itest6").built
    wait_for(lambda: not build_containers(client, marker))
    begun = time.monotonic()
    builder.ensure(["itest6"])
    assert time.monotonic() - begun < 4.0 + 2.0


def test_cleaning_removes_what_no_recipe_leads_to(client: docker.DockerClient, house: House) -> None:
    old = Builder(client, recipes=house(itest7=f"RUN echo {time.time_ns()}\n")).ensure(["itest7"])["itest7"]
    builder = Builder(client, recipes=house(itest7=f"RUN echo {time.time_ns()}\n"))
    new = builder.ensure(["itest7"])["itest7"]
    row = next(row for row in list_images(builder) if row.name == "itest7")
    assert (row.reference, row.stale) == (new.reference, (old.reference,))
    assert old.reference in clean_only(builder, "itest7")
    assert builder.store.find(old.reference) is None
    assert builder.store.find(new.reference) is not None


def clean_only(builder: Builder, name: str) -> tuple[str, ...]:
    """Clean a builder that sees no other images than one name's: others on this engine stay."""
    store = builder.store
    ours = [image for image in store.ours() if any(f"/{name}:" in each for each in image.references)]

    class Narrow:
        def ours(self) -> object:
            return ours

        def remove(self, reference: str) -> str:
            return store.remove(reference)

        def prune(self) -> int:
            return 0

    builder._store = Narrow()  # type: ignore[assignment]
    try:
        return clean(builder).removed
    finally:
        builder._store = store


def test_a_missing_file_is_said_and_no_container_stays(client: docker.DockerClient, builder: Builder) -> None:
    before = {container.id for container in client.containers.list(all=True)}
    with pytest.raises(ImageError, match="no-such-file"):
        read_file(builder, "base", "/no-such-file")
    left = [
        container.id for container in client.containers.list(all=True)
        if container.id not in before and container.labels.get("org.emulab.role") == "read"
    ]  # fmt: skip
    assert not left


def test_an_image_made_of_a_result_has_the_guests_platform_and_keeps_nothing_of_its_build(
    client: docker.DockerClient, house: House, tmp_path: Path
) -> None:
    house(itest8=f"RUN mkdir /o && echo {time.time_ns()} >/o/file && tar -C /o -cf /result.tar file\n")
    recipe = (
        TOOL.replace('"tool"', '"rootfs"') + 'architectures = ["armv7"]\nresult = true\ncommand = ["/file"]\n'
    )
    (tmp_path / "images" / "itest8.toml").write_text(recipe)
    builder = Builder(client, recipes=Recipes.load(tmp_path / "images", tmp_path / "dockerfiles"))
    image = builder.ensure(["itest8"])["itest8-armv7"]
    found = builder.store.find(image.reference)
    assert found is not None
    assert found.platform == "linux/arm/v7"
    assert client.images.get(image.id).attrs["Config"]["Cmd"] == ["/file"]
    container = client.containers.create(image.reference)
    try:
        exported = b"".join(container.export())
    finally:
        container.remove()
    assert b"file" in exported
    assert b"emulab.sources" not in exported
    stages = client.api.images(filters={"dangling": True, "label": "org.emulab.image=itest8-armv7:stage"})
    assert stages == []
