"""Setup, doctor and clean on a real engine of the tests' own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest

from emulab.engine import Owner, connect
from emulab.engine.ownership import LABEL_OWNER, LABEL_ROLE
from emulab.engine.volumes import ensure_volume

if TYPE_CHECKING:
    from emulab.engine import Engine

_IMAGE = "emulab/test:0123456789ab"


def _emulab(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "emulab", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _dead_owner() -> Owner:
    """Return a process that has ended."""
    with subprocess.Popen(["true"]) as child:
        pid = child.pid
    return Owner(Owner.current().host, pid, "1")


def _container(engine: Engine, owner: Owner) -> str:
    """Make a container that looks like a run's, without starting it."""
    labels = {LABEL_OWNER: str(owner), LABEL_ROLE: "run"}
    return str(engine.client.api.create_container(_IMAGE, command=["x"], labels=labels)["Id"])


@pytest.fixture
def engine(private_engine: str) -> Engine:
    """The private engine with one small image of emulab's."""
    engine = connect()
    assert engine.address == private_engine
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        info = tarfile.TarInfo("file")
        info.size = 1 << 20
        tar.addfile(info, io.BytesIO(os.urandom(info.size)))
    _import(engine, content.getvalue(), _IMAGE, ["LABEL org.emulab.image=test"])
    return engine


def _import(engine: Engine, content: bytes, reference: str, changes: list[str]) -> None:
    repository, tag = reference.split(":")
    engine.client.api.import_image_from_data(content, repository=repository, tag=tag, changes=changes)


def test_setup_finds_the_engine_and_changes_nothing(private_engine: str) -> None:
    done = _emulab("setup", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["engine"]["address"] == private_engine
    assert document["done"] == []


def test_doctor_sees_what_a_dead_run_left_and_clean_removes_just_that(engine: Engine) -> None:
    dead, living = _container(engine, _dead_owner()), _container(engine, Owner.current())
    ensure_volume(engine, "emulab-whole", "tools", lambda name: {"complete": True})

    def dies(name: str) -> dict[str, object]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ensure_volume(engine, "emulab-half", "tools", dies)

    seen = _emulab("doctor", "--json")
    assert seen.returncode == 0, seen.stdout
    checks = {check["name"]: check for check in json.loads(seen.stdout)["checks"]}
    assert checks["images"]["seen"].startswith("1 built")
    assert checks["leftovers"]["health"] == "warn"
    assert "1 container, 1 volume" in checks["leftovers"]["seen"]

    done = _emulab("clean", "--json")
    assert done.returncode == 0, done.stderr
    removed = {row["name"] for row in json.loads(done.stdout)["removed"] if row["kind"] != "binfmt entry"}
    assert removed == {dead[:12], "emulab-half"}
    assert [row["Id"] for row in engine.client.api.containers(all=True)] == [living]
    assert [row["Name"] for row in engine.client.api.volumes()["Volumes"]] == ["emulab-whole"]
    again = _emulab("doctor", "--json")
    assert {row["name"]: row for row in json.loads(again.stdout)["checks"]}["leftovers"]["health"] == "ok"


def test_clean_of_everything_leaves_nothing_and_says_what_it_freed(engine: Engine) -> None:
    _container(engine, Owner.current())
    ensure_volume(engine, "emulab-whole", "tools", lambda name: {"complete": True})
    engine.client.api.create_volume("somebody-elses")
    _import(engine, b"\0" * 10240, "somebody/elses:1", [])
    _import(engine, b"\0" * 10240, "emulab/nameless:1", ["LABEL org.emulab.image=nameless"])
    _import(engine, b"\0" * 10240, "emulab/nameless:1", ["LABEL org.emulab.image=another"])
    assert len(engine.client.api.images()) == 4
    done = _emulab("clean", "--all", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["freed"] >= 1 << 20
    assert {(row["kind"]) for row in document["removed"]} >= {"container", "volume", "image"}
    assert engine.client.api.containers(all=True) == []
    assert [row["RepoTags"] for row in engine.client.api.images()] == [["somebody/elses:1"]]
    assert [row["Name"] for row in engine.client.api.volumes()["Volumes"]] == ["somebody-elses"]
    # The record of the volume went with it: it is made again, not believed to exist.
    assert ensure_volume(engine, "emulab-whole", "tools", lambda name: {"made": "again"}) == {"made": "again"}


def test_image_in_use_stays_and_clean_says_so(engine: Engine) -> None:
    container = engine.client.api.create_container(_IMAGE, command=["x"])
    done = _emulab("clean", "--cache", "--yes")
    assert done.returncode == 3
    assert f"image {_IMAGE} could not be removed" in done.stderr
    engine.client.api.remove_container(container["Id"])


def test_no_engine_at_the_address_given_is_said_and_nothing_is_installed(
    private_engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"{private_engine}-not")
    done = _emulab("setup", "--yes")
    assert done.returncode == 3
    assert "DOCKER_HOST" in done.stderr
    assert "install " not in done.stderr
    looked = _emulab("doctor")
    assert looked.returncode == 3
    assert "Nothing can run" in looked.stdout
