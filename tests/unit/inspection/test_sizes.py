from __future__ import annotations

import pytest

from emulab.inspection.sizes import Piece, largest, package_of, sizes_by_package, use_of


@pytest.mark.parametrize(
    ("symbol", "package"),
    [
        ("main.main", "main"),
        ("crypto/sha256.(*digest).Write", "crypto/sha256"),
        ("example.com/a.b/c.T.Method-fm", "example.com/a.b/c"),
        ("slices.SortFunc[go.shape.*example.com/a.T]", "slices"),
        ("gopkg.in/yaml%2ev3.Unmarshal", "gopkg.in/yaml.v3"),
        ("type:.eq.[2]string", "(types)"),
        ("go:string.*", "(strings and constants)"),
        ("_rt0_arm64_linux", "(assembly)"),
        (".hidden", "(assembly)"),
    ],
)
def test_the_package_is_what_stands_before_the_symbol(symbol: str, package: str) -> None:
    assert package_of(symbol) == package


@pytest.mark.parametrize(
    ("section", "use"),
    [
        (".text", "code"),
        (".plt", "code"),
        (".gopclntab", "Go's tables"),
        (".data.rel.ro.gopclntab", "Go's tables"),
        (".data.rel.ro", "constants"),
        (".noptrbss", "zeroed data"),
        (".tbss", "zeroed data"),
        (".noptrdata", "data"),
        (".rela.dyn", "linking"),
        (".zdebug_line", "debugging"),
        (".strtab", "symbols"),
        (".mystery", "other"),
    ],
)
def test_sections_are_told_by_their_use(section: str, use: str) -> None:
    assert use_of(section) == use


def test_packages_come_largest_first_and_c_code_is_one_of_them() -> None:
    pieces = [
        Piece("code", 10, "a.F"),
        Piece("code", 30, "b.F"),
        Piece("data", 25, "a.v"),
        Piece("code", 5, "memset"),
    ]
    rows = sizes_by_package(pieces, has_c=True)
    assert [(row.package, row.code, row.data) for row in rows] == [
        ("a", 10, 25), ("b", 30, 0), ("(C and assembly)", 5, 0),
    ]  # fmt: skip
    assert sum(row.total for row in largest(rows, 1)) == 70
    assert largest(rows, 1)[1].package == "(2 more)"
    assert largest(rows, 3) == rows
