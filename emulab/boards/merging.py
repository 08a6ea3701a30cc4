"""Merging of documents by the kind of field: what ``inherits`` means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def merge(parent: dict[str, Any], child: dict[str, Any]) -> dict[str, Any]:
    """Return ``parent`` overridden by ``child``: tables merge key by key, all else is replaced.

    Lists are replaced whole, since half a list of operating points is a list of wrong ones. Neither
    argument is changed, and the result shares no table with them.
    """
    merged = {key: _copy(value) for key, value in parent.items()}
    for key, value in child.items():
        inherited = merged.get(key)
        if isinstance(inherited, dict) and isinstance(value, dict):
            merged[key] = merge(inherited, value)
        else:
            merged[key] = _copy(value)
    return merged


def merge_all(documents: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the documents merged in order: each overrides those before it."""
    merged: dict[str, Any] = {}
    for document in documents:
        merged = merge(merged, document)
    return merged


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value
