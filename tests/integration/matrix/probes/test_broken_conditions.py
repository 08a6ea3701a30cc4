"""A probe fails where what it tests is broken, and says that it is missing where it was taken away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest

from emulab.machines.opening import Opener
from emulab.machines.protocol import SEARCH_PATH, Command
from emulab.matrix.probes.programs import Programs
from emulab.matrix.probes.runner import DIRECTORY, look
from emulab.matrix.probes.table import load_probes
from emulab.matrix.probes.verdicts import Sighting
from emulab.progress import Silent
from emulab.testing.request import TestRequest
from emulab.toolchain.artifact import Artifact
from emulab.toolchain.go import find_go

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TABLE = load_probes()

# What a shell does to the machine, the probe, what it must say, and a word of its reason. In this order, on
# one machine: what was broken stays so.
_BROKEN = (
    (":", "user", "pass", "root"),
    ("cp /etc/passwd /tmp/passwd; : >/tmp/none; mount -o bind /tmp/none /etc/passwd", "user", "fail", "root"),
    ("umount /etc/passwd", "user", "pass", "root"),
    (":", "resolve-go", "pass", "localhost"),
    ("mount -o bind /tmp/none /etc/hosts", "resolve-go", "fail", "localhost"),
    ("mount -o bind /tmp/none /etc/ssl/certs/ca-certificates.crt", "tls-roots", "fail", "no certificate"),
    ("mount -t tmpfs none /etc/ssl", "tls-roots", "missing", "no file of roots"),
    (":", "random-devices", "pass", "different"),
    ("rm /dev/urandom; echo 0123456789012345678901234567890123456789 >/dev/urandom", "random-devices", "fail",
     "no device"),
    ("rm /dev/urandom", "random-devices", "missing", "/dev/urandom"),
    ("echo never >/sys/kernel/mm/transparent_hugepage/enabled", "huge-pages-transparent", "missing", "off"),
    (":", "ipv6", "pass", "::1"),
    ("echo 1 >/proc/sys/net/ipv6/conf/lo/disable_ipv6", "ipv6", "unsupported", "disable_ipv6"),
    (":", "location", "missing", "Berlin"),
    (":", "dial-listen", "pass", "TCP"),
    ("ip link set lo down", "dial-listen", "fail", ""),
    ("ip addr del 127.0.0.1/8 dev lo", "netlink", "fail", "127.0.0.1/8"),
    ("mv /usr/bin/sort /usr/bin/sort-away", "exec-shell", "fail", ""),
)  # fmt: skip


@pytest.fixture(scope="module")
def seen() -> Iterator[Callable[[str, str], Sighting]]:
    """Runs a line of shell on a machine of the module's own, and then a probe."""
    request = TestRequest((), Path(), architectures=("arm64",), libcs=("musl",), modes=("system",))
    target = request.places()[0].target
    programs = Programs(_TABLE.program, find_go(None, Silent()), Silent())
    pure = programs.built("pure", target)
    assert isinstance(pure, Artifact)
    with Opener(Silent()) as opener:
        opener.prepare([target])
        with opener.open(target) as machine:
            machine.push(pure.path, f"{DIRECTORY}/pure")
            machine.push(_berlin(), "/tmp/Berlin")

            def see(line: str, name: str) -> Sighting:
                done = machine.run(Command(("/bin/sh", "-c", line), {"PATH": SEARCH_PATH}))
                assert done.succeeded, done.stderr
                (probe,) = _TABLE.chosen([name])
                found = look(machine, probe, target)
                assert isinstance(found, Sighting)
                return found

            yield see


def _berlin() -> bytes:
    """Return the time zone as Go brings it along."""
    root = find_go(None, Silent()).root
    return ZipFile(root / "lib" / "time" / "zoneinfo.zip").read("Europe/Berlin")


def test_what_is_broken_fails_and_what_is_gone_is_missing(seen: Callable[[str, str], Sighting]) -> None:
    for line, name, word, part in _BROKEN:
        found = seen(line, name)
        assert (found.word, part in found.saw) == (word, True), (line, name, found)


def test_time_zones_that_are_there_are_found(seen: Callable[[str, str], Sighting]) -> None:
    line = "mkdir -p /usr/share/zoneinfo/Europe && cp /tmp/Berlin /usr/share/zoneinfo/Europe/"
    assert seen(line, "location").word == "pass"
