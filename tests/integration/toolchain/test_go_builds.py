from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from emulab.architectures import ARCHITECTURES, ARM64, ARMV7, RISCV64, Architecture
from emulab.errors import ToolchainError, UsageError, WorkloadError
from emulab.progress import Silent
from emulab.toolchain.artifact import artifact_of_binary
from emulab.toolchain.building import build
from emulab.toolchain.fitness import require_runs_on
from emulab.toolchain.go import GoToolchain, find_go
from emulab.toolchain.request import BuildRequest

if TYPE_CHECKING:
    from emulab.toolchain.artifact import Artifact


@dataclass
class CountingGo:
    """A Go toolchain that writes down each time that its go command is started."""

    toolchain: GoToolchain
    log: Path

    def starts(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def forbid(self) -> None:
        self.toolchain.command.chmod(0)


@pytest.fixture
def go(cache_directory: Path, tmp_path: Path) -> CountingGo:
    real = find_go(None, Silent())
    root = tmp_path / "goroot"
    (root / "bin").mkdir(parents=True)
    log = tmp_path / "go-starts"
    script = root / "bin" / "go"
    script.write_text(f'#!/bin/sh\necho "$1" >>{log}\nexec {real.command} "$@"\n')
    script.chmod(0o755)
    return CountingGo(replace(real, root=root), log)


MODULE = {
    "go.mod": "module example.com/sample\n\ngo 1.22\n",
    "cmd/thing/main.go": (
        "package main\n\n"
        'import (\n\t_ "embed"\n\n\t"example.com/sample/inner"\n)\n\n'
        '//go:embed data/greeting.txt\nvar greeting string\n\nvar version = "none"\n\n'
        "func main() { println(greeting, version, inner.Name()) }\n"
    ),
    "cmd/thing/data/greeting.txt": "hello\n",
    "inner/inner.go": 'package inner\n\nfunc Name() string { return "inner" }\n',
    "inner/inner_test.go": (
        'package inner\n\nimport "testing"\n\n'
        'func TestName(t *testing.T) {\n\tif Name() != "inner" {\n\t\tt.Fatal(Name())\n\t}\n}\n'
    ),
    "inner/other.go": '//go:build other\n\npackage inner\n\nfunc init() { println("other") }\n',
    "broken/main.go": "package main\n\nfunc main() { undefinedName() }\n",
    "windows/main_windows.go": "package main\n\nfunc main() {}\n",
    "docs/readme.txt": "no Go here\n",
}


@dataclass
class Sample:
    """A Go module of some packages, and how to build one of them."""

    root: Path
    go: CountingGo

    def request(self, package: str = "./cmd/thing", **more: Any) -> BuildRequest:
        settings: dict[str, Any] = {"architecture": ARM64, "directory": self.root, **more}
        return BuildRequest(package, **settings)

    def build(self, package: str = "./cmd/thing", **more: Any) -> Artifact:
        return build(self.request(package, **more), self.go.toolchain, None, Silent())

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def sample(tmp_path: Path, go: CountingGo) -> Sample:
    made = Sample(tmp_path / "sample", go)
    for name, text in MODULE.items():
        made.write(name, text)
    return made


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES.keys())
def test_a_program_is_built_for_each_architecture_and_its_facts_say_so(
    sample: Sample, architecture: Architecture
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


def test_the_second_build_starts_no_go_at_all_and_takes_milliseconds(sample: Sample) -> None:
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
def test_a_changed_source_is_built_anew_and_changed_back_found_again(sample: Sample, edit: Any) -> None:
    first = sample.build()
    edit(sample)
    second = sample.build()
    assert second.sha256 != first.sha256
    (sample.root / "inner" / "more.go").unlink(missing_ok=True)
    for name, text in MODULE.items():
        sample.write(name, text)
    compiled = sample.go.starts().count("build")
    assert sample.build() == first
    assert sample.go.starts().count("build") == compiled, "the program of these contents is in the cache"


def test_a_removed_file_is_noticed(sample: Sample) -> None:
    sample.write("inner/more.go", 'package inner\n\nfunc init() { println("more") }\n')
    first = sample.build()
    (sample.root / "inner" / "more.go").unlink()
    assert sample.build().sha256 != first.sha256


def test_a_new_file_that_an_embed_pattern_matches_is_noticed(sample: Sample) -> None:
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


def test_each_setting_is_a_program_of_its_own(sample: Sample) -> None:
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


def test_a_position_independent_program_has_the_dynamic_linker_of_its_c_library(sample: Sample) -> None:
    for libc, interpreter in (("musl", "/lib/ld-musl-aarch64.so.1"), ("glibc", "/lib/ld-linux-aarch64.so.1")):
        facts = sample.build(buildmode="pie", libc=libc).facts
        assert facts.pie
        assert facts.interpreter == interpreter
        assert facts.needed == ()
        require_runs_on(facts, ARM64, libc=libc)


def test_the_arm_level_is_in_the_facts(sample: Sample) -> None:
    assert sample.build(architecture=ARMV7, goarm="6").facts.architecture == "armv6"
    assert sample.build(architecture=ARMV7, goarm="5").facts.architecture == "armv5"


def test_a_test_binary_is_built_from_the_packages_tests(sample: Sample) -> None:
    artifact = sample.build("./inner", test=True)
    assert artifact.name == "inner.test"
    sample.write(
        "inner/inner_test.go", 'package inner\n\nimport "testing"\n\nfunc TestOther(t *testing.T) {}\n'
    )
    assert sample.build("./inner", test=True).sha256 != artifact.sha256
    with pytest.raises(UsageError, match="no tests"):
        sample.build("./cmd/thing", test=True)


def test_two_places_give_the_same_bytes(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
def test_a_package_that_is_none_is_a_usage_error(sample: Sample, package: str, words: str, hint: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        sample.build(package)
    assert hint in caught.value.hint
    assert caught.value.exit_status == 2


def test_what_does_not_compile_is_reported_in_the_compilers_words(sample: Sample) -> None:
    with pytest.raises(WorkloadError, match=r"\./broken does not build for arm64") as caught:
        sample.build("./broken")
    assert "broken/main.go:3:15: undefined: undefinedName" in caught.value.detail
    assert caught.value.exit_status == 1


def test_a_module_that_can_not_be_fetched_is_the_networks_fault_and_a_missing_checksum_the_projects(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
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


def test_a_module_for_a_newer_go_names_both_versions(sample: Sample) -> None:
    sample.write("go.mod", "module example.com/sample\n\ngo 1.99\n")
    with pytest.raises(UsageError, match=r"wants Go 1\.99, and the chosen one is") as caught:
        sample.build()
    assert "--go 1.99" in caught.value.hint


def test_a_directory_outside_every_module_is_told_so(sample: Sample) -> None:
    (sample.root / "go.mod").unlink()
    with pytest.raises(UsageError, match="is in no Go module"):
        sample.build("./broken")


def test_a_single_file_needs_no_module(sample: Sample) -> None:
    (sample.root / "go.mod").unlink()
    sample.write("one.go", 'package main\n\nfunc main() { println("one") }\n')
    assert sample.build("one.go").name == "one"


def test_a_package_is_named_as_a_directory_with_or_without_a_dot_or_as_an_import_path(sample: Sample) -> None:
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


def test_a_replaced_module_and_a_workspace_count_as_sources(sample: Sample) -> None:
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


def test_a_vendored_package_counts_as_a_source(sample: Sample) -> None:
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


def test_a_damaged_program_in_the_cache_is_built_again(sample: Sample) -> None:
    first = sample.build()
    first.path.chmod(0o755)
    first.path.write_bytes(b"cut")
    again = sample.build()
    assert again == first
    assert again.path.stat().st_size == first.size


def test_a_home_that_can_not_be_written_is_no_obstacle(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOCACHE", "GOMODCACHE", "GOPATH", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/proc/none")
    assert sample.build().facts.architecture == "arm64"


CHILD = """
import sys
from pathlib import Path
from emulab.architectures import ARM64
from emulab.progress import Silent
from emulab.toolchain.building import build
from emulab.toolchain.go import GoToolchain
from emulab.toolchain.request import BuildRequest
go = GoToolchain(Path(sys.argv[1]), sys.argv[2], "path")
print(build(BuildRequest(sys.argv[4], Path(sys.argv[3]), ARM64), go, None, Silent()).sha256)
"""


def child(sample: Sample, package: str) -> subprocess.Popen[str]:
    go = sample.go.toolchain
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(go.root), go.version, str(sample.root), package],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_at_once_build_one_program_once(sample: Sample) -> None:
    sample.write("inner/inner.go", 'package inner\n\nfunc Name() string { return "two at once" }\n')
    both = [child(sample, "./cmd/thing") for _ in range(2)]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert said[0][0] == said[1][0]
    assert sample.go.starts().count("build") == 1


def test_an_interrupt_ends_the_compiler_and_leaves_nothing_behind(
    sample: Sample, cache_directory: Path
) -> None:
    unique = time.time_ns()  # so that Go's own cache has none of it
    functions = "\n".join(
        f"func f{i}(m map[int]int) int {{ m[{i}] += {unique}; return len(m) }}" for i in range(20_000)
    )
    calls = "\n".join(f"\tn += f{i}(m)" for i in range(0, 20_000, 4))
    sample.write(
        "slow/main.go",
        f"package main\n\n{functions}\n\n"
        f"func main() {{\n\tm, n := map[int]int{{}}, 0\n{calls}\n\tprintln(n)\n}}\n",
    )
    process = child(sample, "./slow")
    deadline = time.monotonic() + 60
    while not running(cache_directory, "compile") and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    assert running(cache_directory, "compile")
    process.send_signal(2)
    _, errors = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in errors
    assert not running(cache_directory, "")
    assert list((cache_directory / "scratch").iterdir()) == []
    assert sample.build().facts.architecture == "arm64"


def running(cache_directory: Path, name: str) -> list[str]:
    """Return the command lines of the processes that work on a build in this cache."""
    mark = str(cache_directory / "scratch")
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = path.read_text(errors="replace").split("\0")
            if name in words[0] and any(mark in word for word in words):
                lines.append(" ".join(words))
    return lines


@pytest.mark.network
def test_a_published_command_is_built_once_in_its_own_version(sample: Sample) -> None:
    package = "golang.org/x/tools/cmd/stress@v0.24.0"
    artifact = sample.build(package, architecture=RISCV64)
    assert artifact.name == "stress"
    assert artifact.facts.go is not None
    assert artifact.facts.go.module is not None
    assert artifact.facts.go.module.version == "v0.24.0"
    sample.go.forbid()
    assert sample.build(package, architecture=RISCV64) == artifact


@pytest.mark.network
@pytest.mark.parametrize("version", ["v99.0.0", "v0.999.0", "no-such-branch"])
def test_a_published_version_that_does_not_exist_is_a_usage_error(sample: Sample, version: str) -> None:
    with pytest.raises(UsageError, match=f"there is no golang.org/x/tools/cmd/stress@{version}") as caught:
        sample.build(f"golang.org/x/tools/cmd/stress@{version}")
    assert version in caught.value.detail


def test_a_build_without_the_go_command_is_said(sample: Sample) -> None:
    sample.go.forbid()
    with pytest.raises(ToolchainError, match="can not be run"):
        build(sample.request(tags=("never",)), sample.go.toolchain, None, Silent())
