"""Every kernel boots on QEMU virt to user space, as what its image says it is."""

from __future__ import annotations

import io
import json
import re
import tarfile
from typing import TYPE_CHECKING

import pytest

from emulab.architectures import ARCHITECTURES
from emulab.images import ImageName
from emulab.machines.initramfs import Entry, archive, directory, file

if TYPE_CHECKING:
    import docker

    from emulab.images import Builder

KERNELS = [
    "kernel-4k-arm64", "kernel-4k-armv7", "kernel-4k-riscv64", "kernel-16k-arm64", "kernel-64k-arm64",
    "kernel-stock-arm64", "kernel-stock-armv7", "kernel-stock-riscv64",
]  # fmt: skip
CPU_MODELS = {"arm64": "cortex-a76", "armv7": "cortex-a15", "riscv64": "rv64"}

INIT = b"""#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
read up rest </proc/uptime
echo "up=$up"
echo "release=$(/bin/busybox uname -r)"
echo "page=$(/bin/busybox grep -m1 MMUPageSize /proc/self/smaps | /bin/busybox tr -dc 0-9)"
echo "smaps=$(/bin/busybox grep -c ^Rss /proc/self/smaps_rollup)"
echo "ports=$(/bin/busybox ls /sys/class/virtio-ports 2>/dev/null | /bin/busybox wc -w)"
/bin/busybox poweroff -f
"""


def boot(client: docker.DockerClient, builder: Builder, kernel: str) -> dict[str, str]:
    """Boot a kernel to a BusyBox script; returns what the script printed."""
    arch = ImageName.parse(kernel).architecture
    rootfs, system = f"rootfs-musl-{arch}", "qemu-system"
    images = builder.ensure([kernel, rootfs, system])
    facts = json.loads(builder.store.read(images[kernel].reference, "/kernel/facts.json"))
    busybox = builder.store.read(images[rootfs].reference, "/usr/bin/busybox")
    entries = [directory("dev"), Entry("dev/console", 0o020600, device=(5, 1)), directory("bin")]
    initramfs = archive([*entries, file("bin/busybox", busybox, 0o755), file("init", INIT, 0o755)])
    content = {"image": builder.store.read(images[kernel].reference, "/kernel/image"), "initramfs": initramfs}
    console = "ttyS0" if arch == "riscv64" else "ttyAMA0"
    machine = ",".join(["virt", *facts["machine_options"]])
    command = [
        f"qemu-system-{ARCHITECTURES[arch].qemu}", "-M", machine,
        "-cpu", CPU_MODELS[arch], "-m", "256", "-nodefaults", "-no-user-config",
        "-display", "none", "-no-reboot",
        "-serial", "stdio", "-kernel", "/image", "-initrd", "/initramfs",
        "-device", "virtio-serial-pci", "-chardev", "null,id=a",
        "-device", "virtserialport,chardev=a,name=test",
        "-append", f"console={console} quiet loglevel=0 rdinit=/init",
    ]  # fmt: skip
    container = client.containers.create(images[system].reference, command, network_mode="none")
    try:
        container.put_archive("/", tar_of(content))
        container.start()
        container.wait(timeout=120)
        output = container.logs().decode(errors="replace")
    finally:
        container.remove(force=True)
    found = dict(re.findall(r"^(\w+)=(\S*)\s*$", output, re.MULTILINE))
    assert found, output
    return found | {"facts": json.dumps(facts)}


def tar_of(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_kernel_boots_to_user_space_with_the_pages_that_its_facts_name(
    client: docker.DockerClient, builder: Builder, kernel: str
) -> None:
    found = boot(client, builder, kernel)
    facts = json.loads(found["facts"])
    print(f"{kernel}: user space after {found['up']} s, {found['release']}")
    assert found["release"] == facts["version"]
    assert int(found["page"]) * 1024 == facts["page_size"]
    assert found["smaps"] == "1"
    assert found["ports"] == "1"
    assert float(found["up"]) > 0
