"""Settings from files: defaults for the options of a verb.

A flag wins over ``EMULAB_<VERB>_<OPTION>``, which wins over ``emulab.toml`` beside the nearest go.mod
(or in a directory above it), which wins over the user's own file. A file has one table per verb, with
the long option names as keys::

    [run]
    board = ["visionfive-2", "raspberry-pi-5"]
    go = "1.24"
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FILE_NAME = "emulab.toml"


def user_file() -> Path:
    """Return the path of the user's own settings, whether it exists or not."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "emulab" / FILE_NAME


def project_file(start: Path) -> Path | None:
    """Return the nearest settings file at or above ``start``."""
    for directory in (start, *start.parents):
        if (directory / FILE_NAME).is_file():
            return directory / FILE_NAME
    return None


def read(path: Path, options: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Any]]:
    """Return a file's tables, checked against the verbs and their options.

    :param options: the long option names (without dashes in front) of every verb that takes settings.
    :raises UsageError: the file is not TOML, or has a key that nothing knows.
    """
    import tomllib

    try:
        document = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from error
    for verb, table in document.items():
        _require_known(path, verb, "table", options)
        if not isinstance(table, dict):
            raise UsageError(
                f"{path}: {verb!r} is not a table", hint=f"write `[{verb}]` on a line of its own"
            )
        for key in table:
            _require_known(path, key, f"key in [{verb}]", options[verb])
    return document


def merged(start: Path, options: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Any]]:
    """Return the tables of the user's file, overridden key by key by the project's file."""
    tables: dict[str, dict[str, Any]] = {}
    for path in (user_file(), project_file(start)):
        if path is not None and path.is_file():
            for verb, table in read(path, options).items():
                tables.setdefault(verb, {}).update(table)
    return tables


def _require_known(path: Path, name: str, what: str, known: Mapping[str, Any] | Sequence[str]) -> None:
    if name in known:
        return
    near = difflib.get_close_matches(name, list(known), 1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known))}"
    raise UsageError(f"{path}: unknown {what} {name!r}", hint=hint)
