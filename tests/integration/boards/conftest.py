"""Emulators from emulab's images, and programs to run under them."""

from __future__ import annotations

import os
import subprocess
import uuid
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulab.engine import connect
from emulab.images import Builder
from emulab.progress import Silent
from emulab.toolchain.go import find_go

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PROGRAMS = Path(__file__).resolve().parent / "programs"


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Build one of the programs beside this file, each at most once."""
    go = find_go(None, Silent())
    directory = tmp_path_factory.mktemp("programs")

    @cache
    def build(program: str, settings: tuple[tuple[str, str], ...]) -> Path:
        name = "-".join([program, *(value for _, value in settings)]).replace(",", "+")
        output = directory / name
        subprocess.run(
            [go.command, "build", "-trimpath", "-ldflags=-s -w", "-o", output, f"./{program}"],
            cwd=PROGRAMS, env={**os.environ, "CGO_ENABLED": "0", **dict(settings)}, check=True,
        )  # fmt: skip
        return output

    def compile_for(program: str, environment: Mapping[str, str]) -> Path:
        return build(program, tuple(sorted(environment.items())))

    return compile_for


@pytest.fixture(scope="session")
def reference() -> Iterator[Callable[[str], str]]:
    """Return the reference of one of emulab's images by name, building the image when there is none."""
    engine = connect()
    builder = Builder(engine.client)
    yield cache(lambda name: builder.ensure([name])[name].reference)
    engine.client.close()


@pytest.fixture(scope="session")
def run_in_image(
    compiled: Callable[..., Path], reference: Callable[[str], str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command in an image, beneath ``watch`` and with files of this computer at /in."""
    engine = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    watch = compiled("watch", {"GOOS": "linux", "GOARCH": engine})

    def run(
        image: str,
        *command: str,
        files: Mapping[str, Path] = {},
        environment: Mapping[str, str] = {},
        timeout_s: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        name = f"emulab-test-{uuid.uuid4().hex}"
        shared = {"watch": watch, **files}
        mounts = [f"--volume={path}:/in/{name}:ro" for name, path in shared.items()]
        variables = [f"{name}={value}" for name, value in environment.items()]
        try:
            return subprocess.run(
                ["docker", "run", "--rm", f"--name={name}", "--network=none", *mounts, reference(image),
                 "/in/watch", *variables, *command],
                capture_output=True, text=True, timeout=timeout_s, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as late:
            subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=False)
            pytest.fail(f"{image} {command} has not ended in {timeout_s} s: {(late.stdout or b'')[-2000:]!r}")

    return run


@pytest.fixture(scope="session")
def file_of_image(
    tmp_path_factory: pytest.TempPathFactory, reference: Callable[[str], str]
) -> Callable[[str, str], Path]:
    """Take a file out of an image that cannot be run."""

    @cache
    def take(image: str, path: str) -> Path:
        created = subprocess.run(
            ["docker", "create", reference(image), "-"], capture_output=True, text=True, check=True
        )
        container = created.stdout.strip()
        copy = tmp_path_factory.mktemp(image) / Path(path).name
        try:
            subprocess.run(["docker", "cp", f"{container}:{path}", copy], check=True, capture_output=True)
        finally:
            subprocess.run(["docker", "rm", container], check=True, capture_output=True)
        return copy

    return take
