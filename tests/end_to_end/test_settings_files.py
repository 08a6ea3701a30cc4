"""Where the options that nobody typed come from: EMULAB_* variables, the project's file, the user's file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

USAGE = 2
LIBC = {"musl", "glibc"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A module with a command below it, and a home with a place for the user's file."""
    command = tmp_path / "project" / "cmd" / "thing"
    command.mkdir(parents=True)
    (tmp_path / "project" / "go.mod").write_text("module example.com/own\n\ngo 1.22\n")
    (command / "main.go").write_text('package main\n\nfunc main() { println("ran") }\n')
    (tmp_path / "config" / "emulab").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def seen(emulab: Callable[..., Any], project: Path) -> Callable[..., tuple[str, str]]:
    """Runs the command's program and returns the architecture and the C library that it ran with."""

    def seen(*words: str, **variables: str) -> tuple[str, str]:
        environment = {"XDG_CONFIG_HOME": str(project / "config"), **variables}
        said = emulab(
            "run", ".", "--json", *words, cwd=project / "project" / "cmd" / "thing", env=environment
        )
        assert said.status == 0, said.stderr
        assert "ran\n" in said.stderr
        (machine,) = said.document["environment"]["machines"]
        return machine["arch"], machine["libc"]

    return seen


def test_a_flag_wins_over_a_variable_over_the_project_over_the_user(
    project: Path, seen: Callable[..., tuple[str, str]]
) -> None:
    assert seen() == ("arm64", "glibc")
    (project / "config" / "emulab" / "emulab.toml").write_text('[run]\narch = "riscv64"\nlibc = "musl"\n')
    assert seen() == ("riscv64", "musl")
    # Beside go.mod, two directories above: key by key, so that the C library stays the user's.
    (project / "project" / "emulab.toml").write_text('[run]\narch = ["armv7"]\n')
    assert seen() == ("armv7", "musl")
    assert seen(EMULAB_RUN_ARCH="arm64") == ("arm64", "musl")
    assert seen("--arch", "riscv64", EMULAB_RUN_ARCH="arm64") == ("riscv64", "musl")


def test_the_projects_file_may_stand_above_go_mod(
    project: Path, seen: Callable[..., tuple[str, str]]
) -> None:
    (project / "emulab.toml").write_text('[run]\narch = "armv7"\nlibc = "musl"\n')
    assert seen() == ("armv7", "musl")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[run]\nlibs = "musl"\n', "unknown key in [run] 'libs'\n  did you mean 'libc'?"),
        ('[rum]\nlibc = "musl"\n', "unknown table 'rum'\n  did you mean 'run'?"),
        ("[run\n", "is not valid TOML"),
        ('[run]\nlibc = "muzl"\n', "--libc 'muzl' is not known\n  use musl, glibc"),
    ],
)
def test_a_wrong_settings_file_is_told_with_its_place_and_the_nearest_word(
    emulab: Callable[..., Any], project: Path, text: str, sentence: str
) -> None:
    path = project / "project" / "emulab.toml"
    path.write_text(text)
    said = emulab("run", ".", cwd=project / "project" / "cmd" / "thing")
    assert said.status == USAGE
    assert sentence in said.stderr
    assert str(path) in said.stderr or "--libc" in sentence
