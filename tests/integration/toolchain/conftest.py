from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "network: needs a package index or the Go module proxy")


@pytest.fixture(scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory for emulab's cache that starts empty; Go's own build cache stays the user's."""
    return tmp_path_factory.mktemp("emulab-cache")


@pytest.fixture
def cache_directory(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EMULAB_CACHE_DIR", str(own_cache))
    return own_cache


@pytest.fixture
def path_without_go(monkeypatch: pytest.MonkeyPatch) -> str:
    places = [place for place in os.environ["PATH"].split(os.pathsep) if not os.path.exists(f"{place}/go")]
    monkeypatch.setenv("PATH", os.pathsep.join(places))
    return os.pathsep.join(places)
