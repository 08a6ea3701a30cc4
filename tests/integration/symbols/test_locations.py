"""Functions and lines of addresses, of programs that Go really built."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import emulab.symbols
from emulab.architectures import ARCHITECTURES, architecture
from emulab.errors import InfrastructureError
from emulab.profiling.functions import find_functions
from emulab.progress import Silent
from emulab.symbols import find, locate
from emulab.toolchain.building import build
from emulab.toolchain.go import find_go
from emulab.toolchain.request import BuildRequest

PROGRAMS = Path(__file__).parents[2] / "programs"
SOURCES = Path(emulab.symbols.__file__).parent


@pytest.fixture
def stripped(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """The measured package's test binary, and the same without its symbol table."""
    go = find_go(None, Silent())
    wanted = architecture(request.param)
    plain = build(BuildRequest("./measured", PROGRAMS, wanted, test=True), go).path
    bare = build(BuildRequest("./measured", PROGRAMS, wanted, test=True, ldflags="-s -w"), go).path
    return plain, Path(shutil.copy(bare, tmp_path))


@pytest.mark.parametrize("stripped", list(ARCHITECTURES), indirect=True)
def test_addresses_are_located_by_gos_own_tables_stripped_or_not(stripped: tuple[Path, Path]) -> None:
    plain, bare = stripped
    name = "example.com/programs/measured.Count"
    function = find_functions(plain, [name]).functions[name]
    inside = function.address + len(function.code) // 2 & ~3
    source = (PROGRAMS / "measured" / "measured.go").read_text().splitlines()
    first = next(number for number, line in enumerate(source, 1) if line.startswith("func Count"))
    body = range(first, source.index("}", first) + 2)
    for program in (plain, bare):
        found = locate(program, [function.address, inside, 1], Silent())
        at_entry = found[function.address]
        assert (at_entry.function, at_entry.entry) == (name, function.address)
        assert at_entry.file.endswith("measured/measured.go")
        assert at_entry.line in body
        assert (found[inside].function, found[inside].entry) == (name, function.address)
        assert found[inside].line in body
        assert (found[1].function, found[1].line) == ("", 0)


def test_what_is_no_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("no program")
    with pytest.raises(InfrastructureError, match="can not be read"):
        locate(path, [0], Silent())


def test_the_reader_is_formatted_and_vetted() -> None:
    go = find_go(None, Silent()).command
    assert subprocess.check_output([go.parent / "gofmt", "-l", SOURCES], text=True) == ""
    done = subprocess.run([go, "vet", "./..."], cwd=SOURCES, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("stripped", list(ARCHITECTURES), indirect=True)
def test_functions_are_found_by_name_stripped_or_not(stripped: tuple[Path, Path]) -> None:
    plain, bare = stripped
    names = ["runtime.schedinit", "main.main", "no.such.function"]
    known = find_functions(plain, names[:2]).functions
    for program in (plain, bare):
        found = find(program, names, Silent())
        assert {name: where.entry for name, where in found.items()} == {
            name: function.address for name, function in known.items()
        }
