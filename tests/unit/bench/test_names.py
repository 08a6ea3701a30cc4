"""Names of benchmarks, and the patterns that mean one of them."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from emulab.bench.names import exact_pattern, matches_top_level, seen_in


def test_each_element_of_a_name_is_anchored() -> None:
    assert exact_pattern("BenchmarkHash8K/New") == "^BenchmarkHash8K$/^New$"


def test_signs_of_regular_expressions_stand_for_themselves() -> None:
    assert exact_pattern("BenchmarkX/a.b|c[1]#01") == r"^BenchmarkX$/^a\.b\|c\[1\]#01$"


_SIGNS = st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="/")


@given(st.lists(st.text(_SIGNS, min_size=1)))
def test_a_pattern_matches_its_own_name_element_by_element(parts: list[str]) -> None:
    name = "/".join(["BenchmarkX", *parts])
    patterns = exact_pattern(name).split("/")
    assert all(re.search(each, part) for each, part in zip(patterns, name.split("/"), strict=True))
    assert not any(re.search(each, part + "x") for each, part in zip(patterns, name.split("/"), strict=True))


def test_the_first_element_of_a_pattern_chooses_among_the_top_level() -> None:
    assert matches_top_level("Hash8K/New", "BenchmarkHash8K")
    assert not matches_top_level("Hash8K/New", "BenchmarkHash1K")
    assert matches_top_level("^BenchmarkA$|B[/|]x/y", "BenchmarkA")
    assert matches_top_level(".", "BenchmarkAnything")


def test_a_run_tells_its_benchmarks_and_its_failures() -> None:
    output = """\
goos: linux
BenchmarkA/x=1,y \t 1\t 1234 ns/op
BenchmarkBroken
--- FAIL: BenchmarkBroken
    some_test.go:7: no
BenchmarkA/x=1,y#01 \t 1\t 99 ns/op\t 3 B/op
"""
    assert seen_in(output) == (["BenchmarkA/x=1,y", "BenchmarkA/x=1,y#01"], ["BenchmarkBroken"])
