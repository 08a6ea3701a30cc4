from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulab.errors import ImageError, UsageError
from emulab.images import ImageName, Recipes
from emulab.images.digests import Digests

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Recipes]

BASE = 'summary = "b"\nkind = "base"\n'


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write recipes and Dockerfiles (path to content) and load them."""

    def write_them(files: dict[str, str]) -> Recipes:
        for path, content in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        return Recipes.load(tmp_path / "images", tmp_path / "dockerfiles")

    return write_them


def house() -> dict[str, str]:
    """Return a small house of recipes: base, tool (from base), rootfs per architecture (from tool), other."""
    return {
        "images/base.toml": BASE,
        "images/tool.toml": 'summary = "t"\nkind = "tool"\nneeds = { BASE = "base" }\ninputs = ["in"]\n',
        "images/in/a": "one",
        "images/root.toml": 'summary = "r"\nkind = "rootfs"\narchitectures = ["arm64", "armv7"]\n'
        'needs = { TOOL = "tool" }\nresult = true\n[arguments]\nX = "1"\n',
        "images/other.toml": 'summary = "o"\nkind = "tool"\nneeds = { BASE = "base" }\n',
        "dockerfiles/base.Dockerfile": "FROM scratch\n",
        "dockerfiles/tool.Dockerfile": "ARG BASE\nFROM $BASE\nCOPY in /in\n",
        "dockerfiles/root.Dockerfile": "ARG TOOL\nFROM $TOOL\nARG X\nARG ARCH\nARG TRIPLET\n",
        "dockerfiles/other.Dockerfile": "ARG BASE\nFROM $BASE\n",
    }


def digests(recipes: Recipes) -> dict[str, str]:
    taken = Digests(recipes)
    return {str(name): taken.of(name) for name in recipes.names()}


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


def test_emulabs_own_recipes_are_sound() -> None:
    recipes = Recipes.load()
    names = set(map(str, recipes.names()))
    assert {"base", "qemu-user", "qemu-system", "rootfs-musl-armv7", "rootfs-glibc-old-arm64"} <= names
    assert {"disk-musl-riscv64", "kernel-4k-armv7", "kernel-16k-arm64", "kernel-stock-riscv64"} <= names
    assert "rootfs-glibc-old-riscv64" not in names
    assert len(set(digests(recipes).values())) == len(names)


def test_a_guests_image_has_the_guests_platform_and_a_tool_the_engines(write: Write) -> None:
    recipes = write(house())
    assert recipes.plan(ImageName("root", "armv7")).platform == "linux/arm/v7"
    assert recipes.plan(ImageName("tool")).platform == ""


def test_arguments_of_the_architecture_are_given_to_dockerfiles_that_declare_them(write: Write) -> None:
    plan = write(house()).plan(ImageName("root", "armv7"))
    assert plan.arguments == {"ARCH": "armv7", "TRIPLET": "arm-linux-gnueabihf", "X": "1"}


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("images/in/a", "two", {"tool", "root-arm64", "root-armv7"}),
        ("dockerfiles/other.Dockerfile", "ARG BASE\nFROM $BASE\nRUN true\n", {"other"}),
        (
            "dockerfiles/base.Dockerfile",
            "FROM scratch\nENV A=1\n",
            {"base", "tool", "other", "root-arm64", "root-armv7"},
        ),
        ("images/in/b", "new", {"tool", "root-arm64", "root-armv7"}),
        (
            "images/other.toml",
            'summary = "said otherwise"\nkind = "tool"\nneeds = { BASE = "base" }\n',
            set(),
        ),
        ("images/unused", "x", set()),
    ],
)
def test_a_change_reaches_what_is_made_from_it_and_nothing_else(
    write: Write, path: str, content: str, expected: set[str]
) -> None:
    before = digests(write(house()))
    assert changed(before, digests(write(house() | {path: content}))) == expected


def test_a_change_for_one_architecture_leaves_the_others_alone(write: Write) -> None:
    before = digests(write(house()))
    files = house()
    files["images/root.toml"] += '[per-architecture.armv7]\nX = "2"\n'
    assert changed(before, digests(write(files))) == {"root-armv7"}


def test_a_reference_is_the_name_and_twelve_digits(write: Write) -> None:
    recipes = write(house())
    name = ImageName("root", "arm64")
    assert Digests(recipes).reference(name) == f"emulab/root-arm64:{Digests(recipes).of(name)[:12]}"


@pytest.mark.parametrize(
    ("path", "content", "words"),
    [
        ("images/base.toml", BASE + "colour = 1\n", ["base.toml", "colour"]),
        ("images/base.toml", 'kind = "base"\n', ["base.toml", "summary"]),
        ("images/base.toml", 'summary = "b"\nkind = "ship"\n', ["base.toml", "ship"]),
        ("images/base.toml", "summary = \n", ["base.toml"]),
        ("images/base.toml", BASE + 'architectures = ["mips"]\n', ["base.toml", "mips", "armv7"]),
        ("images/base.toml", BASE + 'inputs = ["nowhere"]\n', ["base.toml", "inputs", "nowhere"]),
        ("images/base.toml", BASE + 'dockerfile = "gone"\n', ["base.toml", "gone.Dockerfile"]),
        (
            "images/tool.toml",
            'summary = "t"\nkind = "tool"\nneeds = { BASE = "bass" }\n',
            ["tool.toml", "bass"],
        ),
        (
            "images/tool.toml",
            'summary = "t"\nkind = "tool"\nneeds = { OTHER = "base" }\n',
            ["tool.toml", "OTHER", "ARG"],
        ),
        (
            "images/other.toml",
            'summary = "o"\nkind = "tool"\nneeds = { BASE = "root" }\n',
            ["other.toml", "root"],
        ),
        ("images/thing-arm64.toml", BASE, ["thing-arm64.toml", "architecture"]),
    ],
)
def test_a_wrong_recipe_is_refused_with_its_file_and_field(
    write: Write, path: str, content: str, words: list[str]
) -> None:
    with pytest.raises(ImageError) as caught:
        write(house() | {path: content})
    for word in words:
        assert word in caught.value.message


def test_recipes_that_need_each_other_are_refused(write: Write) -> None:
    files = house()
    files["images/base.toml"] += 'needs = { TOOL = "tool" }\n'
    files["dockerfiles/base.Dockerfile"] = "ARG TOOL\nFROM $TOOL\n"
    with pytest.raises(ImageError, match="circle"):
        write(files)


def test_a_recipes_name_means_all_of_its_architectures(write: Write) -> None:
    recipes = write(house())
    assert [str(name) for name in recipes.resolve("root")] == ["root-arm64", "root-armv7"]
    assert [str(name) for name in recipes.resolve("root-armv7")] == ["root-armv7"]


@pytest.mark.parametrize(
    ("text", "near"), [("rot-arm64", "root-arm64"), ("tools", "tool"), ("root-riscv64", "root")]
)
def test_an_unknown_image_is_bad_input_with_the_nearest_names(write: Write, text: str, near: str) -> None:
    with pytest.raises(UsageError) as caught:
        write(house()).resolve(text)
    assert near in caught.value.hint
