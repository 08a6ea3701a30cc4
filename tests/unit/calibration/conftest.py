from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulab.calibration.files import load

if TYPE_CHECKING:
    from emulab.calibration.schema import Record


@pytest.fixture(scope="session")
def records() -> list[Record]:
    """Every session that ships."""
    return load()
