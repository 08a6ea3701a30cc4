from __future__ import annotations

import io
import shutil
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulab.errors import UsageError
from emulab.inspection.offers import offer_from_json, read_offer
from emulab.inspection.program import read_program
from emulab.inspection.relocations import relocation_bytes
from emulab.inspection.sizes import sizes_by_use, stripped_saving, use_of

if TYPE_CHECKING:
    from collections.abc import Callable

TRUE = Path(shutil.which("true") or "/bin/true").resolve()
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads this machine's own Linux programs")


def test_a_pure_go_program_is_static_and_tells_its_level(go_program: Callable[..., Path]) -> None:
    program = read_program(go_program(GOARCH="arm64", GOARM64="v8.1"))
    assert program.linkage == "static"
    assert program.has_c is False
    assert [level.setting for level in program.subject.levels] == ["GOARM64=v8.1"]
    document = program.to_json()
    assert document["go"]["settings"]["GOARM64"] == "v8.1"
    assert document["bytes"] == program.path.stat().st_size


def test_what_stripping_saves_is_what_the_linker_leaves_out(go_program: Callable[..., Path]) -> None:
    whole, stripped = (go_program(*words, GOARCH="arm64") for words in ((), ("-ldflags=-s -w",)))
    saving = stripped_saving(read_program(whole).subject.facts)
    assert whole.stat().st_size - stripped.stat().st_size == pytest.approx(saving, rel=0.01)
    assert stripped_saving(read_program(stripped).subject.facts) == 0


def test_what_pie_costs_is_near_to_the_relocations_of_a_pie(go_program: Callable[..., Path]) -> None:
    plain, pie = (go_program(f"-buildmode={mode}", GOARCH="arm64") for mode in ("exe", "pie"))
    assert read_program(pie).linkage == "dynamic PIE"
    real = relocation_bytes(pie, pie=True)
    assert real > 10_000
    assert relocation_bytes(plain, pie=False) == pytest.approx(real, rel=0.05)


def test_every_section_of_a_go_program_has_a_use(go_program: Callable[..., Path]) -> None:
    for words in ((), ("-buildmode=pie",)):
        facts = read_program(go_program(*words, GOARCH="arm64")).subject.facts
        assert [name for name, _ in facts.sections if use_of(name) == "other"] == [".shstrtab"]
        uses = sizes_by_use(facts)
        assert uses["code"] == facts.section_size(".text") + facts.section_size(".plt")
        assert list(uses.values()) == sorted(uses.values(), reverse=True)


@ON_LINUX
def test_a_dynamic_program_of_this_machine_names_what_it_imports() -> None:
    program = read_program(TRUE)
    if not program.subject.facts.dynamic:
        pytest.skip("this machine's programs are static")
    linking = program.subject.linking
    assert any(name.startswith("libc") for name in linking.needed)
    assert {"__libc_start_main"} & {each.name for each in linking.imports}
    assert not set(linking.exports) & {each.name for each in linking.imports}
    assert program.has_c is None


@ON_LINUX
def test_an_offer_is_read_from_a_tar_archive_of_a_root_filesystem() -> None:
    interpreter = read_program(TRUE).subject.facts.interpreter
    if interpreter is None:
        pytest.skip("this machine's programs are static")
    content = Path(interpreter).resolve().read_bytes()
    name = Path(interpreter).name
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path, target in (("./lib", "usr/lib"), ("./usr/lib/libalias.so.9", name)):
            link = tarfile.TarInfo(path)
            link.type, link.linkname = tarfile.SYMTYPE, target
            archive.addfile(link)
        for path, data in ((f"./usr/lib/{name}", content), ("./usr/lib/os-release", b"NAME=x\n")):
            member = tarfile.TarInfo(path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    stream.seek(0)
    offer = read_offer("rootfs-test", "glibc", "arm64", stream)
    assert offer.has_interpreter(f"/lib/{name}")
    assert offer.library("/lib/libalias.so.9") is offer.library(f"/usr/lib/{name}")
    assert offer.library("/usr/lib/os-release") is None
    assert offer_from_json(offer.to_json()) == offer


def test_what_is_no_elf_file_or_is_cut_short_is_refused(
    tmp_path: Path, go_program: Callable[..., Path]
) -> None:
    text = tmp_path / "text"
    text.write_text("hello")
    cut = tmp_path / "cut"
    cut.write_bytes(go_program(GOARCH="arm64").read_bytes()[:100_000])
    for path in (text, cut, tmp_path / "none"):
        with pytest.raises(UsageError, match=str(path)):
            read_program(path)
