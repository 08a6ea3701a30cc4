"""``emulab init``: what it writes says what the module has, is read back, and runs."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulab.cli.main import _Options
from emulab.settings import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.end_to_end.conftest import Said

EXAMPLE = Path(__file__).parents[2] / "examples" / "inventory"
_EXAMPLE_LINE = re.compile(r"^# (?=[a-z]+ = )", re.MULTILINE)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A module without C code: a service, a package behind a tag, and one for a single architecture."""
    root = tmp_path / "plain"
    files = {
        "go.mod": "module example.com/plain\n\ngo 1.23\n",
        "cmd/server/main.go": 'package main\n\nimport _ "net/http"\n\nfunc main() {}\n',
        "store/store_test.go": 'package store\n\nimport "testing"\n\nfunc TestIt(t *testing.T) {}\n',
        "store/big_test.go": "//go:build integration && !race && go1.22\n\npackage store\n",
        "only/only_riscv64.go": "package only\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_what_it_writes_runs_with_the_builds_of_the_module(
    emulab: Callable[..., Said], tmp_path: Path
) -> None:
    example = Path(shutil.copytree(EXAMPLE, tmp_path / "inventory", ignore=lambda *_: {"emulab.toml"}))
    # Also from below the module's directory.
    said = emulab("init", cwd=example / "store")
    assert (said.status, said.stdout) == (0, f"{example / 'emulab.toml'}\n"), said.stderr
    words = ("matrix", "./native", "--arch", "arm64", "--libc", "musl", "--mode", "user", "--json")
    judged = emulab(*words, cwd=example)
    assert judged.status == 0, judged.stderr
    assert [row["build"] for row in judged.document["verdicts"]] == ["pure", "cgo"]


def test_every_line_that_it_proposes_is_a_setting_that_there_is(
    emulab: Callable[..., Said], plain: Path
) -> None:
    text = emulab("init", "--print", cwd=plain).stdout
    assert not (plain / "emulab.toml").exists()
    assert tomllib.loads(text) == {"matrix": {}, "run": {}}
    (plain / "emulab.toml").write_text(_EXAMPLE_LINE.sub("", text))
    tables = read(plain / "emulab.toml", _Options())
    assert set(tables["matrix"]) == {
        "arch", "libc", "mode", "go", "build", "exclude", "memory", "timeout", "short",
    }  # fmt: skip
    assert set(tables["run"]) == {"board", "ready"}
    assert tables["matrix"]["go"][0] == "1.23"


def test_it_tells_tags_and_what_is_missing_on_an_architecture(
    emulab: Callable[..., Said], plain: Path
) -> None:
    text = emulab("init", "--print", cwd=plain).stdout
    assert "# Tags that files ask for: integration." in text
    assert "# arm64 has no example.com/plain/only:" in text
    assert "riscv64 has no" not in text
    assert "# emulab run ./cmd/server --board" in text


def test_a_file_that_is_there_stays_unless_it_is_forced(emulab: Callable[..., Said], plain: Path) -> None:
    (plain / "emulab.toml").write_text("[run]\n")
    refused = emulab("init", cwd=plain)
    assert refused.status == 2
    assert "--force" in refused.stderr
    assert (plain / "emulab.toml").read_text() == "[run]\n"
    assert emulab("init", "--force", cwd=plain).status == 0
    assert "[matrix]" in (plain / "emulab.toml").read_text()


def test_without_a_module_it_is_bad_input(emulab: Callable[..., Said], tmp_path: Path) -> None:
    said = emulab("init", cwd=tmp_path)
    assert said.status == 2
    assert "is in no Go module" in said.stderr
