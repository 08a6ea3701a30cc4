from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulab.engine.host import Elevation, Host
from emulab.upkeep import checks
from emulab.upkeep.checks import Check, Health, examine, runs_are_possible

if TYPE_CHECKING:
    from pathlib import Path


def _host(path: str = "/nowhere") -> Host:
    return Host("Linux", ("debian",), "Debian", "ann", Elevation.NONE, False, path)


def test_runs_are_possible_with_warnings_and_not_with_what_is_missing() -> None:
    fine, warned = Check("a", Health.OK, ""), Check("b", Health.WARN, "")
    assert runs_are_possible([fine, warned])
    assert not runs_are_possible([fine, Check("c", Health.MISSING, "")])


def test_engine_that_does_not_answer_is_missing_and_the_rest_is_still_looked_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("EMULAB_CACHE_DIR", str(tmp_path / "cache"))
    found = {check.name: check for check in examine(_host())}
    assert found["engine"].health is Health.MISSING
    assert str(tmp_path) in found["engine"].seen
    assert "emulab setup" in found["engine"].fix
    assert found["python"].health is Health.OK
    assert str(tmp_path / "cache") in found["cache"].seen
    assert "leftovers" not in found
    assert not (tmp_path / "cache").exists()


def test_absent_mmdebstrap_is_a_warning_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "apt-get").write_text("")
    (tmp_path / "apt-get").chmod(0o755)
    check = checks._mmdebstrap(_host(str(tmp_path)))
    assert check.health is Health.WARN
    assert "emulab setup" in check.fix


def test_go_that_does_not_work_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert checks._go().health is Health.OK
    (tmp_path / "go").write_text("#!/bin/sh\nexit 3\n")
    (tmp_path / "go").chmod(0o755)
    broken = checks._go()
    assert broken.health is Health.WARN
    assert str(tmp_path / "go") in broken.seen


@pytest.mark.parametrize(
    ("info", "health"),
    [
        ({"Driver": "overlay2", "CgroupVersion": "2"}, Health.OK),
        ({"Driver": "vfs", "CgroupVersion": "1"}, Health.WARN),
    ],
)
def test_storage_driver_that_copies_everything_is_a_warning(info: dict[str, str], health: Health) -> None:
    assert checks._storage(info).health is health


def test_limit_that_the_engine_lacks_is_named() -> None:
    check = checks._limits({"MemoryLimit": False, "CpuCfsQuota": True, "PidsLimit": False})
    assert check.health is Health.WARN
    assert "no memory and no process limit" in check.seen
    assert checks._limits({"MemoryLimit": True}).health is Health.OK


def test_full_disk_stops_runs_and_a_small_one_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(checks, "_SPACE_TO_RUN", 1 << 60)
    assert checks._space("disk", tmp_path).health is Health.MISSING
    monkeypatch.setattr(checks, "_SPACE_TO_RUN", 0)
    monkeypatch.setattr(checks, "_SPACE_TO_BUILD", 1 << 60)
    assert checks._space("disk", tmp_path).health is Health.WARN
    monkeypatch.setattr(checks, "_SPACE_TO_BUILD", 0)
    assert checks._space("disk", tmp_path).health is Health.OK
