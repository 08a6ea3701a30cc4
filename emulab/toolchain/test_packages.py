"""Packages that have tests or benchmarks: found by pattern, built as ``go test -c`` does, with their data."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from emulab.errors import UsageError
from emulab.toolchain.diagnosis import error_of_go
from emulab.toolchain.go_command import go_environment, json_objects, run_go
from emulab.toolchain.request import BuildRequest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from emulab.architectures import Architecture
    from emulab.toolchain.go import GoToolchain

_FIELDS = "Dir,ImportPath,Standard,Module,Error,TestGoFiles,XTestGoFiles,Match"
_TESTDATA = "testdata"


@dataclass(frozen=True)
class TestPackage:
    """A package with test files.

    :param root: its module's directory; of the standard library ``GOROOT/src``.
    """

    __test__ = False  # for pytest, which takes the name for a test's

    import_path: str
    directory: Path
    root: Path
    is_standard: bool

    def build_request(self, request: BuildRequest) -> BuildRequest:
        """Return what builds this package's test binary with the settings of a request."""
        from dataclasses import replace

        environment = dict(request.environment)
        if self.is_standard:
            # The user's workspace does not have the standard library among its modules.
            environment["GOWORK"] = "off"
        return replace(
            request,
            package="./" + str(self._place),
            # The standard library is built as its own developers build it, whatever module the user is in.
            directory=self.root,
            test=True,
            title=self.import_path,
            environment=tuple(environment.items()),
        )

    @property
    def _place(self) -> PurePosixPath:
        return PurePosixPath(self.directory.relative_to(self.root))

    @property
    def guest_directory(self) -> str:
        """Where its tests run on a machine: its place in a tree that looks like the module's."""
        return f"{GUEST_ROOT if self.is_standard else _GUEST_MODULE}/{self._place}".removesuffix("/.")

    def data(self) -> Iterator[tuple[Path, str]]:
        """Yield the files that its tests may read, and where they belong on a machine.

        These are the files in its own directory, and the ``testdata`` beside it and in the directories
        above it up to the module's root, which tests name as ``../testdata``.
        """
        base = PurePosixPath(self.guest_directory)
        for path in sorted(self.directory.iterdir()):
            if path.is_file():
                yield path, str(base / path.name)
        for up, place in enumerate([self.directory, *self.directory.parents]):
            if not place.is_relative_to(self.root):
                break
            parent = base if up == 0 else base.parents[up - 1]
            for top, names, files in os.walk(place / _TESTDATA):
                names.sort()
                below = Path(top).relative_to(place)
                for name in sorted(files):
                    if (Path(top) / name).is_file():
                        yield Path(top) / name, str(parent / below / name)


GUEST_GOROOT = "/work/go"
GUEST_ROOT = f"{GUEST_GOROOT}/src"
_GUEST_MODULE = "/work/module"


def find_test_packages(
    patterns: Sequence[str],
    directory: Path,
    architecture: Architecture,
    go: GoToolchain,
    tags: tuple[str, ...] = (),
    *,
    cgo: bool = False,
) -> list[TestPackage]:
    """Return the packages that patterns mean, as ``go test`` takes them; those without tests are left out.

    :param patterns: directories and patterns (``./...``) or import paths (``crypto/sha256``).
    :param directory: where relative patterns start, and whose module counts.
    :param cgo: whether files with C code count.
    :raises UsageError: a pattern matches nothing, or nothing that has tests.
    :raises WorkloadError: the module can not be loaded.
    """
    request = BuildRequest(" ".join(patterns), directory, architecture, test=True, tags=tags, cgo=cgo)
    flags = [f"-tags={','.join(tags)}"] if tags else []
    arguments = ["list", "-e", f"-json={_FIELDS}", *flags, "--", *patterns]
    status, output, errors = run_go(
        go, arguments, directory=directory, environment=go_environment(request, None)
    )
    if status != 0:
        raise error_of_go(errors, request, go)
    found = list(json_objects(output))
    for package in found:
        _require_found(package, directory)
    missing = [each for each in patterns if not any(each in package.get("Match", []) for package in found)]
    if missing:
        raise UsageError(
            f"no package matches {missing[0]!r} in {directory}", hint="name a directory with Go files"
        )
    packages = [_package(each, go) for each in found if each.get("TestGoFiles") or each.get("XTestGoFiles")]
    if not packages:
        raise UsageError(
            f"no package of {' '.join(patterns)} has tests", hint="name a package with _test.go files"
        )
    return packages


def _require_found(package: dict[str, Any], directory: Path) -> None:
    problem = (package.get("Error") or {}).get("Err", "")
    if not problem or (package.get("Dir") and (package.get("TestGoFiles") or package.get("XTestGoFiles"))):
        return
    if problem.startswith(("no Go files in", "build constraints exclude", "no non-test Go files in")):
        return
    if "does not contain main module" in problem:
        raise UsageError(
            f"{directory} is in no Go module",
            hint="go to your module's directory, or name a package of the standard library",
        )
    first = problem.splitlines()[0]
    hint = "name a directory with Go files, or an import path of the standard library"
    if "go.mod file not found" in problem or "is not in std" in problem or "not in GOROOT" in problem:
        hint = f"{directory} is in no module that has it: go to your module's directory, or check the path"
    raise UsageError(f"there is no Go package {package['ImportPath']!r}: {first}", hint=hint)


def _package(package: dict[str, Any], go: GoToolchain) -> TestPackage:
    directory = Path(package["Dir"])
    standard = bool(package.get("Standard"))
    if standard:
        places = go.root / "src", (go.root / "src").resolve()
        root = next((each for each in places if directory.is_relative_to(each)), directory)
    else:
        root = Path((package.get("Module") or {}).get("Dir") or directory)
    return TestPackage(package["ImportPath"], directory, root, standard)
