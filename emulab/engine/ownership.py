"""The labels of everything started on an engine; the owner's lets a later call sweep what a dead one left."""

from __future__ import annotations

import uuid

from emulab.owner import Owner

__all__ = ["LABEL_OWNER", "LABEL_ROLE", "LABEL_RUN", "LABEL_VERSION", "Owner", "new_run_id"]

LABEL_OWNER = "org.emulab.owner"
LABEL_RUN = "org.emulab.run"
LABEL_ROLE = "org.emulab.role"
LABEL_VERSION = "org.emulab.version"


def new_run_id() -> str:
    """Return a fresh name for one run."""
    return uuid.uuid4().hex[:16]
