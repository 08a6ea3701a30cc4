from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from emulab.errors import ImageError, NoSpaceError
from emulab.images.buildlog import BuildLog

if TYPE_CHECKING:
    from types import TracebackType


class Shown:
    """A step that remembers what it was told."""

    def __init__(self) -> None:
        self.updates: list[tuple[str, float | None, float | None]] = []

    def update(self, text: str, *, done: float | None = None, total: float | None = None) -> None:
        self.updates.append((text, done, total))

    def __enter__(self) -> Shown:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


def log_of(*texts: str, **more: Any) -> tuple[BuildLog, Shown]:
    shown = Shown()
    log = BuildLog("thing", shown)
    for text in texts:
        log.feed({"stream": text})
    if more:
        log.feed(more)
    return log, shown


@pytest.mark.parametrize(
    ("line", "update"),
    [
        ("Step 3/8 : RUN make", ("RUN make", 2.0, 8.0)),
        ("[12/388] Compiling C object libq.a.p/cpu.c.o", ("compiling libq.a.p/cpu.c.o", 12.0, 388.0)),
        ("  CC      net/ipv4/tcp.o", ("compiling net/ipv4/tcp.o", None, None)),
        (
            "Get:5 http://mirror/debian trixie/main arm64 libc6 arm64 2.41 [2489 kB]",
            ("installing libc6", None, None),
        ),
        ("Unpacking gcc (4:14.2.0-1) ...", ("installing gcc", None, None)),
        ("Setting up libc6:amd64 (2.41) ...", ("installing libc6", None, None)),
    ],
)
def test_a_line_of_a_build_says_what_is_happening(
    line: str, update: tuple[str, float | None, float | None]
) -> None:
    assert log_of(f"{line}\n")[1].updates == [update]


def test_an_index_that_apt_reads_is_no_package() -> None:
    assert log_of("Get:1 http://mirror/debian trixie InRelease [140 kB]\n")[1].updates == []


def test_a_line_may_come_in_pieces_and_in_colour() -> None:
    _, shown = log_of("\x1b[91m[1/2] Comp", "iling C object a.c.o\x1b[0m", "\n")
    assert shown.updates == [("compiling a.c.o", 1.0, 2.0)]


def test_a_build_with_an_image_has_not_failed() -> None:
    log, _ = log_of("fine\n", aux={"ID": "sha256:1"})
    assert log.failure() is None
    assert log.image_id == "sha256:1"


def test_an_engine_that_says_the_image_only_in_words_is_understood() -> None:
    log, _ = log_of("Successfully built 0123456789ab\n")
    assert log.failure() is None
    assert log.image_id == "0123456789ab"


def test_an_image_of_an_earlier_stage_does_not_hide_a_failure() -> None:
    log, _ = log_of(aux={"ID": "sha256:1"})
    log.feed({"error": "boom"})
    assert isinstance(log.failure(), ImageError)


def test_a_failed_step_is_told_with_its_command_cut_short_and_the_last_thirty_lines() -> None:
    texts = [f"line {number}\n" for number in range(50)]
    command = "/bin/sh -c " + "x" * 200
    log, _ = log_of(*texts, error=f"The command '{command}' returned a non-zero code: 2")
    failure = log.failure()
    assert isinstance(failure, ImageError)
    assert "thing" in failure.message
    assert "status 2" in failure.message
    assert len(failure.message) < 150
    assert "line 49" in failure.detail
    assert "line 19" not in failure.detail
    assert "line 20" in failure.detail


@pytest.mark.parametrize(
    "line",
    [
        "cc1: fatal error: error writing to /tmp/x: No space left on device",
        "E: You don't have enough free space in /var/cache/apt/archives/.",
    ],
)
def test_a_full_disk_is_said(line: str) -> None:
    assert isinstance(log_of(f"{line}\n", error="status 1")[0].failure(), NoSpaceError)


@pytest.mark.parametrize(
    "line",
    [
        "W: Failed to fetch http://mirror/dists/trixie/InRelease  Temporary failure resolving 'mirror'",
        "Err:1 http://mirror trixie InRelease  Could not connect to mirror:80, connection timed out",
        "E: the Debian mirror http://mirror does not give a whole index of trixie",
    ],
)
def test_a_mirror_out_of_reach_is_said_with_the_setting_that_names_another(line: str) -> None:
    failure = log_of(f"{line}\n", error="status 100")[0].failure("http://mirror")
    assert isinstance(failure, ImageError)
    assert "http://mirror" in failure.message
    assert "EMULAB_DEBIAN_MIRROR" in failure.hint
