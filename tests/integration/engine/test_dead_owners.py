"""What processes leave that were killed: their containers are swept, those of the living are not."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from emulab.engine import Container, sweep
from emulab.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from emulab.engine import Engine

    Starter = Callable[..., Container]

# A container that does not end by itself when its owner goes: nobody's agent runs in it.
_OWNER = """
import sys, time
from emulab.engine import Container, ContainerSpec, connect
container = Container(connect(), ContainerSpec(sys.argv[1], ["sleep", "600"], "test"))
print(container.id, flush=True)
time.sleep(600)
"""


@pytest.fixture
def other_process(engine: Engine, native_image: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process that owns a container, and the container's id."""
    words = [sys.executable, "-c", _OWNER, native_image]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        container = child.stdout.readline().strip()
        yield child, container
        child.kill()
    sweep(engine)


def exists(engine: Engine, container: str) -> bool:
    return bool(engine.client.api.containers(all=True, filters={"id": container}))


def test_a_sweep_removes_what_a_killed_process_owned_and_nothing_else(
    engine: Engine, start: Starter, other_process: tuple[subprocess.Popen[str], str]
) -> None:
    own = start().id
    child, theirs = other_process
    assert theirs[:12] not in sweep(engine).containers
    assert exists(engine, theirs)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert theirs[:12] in sweep(engine).containers
    assert not exists(engine, theirs)
    assert exists(engine, own)


def test_a_sweep_of_everything_would_take_the_living_too(engine: Engine, start: Starter) -> None:
    from emulab.engine.sweep import litter

    own = start().id
    assert own[:12] in litter(engine, everything=True).containers
    assert own[:12] not in litter(engine).containers


def test_no_engine_at_the_named_address_is_an_error_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from emulab.engine import connect

    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    with pytest.raises(EngineError, match="no container engine answers at unix:///nonexistent") as caught:
        connect()
    assert "DOCKER_HOST" in caught.value.hint
