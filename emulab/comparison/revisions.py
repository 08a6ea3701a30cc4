"""A git revision's sources in a directory of their own, for as long as they are looked at."""

from __future__ import annotations

import contextlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emulab import cache
from emulab.errors import InfrastructureError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKING_TREE = "."
"""In a revision's place: the files as they are, committed or not."""


@dataclass(frozen=True)
class Revision:
    """What a name means in a repository.

    :param name: as the user wrote it.
    :param commit: its hash, "" for the working tree.
    """

    name: str
    commit: str
    top: Path

    @property
    def title(self) -> str:
        """Return how messages name it."""
        return f"{self.name} ({self.commit[:12]})" if self.commit else "the working tree"


def find_revision(name: str, directory: Path) -> Revision:
    """Return what a revision's name means in the repository that a directory lies in.

    :raises UsageError: the directory is in no repository, or it has no such revision.
    """
    top = _git(directory, "rev-parse", "--show-toplevel")
    if top.returncode != 0:
        raise UsageError(
            f"{name!r} is no file, and {directory} is in no git repository that could have it as a revision",
            hint="name two result files, or go to your module's repository",
        )
    root = Path(top.stdout.strip())
    if name == WORKING_TREE:
        return Revision(name, "", root)
    found = _git(directory, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if found.returncode != 0:
        raise UsageError(
            f"{name!r} is neither a file nor a revision of {root}", hint="see `git log` and `git branch -a`"
        )
    return Revision(name, found.stdout.strip(), root)


def changed_files(revision: Revision) -> list[Path]:
    """Return the files that differ between a revision and the files as they are, new and removed ones too.

    Since a branch of its own is meant, what the other has got since they parted does not count.

    :raises InfrastructureError: git refused.
    """
    base = _git(revision.top, "merge-base", revision.commit, "HEAD").stdout.strip() or revision.commit
    words = (
        ("diff", "--name-only", "--no-renames", "--no-ext-diff", "-z", base, "--"),
        ("ls-files", "--others", "--exclude-standard", "--full-name", "-z"),
    )
    names: dict[str, None] = {}
    for each in words:
        said = _git(revision.top, *each)
        if said.returncode != 0:
            raise InfrastructureError(
                f"git can not say what changed since {revision.title}", detail=said.stderr.strip(),
                hint="look whether the repository is whole: `git fsck`",
            )  # fmt: skip
        names |= dict.fromkeys(name for name in said.stdout.split("\0") if name)
    return [revision.top / name for name in names]


@contextlib.contextmanager
def checked_out(revision: Revision, directory: Path) -> Iterator[Path]:
    """Yield the directory that corresponds to ``directory`` in a revision's sources.

    The sources lie in a git worktree of their own in emulab's cache, which is removed afterwards; the
    user's own is not touched.

    :raises InfrastructureError: git refused.
    """
    if not revision.commit:
        yield directory
        return
    with cache.out_of_space_is_said():
        scratch = cache.cache_root() / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
    # The name is the one of scratch entries, so that what a killed process leaves is swept.
    place = scratch / f"worktree-{revision.commit[:16]}-{os.getpid()}-{id(revision)}"
    try:
        added = _git(revision.top, "worktree", "add", "--quiet", "--detach", str(place), revision.commit)
        if added.returncode != 0:
            raise InfrastructureError(
                f"git could not check {revision.title} out", detail=added.stderr.strip(),
                hint="look whether the repository is whole: `git fsck`",
            )  # fmt: skip
        own = place / directory.resolve().relative_to(revision.top.resolve())
        if not own.is_dir():
            raise UsageError(f"{revision.title} has no directory {own.relative_to(place)}")
        yield own
    finally:
        # Twice forced: also when it is locked. What was never added has nothing to remove.
        _git(revision.top, "worktree", "remove", "--force", "--force", str(place))
        _git(revision.top, "worktree", "prune")


def _git(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    # A hook or an outer git may have set these, and they would win over the directory.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        return subprocess.run(
            ["git", *words], cwd=directory, capture_output=True, text=True, check=False, env=environment
        )
    except OSError as error:
        raise InfrastructureError(
            f"git can not be run: {error.strerror}", hint="install git, or compare two result files"
        ) from error
