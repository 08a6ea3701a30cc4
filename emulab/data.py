"""Where the data that ships with emulab lives: recipes and Dockerfiles."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def data_directory(name: str) -> Path:
    """Return the directory ``name`` (``images``, ``dockerfiles``), in a wheel or in a checkout."""
    shipped = _PACKAGE / "_data" / name
    return shipped if shipped.is_dir() else _PACKAGE.parent / name
