"""Board files of the user's own: what works, and how mistakes are told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from emulab.boards import load_catalogue
from emulab.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

PI5 = 'inherits = ["boards/raspberry-pi-5"]\n'

OVERCLOCKED = """\
inherits = ["boards/raspberry-pi-5"]
name = "Raspberry Pi 5, overclocked"

[clusters.all]
nominal_mhz = 2800
operating_points_mhz = [1500, 2800]
"""


def write(directory: Path, name: str, text: str) -> str:
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def test_a_file_can_change_one_thing_of_a_shipped_board(tmp_path: Path) -> None:
    board = load_catalogue().board(write(tmp_path, "fast-pi.toml", OVERCLOCKED))
    shipped = load_catalogue().board("raspberry-pi-5")
    assert board.id == "fast-pi"
    assert board.fastest.nominal_mhz == 2800
    assert board.fastest.l2 == shipped.fastest.l2
    assert board.memory == shipped.memory
    assert board.emulation == shipped.emulation


def test_files_of_a_directory_are_boards_by_name(tmp_path: Path) -> None:
    write(tmp_path, "fast-pi.toml", OVERCLOCKED)
    write(
        tmp_path,
        "faster-pi.toml",
        'inherits = ["boards/fast-pi"]\n[clusters.all]\noperating_points_mhz = [2800]\n',
    )
    catalogue = load_catalogue([tmp_path])
    assert {"fast-pi", "faster-pi", "raspberry-pi-5"} <= set(catalogue.ids())
    assert catalogue.board("Fast Pi").name == "Raspberry Pi 5, overclocked"
    assert catalogue.board("faster-pi").fastest.operating_points_mhz == (2800,)


def test_a_directory_can_bring_its_own_cores_models_socs_and_aliases(tmp_path: Path) -> None:
    write(tmp_path, "cores/my-core.toml", 'inherits = ["cores/cortex-a53"]\nname = "Mine"\n')
    write(tmp_path, "models/my-model.toml", 'inherits = ["models/cortex-a53"]\nuser = "cortex-a35"\n')
    write(
        tmp_path,
        "socs/my-soc.toml",
        'inherits = ["socs/bcm2837"]\n[clusters.all]\ncore = "my-core"\n[emulation]\nmodel = "my-model"\n',
    )
    write(
        tmp_path,
        "my-board.toml",
        'inherits = ["socs/my-soc"]\nname = "B"\nmaker = "M"\n[memory]\nassumed_mib = 256\n'
        '[software]\nkernel = "6.6"\nlibc = "musl"\n',
    )
    write(tmp_path, "aliases.toml", 'mb = "my-board"\n')
    catalogue = load_catalogue([tmp_path])
    board = catalogue.board("mb")
    assert board.id == "my-board"
    assert board.fastest.core.name == "Mine"
    assert board.fastest.l1d is not None
    assert board.fastest.l1d.ways == 4
    assert board.emulation is not None
    assert board.emulation.user == "cortex-a35"
    assert "aliases" not in catalogue.ids()


def test_a_file_can_inherit_another_by_its_path(tmp_path: Path) -> None:
    write(tmp_path, "parts/base.toml", OVERCLOCKED)
    name = write(tmp_path, "mine.toml", 'inherits = ["parts/base.toml"]\nname = "Mine"\n')
    assert load_catalogue().board(name).fastest.nominal_mhz == 2800


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name = ", "is not valid TOML"),
        (PI5 + "cluster = 1", "unknown field `cluster`, did you mean `clusters`?"),
        (
            PI5 + "[clusters.all]\ncuont = 4",
            "unknown field `clusters.all.cuont`, did you mean `count`?",
        ),
        (
            PI5 + '[clusters.all]\ncount = "four"',
            "field `clusters.all.count` is 'four': expected `int`, got `str`",
        ),
        (
            PI5 + "[memory]\nassumed_mib = 3000",
            "field `memory.assumed_mib` is 3000, but the board is sold with 2048, 4096, 8192, 16384;",
        ),
        (PI5 + "memory = 4", "field `memory` is 4 but must be a table, write `[memory]`"),
        (
            'inherits = ["socs/bcm2712"]\nmaker = "M"',
            "field `name` is missing; give it here or in a file that",
        ),
        (
            'inherits = ["socs/bcm2712"]\nname = "N"\nmaker = "M"',
            "field `memory` is missing, which a board needs",
        ),
        (
            'inherits = ["socs/bcm2712"]\nname = "N"\nmaker = "M"\n[memory]\ntype = "DDR"',
            "field `memory.assumed_mib` is missing; give it in `memory` here or",
        ),
        (
            'inherits = ["socs/bcm271"]',
            "names 'socs/bcm271', which is not there; write it like 'socs/bcm2712'",
        ),
        ('inherits = ["cores/cortex-a76"]', "names 'cores/cortex-a76', which is not there"),
        ('inherits = ["nowhere.toml"]', "names 'nowhere.toml', and there is no file"),
        ('inherits = ["bad.toml"]', "goes in a circle"),
        (
            PI5 + '[clusters.all]\ncore = "cortex-a7"\n[clusters.b]\ncore="a9"\n',
            "field `clusters.b.core` names 'a9', but there is no cores/a9.toml; known are cortex-a53",
        ),
        (
            PI5 + '[emulation]\nmodel = "sifive-u54"',
            "names 'sifive-u54', a model of riscv64, for a board of arm64; name a model of that architecture",
        ),
        (
            PI5 + "[clusters.all]\nnominal_mhz = 2050",
            "field `clusters.all.nominal_mhz` is 2050, which is not among `operating_points_mhz`; add it",
        ),
        (
            PI5 + "[clusters.all]\noperating_points_mhz = [2400, 1500]",
            "field `clusters.all.operating_points_mhz` must ascend; sort it",
        ),
        (
            PI5 + "[clusters.all.l2]\nways = 7",
            "field `clusters.all.l2.ways` is 7, which does not divide 512 KiB of 64-byte lines",
        ),
        (PI5 + "[clusters.all]\ncount = 0", "field `clusters.all.count` is 0"),
        (PI5 + "[software]\npage_kib = 8", "field `software.page_kib` is 8; Linux has"),
        (
            'inherits = ["boards/visionfive-2"]\n[software]\nlibc = "glibc-old"',
            "which riscv64 never had; write",
        ),
        (PI5 + '[go]\ngoarm = "7"', "field `go.goarm` has no meaning for arm64; remove it"),
        (PI5 + '[go]\ngoarm64 = "v82"', "field `go.goarm64` is 'v82', which Go does not"),
        (PI5 + "[emulation]\nvcpus = 9", "field `emulation.vcpus` is 9; give 1 to 8"),
        (PI5 + 'arch = "amd64"', "a model of arm64, for a board of amd64"),
        (
            'inherits = "boards/raspberry-pi-5"',
            "field `inherits` is 'boards/raspberry-pi-5': expected `array`",
        ),
        (
            PI5 + "[clusters.all]\nmeasured = [{ clock_mhz = 1.0 }]",
            "field `clusters.all.measured[0].run` is missing",
        ),
    ],
)
def test_a_mistake_is_told_in_one_sentence_with_file_and_field(
    tmp_path: Path, text: str, sentence: str
) -> None:
    name = write(tmp_path, "bad.toml", text)
    with pytest.raises(UsageError, match=re.escape(sentence)) as caught:
        load_catalogue().board(name)
    assert "bad.toml" in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.exit_status == 2


def test_a_mistake_in_an_inherited_file_names_that_file(tmp_path: Path) -> None:
    write(tmp_path, "base.toml", 'inherits = ["boards/raspberry-pi-5"]\ncolour = "red"\n')
    name = write(tmp_path, "mine.toml", 'inherits = ["base.toml"]\n')
    with pytest.raises(UsageError, match=r"base\.toml: unknown field `colour`"):
        load_catalogue().board(name)


def test_two_files_that_inherit_each_other_are_told_as_a_circle(tmp_path: Path) -> None:
    first = write(tmp_path, "first.toml", 'inherits = ["second.toml"]\n')
    write(tmp_path, "second.toml", 'inherits = ["first.toml"]\n')
    with pytest.raises(
        UsageError, match=r"goes in a circle \(.*first\.toml -> .*second\.toml -> .*first\.toml\)"
    ):
        load_catalogue().board(first)


def test_one_ancestor_by_two_ways_is_no_circle(tmp_path: Path) -> None:
    write(tmp_path, "left.toml", OVERCLOCKED)
    write(tmp_path, "right.toml", 'inherits = ["boards/raspberry-pi-5"]\n[memory]\nassumed_mib = 2048\n')
    name = write(tmp_path, "mine.toml", 'inherits = ["right.toml", "left.toml"]\nname = "Mine"\n')
    board = load_catalogue().board(name)
    assert board.fastest.nominal_mhz == 2800
    # The later parent brings the common ancestor's figure again, over the earlier parent's.
    assert board.memory is not None
    assert board.memory.assumed_mib == 4096


@pytest.mark.parametrize("name", ["My_Board.toml", "Über.toml"])
def test_a_file_whose_name_is_no_id_is_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name, OVERCLOCKED)
    with pytest.raises(UsageError, match="rename the file to small letters, digits and hyphens"):
        load_catalogue().board(path)


def test_a_file_named_like_a_shipped_board_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "raspberry-pi-5.toml", OVERCLOCKED)
    with pytest.raises(
        UsageError, match="the catalogue has a board 'raspberry-pi-5' already; rename the file"
    ):
        load_catalogue().board(path)
    with pytest.raises(UsageError, match="is already there as"):
        load_catalogue([tmp_path]).ids()


def test_a_missing_file_or_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no board file .*nowhere\.toml"):
        load_catalogue().board(str(tmp_path / "nowhere.toml"))
    with pytest.raises(UsageError, match="there is no directory of boards"):
        load_catalogue([tmp_path / "nowhere"])


def test_an_alias_of_nothing_is_told(tmp_path: Path) -> None:
    write(tmp_path, "aliases.toml", 'mine = "no-such-board"\n')
    with pytest.raises(
        UsageError, match=r"aliases\.toml: field `mine` is 'no-such-board', which is no board"
    ):
        load_catalogue([tmp_path]).board("mine")
