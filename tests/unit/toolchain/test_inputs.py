from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import pytest

from emulab.toolchain.inputs import EVERYTHING, SOURCES, TEST_SOURCES, Snapshot, Watch, compare, take_snapshot

if TYPE_CHECKING:
    from pathlib import Path

LONG_AGO = 1_600_000_000


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a.go", "b.h", "a_test.go", "go.mod", "notes.txt", "data/x.html"):
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    for path in [*(tmp_path / "src").rglob("*"), tmp_path / "src"]:
        os.utime(path, (LONG_AGO, LONG_AGO))
    return tmp_path / "src"


def watch(tree: Path, kind: str = SOURCES) -> Watch:
    return Watch(
        files={str(tree / "go.work")}, directories={(str(tree), kind), (str(tree / "data"), EVERYTHING)}
    )


def settled(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot as one that was taken long after the files were last changed."""
    return Snapshot(time.time_ns() + 10_000_000_000, snapshot.files, snapshot.directories)


def test_an_unchanged_tree_is_the_same_and_needs_no_new_record(tree: Path) -> None:
    snapshot = settled(take_snapshot(watch(tree)))
    assert compare(snapshot) is snapshot


def test_a_snapshot_survives_json(tree: Path) -> None:
    snapshot = settled(take_snapshot(watch(tree)))
    again = Snapshot.from_json(json.loads(json.dumps(snapshot.to_json())))
    assert again == snapshot
    assert compare(again) is again


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: (tree / "a.go").write_text("A.GO"),
        lambda tree: (tree / "new.go").write_text(""),
        lambda tree: (tree / "new.s").write_text(""),
        lambda tree: (tree / "b.h").unlink(),
        lambda tree: (tree / "a.go").rename(tree / "c.go"),
        lambda tree: (tree / "data" / "y.html").write_text(""),
        lambda tree: (tree / "data" / "x.html").unlink(),
        lambda tree: (tree / "go.work").write_text(""),
        lambda tree: (tree / "go.mod").write_text("module other"),
        lambda tree: tree.rename(tree.parent / "elsewhere"),
    ],
)
@pytest.mark.parametrize("trusted", [True, False])
def test_a_change_to_an_input_is_noticed(tree: Path, change: object, trusted: bool) -> None:
    snapshot = take_snapshot(watch(tree))
    assert callable(change)
    change(tree)
    assert compare(settled(snapshot) if trusted else snapshot) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: (tree / "notes.txt").write_text("more"),
        lambda tree: (tree / "program").write_text("a binary"),
        lambda tree: (tree / "a_test.go").write_text("other"),
        lambda tree: (tree / ".a.go.swp").write_text(""),
        lambda tree: (tree / "a.go").touch(),
        lambda tree: (tree / "a.go").write_text("a.go"),
    ],
)
def test_what_go_would_not_build_differently_is_no_change(tree: Path, change: object) -> None:
    snapshot = settled(take_snapshot(watch(tree)))
    assert callable(change)
    change(tree)
    assert compare(snapshot) is not None


def test_tests_count_for_a_test_binary(tree: Path) -> None:
    snapshot = settled(take_snapshot(watch(tree, TEST_SOURCES)))
    (tree / "a_test.go").write_text("other")
    assert compare(snapshot) is None


def test_an_edit_that_keeps_size_and_time_is_noticed(tree: Path) -> None:
    snapshot = take_snapshot(watch(tree))
    (tree / "a.go").write_text("z.go")
    os.utime(tree / "a.go", (LONG_AGO, LONG_AGO))
    assert compare(snapshot) is None
    assert compare(settled(snapshot)) is None, "the change time gives it away"


def test_a_touched_file_is_remembered_with_its_new_time(tree: Path) -> None:
    snapshot = settled(take_snapshot(watch(tree)))
    (tree / "a.go").touch()
    renewed = compare(snapshot)
    assert renewed is not None
    assert renewed is not snapshot
    assert renewed.files[str(tree / "a.go")] != snapshot.files[str(tree / "a.go")]


def test_the_content_digest_does_not_depend_on_the_place(tree: Path, tmp_path: Path) -> None:
    first = take_snapshot(watch(tree)).content_digest(tree)
    moved = tree.rename(tmp_path / "clone")
    assert take_snapshot(watch(moved)).content_digest(moved) == first
    (moved / "a.go").write_text("other")
    assert take_snapshot(watch(moved)).content_digest(moved) != first


def test_comparing_thousands_of_files_takes_milliseconds(tmp_path: Path) -> None:
    for number in range(2000):
        (tmp_path / f"f{number}.go").write_text("package f")
    snapshot = settled(take_snapshot(Watch(directories={(str(tmp_path), SOURCES)})))
    best = min(_seconds(snapshot) for _ in range(5))
    assert best < 0.05


def _seconds(snapshot: Snapshot) -> float:
    begun = time.perf_counter()
    assert compare(snapshot) is snapshot
    return time.perf_counter() - begun
