from __future__ import annotations

import signal
import stat
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from emulab.errors import ImageError
from emulab.images.origin import make_origin
from emulab.progress import SilentStep

if TYPE_CHECKING:
    from pathlib import Path

    from emulab.images.store import ImageStore

NO_STORE = cast("ImageStore", None)  # what fails before the engine is needed needs none


def test_without_mmdebstrap_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImageError) as caught:
        make_origin(NO_STORE, "http://mirror.test/debian", SilentStep())
    assert "mmdebstrap" in caught.value.message
    assert "emulab setup" in caught.value.hint


@pytest.mark.parametrize("mirror", ["", "http://127.0.0.1:9/debian"])
def test_without_a_mirror_that_answers_it_is_said_within_seconds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mirror: str
) -> None:
    program = tmp_path / "mmdebstrap"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    begun = time.monotonic()
    with pytest.raises(ImageError) as caught:
        make_origin(NO_STORE, mirror, SilentStep())
    assert time.monotonic() - begun < 4.0
    assert mirror in caught.value.message
    assert "EMULAB_DEBIAN_MIRROR" in caught.value.hint


def test_a_failing_mmdebstrap_that_hangs_up_on_its_process_group_does_not_end_us(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mirror: tuple[str, dict[str, str]]
) -> None:
    program = tmp_path / "mmdebstrap"
    program.write_text("#!/bin/sh\necho hanging up\ntrap '' HUP\nkill -HUP 0\nexit 1\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    address, codenames = mirror
    codenames["trixie"] = "trixie"
    received: list[int] = []
    before = signal.signal(signal.SIGHUP, lambda number, _frame: received.append(number))
    try:
        with pytest.raises(ImageError) as caught:
            make_origin(
                cast("ImageStore", SimpleNamespace(architecture=lambda: "amd64")), address, SilentStep()
            )
    finally:
        signal.signal(signal.SIGHUP, before)
    assert caught.value.detail == "hanging up"
    assert received == []
