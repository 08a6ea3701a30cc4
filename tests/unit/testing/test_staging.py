"""The files around a test binary lie on the machine where they lie here."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulab.testing.staging import stage_in, stage_of


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A module with a package in it, test data on both levels, and a repository's own directory."""
    names = ["go.mod", "testdata/shared.txt", "a/a.go", "a/testdata/own.txt", "a/testdata/deep/x", "b/b.go"]
    for name in (*names, ".git/HEAD"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def test_a_small_module_goes_whole_without_its_repository(module: Path) -> None:
    stage = stage_of(module / "a")
    places = {place for _, place in stage.files()}
    names = ("go.mod", "testdata/shared.txt", "a/a.go", "a/testdata/own.txt", "a/testdata/deep/x", "b/b.go")
    assert places == {str(module / name) for name in names}
    assert stage.guest_directory == str(module / "a")


def test_of_a_large_module_goes_what_the_package_s_tests_read(
    module: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulab.testing.staging._MOST_FILES", 3)
    places = {place for _, place in stage_of(module / "a").files()}
    names = ("go.mod", "testdata/shared.txt", "a/a.go", "a/testdata/own.txt", "a/testdata/deep/x")
    assert places == {str(module / name) for name in names}


def test_a_directory_in_no_module_is_its_own_root(tmp_path: Path) -> None:
    assert stage_of(tmp_path).root == tmp_path


def test_the_module_s_place_is_made_writable_where_the_machine_has_none() -> None:
    assert stage_in(Path("/home/me/m/a"), Path("/home/me/m")).writable == ("/home/me/m",)
    assert stage_in(Path("/tmp/m/a"), Path("/tmp/m")).writable == ()


@pytest.mark.parametrize("root", ["/", "/usr", "/etc/m", "/usr/lib/m", "/srv/a:b"])
def test_a_module_never_hides_what_the_machine_itself_needs(root: str) -> None:
    stage = stage_in(Path(root), Path(root))
    assert (stage.guest_directory, stage.writable) == ("/work/module", ())
