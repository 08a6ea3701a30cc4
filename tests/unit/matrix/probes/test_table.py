"""The table of probes is whole, and says what is wrong with one that is not."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulab.errors import UsageError
from emulab.matrix.probes.table import MAIN_PROGRAM, PROGRAMS, load_probes
from emulab.testing.request import TestRequest

if TYPE_CHECKING:
    from emulab.machines.target import Target

_TABLE = load_probes()


def _target(arch: str, libc: str = "musl", mode: str = "user") -> Target:
    request = TestRequest((), Path(), architectures=(arch,), libcs=(libc,), modes=(mode,))
    return request.places()[0].target


def test_every_probe_of_the_table_is_one_of_the_program_s_and_the_other_way_round() -> None:
    sources = (path.read_text() for path in (PROGRAMS / MAIN_PROGRAM).glob("*.go"))
    programmed = [name for source in sources for name in re.findall(r'verdict\.Probe\("([^"]+)"', source)]
    assert sorted(programmed) == sorted(probe.id for probe in _TABLE.probe)


def test_every_program_of_the_table_is_a_package() -> None:
    for name in _TABLE.program:
        assert (PROGRAMS / name / "main.go").is_file(), name


def test_what_is_known_says_why_where_it_is_no_pass() -> None:
    for probe in _TABLE.probe:
        assert all(known.reason for known in probe.known), probe.id
        assert probe.title, probe.id


def test_the_first_rule_that_holds_is_what_is_known() -> None:
    (race,) = _TABLE.chosen(["race"])
    assert race.known_on(_target("armv7")).verdict == "unsupported"
    assert race.known_on(_target("arm64")).verdict == "emulator-fault"
    assert race.known_on(_target("arm64", mode="system")).verdict == "pass"


def test_a_rule_of_a_c_library_holds_for_it_alone() -> None:
    from emulab.matrix.probes.table import Where

    target = _target("riscv64", "glibc")
    assert Where(libc="glibc").holds(target)
    assert not Where(libc="glibc").holds(replace(target, libc="musl"))
    assert not Where(libc="glibc", mode="system").holds(target)


def test_chosen_probes_come_once_each_in_the_order_they_were_named() -> None:
    assert [probe.id for probe in _TABLE.chosen(["statx", "exec", "statx"])] == ["statx", "exec"]
    assert _TABLE.chosen([]) == _TABLE.probe


def test_a_probe_that_is_not_there_names_the_nearest() -> None:
    with pytest.raises(UsageError) as raised:
        _TABLE.chosen(["getrandm"])
    assert "'getrandom'" in raised.value.hint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[program.pure]\n[[probe]]\nid = "a"\ntitle = "a"\nremdy = "x"\n', "remdy"),
        ('[program.pure]\n[[probe]]\nid = "a"\ntitle = "a"\nbeside = ["none"]\n', "'none'"),
        (
            '[program.pure]\n[[probe]]\nid = "a"\ntitle = "a"\n[[probe]]\nid = "a"\ntitle = "b"\n',
            "two probes",
        ),
        (
            '[program.pure]\n[[probe]]\nid = "a"\ntitle = ""\nknown = [{ verdict = "maybe", reason = "" }]\n',
            "maybe",
        ),
        (
            '[program.pure]\n[[probe]]\nid = "a"\ntitle = "a"\n'
            'known = [{ verdict = "pass", reason = "", where = { arch = "mips" } }]\n',
            "mips",
        ),
        ("probe = 1", "Expected"),
        ("[", "TOML"),
    ],
)
def test_a_table_that_is_wrong_says_where(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "probes.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"probes\.toml") as raised:
        load_probes(path)
    assert words in raised.value.message or words == "TOML"
