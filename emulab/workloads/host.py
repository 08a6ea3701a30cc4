"""The host, as far as figures under emulation depend on it."""

from __future__ import annotations

import contextlib
import os
import platform
from pathlib import Path
from typing import Any


def host_facts() -> dict[str, Any]:
    """Return what figures under emulation depend on: this host's processor and system."""
    model = ""
    with contextlib.suppress(OSError), Path("/proc/cpuinfo").open() as lines:
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return {
        # Python asks a program for it where it does not know.
        "cpu": model or platform.processor(),
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
    }
