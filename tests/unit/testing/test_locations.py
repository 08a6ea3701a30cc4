"""Places in files are found in what compilers and tests print, and only in the user's own files."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from emulab.testing.locations import Location, module_file, of_compiler, of_tests
from emulab.testing.staging import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A package of a module below the top of a repository, elsewhere on the machine."""
    top = tmp_path / "top"
    (top / ".git").mkdir(parents=True)
    (top / "m" / "p").mkdir(parents=True)
    (top / "m" / "go.mod").write_text("module m\n")
    (top / "m" / "p" / "p.go").write_text("package p\n")
    (top / "m" / "p" / "p_test.go").write_text("package p\n\nfunc TestB(t *testing.T) {}\n")
    return Stage(top / "m" / "p", top / "m", PurePosixPath("/work/module"))


def _output(*lines: tuple[str, str]) -> list[dict[str, str]]:
    return [{"Action": "output", "Test": test, "Output": f"{line}\n"} for test, line in lines]


def test_a_compilers_messages_have_columns_and_other_files_do_not_count(stage: Stage) -> None:
    said = "# m/p\np/p.go:3:5: undefined: x\n/usr/lib/go/src/fmt/a.go:1:1: y\np/gone.go:1:1: z\n"
    assert of_compiler(said, stage.root) == (Location("m/p/p.go", 3, 5, "", "undefined: x"),)


def test_each_test_that_failed_has_its_first_line(stage: Stage) -> None:
    events = _output(
        ("TestA", "    p_test.go:7: not one"),
        ("TestB", "    elsewhere_test.go:1: no"),
        ("TestA", "    p_test.go:9: nor two"),
        ("TestC", "panic: at the disco"),
        ("TestC", "\t/usr/local/go/src/testing/testing.go:1974 +0x1a0"),
        ("TestC", "\t/work/module/p/p.go:4 +0x8"),
    )
    assert of_tests(events, ("TestA", "TestB/sub", "TestC", "TestNowhere"), stage) == (
        Location("m/p/p_test.go", 7, 0, "TestA", "not one"),
        # It said nothing of its own: where it begins.
        Location("m/p/p_test.go", 3, 0, "TestB/sub", "TestB/sub failed"),
        Location("m/p/p.go", 4, 0, "TestC", "panic: at the disco"),
    )


def test_without_a_test_it_is_the_innermost_line_of_a_stack(stage: Stage) -> None:
    events = _output(("", "fatal error: all goroutines are asleep"), ("", "\t/work/module/p/p.go:8"))
    assert of_tests(events, (), stage) == (Location("m/p/p.go", 8),)
    assert of_tests(_output(("", "nothing")), (), stage) == ()


def test_the_modules_file_is_named_from_the_top(stage: Stage, tmp_path: Path) -> None:
    assert module_file(stage.directory) == "m/go.mod"
    assert module_file(tmp_path) is None
