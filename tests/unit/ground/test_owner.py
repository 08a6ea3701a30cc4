"""Who owns a container or a file decides whether a sweep may take it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from emulab.owner import Owner


def test_this_process_is_not_gone_and_survives_its_label() -> None:
    owner = Owner.current()
    assert Owner.parse(str(owner)) == owner
    assert not owner.is_gone()


def test_an_ended_process_is_gone() -> None:
    code = "from emulab.owner import Owner; print(Owner.current())"
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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a namespace of process ids")
def test_the_same_number_in_another_namespace_of_process_ids_is_another_process() -> None:
    code = "from emulab.owner import Owner; print(Owner.current())"
    words = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", code]
    there = Owner.parse(subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip())
    assert there is not None
    assert there.pid == 1
    assert not there.is_here()
    assert not there.is_gone()
