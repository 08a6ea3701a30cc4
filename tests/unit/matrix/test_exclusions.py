"""Cells are left out by the values of their axes."""

from __future__ import annotations

import pytest

from emulab.errors import UsageError
from emulab.matrix.exclusions import parse_exclusions


def _axes(**axes: str) -> dict[str, str]:
    return {"arch": "arm64", "libc": "musl", "mode": "user", "go": "1.24.11", "build": "pure"} | axes


def test_an_exclusion_holds_where_all_its_values_do() -> None:
    (exclusion,) = parse_exclusions(["arch=armv7 libc=musl"])
    assert exclusion.holds(_axes(arch="armv7"))
    assert not exclusion.holds(_axes(arch="armv7", libc="glibc"))
    assert not exclusion.holds(_axes())


def test_a_minor_release_of_go_stands_for_its_patch_releases() -> None:
    (exclusion,) = parse_exclusions(["go=1.2 build=pure"])
    assert not exclusion.holds(_axes())
    (exclusion,) = parse_exclusions(["go=1.24 build=pure"])
    assert exclusion.holds(_axes())
    assert exclusion.holds(_axes(go="1.24"))
    assert not exclusion.holds(_axes(build="cgo"))


def test_nothing_is_no_exclusion_of_everything() -> None:
    assert parse_exclusions(["", "  "]) == []


@pytest.mark.parametrize("text", ["arch", "board=x", "arch=", "=armv7"])
def test_what_names_no_axis_is_refused_with_the_axes(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_exclusions([text])
    assert "arch, libc, mode, go, build" in refused.value.hint
