from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulab.engine import connect
from emulab.images import Builder

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker


@pytest.fixture(scope="session")
def client() -> Iterator[docker.DockerClient]:
    engine = connect()
    yield engine.client
    engine.client.close()


@pytest.fixture(scope="session")
def builder(client: docker.DockerClient) -> Builder:
    return Builder(client)
