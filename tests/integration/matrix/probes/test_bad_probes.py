"""Whatever a probe does, it ends as a verdict, and the next one is unharmed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulab.matrix.probes.runner import ProbeRequest, run_probes
from emulab.matrix.probes.table import Probe, ProbeTable, Program
from emulab.progress import Silent
from emulab.testing.request import TestRequest
from emulab.testing.verdicts import Verdict

if TYPE_CHECKING:
    from emulab.matrix.probes.cells import ProbeCell

_SOURCE = """package main

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

const line = `{"verdict":"pass","saw":"well"}`

func main() {
	switch os.Args[1] {
	case "crash":
		var nowhere *int
		*nowhere = 1
	case "hang":
		time.Sleep(time.Hour)
	case "leaves":
		// What it leaves on its machine, the next one must not find.
		os.WriteFile("/tmp/left", nil, 0o600)
		os.Exit(3)
	case "halts":
		syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
		select {}
	case "lacks":
		if os.Getenv("EMULAB_OWN_MACHINE") == "" {
			fmt.Println(`{"verdict":"missing","saw":"it is not there"}`)
			return
		}
	}
	if _, err := os.Stat("/tmp/left"); err == nil {
		fmt.Println(`{"verdict":"fail","saw":"something was left"}`)
		return
	}
	fmt.Println(line)
}
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A module with the probes' one program."""
    (tmp_path / "go.mod").write_text("module example.com/bad\n\ngo 1.22\n")
    (tmp_path / "pure").mkdir()
    (tmp_path / "pure" / "main.go").write_text(_SOURCE)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "main.go").write_text("package main\n\nfunc main() { undefined() }\n")
    return tmp_path


def _cells(programs: Path, mode: str, names: dict[str, tuple[str, ...]]) -> dict[str, ProbeCell]:
    probes = tuple(Probe(name, name, beside=beside, limit_s=2.0) for name, beside in names.items())
    table = ProbeTable({"pure": Program(), "broken": Program()}, probes)
    machines = TestRequest((), Path(), architectures=("arm64",), libcs=("musl",), modes=(mode,))
    request = ProbeRequest(probes, tuple(machines.places()), machines.second_place)
    return {cell.id: cell for cell in run_probes(request, table, Silent(), lambda _: None, None, programs)}


def test_every_misdeed_is_a_verdict_and_the_next_is_unharmed(programs: Path) -> None:
    names: dict[str, tuple[str, ...]] = {
        "crash": (),
        "hang": (),
        "leaves": (),
        "unbuilt": ("broken",),
        "well": (),
    }
    cells = _cells(programs, "user", names)
    verdicts = {name: cell.judgement.verdict for name, cell in cells.items()}
    assert verdicts == {
        "crash": Verdict.FAIL,
        "hang": Verdict.FAIL,
        "leaves": Verdict.FAIL,
        "unbuilt": Verdict.UNSUPPORTED,
        "well": Verdict.PASS,
    }
    assert "2 s" in cells["hang"].judgement.reason
    assert any("goroutine" in line or "SIGQUIT" in line for line in cells["hang"].judgement.evidence)
    assert "status 3" in cells["leaves"].judgement.reason


def test_a_probe_that_halts_its_machine_is_an_error_and_the_next_has_another(programs: Path) -> None:
    cells = _cells(programs, "system", {"halts": (), "well": ()})
    assert cells["halts"].judgement.verdict is Verdict.ERROR
    assert cells["halts"].judgement.reason.startswith("twice: ")
    assert cells["well"].judgement.verdict is Verdict.PASS


def test_what_a_whole_machine_has_is_the_emulator_s_lack(programs: Path) -> None:
    judged = _cells(programs, "user", {"lacks": ()})["lacks"].judgement
    assert judged.verdict is Verdict.EMULATOR_FAULT
    assert judged.reason == "it is not there; on a whole machine: well"
