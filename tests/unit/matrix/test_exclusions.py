"""Cells are left out by the values of their axes."""

from __future__ import annotations

import pytest

from emulab.architectures import ARM64, ARMV7
from emulab.errors import UsageError
from emulab.machines.target import Target
from emulab.matrix.exclusions import parse_exclusions


def test_an_exclusion_holds_where_all_its_values_do() -> None:
    (exclusion,) = parse_exclusions(["arch=armv7 libc=musl"])
    assert exclusion.holds(Target(ARMV7, "musl", "user", "", 0, 1))
    assert not exclusion.holds(Target(ARMV7, "glibc", "user", "", 0, 1))
    assert not exclusion.holds(Target(ARM64, "musl", "user", "", 0, 1))


def test_nothing_is_no_exclusion_of_everything() -> None:
    assert parse_exclusions(["", "  "]) == []


@pytest.mark.parametrize("text", ["arch", "board=x", "arch=", "=armv7"])
def test_what_names_no_axis_is_refused_with_the_axes(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_exclusions([text])
    assert "arch, libc, mode" in refused.value.hint
