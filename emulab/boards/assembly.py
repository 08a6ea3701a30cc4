"""From catalogue files to a board: cores beneath their clusters, the model beneath the emulation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from emulab.boards.board import Board
from emulab.boards.checking import check_complete
from emulab.boards.consistency import check_consistency
from emulab.boards.merging import merge
from emulab.boards.schema import BoardFile, CoreFile, ModelFile
from emulab.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from emulab.boards.library import Library

_CACHES = ("l1i", "l1d", "l2")
_MOST_VCPUS = 8


def assemble(
    library: Library, path: Path, kind: str, identifier: str, live: dict[str, Any] | None = None
) -> Board:
    """Return the board that a file describes.

    :param kind: the kind of file, ``boards`` or ``generic``.
    :param live: facts read at run time, over those of the file.
    :raises UsageError: the file, or one that it inherits, is not right.
    """
    file = library.shown(path)
    document = merge(library.document(path, kind), live or {})
    sources = document.get("sources", {})
    cores = {}
    for name, entry in document.get("clusters", {}).items():
        if "core" in entry:
            core = library.part("cores", entry["core"], path, f"clusters.{name}.core")
            check_complete(core, CoreFile, f"catalogue/cores/{entry['core']}.toml")
            caches = {cache: core[cache] for cache in _CACHES if cache in core}
            document["clusters"][name] = merge(caches, entry)
            cores[name] = core
            sources = merge(_sources_of_core(name, core), sources)
    model = None
    if "model" in document.get("emulation", {}):
        named = document["emulation"]["model"]
        model = library.part("models", named, path, "emulation.model")
        check_complete(model, ModelFile, f"catalogue/models/{named}.toml")
        if model["arch"] != document.get("arch"):
            raise UsageError(
                f"{file}: field `emulation.model` names {named!r}, a model of {model['arch']},"
                f" for a board of {document.get('arch')}; name a model of that architecture"
            )
        sources = merge({f"emulation.{k}": v for k, v in model.get("sources", {}).items()}, sources)
        document["notes"] = merge(model.get("notes", {}), document.get("notes", {}))
    check_complete(document, BoardFile, file)
    document["sources"] = sources
    board = _board(identifier, document, cores, model)
    check_consistency(board, file)
    return board


def _sources_of_core(cluster: str, core: dict[str, Any]) -> dict[str, str]:
    return {
        f"clusters.{cluster}.{field if field in _CACHES else f'core.{field}'}": text
        for field, text in core.get("sources", {}).items()
    }


def _board(
    identifier: str, document: dict[str, Any], cores: dict[str, Any], model: dict[str, Any] | None
) -> Board:
    clusters = []
    for name, entry in document.get("clusters", {}).items():
        design = {key: cores[name][key] for key in _DESIGN if key in cores[name]}
        clusters.append({**entry, "name": name, "core": {**design, "id": entry["core"]}})
    count = sum(cluster["count"] for cluster in clusters) or 2
    value = {**document, "id": identifier, "clusters": clusters}
    value["thermal"] = [{"name": name, **zone} for name, zone in document.get("thermal", {}).items()]
    value["sources"] = [{"field": k, "text": v} for k, v in sorted(document["sources"].items())]
    value["notes"] = [{"topic": k, "text": v} for k, v in sorted(document.get("notes", {}).items())]
    if "emulation" in document and model is not None:
        value["emulation"] = {
            "vcpus": min(count, _MOST_VCPUS),
            **document["emulation"],
            **{key: model[key] for key in ("user", "system", "reports")},
        }
    if "go" in document:
        value["go"] = {"gomaxprocs": count, **document["go"]}
    return msgspec.convert(value, Board)


_DESIGN = ("name", "maker", "out_of_order", "decode_width")
