"""What all tests share."""

from __future__ import annotations

from hypothesis import settings

# A test's time depends on what else the machine does; nothing here may fail for that.
settings.register_profile("emulab", deadline=None)
settings.load_profile("emulab")
