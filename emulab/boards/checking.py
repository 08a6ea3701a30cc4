"""Checks of documents against their schema, with the file, the field and the fix in one sentence.

msgspec converts and validates; what it cannot say is which of several inherited files a mistake is
in, and what was probably meant. So each file is checked by itself before it is merged, and only
completeness is a matter of the whole.
"""

from __future__ import annotations

import difflib
import types
import typing
from functools import cache
from typing import Any, NamedTuple

import msgspec

from emulab.errors import UsageError


class _Field(NamedTuple):
    table: type[msgspec.Struct] | None  # the schema of a table, or of the tables in it
    container: str  # "" one table or a plain value, "tables" by name, "list" of tables
    type: Any
    required: bool


def check_file(document: dict[str, Any], schema: type[msgspec.Struct], file: str) -> None:
    """Check one file by itself: every field known, and of its type. It may be incomplete.

    :param file: how to name the file to its writer.
    :raises UsageError: a field is unknown or of the wrong type.
    """
    _check_table(document, schema, file, "", complete=False)


def check_complete(document: dict[str, Any], schema: type[msgspec.Struct], file: str) -> None:
    """Check that a merged document has every required field.

    :raises UsageError: one is missing.
    """
    _check_table(document, schema, file, "", complete=True)


def _check_table(
    table: dict[str, Any], schema: type[msgspec.Struct], file: str, path: str, *, complete: bool
) -> None:
    known = _fields(schema)
    for key, value in table.items():
        here = f"{path}{key}"
        field = known.get(key)
        if field is None:
            raise UsageError(f"{file}: unknown field `{here}`, {_suggestion(key, known)}")
        _check_value(value, field, file, here, complete=complete)
    if complete:
        for name, field in known.items():
            if field.required and name not in table:
                where = f"in `{path[:-1]}` " if path else ""
                raise UsageError(
                    f"{file}: field `{path}{name}` is missing;"
                    f" give it {where}here or in a file that this one inherits"
                )


def _check_value(value: Any, field: _Field, file: str, path: str, *, complete: bool) -> None:
    if field.table is None:
        try:
            msgspec.convert(value, field.type, strict=True)
        except msgspec.ValidationError as error:
            raise UsageError(f"{file}: field `{path}` is {value!r}: {_reworded(str(error))}") from error
        return
    if field.container == "list":
        if not isinstance(value, list):
            raise UsageError(f"{file}: field `{path}` must be a list of tables, write `[[{path}]]`")
        for number, item in enumerate(value):
            _expect_table(item, file, f"{path}[{number}]")
            _check_table(item, field.table, file, f"{path}[{number}].", complete=True)
        return
    _expect_table(value, file, path)
    if field.container == "tables":
        for name, item in value.items():
            _expect_table(item, file, f"{path}.{name}")
            _check_table(item, field.table, file, f"{path}.{name}.", complete=complete)
    else:
        _check_table(value, field.table, file, f"{path}.", complete=complete)


def _expect_table(value: Any, file: str, path: str) -> None:
    if not isinstance(value, dict):
        raise UsageError(f"{file}: field `{path}` is {value!r} but must be a table, write `[{path}]`")


def _suggestion(key: str, known: dict[str, Any]) -> str:
    nearest = difflib.get_close_matches(key, known, n=1)
    if nearest:
        return f"did you mean `{nearest[0]}`?"
    return f"known here are {', '.join(f'`{name}`' for name in known)}"


def _reworded(problem: str) -> str:
    """Turn msgspec's problem (``Expected `int`, got `str```) into the end of a sentence."""
    problem = problem.split(" - at ")[0]
    return problem[:1].lower() + problem[1:]


@cache
def _fields(schema: type[msgspec.Struct]) -> dict[str, _Field]:
    hints = typing.get_type_hints(schema)
    return {f.encode_name: _field(hints[f.name], f.required) for f in msgspec.structs.fields(schema)}


def _field(hint: Any, required: bool) -> _Field:
    bare = hint
    if isinstance(bare, types.UnionType):
        members = [member for member in typing.get_args(bare) if member is not type(None)]
        bare = members[0] if len(members) == 1 else bare
    if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
        return _Field(bare, "", hint, required)
    arguments = typing.get_args(bare)
    for container, position, origin in (("tables", 1, dict), ("list", 0, tuple)):
        if typing.get_origin(bare) is origin:
            inner = arguments[position]
            if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
                return _Field(inner, container, hint, required)
    return _Field(None, "", bare, required)
