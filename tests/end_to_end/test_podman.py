"""Runs on podman's socket, in place of Docker's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from emulab.engine import connect
from emulab.images import Builder
from emulab.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("podman") is None, reason="podman is not installed here")

_IMAGES = ["rootfs-musl-arm64", "qemu-user", "disk-musl-arm64", "qemu-system", "kernel-4k-arm64"]
# Without limits that not every host allows, and on any file system.
_CONTAINERS = (
    '[containers]\ndefault_ulimits = []\n[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
)
_STORAGE = '[storage]\ndriver = "vfs"\ngraphroot = "{0}/graph"\nrunroot = "{0}/run"\n'


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a command that finds podman's socket, with the images that the runs need."""
    place = tmp_path_factory.mktemp("podman")
    (place / "containers.conf").write_text(_CONTAINERS)
    (place / "storage.conf").write_text(_STORAGE.format(place))
    environment = os.environ | {
        "CONTAINERS_CONF": str(place / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(place / "storage.conf"),
    }
    built = Builder(connect().client, Silent()).ensure(_IMAGES)
    archive = place / "images.tar"
    subprocess.run(["docker", "save", "-o", archive, *(i.reference for i in built.values())], check=True)
    subprocess.run(["podman", "load", "-q", "-i", archive], env=environment, check=True, capture_output=True)
    archive.unlink()
    socket = place / "podman.sock"
    with subprocess.Popen(
        ["podman", "system", "service", "--time=0", f"unix://{socket}"], env=environment
    ) as podman:
        _await(socket)
        yield environment | {"DOCKER_HOST": f"unix://{socket}", "EMULAB_CACHE_DIR": str(place / "cache")}
        subprocess.run(
            ["podman", "rm", "--all", "--force"], env=environment, check=False, capture_output=True
        )
        podman.terminate()


def _await(socket: Path) -> None:
    deadline = time.monotonic() + 30
    while not socket.exists():
        assert time.monotonic() < deadline, "podman's service did not start"
        time.sleep(0.05)


@pytest.mark.parametrize("mode", ["user", "system"])
def test_a_program_runs_on_podman(podman: dict[str, str], mode: str) -> None:
    words = ["run", "--arch", "arm64", "--libc", "musl", "--mode", mode, "--", "/bin/uname", "-m"]
    done = subprocess.run(
        [sys.executable, "-m", "emulab", *words],
        env=podman,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=3600,
    )
    assert (done.returncode, done.stdout) == (0, "aarch64\n"), done.stderr


def test_nothing_is_left_on_podman(podman: dict[str, str]) -> None:
    deadline = time.monotonic() + 20
    while left := subprocess.run(
        ["podman", "ps", "--all", "--quiet"], env=podman, check=True, capture_output=True, text=True
    ).stdout:
        assert time.monotonic() < deadline, left
        time.sleep(0.2)
