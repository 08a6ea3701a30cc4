"""Who owns a container decides whether a sweep may take it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

from emulab.engine.ownership import Owner


def test_this_process_is_not_gone_and_survives_its_label() -> None:
    owner = Owner.current()
    assert Owner.parse(str(owner)) == owner
    assert not owner.is_gone()


def test_an_ended_process_is_gone() -> None:
    code = "from emulab.engine.ownership import Owner; print(Owner.current())"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    owner = Owner.parse(ended.stdout.strip())
    assert owner is not None
    assert owner.is_gone()


def test_a_reused_process_id_is_not_the_owner() -> None:
    assert replace(Owner.current(), started="1").is_gone()


def test_another_hosts_process_counts_as_alive() -> None:
    assert not replace(Owner.current(), host="elsewhere", pid=1, started="1").is_gone()


def test_a_foreign_label_is_nobodys() -> None:
    assert Owner.parse("x") is None
    assert Owner.parse("a/b/c") is None
