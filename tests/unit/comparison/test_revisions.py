"""Revisions in worktrees of their own, with the real git."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from emulab.comparison.revisions import checked_out, find_revision
from emulab.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def _git(directory: Path, *words: str) -> str:
    own = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", *own, *words], cwd=directory, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with two commits, and the cache beside it."""
    monkeypatch.setenv("EMULAB_CACHE_DIR", str(tmp_path / "cache"))
    top = tmp_path / "repository"
    (top / "sub").mkdir(parents=True)
    _git(top, "init", "--quiet", "--initial-branch=main")
    for content in ("old", "new"):
        (top / "sub" / "file").write_text(content)
        _git(top, "add", ".")
        _git(top, "commit", "--quiet", "-m", content)
    return top


def test_a_revision_is_checked_out_beside_the_users_own_files(repository: Path) -> None:
    (repository / "sub" / "file").write_text("not committed")
    revision = find_revision("HEAD~1", repository / "sub")
    with checked_out(revision, repository / "sub") as directory:
        assert (directory / "file").read_text() == "old"
    assert not directory.exists()
    assert (repository / "sub" / "file").read_text() == "not committed"
    assert len(_git(repository, "worktree", "list").splitlines()) == 1


def test_an_error_inside_leaves_no_worktree(repository: Path) -> None:
    with pytest.raises(RuntimeError), checked_out(find_revision("main", repository), repository):
        raise RuntimeError
    assert len(_git(repository, "worktree", "list").splitlines()) == 1


def test_the_working_tree_is_taken_as_it_is(repository: Path) -> None:
    revision = find_revision(".", repository)
    with checked_out(revision, repository / "sub") as directory:
        assert directory == repository / "sub"


def test_a_name_that_means_nothing_is_refused(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither a file nor a revision"):
        find_revision("nowhere", repository)
    with pytest.raises(UsageError, match="in no git repository"):
        find_revision("main", tmp_path)
