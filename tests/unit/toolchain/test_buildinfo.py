from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from emulab.toolchain.buildinfo import GoModule, parse_build_info

SENTINEL = bytes(range(16))


def varint(value: int) -> bytes:
    parts = []
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def build_info(version: str, lines: str, *, flags: int = 2) -> bytes:
    header = (b"\xff Go buildinf:" + bytes([8, flags])).ljust(32, b"\0")
    information = SENTINEL + lines.encode() + SENTINEL if lines else b""
    return header + varint(len(version)) + version.encode() + varint(len(information)) + information


LINES = (
    "path\texample.com/cmd/thing\n"
    "mod\texample.com\tv1.2.3\th1:abc=\n"
    "dep\tgithub.com/a/b\tv0.1.0\th1:x=\n"
    "dep\tgithub.com/c/d\tv0.2.0\n"
    "=>\t../d\t(devel)\t\n"
    "build\t-compiler=gc\n"
    'build\t-ldflags="-s -w \\"quoted\\""\n'
    "build\tGOARM=7\n"
)


def test_all_kinds_of_lines_are_read() -> None:
    found = parse_build_info(b"\0" * 48 + build_info("go1.24.11", LINES * 1))
    assert found is not None
    assert found.version == "go1.24.11"
    assert found.path == "example.com/cmd/thing"
    assert found.module == GoModule("example.com", "v1.2.3")
    assert found.dependencies == (
        GoModule("github.com/a/b", "v0.1.0"),
        GoModule("github.com/c/d", "v0.2.0", "../d (devel)"),
    )
    assert found.setting("GOARM") == "7"
    assert found.setting("-ldflags") == '-s -w "quoted"'
    assert found.setting("GOARM64") == ""


def test_a_long_module_list_has_a_length_of_several_bytes() -> None:
    many = "".join(f"dep\texample.com/m{i}\tv1.0.{i}\n" for i in range(500))
    found = parse_build_info(build_info("go1.26.0", "path\tx\n" + many))
    assert found is not None
    assert len(found.dependencies) == 500


def test_a_program_without_modules_still_tells_its_version() -> None:
    found = parse_build_info(build_info("go1.26.0", ""))
    assert found is not None
    assert (found.version, found.module, found.settings) == ("go1.26.0", None, ())


def test_the_layout_of_go_before_1_18_and_a_magic_off_its_alignment_are_no_information() -> None:
    assert parse_build_info(build_info("go1.17", LINES, flags=0)) is None
    assert parse_build_info(b"x" + build_info("go1.24", LINES)) is None
    assert parse_build_info(b"") is None


@given(st.binary(max_size=300), st.integers(0, 400))
def test_damage_never_raises(noise: bytes, cut: int) -> None:
    whole = build_info("go1.24.11", LINES)
    parse_build_info(whole[:cut])
    parse_build_info(whole[:32] + noise)
    parse_build_info(noise + whole)
