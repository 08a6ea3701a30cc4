"""Every spelling of an architecture leads to one name."""

from __future__ import annotations

import pytest

from emulab.architectures import ARCHITECTURES, architecture
from emulab.errors import UsageError


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("aarch64", "arm64"),
        ("linux/arm64", "arm64"),
        ("linux/arm/v7", "armv7"),
        ("armhf", "armv7"),
        ("arm", "armv7"),
        ("RISCV64", "riscv64"),
    ],
)
def test_foreign_spellings_are_accepted(spelling: str, name: str) -> None:
    assert architecture(spelling).name == name


def test_every_own_name_means_itself() -> None:
    assert [architecture(name).name for name in ARCHITECTURES] == list(ARCHITECTURES)


def test_an_unknown_one_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="mips") as caught:
        architecture("mips")
    assert "riscv64" in caught.value.hint
