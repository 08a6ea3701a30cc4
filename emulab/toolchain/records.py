"""What earlier builds left: for each request the inputs that it had, and the built programs themselves."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulab import cache
from emulab.toolchain.artifact import Artifact
from emulab.toolchain.elf import inspect
from emulab.toolchain.elf_facts import facts_from_json, facts_to_json
from emulab.toolchain.inputs import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_RECORDS, _BUILDS = "build-records", "builds"
_FACTS = "facts.json"


@dataclass(frozen=True)
class BuildRecord:
    """The last build of a request.

    :param artifact: the key of the program that it made.
    :param snapshot: what its inputs were.
    """

    artifact: str
    snapshot: Snapshot


def load_record(key: str) -> BuildRecord | None:
    """Return the record of a request, or ``None`` when there is none that can be read."""
    try:
        value = json.loads((cache.cache_root() / _RECORDS / f"{key}.json").read_bytes())
        return BuildRecord(value["artifact"], Snapshot.from_json(value["snapshot"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def save_record(key: str, record: BuildRecord) -> None:
    """Store the record of a request; of two writers the later one wins whole."""
    path = cache.cache_root() / _RECORDS / f"{key}.json"
    text = json.dumps({"artifact": record.artifact, "snapshot": record.snapshot.to_json()})
    with cache.out_of_space_is_said():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        fresh.write_text(text)
        fresh.replace(path)


def stored_artifact(key: str) -> Artifact | None:
    """Return a built program from the cache, or ``None`` when it is not there or not whole."""
    directory = cache.cache_root() / _BUILDS / key
    try:
        value = json.loads((directory / _FACTS).read_bytes())
        path = directory / value["name"]
        if path.stat().st_size != value["size"]:
            return None
        return Artifact(path, value["sha256"], value["size"], facts_from_json(value["facts"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def make_artifact(key: str, make: Callable[[Path], Path]) -> Artifact:
    """Return the built program of a key, making it when there is none.

    :param make: builds into an empty directory and returns the program's path.

    :raises UsageError: what was made is no ELF file.
    """

    def fill(directory: Path) -> None:
        program = make(directory)
        program.chmod(0o555)
        facts = {
            "name": program.name,
            "sha256": cache.file_digest(program),
            "size": program.stat().st_size,
            "facts": facts_to_json(inspect(program)),
        }
        (directory / _FACTS).write_text(json.dumps(facts))

    while True:
        directory = cache.entry(_BUILDS, key, fill)
        artifact = stored_artifact(key)
        if artifact is not None:
            return artifact
        shutil.rmtree(directory)  # somebody damaged it: make it again
