"""What a change can affect is judged, what it can not is named; by the real git and the real go command."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from emulab.comparison.revisions import changed_files, find_revision
from emulab.matrix.affected import Affected, find_affected
from emulab.progress import Silent
from emulab.testing.request import TestRequest

if TYPE_CHECKING:
    from pathlib import Path

_TEST = 'package {0}\n\nimport "testing"\n\nfunc TestIt(t *testing.T) {{}}\n'
_FILES = {
    "go.work": "go 1.22\n\nuse ./m\n",
    "README.md": "about\n",
    "m/go.mod": "module example.com/m\n\ngo 1.22\n",
    "m/notes.md": "about\n",
    "m/data/table.csv": "1\n",
    "m/testdata/all.txt": "1\n",
    # base <- middle <- top; alone beside them; helper only in a test of alone's.
    "m/base/base.go": "package base\n\nconst B = 1\n",
    "m/base/base_test.go": _TEST.format("base"),
    "m/middle/middle.go": 'package middle\n\nimport "example.com/m/base"\n\nconst M = base.B\n',
    "m/middle/text.go": 'package middle\n\nimport _ "embed"\n\n//go:embed texts/*.txt\nvar text string\n',
    "m/middle/texts/a.txt": "a\n",
    "m/middle/middle_test.go": _TEST.format("middle"),
    "m/top/top.go": 'package top\n\nimport "example.com/m/middle"\n\nconst T = middle.M\n',
    "m/top/top_test.go": _TEST.format("top"),
    "m/top/testdata/own.txt": "1\n",
    "m/helper/helper.go": "package helper\n",
    "m/alone/alone.go": "package alone\n",
    "m/alone/alone_test.go": _TEST.format("alone_test").replace(
        'import "testing"', 'import (\n\t"testing"\n\n\t_ "example.com/m/helper"\n)'
    ),
    "m/other/only_riscv64.go": 'package other\n\nimport _ "example.com/m/helper"\n',
    "m/other/other_test.go": _TEST.format("other"),
    "elsewhere/go.mod": "module example.com/elsewhere\n",
    "elsewhere/x.go": "package elsewhere\n",
}
_ALL = {"base", "middle", "top", "alone", "other"}


def _git(top: Path, *words: str) -> None:
    own = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *own, *words], cwd=top, check=True, capture_output=True)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a module below its top, and another beside that."""
    top = tmp_path_factory.mktemp("repository")
    for name, text in _FILES.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    _git(top, "init", "--quiet", "--initial-branch=main")
    _git(top, "add", ".")
    _git(top, "commit", "--quiet", "-m", "one")
    return top


def _affected(top: Path, changed: list[Path], *architectures: str) -> Affected:
    request = TestRequest(("./...",), top / "m", architectures=architectures or ("arm64",), libcs=("musl",))
    return find_affected(request, changed, Silent())


def _names(packages: object) -> set[str]:
    assert isinstance(packages, frozenset | tuple)
    return {str(each).rpartition("/")[2] for each in packages}


@pytest.mark.parametrize(
    ("file", "packages"),
    [
        ("m/base/base.go", {"base", "middle", "top"}),
        ("m/base/new.go", {"base", "middle", "top"}),
        ("m/base/base_test.go", {"base"}),
        ("m/base/data.json", {"base", "middle", "top"}),
        ("m/middle/texts/a.txt", {"middle", "top"}),
        ("m/middle/texts/removed.txt", {"middle", "top"}),
        ("m/top/testdata/own.txt", {"top"}),
        ("m/testdata/all.txt", _ALL),
        ("m/helper/helper.go", {"alone"}),
        ("m/notes.md", set()),
        ("README.md", set()),
        ("m/.github/x.yml", set()),
        ("elsewhere/x.go", set()),
        ("elsewhere/go.mod", set()),
    ],
)
def test_a_file_affects_what_is_made_of_it(file: str, packages: set[str], repository: Path) -> None:
    affected = _affected(repository, [repository / file])
    assert (_names(affected.packages), affected.everything) == (packages, None)
    assert _names(affected.left_out) == _ALL - packages


@pytest.mark.parametrize(
    "file",
    ["m/go.mod", "m/go.sum", "go.work", "m/emulab.toml", "emulab.toml", "m/data/table.csv", "m/gone/gone.go"],
)
def test_what_everything_depends_on_affects_everything(file: str, repository: Path) -> None:
    affected = _affected(repository, [repository / file])
    assert _names(affected.packages) == _ALL
    assert affected.everything == (repository / file).resolve()


def test_what_one_architecture_alone_is_made_of_counts_where_it_is_asked_for(repository: Path) -> None:
    changed = [repository / "m/helper/helper.go"]
    assert _names(_affected(repository, changed, "arm64", "riscv64").packages) == {"alone", "other"}


def test_git_tells_what_was_changed_added_removed_and_left_uncommitted(repository: Path) -> None:
    _git(repository, "switch", "--quiet", "-c", "work")
    (repository / "m/base/base.go").write_text("package base\n\nconst B = 2\n")
    _git(repository, "commit", "--quiet", "-a", "-m", "two")
    _git(repository, "rm", "--quiet", "m/middle/texts/a.txt")
    (repository / "m/top/new name.go").write_text("package top\n")
    try:
        # What main has got meanwhile is no change of this branch's.
        _git(repository, "stash", "--quiet", "--include-untracked")
        _git(repository, "switch", "--quiet", "main")
        (repository / "m/alone/alone.go").write_text("package alone // main's\n")
        _git(repository, "commit", "--quiet", "-a", "-m", "three")
        _git(repository, "switch", "--quiet", "work")
        _git(repository, "stash", "pop", "--quiet", "--index")
        found = changed_files(find_revision("main", repository / "m"))
        assert {path.relative_to(repository).as_posix() for path in found} == {
            "m/base/base.go", "m/middle/texts/a.txt", "m/top/new name.go",
        }  # fmt: skip
    finally:
        _git(repository, "reset", "--quiet", "--hard", "main~1")
        _git(repository, "clean", "--quiet", "-fd")
