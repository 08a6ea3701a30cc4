from __future__ import annotations

import hashlib
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from emulab.architectures import ARCHITECTURES, ARM64, ARMV7, RISCV64, Architecture
from emulab.errors import ToolchainError, UsageError, WorkloadError
from emulab.toolchain.artifact import artifact_of_binary
from emulab.toolchain.fitness import require_runs_on

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES.keys())
def test_a_program_is_built_for_each_architecture_and_its_facts_say_so(
    sample: Any, architecture: Architecture
) -> None:
    artifact = sample.build(architecture=architecture, ldflags="-s -w")
    facts = artifact.facts
    assert artifact.name == "thing"
    assert (facts.architecture, facts.bits, facts.kind) == (
        architecture.name,
        architecture.word_bits,
        "program",
    )
    assert facts.stripped
    assert not facts.dynamic
    assert facts.go is not None
    assert facts.go.path == "example.com/sample/cmd/thing"
    assert facts.go.version == f"go{sample.go.toolchain.version}"
    assert facts.go.setting("CGO_ENABLED") == "0"
    assert artifact.sha256 == hashlib.sha256(artifact.path.read_bytes()).hexdigest()
    assert artifact.size == artifact.path.stat().st_size
    require_runs_on(facts, architecture, libc="musl", page_size=65536)
    again = artifact_of_binary(artifact.path)
    assert (again.facts, again.sha256) == (facts, artifact.sha256)


def test_the_second_build_starts_no_go_at_all_and_takes_milliseconds(sample: Any) -> None:
    first = sample.build()
    assert sample.go.starts()
    before = len(sample.go.starts())
    sample.go.forbid()
    assert not os.access(sample.go.toolchain.command, os.X_OK)
    seconds = []
    for _ in range(5):
        begun = time.perf_counter()
        assert sample.build() == first
        seconds.append(time.perf_counter() - begun)
    assert len(sample.go.starts()) == before
    assert min(seconds) < 0.03


EDITS = {
    "an edited file": lambda s: s.write(
        "inner/inner.go", 'package inner\n\nfunc Name() string { return "x" }\n'
    ),
    "a new file": lambda s: s.write("inner/more.go", 'package inner\n\nfunc init() { println("more") }\n'),
    "an edited embedded file": lambda s: s.write("cmd/thing/data/greeting.txt", "good day\n"),
    "a file that a constraint kept out": lambda s: s.write(
        "inner/other.go", 'package inner\n\nfunc init() { println("other") }\n'
    ),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_a_changed_source_is_built_anew_and_changed_back_found_again(sample: Any, edit: Any) -> None:
    first = sample.build()
    edit(sample)
    second = sample.build()
    assert second.sha256 != first.sha256
    (sample.root / "inner" / "more.go").unlink(missing_ok=True)
    for name, text in sample.sources.items():
        sample.write(name, text)
    compiled = sample.go.starts().count("build")
    assert sample.build() == first
    assert sample.go.starts().count("build") == compiled, "the program of these contents is in the cache"


def test_a_removed_file_is_noticed(sample: Any) -> None:
    sample.write("inner/more.go", 'package inner\n\nfunc init() { println("more") }\n')
    first = sample.build()
    (sample.root / "inner" / "more.go").unlink()
    assert sample.build().sha256 != first.sha256


def test_a_new_file_that_an_embed_pattern_matches_is_noticed(sample: Any) -> None:
    sample.write(
        "cmd/web/main.go",
        'package main\n\nimport "embed"\n\n//go:embed static *.tmpl\nvar files embed.FS\n\n'
        'func main() { entries, _ := files.ReadDir("static"); println(len(entries)) }\n',
    )
    sample.write("cmd/web/static/a.css", "a")
    sample.write("cmd/web/page.tmpl", "page")
    seen = {sample.build("./cmd/web").sha256}
    for name in ("static/b.css", "static/deep/c.css", "other.tmpl"):
        sample.write(f"cmd/web/{name}", name)
        seen.add(sample.build("./cmd/web").sha256)
    assert len(seen) == 4


def test_each_setting_is_a_program_of_its_own(sample: Any) -> None:
    settings: list[dict[str, Any]] = [
        {},
        {"ldflags": "-s -w"},
        {"ldflags": "-X main.version=2"},
        {"tags": ("other",)},
        {"buildmode": "pie"},
        {"goarm64": "v8.2"},
        {"architecture": RISCV64},
        {"architecture": RISCV64, "goriscv64": "rva22u64"},
        {"environment": (("GOEXPERIMENT", "nosynchashtriemap"),)},
    ]
    if sample.go.toolchain.version.split(".")[1] not in ("24", "25"):
        settings.pop()
    found = {sample.build(**each).sha256 for each in settings}
    assert len(found) == len(settings)


def test_a_position_independent_program_has_the_dynamic_linker_of_its_c_library(sample: Any) -> None:
    for libc, interpreter in (("musl", "/lib/ld-musl-aarch64.so.1"), ("glibc", "/lib/ld-linux-aarch64.so.1")):
        facts = sample.build(buildmode="pie", libc=libc).facts
        assert facts.pie
        assert facts.interpreter == interpreter
        assert facts.needed == ()
        require_runs_on(facts, ARM64, libc=libc)


def test_the_arm_level_is_in_the_facts(sample: Any) -> None:
    assert sample.build(architecture=ARMV7, goarm="6").facts.architecture == "armv6"
    assert sample.build(architecture=ARMV7, goarm="5").facts.architecture == "armv5"


def test_a_test_binary_is_built_from_the_packages_tests(sample: Any) -> None:
    artifact = sample.build("./inner", test=True)
    assert artifact.name == "inner.test"
    sample.write(
        "inner/inner_test.go", 'package inner\n\nimport "testing"\n\nfunc TestOther(t *testing.T) {}\n'
    )
    assert sample.build("./inner", test=True).sha256 != artifact.sha256
    with pytest.raises(UsageError, match="no tests"):
        sample.build("./cmd/thing", test=True)


def test_two_places_give_the_same_bytes(sample: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = sample.build()
    sample.root.rename(tmp_path / "clone")
    sample.root = tmp_path / "clone"
    monkeypatch.setenv("EMULAB_CACHE_DIR", str(tmp_path / "another-cache"))
    second = sample.build()
    assert second.path != first.path
    assert second.sha256 == first.sha256


@pytest.mark.parametrize(
    ("package", "words", "hint"),
    [
        ("./none", "no directory", "./cmd/thing"),
        ("/none/at/all", "no directory /none/at/all", "./cmd/thing"),
        ("./inner", "package inner, not a command", "example.com/sample/cmd/thing"),
        ("./docs", "no Go files", "directory with Go files"),
        ("./windows", "build constraints exclude all", "linux"),
        ("example.com/none", "example.com/none", "import path"),
        ("docs/readme.txt", "no Go file", "a .go file"),
        ("./...", "several packages", "example.com/sample/cmd/thing"),
    ],
)
def test_a_package_that_is_none_is_a_usage_error(sample: Any, package: str, words: str, hint: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        sample.build(package)
    assert hint in caught.value.hint
    assert caught.value.exit_status == 2


def test_what_does_not_compile_is_reported_in_the_compilers_words(sample: Any) -> None:
    with pytest.raises(WorkloadError, match=r"\./broken does not build for arm64") as caught:
        sample.build("./broken")
    assert "broken/main.go:3:15: undefined: undefinedName" in caught.value.detail
    assert caught.value.exit_status == 1


def test_a_module_that_can_not_be_fetched_is_the_networks_fault_and_a_missing_checksum_the_projects(
    sample: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample.write(
        "broken/main.go", 'package main\n\nimport "example.com/absent"\n\nfunc main() { absent.Do() }\n'
    )
    sample.write("go.mod", "module example.com/sample\n\ngo 1.22\n\nrequire example.com/absent v1.0.0\n")
    with pytest.raises(WorkloadError) as caught:
        sample.build("./broken")
    assert "missing go.sum entry" in caught.value.detail
    assert "go mod tidy" in caught.value.hint
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    monkeypatch.setenv("GOPROXY", "off")
    with pytest.raises(ToolchainError, match="modules can not be fetched") as missing:
        sample.build("./broken")
    assert "GOPROXY" in missing.value.hint


def test_a_module_for_a_newer_go_names_both_versions(sample: Any) -> None:
    sample.write("go.mod", "module example.com/sample\n\ngo 1.99\n")
    with pytest.raises(UsageError, match=r"wants Go 1\.99, and the chosen one is") as caught:
        sample.build()
    assert "--go 1.99" in caught.value.hint


def test_a_directory_outside_every_module_is_told_so(sample: Any) -> None:
    (sample.root / "go.mod").unlink()
    with pytest.raises(UsageError, match="is in no Go module"):
        sample.build("./broken")


def test_a_single_file_needs_no_module(sample: Any) -> None:
    (sample.root / "go.mod").unlink()
    sample.write("one.go", 'package main\n\nfunc main() { println("one") }\n')
    assert sample.build("one.go").name == "one"


def test_a_package_is_named_as_a_directory_with_or_without_a_dot_or_as_an_import_path(sample: Any) -> None:
    shas = {
        sample.build(package).sha256
        for package in (
            "./cmd/thing",
            "cmd/thing",
            str(sample.root / "cmd/thing"),
            "example.com/sample/cmd/thing",
        )
    }
    assert len(shas) == 1
    assert sample.build(".", directory=sample.root / "cmd/thing").sha256 in shas


def test_a_replaced_module_and_a_workspace_count_as_sources(sample: Any) -> None:
    sample.write("../lib/go.mod", "module example.com/lib\n\ngo 1.22\n")
    sample.write("../lib/lib.go", "package lib\n\nconst Number = 1\n")
    sample.write(
        "cmd/uses/main.go",
        'package main\n\nimport "example.com/lib"\n\nfunc main() { println(lib.Number) }\n',
    )
    requirement = "\nrequire example.com/lib v0.0.0\n"
    sample.write(
        "go.mod", f"module example.com/sample\n\ngo 1.22\n{requirement}replace example.com/lib => ../lib\n"
    )
    replaced = sample.build("./cmd/uses")
    sample.write("../lib/lib.go", "package lib\n\nconst Number = 2\n")
    edited = sample.build("./cmd/uses")
    assert edited.sha256 != replaced.sha256
    sample.write("../lib2/go.mod", "module example.com/lib\n\ngo 1.22\n")
    sample.write("../lib2/lib.go", "package lib\n\nconst Number = 3\n")
    sample.write("go.work", "go 1.22\n\nuse .\n\nreplace example.com/lib => ../lib2\n")
    assert sample.build("./cmd/uses").sha256 not in (replaced.sha256, edited.sha256), (
        "a new go.work is noticed"
    )


def test_a_vendored_package_counts_as_a_source(sample: Any) -> None:
    sample.write("vendor/example.com/lib/lib.go", "package lib\n\nconst Number = 1\n")
    sample.write("vendor/modules.txt", "# example.com/lib v1.0.0\n## explicit\nexample.com/lib\n")
    sample.write("go.mod", "module example.com/sample\n\ngo 1.22\n\nrequire example.com/lib v1.0.0\n")
    sample.write(
        "cmd/uses/main.go",
        'package main\n\nimport "example.com/lib"\n\nfunc main() { println(lib.Number) }\n',
    )
    first = sample.build("./cmd/uses")
    sample.write("vendor/example.com/lib/lib.go", "package lib\n\nconst Number = 2\n")
    assert sample.build("./cmd/uses").sha256 != first.sha256


def test_a_damaged_program_in_the_cache_is_built_again(sample: Any) -> None:
    first = sample.build()
    first.path.chmod(0o755)
    first.path.write_bytes(b"cut")
    again = sample.build()
    assert again == first
    assert again.path.stat().st_size == first.size


def test_a_home_that_can_not_be_written_is_no_obstacle(sample: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOCACHE", "GOMODCACHE", "GOPATH", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/proc/none")
    assert sample.build().facts.architecture == "arm64"
