"""Whatever a package's tests do to their machine, it ends as a verdict, and the next package is unharmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulab.progress import Silent
from emulab.testing.request import TestRequest
from emulab.testing.runner import test
from emulab.testing.verdicts import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from emulab.testing.cells import Cell

_TIMEOUT_S = 25.0

_TESTS = {
    "crash": "func TestIt(t *testing.T) { var p *int; *p = 1 }",
    "hang": "func TestIt(t *testing.T) { select {} }",
    "prints": """func TestIt(t *testing.T) {
	line := bytes.Repeat([]byte("all work and no play\\n"), 4096)
	for range 256 << 20 / len(line) { os.Stdout.Write(line) }
}""",
    "forks": """func TestIt(t *testing.T) {
	exec.Command("/bin/sh", "-c", ":(){ : | : & }; :; while true; do : ; done").Run()
	select {}
}""",
    "fills": """func TestIt(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/big")
	if err != nil { t.Fatal(err) }
	block := make([]byte, 1<<20)
	for {
		if _, err := file.Write(block); err != nil { t.Fatal(err) }
	}
}""",
    "root": """func TestIt(t *testing.T) {
	place := t.TempDir()
	if err := syscall.Mount("none", place, "tmpfs", 0, ""); err != nil { t.Fatal(err) }
	syscall.Unmount(place, 0)
}""",
    "self": """func TestIt(t *testing.T) {
	if os.Getenv("CHILD") == "1" { return }
	child := exec.Command("/proc/self/exe", "-test.run=TestIt")
	child.Env = append(os.Environ(), "CHILD=1")
	if out, err := child.CombinedOutput(); err != nil { t.Fatalf("%v: %s", err, out) }
}""",
    "well": "func TestIt(t *testing.T) { if 1+1 != 2 { t.Fatal() } }",
    "leaves": "func TestAhead(t *testing.T) {}\n\nfunc TestIt(t *testing.T) { syscall.Exit(0) }",
    "without": "func BenchmarkIt(b *testing.B) {}",
    "broken": "func TestIt(t *testing.T) { undefined() }",
}
_IMPORTS = ("bytes", "os", "os/exec", "syscall", "testing")

_EXPECTED = {
    "crash": Verdict.FAIL,
    "hang": Verdict.FAIL,
    "prints": Verdict.PASS,
    "forks": Verdict.FAIL,
    "fills": Verdict.FAIL,
    "root": Verdict.UNSUPPORTED,
    "well": Verdict.PASS,
    "leaves": Verdict.FAIL,
    "without": Verdict.NOT_RUN,
    "broken": Verdict.FAIL,
}


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A module with a package for every misdeed."""
    (tmp_path / "go.mod").write_text("module example.com/bad\n\ngo 1.22\n")
    for name, body in _TESTS.items():
        (tmp_path / name).mkdir()
        imports = "".join(f'\t"{each}"\n' for each in _IMPORTS if f"{each.rpartition('/')[2]}." in body)
        text = f"package {name}\n\nimport (\n{imports})\n\n{body}\n"
        (tmp_path / name / "it_test.go").write_text(text)
    return tmp_path


def _cell(module: Path, name: str) -> Cell:
    request = TestRequest((f"./{name}",), module, architectures=("arm64",), timeout_s=_TIMEOUT_S)
    (cell,) = test(request, Silent(), lambda _: None, None).cells
    return cell


@pytest.mark.parametrize("name", _EXPECTED)
def test_every_misdeed_is_a_verdict_within_its_limits(name: str, module: Path) -> None:
    cell = _cell(module, name)
    assert cell.judgement.verdict is _EXPECTED[name], cell
    if cell.judgement.verdict is not Verdict.PASS:
        assert cell.judgement.reason


def test_a_hang_keeps_the_stacks_of_its_goroutines(module: Path) -> None:
    cell = _cell(module, "hang")
    assert cell.run is not None
    assert cell.run.timed_out
    assert "it_test.go" in cell.run.output
    assert "TestIt" in cell.judgement.reason


def test_a_program_that_starts_itself_is_not_blamed(module: Path) -> None:
    assert _cell(module, "self").judgement.verdict in (Verdict.PASS, Verdict.EMULATOR_FAULT)
