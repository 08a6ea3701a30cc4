"""What a container of emulab's can not do, seen from inside it."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from emulab.engine.ownership import LABEL_OWNER, LABEL_ROLE, LABEL_RUN

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulab.engine import Container, Engine

    Shell = Callable[[Container, str], str]
    Starter = Callable[..., Container]

MEBIBYTE = 1 << 20


@pytest.fixture
def container(start: Starter) -> Container:
    return start(memory=64 * MEBIBYTE, cpus=0.5, tmpfs={"/work": 8 * MEBIBYTE})


def test_only_the_loopback_is_there(container: Container, shell_output: Shell) -> None:
    assert shell_output(container, "ls /sys/class/net").split() == ["lo"]
    # No route either: what is sent anywhere else is refused at once.
    assert shell_output(container, "cat /proc/net/route").count("\n") == 1


def test_no_socket_and_no_path_of_the_host_is_mounted(container: Container, shell_output: Shell) -> None:
    assert shell_output(container, "find / -xdev -type s; find /run /var/run -name '*.sock'") == ""
    mounts = [line.split() for line in shell_output(container, "cat /proc/self/mountinfo").splitlines()]
    # The engine's own three files are all that comes from a disk of the host.
    from_disks = {row[4] for row in mounts if row[row.index("-") + 2].startswith("/dev/")}
    assert from_disks <= {"/etc/resolv.conf", "/etc/hostname", "/etc/hosts"}


def test_the_root_can_not_be_written_and_its_tmpfs_can(container: Container, shell_output: Shell) -> None:
    assert "Read-only file system" in shell_output(container, "touch /here /usr/bin/here")
    script = "printf '#!/bin/sh\\necho it runs' >/work/program; chmod +x /work/program; /work/program"
    assert shell_output(container, script) == "it runs\n"


def test_a_tmpfs_has_no_more_space_than_was_given(container: Container, shell_output: Shell) -> None:
    said = shell_output(container, "head -c 16M /dev/zero >/work/large; stat -c %s /work/large")
    assert "No space left on device" in said
    assert int(said.split()[-1]) == 8 * MEBIBYTE


def test_no_process_gains_privileges(container: Container, shell_output: Shell) -> None:
    status = shell_output(container, "cat /proc/self/status")
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
    capabilities = re.search(r"^CapBnd:\s+([0-9a-f]+)$", status, re.MULTILINE)
    assert capabilities is not None
    sys_admin = 1 << 21
    assert not int(capabilities[1], 16) & sys_admin


def test_memory_beyond_the_limit_is_not_had(container: Container, shell_output: Shell) -> None:
    # What tail keeps of an endless line is all of it.
    assert shell_output(container, "head -c 16M /dev/zero | tail | wc -c").strip() == str(16 * MEBIBYTE)
    said = shell_output(container, "head -c 256M /dev/zero | tail | wc -c")
    assert "Killed" in said
    assert str(256 * MEBIBYTE) not in said


def test_processors_beyond_the_limit_are_not_had(container: Container, shell_output: Shell) -> None:
    script = "timeout 2 sh -c 'while :; do :; done'; cat /proc/self/stat >/dev/null; times"
    began = time.monotonic()
    said = shell_output(container, script)
    wall = time.monotonic() - began
    minutes, seconds = re.findall(r"(\d+)m([\d.]+)s", said)[2]
    used = int(minutes) * 60 + float(seconds)
    assert used < 0.75 * wall, said


def test_more_processes_than_the_limit_are_not_had(container: Container, engine: Engine) -> None:
    limit = engine.client.api.inspect_container(container.id)["HostConfig"]["PidsLimit"]
    assert 0 < limit <= 4096


def test_its_labels_say_whose_it_is(container: Container, engine: Engine) -> None:
    labels = engine.client.api.inspect_container(container.id)["Config"]["Labels"]
    assert labels[LABEL_OWNER] == str(engine.owner)
    assert labels[LABEL_RUN] == engine.run
    assert labels[LABEL_ROLE] == "test"


def test_a_closed_container_is_gone(container: Container, engine: Engine) -> None:
    container.close()
    deadline = time.monotonic() + 10
    listed = ["it"]
    while listed and time.monotonic() < deadline:
        listed = engine.client.api.containers(all=True, filters={"id": container.id})
    assert listed == []
    container.close()  # once more is fine
    assert container.state() == "the container is gone"
