"""A container of the engine's own architecture, to see from within what emulab's containers may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from emulab.engine import Container, ContainerSpec, Engine, connect
from emulab.images import Builder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Starter(Protocol):
    """Starts a container whose first process is a command; by default it sleeps."""

    def __call__(
        self,
        *,
        command: list[str] | None = None,
        memory: int | None = None,
        cpus: float | None = None,
        tmpfs: dict[str, int] | None = None,
    ) -> Container: ...


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    engine = connect()
    yield engine
    engine.client.close()


@pytest.fixture(scope="session")
def native_image(engine: Engine) -> str:
    """An image with a shell that runs on the engine itself."""
    return Builder(engine.client).ensure(["qemu-system"])["qemu-system"].id


@pytest.fixture
def start(engine: Engine, native_image: str) -> Iterator[Starter]:
    started: list[Container] = []

    def start(
        *,
        command: list[str] | None = None,
        memory: int | None = None,
        cpus: float | None = None,
        tmpfs: dict[str, int] | None = None,
    ) -> Container:
        spec = ContainerSpec(
            native_image, command or ["sleep", "600"], "test", memory=memory, cpus=cpus, tmpfs=tmpfs or {}
        )
        started.append(Container(engine, spec))
        return started[-1]

    yield start
    for container in started:
        container.close()


@pytest.fixture(scope="session")
def shell_output(engine: Engine) -> Callable[[Container, str], str]:
    """Return what a shell script prints in a container, on stdout and on stderr."""

    def output_of(container: Container, script: str) -> str:
        running = engine.client.containers.get(container.id)
        output: bytes = running.exec_run(["sh", "-c", f"{{ {script}\n}} 2>&1"]).output
        return output.decode()

    return output_of
