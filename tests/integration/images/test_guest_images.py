"""Root filesystems and emulators: complete, nothing foreign in them, and working with each other."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from elftools.elf.elffile import ELFFile

from emulab.architectures import ARCHITECTURES
from emulab.images import ImageName, read_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import docker

    from emulab.images import Builder

ROOTS = [
    "rootfs-musl-arm64", "rootfs-musl-armv7", "rootfs-musl-riscv64",
    "rootfs-glibc-arm64", "rootfs-glibc-armv7", "rootfs-glibc-riscv64",
    "rootfs-glibc-old-arm64", "rootfs-glibc-old-armv7",
]  # fmt: skip
CPU_MODELS = {"arm64": "cortex-a76", "armv7": "cortex-a15", "riscv64": "sifive-u54"}
C_PROGRAM = '#include <stdio.h>\nint main(void) { puts("dynamic"); return 7; }\n'


PLUGIN = r"""
#include <stdio.h>
#include <inttypes.h>
#include <glib.h>
#include <qemu-plugin.h>

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;
static struct qemu_plugin_scoreboard *board;
static qemu_plugin_u64 count;
static size_t texts;

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    size_t n = qemu_plugin_tb_n_insns(tb);
    for (size_t i = 0; i < n; i++) {
        char *text = qemu_plugin_insn_disas(qemu_plugin_tb_get_insn(tb, i));
        texts += text && *text;
        g_free(text);
    }
    qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_ADD_U64, count, n);
}

static void end(qemu_plugin_id_t id, void *data)
{
    char line[99];
    snprintf(line, sizeof line, "counted %" PRIu64 " texts %zu\n", qemu_plugin_u64_sum(count), texts);
    qemu_plugin_outs(line);
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int n, char **v)
{
    board = qemu_plugin_scoreboard_new(sizeof(uint64_t));
    count = qemu_plugin_scoreboard_u64(board);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_atexit_cb(id, end, NULL);
    return 0;
}
"""


@dataclass(frozen=True)
class Ended:
    """How a container's program ended."""

    status: int
    output: str


def run(
    client: docker.DockerClient,
    image: str,
    command: Sequence[str],
    *,
    archives: Sequence[bytes] = (),
    timeout_s: float = 120,
    **options: Any,
) -> Ended:
    """Run a command in a container without a network, after unpacking archives at its root."""
    container = client.containers.create(
        image, entrypoint=command[0], command=list(command[1:]), network_mode="none", **options
    )
    try:
        for archive in archives:
            container.put_archive("/", archive)
        container.start()
        status = container.wait(timeout=timeout_s)["StatusCode"]
        return Ended(status, container.logs().decode(errors="replace"))
    finally:
        container.remove(force=True)


def tar_of(files: Mapping[str, bytes], mode: int = 0o755) -> bytes:
    """Return an archive of files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def tree_of(client: docker.DockerClient, image: str, path: str) -> bytes:
    """Return an archive of a directory of an image."""
    container = client.containers.create(image, ["-"])
    try:
        stream, _ = container.get_archive(path)
        return b"".join(stream)
    finally:
        container.remove(force=True)


def emulated(client: docker.DockerClient, builder: Builder, name: str, *command: str, **more: bytes) -> Ended:
    """Run a command of a root filesystem under the user-mode emulator, on a read-only root."""
    arch = ARCHITECTURES[ImageName.parse(name).architecture]
    images = builder.ensure([name, "qemu-user"])
    tools = tree_of(client, images["qemu-user"].reference, "/.emulab")
    emulator = [f"/.emulab/bin/qemu-{arch.qemu}", "-cpu", CPU_MODELS[arch.name]]
    return run(
        client,
        images[name].reference,
        [*emulator, *command],
        archives=[tools, *more.values()],
        platform=arch.platform,
        environment={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )


@pytest.fixture(scope="module", params=ROOTS)
def root(request: pytest.FixtureRequest, builder: Builder) -> str:
    name: str = request.param
    builder.ensure([name])
    return name


def members(builder: Builder, name: str) -> dict[str, tarfile.TarInfo]:
    stream = io.BytesIO()
    builder.store.copy_layer(builder.ensure([name])[name].reference, stream)
    stream.seek(0)
    with tarfile.open(fileobj=stream) as archive:
        return {member.name.removeprefix("./").rstrip("/"): member for member in archive}


def test_the_image_has_the_guests_platform(builder: Builder, root: str) -> None:
    image = builder.store.find(builder.ensure([root])[root].reference)
    assert image is not None
    expected = ARCHITECTURES[ImageName.parse(root).architecture].platform
    assert image.platform in (expected, f"{expected}/v8")


def test_mount_points_and_accounts_are_there(builder: Builder, root: str) -> None:
    found = members(builder, root)
    for directory in (".emulab", "work", "run", "tmp", "proc", "sys", "dev"):
        assert found[directory].isdir()
    assert found["tmp"].mode & 0o7777 == 0o1777
    for file in (
        "etc/passwd",
        "etc/group",
        "etc/hosts",
        "etc/nsswitch.conf",
        "etc/ssl/certs/ca-certificates.crt",
    ):
        assert found[file].size > 10
    for applet in ("sh", "ls", "uname", "mount", "ps", "wget"):
        assert any(f"usr/{place}/{applet}" in found for place in ("bin", "sbin"))


def test_every_program_and_library_is_the_guests(builder: Builder, root: str) -> None:
    expected = ARCHITECTURES[ImageName.parse(root).architecture].elf_machine
    stream = io.BytesIO()
    builder.store.copy_layer(builder.ensure([root])[root].reference, stream)
    stream.seek(0)
    machines = {}
    with tarfile.open(fileobj=stream) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None and content.read(4) == b"\x7fELF":
                content.seek(0)
                machines[member.name] = ELFFile(content)["e_machine"]
    assert len(machines) >= 2
    assert set(machines.values()) == {expected}


def test_nothing_of_glibc_is_in_a_musl_root(builder: Builder) -> None:
    for name in (each for each in ROOTS if "musl" in each):
        assert not [path for path in members(builder, name) if "ld-linux" in path or "libc.so.6" in path]


def test_the_c_library_is_the_promised_one(client: docker.DockerClient, builder: Builder, root: str) -> None:
    if "musl" in root:
        loader = next(path for path in members(builder, root) if path.startswith("usr/lib/ld-musl-"))
        assert "musl libc" in emulated(client, builder, root, f"/{loader}").output
    else:
        ended = emulated(client, builder, root, "/usr/bin/getconf", "GNU_LIBC_VERSION")
        assert ended.output.strip() == ("glibc 2.31" if "old" in root else "glibc 2.41")


def test_busybox_answers_to_its_names(client: docker.DockerClient, builder: Builder, root: str) -> None:
    machine = {"arm64": "aarch64", "armv7": "armv7l", "riscv64": "riscv64"}[
        ImageName.parse(root).architecture
    ]
    assert emulated(client, builder, root, "/bin/uname", "-m").output.strip() == machine
    ended = emulated(client, builder, root, "/bin/sh", "-c", "cd /work && echo $((6 * 7)) && exit 3")
    assert (ended.output.strip(), ended.status) == ("42", 3)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_program_that_is_dynamically_linked_against_musl_runs(
    client: docker.DockerClient, builder: Builder, arch: str
) -> None:
    compiler = builder.ensure([f"builder-{arch}"])[f"builder-{arch}"].reference
    script = f"echo '{C_PROGRAM}' >/a.c && musl-gcc -o /program /a.c"
    container = client.containers.create(compiler, ["sh", "-c", script], network_mode="none")
    try:
        container.start()
        assert container.wait()["StatusCode"] == 0, container.logs()
        stream, _ = container.get_archive("/program")
        program = b"".join(stream)
    finally:
        container.remove(force=True)
    with tarfile.open(fileobj=io.BytesIO(program)) as archive:
        member = archive.extractfile("program")
        assert member is not None
        segments = [s.header.p_type for s in ELFFile(io.BytesIO(member.read())).iter_segments()]
    assert "PT_INTERP" in segments
    ended = emulated(client, builder, f"rootfs-musl-{arch}", "/program", program=program)
    assert (ended.output.strip(), ended.status) == ("dynamic", 7)


@pytest.fixture(scope="module")
def plugin(client: docker.DockerClient, builder: Builder) -> bytes:
    """Compile a plugin against the header that the image carries; returns an archive with /plugin.so."""
    compiler = builder.ensure(["qemu-user-tools"])["qemu-user-tools"].reference
    header = read_file(builder, "qemu-user", "/.emulab/include/qemu-plugin.h")
    script = "gcc -shared -fPIC -O2 $(pkg-config --cflags glib-2.0) -I/ -o /plugin.so /plugin.c"
    container = client.containers.create(compiler, ["sh", "-c", script], network_mode="none")
    try:
        container.put_archive("/", tar_of({"plugin.c": PLUGIN.encode(), "qemu-plugin.h": header}))
        container.start()
        assert container.wait()["StatusCode"] == 0, container.logs().decode()
        stream, _ = container.get_archive("/plugin.so")
        return b"".join(stream)
    finally:
        container.remove(force=True)


@pytest.mark.parametrize("libc", ["musl", "glibc"])
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_plugin_counts_in_a_foreign_root_filesystem(
    client: docker.DockerClient, builder: Builder, plugin: bytes, arch: str, libc: str
) -> None:
    name = f"rootfs-{libc}-{arch}"
    images = builder.ensure([name, "qemu-user"])
    emulator = f"/.emulab/bin/qemu-{ARCHITECTURES[arch].qemu}"
    ended = run(
        client,
        images[name].reference,
        [emulator, "-plugin", "/plugin.so", "-d", "plugin", "/bin/busybox", "true"],
        archives=[tree_of(client, images["qemu-user"].reference, "/.emulab"), plugin],
        platform=ARCHITECTURES[arch].platform,
    )
    words = ended.output.split()
    assert ended.status == 0, ended.output
    assert int(words[words.index("counted") + 1]) > 1000
    assert int(words[words.index("texts") + 1]) > 100


def test_the_versions_of_all_that_is_in_the_image_are_on_its_label(builder: Builder) -> None:
    packages = builder.ensure(["qemu-user"])["qemu-user"].packages
    assert packages["qemu"].startswith("1:10.")
    assert {"libc6", "libcapstone5", "libglib2.0-0t64"} <= set(packages)
