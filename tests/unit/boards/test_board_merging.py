"""What ``inherits`` means."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from emulab.boards.merging import merge, merge_all

SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=2)
LISTS = st.lists(SCALARS, max_size=3)
DOCUMENTS = st.recursive(
    st.dictionaries(st.sampled_from("abc"), SCALARS | LISTS, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), SCALARS | LISTS | inner, max_size=3),
    max_leaves=12,
)


@given(DOCUMENTS)
def test_inheriting_nothing_or_being_nothing_changes_nothing(document: dict[str, Any]) -> None:
    assert merge({}, document) == document
    assert merge(document, {}) == document
    assert merge(document, document) == document


@given(DOCUMENTS, DOCUMENTS, DOCUMENTS)
def test_a_line_of_ancestors_merges_the_same_from_either_end(
    a: dict[str, Any], b: dict[str, Any], c: dict[str, Any]
) -> None:
    # Only where no level turns a table into something else and back: then the order does not matter.
    if not _alike(a, b) or not _alike(b, c) or not _alike(a, c):
        return
    assert merge(merge(a, b), c) == merge(a, merge(b, c))


@given(DOCUMENTS, DOCUMENTS)
def test_a_child_keeps_everything_that_it_says(parent: dict[str, Any], child: dict[str, Any]) -> None:
    assert _said(child, merge(parent, child))


@given(DOCUMENTS, DOCUMENTS)
def test_what_the_child_does_not_say_comes_from_the_parent(
    parent: dict[str, Any], child: dict[str, Any]
) -> None:
    merged = merge(parent, child)
    assert set(merged) == set(parent) | set(child)
    for key in set(parent) - set(child):
        assert merged[key] == parent[key]


@given(DOCUMENTS, DOCUMENTS)
def test_merging_changes_neither_document_and_shares_no_table(
    parent: dict[str, Any], child: dict[str, Any]
) -> None:
    before = copy.deepcopy((parent, child))
    merged = merge(parent, child)
    _scribble(merged)
    assert (parent, child) == before


def test_lists_are_replaced_whole_and_scalars_overridden() -> None:
    parent = {"points": [1, 2, 3], "clock": 1, "cache": {"size": 1, "ways": 4}}
    child = {"points": [9], "clock": 2, "cache": {"size": 2}}
    assert merge(parent, child) == {"points": [9], "clock": 2, "cache": {"size": 2, "ways": 4}}


def test_of_several_parents_the_later_overrides_the_earlier() -> None:
    assert merge_all([{"a": 1, "b": 1}, {"a": 2}, {"c": 3}]) == {"a": 2, "b": 1, "c": 3}


def _said(child: dict[str, Any], merged: dict[str, Any]) -> bool:
    return all(
        _said(value, merged[key]) if isinstance(value, dict) else merged[key] == value
        for key, value in child.items()
    )


def _alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    for key in set(one) & set(other):
        mine, theirs = one[key], other[key]
        if isinstance(mine, dict) != isinstance(theirs, dict):
            return False
        if isinstance(mine, dict) and not _alike(mine, theirs):
            return False
    return True


def _scribble(document: dict[str, Any]) -> None:
    for value in list(document.values()):
        if isinstance(value, dict):
            _scribble(value)
        elif isinstance(value, list):
            value.append("scribble")
    document["scribble"] = True
