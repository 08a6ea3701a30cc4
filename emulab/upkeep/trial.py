"""A container that is started, waited for and asked, to see that the engine does what it says."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from emulab.upkeep.checks import Check, Health

if TYPE_CHECKING:
    from emulab.engine import Engine

_READY = "the trial is ready"
_PATIENCE_S = 20
_NAME = "containers"
_ROLE = "trial"


def containers_check(engine: Engine) -> Check:
    """Start a container of an image that is there, wait for its word, and run a program in it.

    What holds for a run holds for it: no network, no privileges, a read-only root.
    """
    image = _an_image(engine)
    if image is None:
        return Check(_NAME, Health.OK, "not tried: no image is built yet")
    from docker.errors import DockerException
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    # The reaper is an image from a registry; emulab's own sweep finds the container by its labels.
    testcontainers_config.ryuk_disabled = True
    os.environ["DOCKER_HOST"] = engine.address
    container = DockerContainer(image).with_command(["sh", "-c", f"echo {_READY}; sleep {_PATIENCE_S}"])
    container.with_kwargs(
        labels=engine.labels(_ROLE),
        network_mode="none",
        read_only=True,
        security_opt=["no-new-privileges"],
    )
    container.waiting_for(LogMessageWaitStrategy(_READY).with_startup_timeout(_PATIENCE_S))
    try:
        with container:
            status, said = container.exec(["uname", "-m"])
    except (DockerException, OSError, TimeoutError) as error:
        return Check(_NAME, Health.MISSING, f"one could not be started: {error}", "read the engine's log")
    if status != 0:
        return Check(_NAME, Health.MISSING, f"a program in one failed: {said.decode(errors='replace')}")
    return Check(_NAME, Health.OK, f"one was started and answered, on {said.decode().strip()}")


def _an_image(engine: Engine) -> str | None:
    """Return the reference of an image of emulab's for the engine's own processors that has a shell."""
    images = engine.client.api.images(name="emulab/base")
    return next((tag for image in images for tag in image.get("RepoTags") or ()), None)
