"""``emulab exec`` as a user types it."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from emulab.progress import Silent
from emulab.toolchain.go import find_go

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_SOURCE = """package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	said, _ := io.ReadAll(os.Stdin)
	data, err := os.ReadFile("testdata/words.txt")
	place, _ := os.Getwd()
	fmt.Printf("%s|%s|%v|%s|%s|%v", said, data, err, place, os.Getenv("OWN"), os.Args[1:])
	fmt.Fprint(os.Stderr, "to stderr")
	os.Exit(7)
}
"""


@pytest.fixture
def built(module: Callable[[str], Path]) -> Path:
    """A program for riscv64 in its module's directory."""
    directory = module(_SOURCE)
    (directory / "testdata").mkdir()
    (directory / "testdata" / "words.txt").write_text("from a file")
    go = find_go(None, Silent())
    environment = {**os.environ, "GOARCH": "riscv64", "CGO_ENABLED": "0"}
    subprocess.run([str(go.command), "build", "-o", "own", "."], cwd=directory, env=environment, check=True)
    return directory / "own"


def test_a_program_runs_as_if_it_ran_here(emulab: Callable[..., Any], built: Path) -> None:
    words = ("./own", "--flag", "--mode", "x y")
    said = emulab("exec", *words, cwd=built.parent, stdin="from stdin", env={"OWN": "a=b"})
    assert said.stdout == f"from stdin|from a file|<nil>|{built.parent}|a=b|[--flag --mode x y]"
    assert (said.status, said.stderr) == (7, "to stderr")


def test_what_is_no_program_of_a_guest_s_is_refused(emulab: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    for name in ("text", "absent", "/bin/sh"):
        said = emulab("exec", name, cwd=tmp_path)
        assert said.status == 2, said.stderr
        assert said.stderr.startswith("emulab: ")
