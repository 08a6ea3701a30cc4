"""Where the base image comes from: Debian's official image, or a root file system made on this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final

from emulab.cache import out_of_space_is_said, scratch
from emulab.errors import EngineError, ImageError
from emulab.images.mirror import SETTING, SUITE, chosen_mirror, suite_names
from emulab.images.store import LABEL_IMAGE

if TYPE_CHECKING:
    from emulab.images.store import ImageStore
    from emulab.progress import Step

OFFICIAL: Final = ("debian", f"{SUITE}-slim")
MADE: Final = f"emulab/base-origin:{SUITE}"

_REGISTRY_TIMEOUT_S = 4.0
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def ensure_origin(store: ImageStore, step: Step) -> tuple[str, str]:
    """Return a Debian image of the engine's architecture, and the mirror to install from ("": its own).

    The official image is taken where a registry answers at once; else one is made with mmdebstrap.

    :raises ImageError: neither is possible; the message says what to do.
    """
    mirror = chosen_mirror()
    official = ":".join(OFFICIAL)
    for reference in (official, MADE):
        if store.find(reference) is not None:
            return reference, mirror
    step.update("asking the registry for Debian's image")
    if store.registry_has(official, timeout_s=_REGISTRY_TIMEOUT_S):
        # A registry that names the image may still fail to hand it out.
        with contextlib.suppress(EngineError):
            for message in store.pull(*OFFICIAL):
                step.update(f"pulling {official}: {message.get('status', '')}")
        if store.find(official) is not None:
            return official, mirror
    make_origin(store, mirror, step)
    return MADE, mirror


def make_origin(store: ImageStore, mirror: str, step: Step) -> None:
    """Make a Debian image from a mirror with mmdebstrap on this machine.

    :raises ImageError: mmdebstrap is not installed or failed, or the mirror does not answer.
    :raises NoSpaceError: this machine's disk, or the engine's, is full.
    """
    program = shutil.which("mmdebstrap")
    if program is None:
        raise ImageError(
            f"no registry with {':'.join(OFFICIAL)} is in reach, and mmdebstrap, which makes a base image "
            "from a Debian mirror, is not installed",
            hint="run `emulab setup`, or load that image into the engine",
        )
    names = suite_names(mirror) if mirror else []
    if not names:
        raise ImageError(
            f"neither a registry nor a Debian mirror{f' ({mirror})' if mirror else ''} answers, "
            "so there is nothing to make a base image from",
            hint=f"connect the machine, or set {SETTING} to the address of a mirror that has {SUITE}",
        )
    with out_of_space_is_said(), scratch("base") as directory:
        archive = str(directory / "root.tar")
        command = [program, "--variant=apt", f"--architectures={store.architecture()}", SUITE, archive]
        signed = f"[signed-by={_KEYRING}] " if _KEYRING.exists() else ""
        failure = None
        for name in names:
            try:
                # One explicit line: the -updates and -security suites of a mirror can be stale.
                _run([*command, f"deb {signed}{mirror} {name} main"], mirror, step)
                break
            except ImageError as error:
                failure = failure or error
        else:
            assert failure is not None
            raise failure
        step.update("loading Debian into the engine")
        store.load_root(archive, MADE, {LABEL_IMAGE: "base-origin", "org.emulab.mirror": mirror})


def _run(argv: list[str], mirror: str, step: Step) -> None:
    lines: deque[str] = deque(maxlen=30)
    with subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        # When it fails or is interrupted, mmdebstrap hangs up on everything in its process group.
        process_group=0,
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                lines.append(line.rstrip())
                step.update(f"mmdebstrap: {line.strip().removeprefix('I: ')}")
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            raise
    if process.returncode != 0:
        raise ImageError(
            f"mmdebstrap could not make a base image from {mirror}",
            hint=f"set {SETTING} to another mirror",
            detail="\n".join(lines),
        )
