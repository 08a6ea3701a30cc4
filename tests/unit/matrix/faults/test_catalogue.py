"""Faults are data: files that are checked, names that are looked up."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from emulab.errors import UsageError
from emulab.matrix.faults.catalogue import PROGRAMS, chosen, fault_ids, faults, read_fault
from emulab.matrix.faults.schema import Case, Fault, Machine, Seen

_VALID = """
id = "it"
title = "It"
happens = "somewhere"
mechanism = "somehow"
remedy = "do something"

[[case]]
id = "shows-it"
package = "hello"

[[case.seen]]
output = "works"
"""


def _file(directory: Path, text: str) -> Path:
    path = directory / "it.toml"
    path.write_text(text)
    return path


def test_every_fault_can_be_read_and_shows_itself() -> None:
    assert list(faults()) == fault_ids()
    for fault in faults().values():
        assert fault.title
        assert fault.remedy
        for case in fault.case:
            assert (PROGRAMS / case.package / "main.go").is_file(), case.package


def test_a_fault_that_kills_has_a_way_round_that_is_shown() -> None:
    for fault in faults().values():
        if any(not seen.survives for case in fault.case for seen in case.seen):
            assert any(case.way_round for case in fault.case), fault.id
        for case in fault.case:
            assert not case.way_round or all(seen.survives for seen in case.seen), case.id


def test_every_fault_can_be_shown_somewhere() -> None:
    for fault in faults().values():
        places = [(mode, libc) for mode in ("user", "system") for libc in ("musl", "glibc")]
        assert any(
            not any(each.holds(mode, "arm64", libc) for each in fault.unsupported) for mode, libc in places
        )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("title", "titel"), "titel"),
        (('id = "it"', 'id = "other"'), "its file's name"),
        (('output = "works"', 'output = "("'), "regular expression"),
        (("[[case]]", "[machine]\nfrequency = 3\n[[case]]"), "frequency"),
        (('output = "works"', 'output = "works"\narch = "arm64"'), "every architecture"),
    ],
)
def test_a_file_that_is_not_valid_is_refused_with_its_name(
    change: tuple[str, str], said: str, tmp_path: Path
) -> None:
    read_fault(_file(tmp_path, _VALID))
    with pytest.raises(UsageError, match=said) as error:
        read_fault(_file(tmp_path, _VALID.replace(*change)))
    assert "it.toml" in error.value.message


def test_a_name_that_is_not_known_names_the_nearest() -> None:
    with pytest.raises(UsageError) as error:
        chosen(["clock1970"])
    assert "clock-1970" in error.value.hint


def test_names_are_taken_in_their_order_and_all_means_every_one() -> None:
    assert [fault.id for fault in chosen(["no-dns", "clock-1970", "no-dns"])] == ["no-dns", "clock-1970"]
    assert [fault.id for fault in chosen(["all"])] == fault_ids()


def test_what_is_documented_depends_on_the_release_of_go_and_the_architecture() -> None:
    old, new = Seen("old", go="1.22"), Seen("new", go="1.24")
    case = Case("it", "hello", (new, old))
    assert [case.expected(release, "arm64") for release in ((1, 21), (1, 23), (1, 24), (1, 30))] == [
        old, old, new, new,
    ]  # fmt: skip
    own = Seen("own", arch="armv7")
    case = Case("it", "hello", (old, own))
    assert case.expected((1, 26), "armv7") is own
    assert case.expected((1, 26), "riscv64") is old


def test_what_a_mode_says_lies_above_what_both_say() -> None:
    both = Machine(cpus=1, cpu={"arm64": "a"}, setup="one")
    over = both.overlaid(Machine(cpu={"armv7": "b"}, setup="two"))
    assert over == Machine(cpus=1, cpu={"arm64": "a", "armv7": "b"}, setup="two")


def test_a_fault_survives_being_written_and_read() -> None:
    for fault in faults().values():
        assert msgspec.json.decode(msgspec.json.encode(fault), type=Fault) == fault


def test_the_readme_names_every_fault() -> None:
    text = (Path(__file__).parents[4] / "README.md").read_text()
    assert [name for name in fault_ids() if f"`{name}`" not in text] == []
