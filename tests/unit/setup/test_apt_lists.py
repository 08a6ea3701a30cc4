from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from emulab.engine.apt import lists_are_usable

if TYPE_CHECKING:
    from pathlib import Path


def test_no_lists_are_not_usable(tmp_path: Path) -> None:
    assert not lists_are_usable(tmp_path)
    assert not lists_are_usable(tmp_path / "absent")


def test_lists_of_today_are_usable_and_those_of_last_month_are_not(tmp_path: Path) -> None:
    (tmp_path / "mirror_dists_trixie_main_binary-amd64_Packages.lz4").write_bytes(b"")
    assert lists_are_usable(tmp_path)
    month_ago = time.time() - 30 * 24 * 3600
    os.utime(tmp_path, (month_ago, month_ago))
    assert not lists_are_usable(tmp_path)


def test_an_update_that_changed_nothing_counts_too(tmp_path: Path) -> None:
    (tmp_path / "mirror_Packages").write_bytes(b"")
    (tmp_path / "lock").write_bytes(b"")
    month_ago = time.time() - 30 * 24 * 3600
    os.utime(tmp_path, (month_ago, month_ago))
    assert lists_are_usable(tmp_path)
