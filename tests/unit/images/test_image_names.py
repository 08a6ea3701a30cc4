from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulab.architectures import ARCHITECTURES
from emulab.images import ImageName


@pytest.mark.parametrize(
    ("text", "recipe", "arch"),
    [
        ("rootfs-musl-arm64", "rootfs-musl", "arm64"),
        ("rootfs-glibc-old-armv7", "rootfs-glibc-old", "armv7"),
        ("kernel-4k-riscv64", "kernel-4k", "riscv64"),
        ("qemu-user", "qemu-user", ""),
        ("base", "base", ""),
        ("arm64", "arm64", ""),
        ("rootfs-musl-aarch64", "rootfs-musl-aarch64", ""),
    ],
)
def test_the_last_word_is_the_architecture_when_it_is_one(text: str, recipe: str, arch: str) -> None:
    assert ImageName.parse(text) == ImageName(recipe, arch)


@given(st.from_regex(r"[a-z]+(-[a-z]+)*", fullmatch=True), st.sampled_from(["", *ARCHITECTURES]))
def test_a_name_is_read_back_as_it_was_written(recipe: str, arch: str) -> None:
    assert ImageName.parse(str(ImageName(recipe, arch))) == ImageName(recipe, arch)
