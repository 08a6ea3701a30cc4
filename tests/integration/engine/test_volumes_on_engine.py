"""Volumes with content: made once, and again when they were left half made."""

from __future__ import annotations

import subprocess
import sys
import threading
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from emulab.engine import Container, ContainerSpec, VolumeMount
from emulab.engine.volumes import ensure_volume, half_made_volumes, list_volumes, remove_volume, volume_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from emulab.engine import Engine

    Shell = Callable[[Container, str], str]

_MAKER = """
import sys, time
from emulab.engine import connect
from emulab.engine.volumes import ensure_volume
def fill(name):
    print("filling", flush=True)
    time.sleep(600)
ensure_volume(connect(), sys.argv[1], "test", fill)
"""


@pytest.fixture
def volume(engine: Engine) -> Iterator[str]:
    name = f"emulab-test-{uuid.uuid4().hex[:12]}"
    yield name
    remove_volume(engine, name)


@pytest.fixture
def write(engine: Engine, native_image: str, shell_output: Shell) -> Callable[[str, str], str]:
    """Run a shell script with a volume at /volume."""

    def write(volume: str, script: str) -> str:
        mounts = [VolumeMount(volume, "/volume", writable=True)]
        with Container(engine, ContainerSpec(native_image, ["sleep", "60"], "test", mounts)) as container:
            return shell_output(container, script)

    return write


def test_a_volume_is_filled_once_and_keeps_its_content_and_facts(
    engine: Engine, volume: str, write: Callable[[str, str], str]
) -> None:
    calls = []

    def fill(name: str) -> dict[str, Any]:
        calls.append(name)
        write(name, "echo content >/volume/file")
        return {"size": 8}

    assert ensure_volume(engine, volume, "test", fill) == {"size": 8}
    assert ensure_volume(engine, volume, "test", fill) == {"size": 8}
    assert calls == [volume]
    assert write(volume, "cat /volume/file") == "content\n"


def test_a_volume_whose_maker_was_killed_is_made_again_from_empty(
    engine: Engine, volume: str, write: Callable[[str, str], str]
) -> None:
    with subprocess.Popen([sys.executable, "-c", _MAKER, volume], stdout=subprocess.PIPE) as maker:
        assert maker.stdout is not None
        assert maker.stdout.readline() == b"filling\n"
        write(volume, "echo half >/volume/half")
        assert volume not in half_made_volumes(engine)  # it is being made
        maker.kill()
    assert volume in half_made_volumes(engine)

    def fill(name: str) -> dict[str, Any]:
        return {"found": write(name, "ls /volume")}

    assert ensure_volume(engine, volume, "test", fill) == {"found": ""}
    assert volume not in half_made_volumes(engine)


def test_a_volume_that_somebody_removed_is_made_again(engine: Engine, volume: str) -> None:
    ensure_volume(engine, volume, "test", lambda name: {"made": 1})
    engine.client.api.remove_volume(volume)
    assert ensure_volume(engine, volume, "test", lambda name: {"made": 2}) == {"made": 2}


def test_two_that_want_one_volume_at_once_make_it_once(engine: Engine, volume: str) -> None:
    made = []
    both_are_there = threading.Barrier(2)

    def fill(name: str) -> dict[str, Any]:
        made.append(name)
        return {}

    def want() -> None:
        both_are_there.wait(10)
        ensure_volume(engine, volume, "test", fill)

    threads = [threading.Thread(target=want) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert made == [volume]


def test_a_volume_is_removed_as_soon_as_the_container_that_used_it_is_gone(
    engine: Engine, native_image: str, volume: str
) -> None:
    ensure_volume(engine, volume, "test", lambda name: {})
    container = Container(
        engine, ContainerSpec(native_image, ["sleep", "60"], "test", [VolumeMount(volume, "/volume")])
    )
    container.close()
    remove_volume(engine, volume)
    assert volume not in [name for name, _ in list_volumes(engine)]


def test_caches_on_one_engine_name_their_volumes_apart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "one"))
    one = volume_key("content", 1)
    assert volume_key("content", 1) == one != volume_key("content", 2)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    assert volume_key("content", 1) != one
