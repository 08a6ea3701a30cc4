"""The manifests of the workloads that ship with emulab."""

from __future__ import annotations

import difflib
from pathlib import Path

import msgspec

from emulab.errors import UsageError

_ROOT = Path(__file__).resolve().parent
FILE_NAME = "manifest.toml"


class BuildSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a workload is built unless the command says otherwise."""

    cgo: bool = False
    ldflags: str = ""
    tags: tuple[str, ...] = ()


class LoadSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The load that is sent to a service: ``ab -n requests -c concurrency``."""

    requests: int = 1000
    concurrency: int = 50
    url: str = ""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One workload.

    :param package: the Go package's directory, relative to the manifest.
    :param ready: how its readiness is seen; "" for a program that runs to its end.
    :param arguments: what it is started with.
    """

    id: str
    title: str
    package: str = "."
    ready: str = ""
    arguments: tuple[str, ...] = ()
    build: BuildSettings = BuildSettings()
    load: LoadSettings | None = None


def workload_ids() -> list[str]:
    """Return the ids of the workloads that ship with emulab."""
    return sorted(path.parent.name for path in _ROOT.glob(f"*/{FILE_NAME}"))


def is_workload(name: str) -> bool:
    """Tell whether a name is a workload's id, as opposed to a package's path."""
    return (_ROOT / name / FILE_NAME).is_file() if name.isidentifier() else False


def load_manifest(name: str) -> tuple[Manifest, Path]:
    """Return a workload's manifest and the directory of its package.

    :raises UsageError: there is no such workload, or its manifest is not valid.
    """
    path = _ROOT / name / FILE_NAME
    if not path.is_file():
        near = difflib.get_close_matches(name, workload_ids(), 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(workload_ids())}"
        raise UsageError(f"there is no workload {name!r}", hint=hint)
    try:
        manifest = msgspec.toml.decode(path.read_bytes(), type=Manifest)
    except msgspec.DecodeError as error:
        raise UsageError(f"{path}: {error}") from error
    return manifest, (path.parent / manifest.package).resolve()
