from __future__ import annotations

import time
from typing import TYPE_CHECKING

from emulab.images.mirror import SETTING, chosen_mirror, sources_mirrors, suite_names

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

DEB822 = """\
Types: deb deb-src
# a comment
URIs: http://one.test/debian/ http://two.test/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://security.test/debian-security
Suites: bookworm-security
Components: main

Types: deb
URIs: http://off.test/debian
Suites: bookworm
Components: main
Enabled: no
"""

ONE_LINE = """\
# deb http://comment.test/debian trixie main
deb [arch=amd64 signed-by=/x.gpg] http://three.test/debian trixie main non-free
deb http://vendor.test/apt trixie stable
deb http://ubuntu.test/ubuntu noble main
deb cdrom:[Debian]/ trixie main
deb-src http://source.test/debian trixie main
"""


def test_debians_own_mirrors_are_found_in_both_formats_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(ONE_LINE)
    (tmp_path / "sources.list.d" / "debian.sources").write_text(DEB822)
    expected = ["http://three.test/debian", "http://one.test/debian", "http://two.test/debian"]
    assert sources_mirrors(tmp_path) == expected


def test_a_machine_without_apt_has_no_mirrors(tmp_path: Path) -> None:
    assert sources_mirrors(tmp_path / "nowhere") == []


def test_a_suite_is_found_under_its_name_and_its_alias(mirror: tuple[str, dict[str, str]]) -> None:
    address, codenames = mirror
    codenames |= {"trixie": "trixie", "stable": "trixie", "oldstable": "bookworm"}
    assert suite_names(address) == ["trixie", "stable"]


def test_an_alias_that_means_another_suite_is_not_taken(mirror: tuple[str, dict[str, str]]) -> None:
    address, codenames = mirror
    codenames |= {"stable": "forky", "oldstable": "trixie"}
    assert suite_names(address) == ["oldstable"]


def test_a_mirror_that_does_not_answer_is_given_up_at_once() -> None:
    begun = time.monotonic()
    assert suite_names("http://127.0.0.1:9") == []
    assert time.monotonic() - begun < 4.0


def test_the_setting_goes_before_the_machines_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "http://mine.test/debian/")
    assert chosen_mirror() == "http://mine.test/debian"
