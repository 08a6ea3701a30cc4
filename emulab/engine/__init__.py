"""Containers: connecting to an engine, starting and sweeping, streams and volumes.

Any engine that speaks the Docker API serves: ``DOCKER_HOST``, the current docker context, Docker's
own socket or podman's. Nothing here knows what runs in a container.
"""

from emulab.engine.connection import Engine, connect
from emulab.engine.container import Container, ContainerSpec, VolumeMount
from emulab.engine.ownership import Owner
from emulab.engine.sweep import Swept, sweep

__all__ = ["Container", "ContainerSpec", "Engine", "Owner", "Swept", "VolumeMount", "connect", "sweep"]
