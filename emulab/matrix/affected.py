"""Which packages' tests a change can affect: by what they are compiled of, and by the files they may read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulab.settings import FILE_NAME
from emulab.testing.binaries import Binaries
from emulab.toolchain.diagnosis import error_of_go
from emulab.toolchain.embedding import embedded_directories
from emulab.toolchain.go_command import go_environment, json_objects, run_go
from emulab.toolchain.request import BuildRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from emulab.architectures import Architecture
    from emulab.progress import Progress
    from emulab.testing.request import TestRequest
    from emulab.toolchain.go import GoToolchain

_FIELDS = (
    "Dir,ImportPath,Standard,DepOnly,ForTest,Deps,Module,EmbedPatterns,TestEmbedPatterns,XTestEmbedPatterns"
)
_OF_THE_MODULE = frozenset({"go.mod", "go.sum", "go.work", "go.work.sum", "modules.txt", FILE_NAME})
_NO_DATA = (".md", ".rst", ".adoc")
_TESTDATA = "testdata"


@dataclass(frozen=True)
class Affected:
    """What a change means.

    :param packages: import paths of packages whose tests it can affect.
    :param left_out: those with tests that it can not.
    :param everything: the file that affects all of them, None where there is none.
    """

    packages: frozenset[str]
    left_out: tuple[str, ...]
    everything: Path | None = None


@dataclass
class _Modules:
    """The packages of a listing that are no one else's: not the standard library's, not the module cache's.

    :param directories: where each lies.
    :param roots: the directories of their modules.
    :param compiled: package with tests to everything that its test binary is compiled of.
    :param embedded: package to files and directories that its code embeds, or only its tests.
    """

    directories: dict[str, Path] = field(default_factory=dict)
    roots: set[Path] = field(default_factory=set)
    compiled: dict[str, set[str]] = field(default_factory=dict)
    embedded: dict[str, set[Path]] = field(default_factory=dict)
    embedded_by_tests: dict[str, set[Path]] = field(default_factory=dict)


def find_affected(request: TestRequest, changed: Iterable[Path], progress: Progress) -> Affected:
    """Return the packages of a request that changed files can affect, built in any way that it asks for.

    :raises UsageError: the request makes no sense.
    :raises WorkloadError: the module can not be loaded.
    """
    binaries = Binaries(progress)
    ways = {
        (one.build.go, place.target.architecture, one.build.tags, bool(one.build.cgo) or one.race): None
        for one in request.variants()
        for place in one.places()
    }
    changed = [path.resolve() for path in changed]
    packages: set[str] = set()
    tested: set[str] = set()
    everything = None
    for version, architecture, tags, cgo in ways:
        go = binaries.go(version)
        modules = _listed(request.packages, request.directory, go, architecture, tags, cgo=cgo)
        tested |= modules.compiled.keys()
        for path in changed:
            found = _touched(path, modules)
            if found is None:
                everything = everything or path
                found = set(modules.compiled)
            packages |= found
    return Affected(frozenset(packages & tested), tuple(sorted(tested - packages)), everything)


def _listed(
    patterns: Sequence[str],
    directory: Path,
    go: GoToolchain,
    architecture: Architecture,
    tags: tuple[str, ...],
    *,
    cgo: bool,
) -> _Modules:
    request = BuildRequest(" ".join(patterns), directory, architecture, test=True, tags=tags, cgo=cgo)
    flags = [f"-tags={','.join(tags)}"] if tags else []
    arguments = ["list", "-e", "-deps", "-test", f"-json={_FIELDS}", *flags, "--", *patterns]
    status, output, errors = run_go(
        go, arguments, directory=directory, environment=go_environment(request, None)
    )
    if status != 0:
        raise error_of_go(errors, request, go)
    modules = _Modules()
    for row in json_objects(output):
        if not row.get("Standard") and row.get("Dir"):
            _take(row, modules)
    return modules


def _take(row: dict[str, Any], modules: _Modules) -> None:
    # "p", its test "p.test", and both as they are compiled for it: "p [p.test]", "p_test [p.test]".
    name = row["ImportPath"].split(" ")[0]
    module = row.get("Module") or {}
    root = (module.get("Replace") or module).get("Dir")
    if name.endswith(".test") and not row.get("ForTest"):
        tested = name.removesuffix(".test")
        modules.compiled[tested] = {tested, *(each.split(" ")[0] for each in row.get("Deps", ()))}
        return
    if row.get("ForTest") and name.endswith("_test"):
        return
    place = Path(row["Dir"]).resolve()
    modules.directories[name] = place
    if root:
        modules.roots.add(Path(root).resolve())
    for keys, known in (
        (("EmbedPatterns",), modules.embedded),
        (("TestEmbedPatterns", "XTestEmbedPatterns"), modules.embedded_by_tests),
    ):
        patterns = [pattern for key in keys for pattern in row.get(key) or ()]
        directories, files = embedded_directories(place, patterns)
        known.setdefault(name, set()).update(Path(each) for each in directories | files)


def _touched(path: Path, modules: _Modules) -> set[str] | None:
    """Return the packages with tests that a changed file can affect, None for all of them."""
    own = {root for root in modules.roots if path.is_relative_to(root)}
    if path.name in _OF_THE_MODULE:
        # Of a workspace it may also lie above.
        above = any(root.is_relative_to(path.parent) for root in modules.roots)
        return None if above or own & {path.parent, path.parent.parent} else set()
    if not own:
        return set()
    touched = _compiled_from(path, modules)
    if _TESTDATA in path.parts:
        base = Path(*path.parts[: path.parts.index(_TESTDATA)])
        below = {name for name, place in modules.directories.items() if place.is_relative_to(base)}
        return touched | below & modules.compiled.keys()
    is_placed = path.parent in modules.directories.values()
    if touched or is_placed or _says_nothing(path, max(own, key=lambda root: len(root.parts))):
        return touched
    # Data of no package, or a package that has gone: any test may have read it.
    return None


def _compiled_from(path: Path, modules: _Modules) -> set[str]:
    changed: set[str] = set()
    only_tests: set[str] = set()
    for name, place in modules.directories.items():
        if path.parent == place:
            (only_tests if path.name.endswith("_test.go") else changed).add(name)
        if any(path.is_relative_to(each) for each in modules.embedded.get(name, ())):
            changed.add(name)
        if any(path.is_relative_to(each) for each in modules.embedded_by_tests.get(name, ())):
            only_tests.add(name)
    affected = {name for name, parts in modules.compiled.items() if parts & changed}
    return affected | only_tests & modules.compiled.keys()


def _says_nothing(path: Path, root: Path) -> bool:
    """Tell whether a file is for people or for other tools: documentation, or hidden."""
    hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
    return hidden or path.suffix in _NO_DATA or path.name.startswith(("LICENSE", "COPYING", "NOTICE"))
