"""``emulab matrix`` with probes: alone, beside tests, listed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.end_to_end.conftest import Said

EXAMPLE = Path(__file__).parents[2] / "examples" / "inventory"


def test_named_probes_run_without_any_module(emulab: Callable[..., Said], tmp_path: Path) -> None:
    words = ("--probe", "statx,clone3", "--arch", "arm64", "--libc", "musl", "--json")
    said = emulab("matrix", *words, cwd=tmp_path)
    assert said.status == 0, said.stderr
    rows = {(row["probe"], row["mode"]): row for row in said.document["verdicts"]}
    assert {key: row["verdict"] for key, row in rows.items()} == {
        ("probe:statx", "user"): "pass",
        ("probe:statx", "system"): "pass",
        ("probe:clone3", "user"): "emulator-fault",
        ("probe:clone3", "system"): "pass",
    }
    fault = rows["probe:clone3", "user"]
    assert "function not implemented" in fault["reason"]
    assert "--mode system" in fault["remedy"]
    assert all(row["reason"] for row in rows.values())


def test_probes_stand_beside_tests_and_are_recalled(emulab: Callable[..., Said], tmp_path: Path) -> None:
    example = shutil.copytree(EXAMPLE, tmp_path / "inventory")
    (example / "emulab.toml").write_text('[matrix]\nprobe = ["statx", "clone3", "location"]\n')
    words = (
        "./native",
        "--probes",
        "--arch",
        "arm64",
        "--libc",
        "musl",
        "--mode",
        "user",
        "-o",
        "junit=out.xml",
    )
    first = emulab("matrix", *words, "--json", cwd=example)
    rows = first.document["verdicts"]
    probes = [row for row in rows if row["probe"].startswith("probe:")]
    assert len(rows) - len(probes) == 1
    assert [row["probe"] for row in probes] == ["probe:statx", "probe:clone3", "probe:location"]
    assert 'name="probe:location"' in (example / "out.xml").read_text()
    again = emulab("matrix", *words, "--json", cwd=example)
    assert [row for row in again.document["verdicts"] if row["probe"].startswith("probe:")] == probes
    shown = emulab("matrix", *words, cwd=example)
    (line,) = (line for line in shown.stdout.splitlines() if line.startswith("probes "))
    assert line.endswith("seen before")
    without = emulab("matrix", *words, "--no-probes", "--json", cwd=example)
    assert [row["probe"] for row in without.document["verdicts"]] == [rows[0]["probe"]]


def test_the_list_says_what_is_known(emulab: Callable[..., Said]) -> None:
    said = emulab("matrix", "--list-probes")
    assert said.status == 0
    assert "clone3" in said.stdout
    assert len(json.loads(emulab("matrix", "--list-probes", "--json").stdout)["probes"]) > 50
    assert "user: emulator-fault, since QEMU's user mode has no such system call" in said.stdout


def test_a_probe_that_is_not_there_is_bad_input(emulab: Callable[..., Said]) -> None:
    said = emulab("matrix", "--probe", "getrandm")
    assert said.status == 2
    assert "getrandom" in said.stderr
