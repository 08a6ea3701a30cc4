"""Programs for several targets, built by the Go of this machine and by zig where it is at hand."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_MODULE = "module example.com/sample\n\ngo 1.22\n"
_MAIN = 'package main\n\nimport "fmt"\n\nvar table [9]int\n\nfunc main() { table[1]++; fmt.Println("ok") }\n'


@pytest.fixture(scope="session")
def go_program(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Build a Go program that prints, for the settings given, each at most once."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("there is no Go toolchain on PATH")
    directory = tmp_path_factory.mktemp("sample")
    (directory / "go.mod").write_text(_MODULE)
    (directory / "main.go").write_text(_MAIN)

    @functools.cache
    def build(words: tuple[str, ...], variables: tuple[tuple[str, str], ...]) -> Path:
        path = directory / "-".join(["sample", *words, *(value for _, value in variables)]).replace(" ", "")
        subprocess.run(
            [go, "build", *words, "-o", path, "."],
            cwd=directory,
            env={**os.environ, "CGO_ENABLED": "0", "GOOS": "linux", **dict(variables)},
            check=True,
        )
        return path

    return lambda *words, **variables: build(words, tuple(sorted(variables.items())))
