"""Ways to build are named the same whatever order their words have, and contradictions are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulab.errors import UsageError
from emulab.testing.request import TestRequest
from emulab.testing.variants import parse_variant
from emulab.workloads.request import BuildOptions


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "pure"),
        ("pie cgo", "cgo+pie"),
        ("cgo+pie", "cgo+pie"),
        ("race", "cgo+race"),
        ("stripped tags=a,b goarm=7", "pure+stripped+tags=a,b+goarm=7"),
    ],
)
def test_a_build_has_one_name(text: str, name: str) -> None:
    assert parse_variant(text, BuildOptions()).name() == name


def test_a_level_of_another_architecture_is_no_part_of_a_name() -> None:
    assert parse_variant("goarm=6", BuildOptions()).name("arm64") == "pure"
    assert parse_variant("goarm=6", BuildOptions()).name("arm") == "pure+goarm=6"


def test_pure_takes_back_what_the_command_line_says_of_c_code() -> None:
    assert parse_variant("pure", BuildOptions(cgo=True)).name() == "pure"
    assert parse_variant("", BuildOptions(cgo=True)).name() == "cgo"


@pytest.mark.parametrize("text", ["cgo pure race", "pure cgo", "tags", "goarn=7", "cgo=1", "static"])
def test_what_means_nothing_or_contradicts_itself_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_variant(text, BuildOptions())
    assert refused.value.hint


def test_axes_are_combined_and_what_is_the_same_comes_once() -> None:
    request = TestRequest((".",), Path(), gos=("1.24", "1.26"), builds=("cgo pie", "pie cgo", "pure"))
    found = [(each.build.go, each.build.cgo, each.build.buildmode) for each in request.variants()]
    assert found == [
        ("1.24", True, "pie"), ("1.24", False, None), ("1.26", True, "pie"), ("1.26", False, None),
    ]  # fmt: skip
