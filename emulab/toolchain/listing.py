"""Which package a request means, and every file outside GOROOT and the module cache that it is made of."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulab.errors import UsageError
from emulab.toolchain.diagnosis import error_of_go
from emulab.toolchain.embedding import embedded_directories
from emulab.toolchain.go_command import go_variables, json_objects, run_go
from emulab.toolchain.inputs import EVERYTHING, SOURCES, TEST_SOURCES, Watch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from emulab.toolchain.go import GoToolchain
    from emulab.toolchain.request import BuildRequest

_FIELDS = "Dir,ImportPath,Name,Standard,DepOnly,ForTest,Module,Error,EmbedPatterns,"
_FIELDS += "TestEmbedPatterns,XTestEmbedPatterns"
_VARIABLES = ["GOMOD", "GOWORK", "GOMODCACHE", "GOENV", "GOFLAGS"]
_FILE_FLAG = re.compile(r"^--?(?:modfile|overlay|pgo)=(.+)$")
_MAJOR = re.compile(r"v\d+$")


@dataclass(frozen=True)
class Listing:
    """What a request builds.

    :param import_path: the package's import path.
    :param program: the name that its binary gets.
    :param packages: the import paths of everything that is compiled in.
    :param watch: the files that it depends on.
    """

    import_path: str
    program: str
    packages: frozenset[str]
    watch: Watch


def list_inputs(
    request: BuildRequest, go: GoToolchain, flags: list[str], environment: Mapping[str, str]
) -> Listing:
    """Ask the go command what a request is made of.

    :param flags: the build's flags that choose files, such as ``-tags``.
    :raises UsageError: there is no such package, or it is no command.
    :raises WorkloadError: its module can not be loaded.
    """
    where = request.directory
    test = ["-test"] if request.test else []
    arguments = ["list", "-e", "-deps", *test, f"-json={_FIELDS}", *flags, request.package]
    status, output, errors = run_go(go, arguments, directory=where, environment=environment)
    if status != 0:
        raise error_of_go(errors, request, go)
    packages = list(json_objects(output))
    root = _root(packages, request)
    _require_command(root, packages, request, go, environment)
    variables = go_variables(go, _VARIABLES, where, environment)
    watch = Watch()
    _watch_packages(watch, packages, Path(variables["GOMODCACHE"]), test=request.test)
    _watch_modules(watch, request, go, variables, environment)
    return Listing(
        import_path=root["ImportPath"],
        program=_program_name(root["ImportPath"], request),
        packages=frozenset(package["ImportPath"] for package in packages),
        watch=watch,
    )


def _root(packages: list[dict[str, Any]], request: BuildRequest) -> dict[str, Any]:
    """Return the one package that the request names."""
    roots = [each for each in packages if not each.get("DepOnly") and not each.get("ForTest")]
    roots = [each for each in roots if not each["ImportPath"].endswith(".test")]
    if not roots:
        raise UsageError(
            f"no package matches {request.name!r} in {request.directory}",
            hint="name a directory with Go files",
        )
    for root in roots:
        problem = root.get("Error", {}).get("Err", "")
        if problem and (
            "Dir" not in root or problem.startswith(("no Go files in", "build constraints exclude"))
        ):
            raise UsageError(
                f"there is no Go package {request.name!r}: {problem.splitlines()[0]}",
                hint="name a directory with Go files for linux, such as ./cmd/thing, or an import path",
            )
    if len(roots) == 1:
        return roots[0]
    commands = [root for root in roots if root.get("Name") == "main"]
    if len(commands) == 1 and not request.test:
        return commands[0]
    names = ", ".join(root["ImportPath"] for root in (commands or roots)[:8])
    raise UsageError(f"{request.name!r} means several packages", hint=f"name one of them: {names}")


def _require_command(
    root: dict[str, Any],
    packages: list[dict[str, Any]],
    request: BuildRequest,
    go: GoToolchain,
    environment: Mapping[str, str],
) -> None:
    if request.test:
        if not any(package["ImportPath"] == f"{root['ImportPath']}.test" for package in packages):
            raise UsageError(
                f"the package {root['ImportPath']} has no tests", hint="name a package with _test.go files"
            )
        return
    if root.get("Name", "main") == "main":
        return
    arguments = ["list", "-e", "-f", '{{if eq .Name "main"}}{{.ImportPath}}{{end}}', "./..."]
    _, output, _ = run_go(go, arguments, directory=request.directory, environment=environment)
    commands = output.split()
    hint = (
        f"the commands there are: {', '.join(commands[:8])}"
        if commands
        else "name a directory of package main"
    )
    raise UsageError(
        f"{root['ImportPath']} is package {root['Name']}, not a command (package main)", hint=hint
    )


def _watch_packages(watch: Watch, packages: list[dict[str, Any]], modules: Path, *, test: bool) -> None:
    for package in packages:
        directory = package.get("Dir")
        if not directory or package.get("Standard") or Path(directory).is_relative_to(modules):
            continue
        watch.directories.add((directory, TEST_SOURCES if test else SOURCES))
        patterns = list(package.get("EmbedPatterns", []))
        if test:
            patterns += package.get("TestEmbedPatterns", []) + package.get("XTestEmbedPatterns", [])
        names, files = embedded_directories(Path(directory), patterns)
        watch.files |= files
        watch.directories |= {(name, EVERYTHING) for name in names}
        module = package.get("Module") or {}
        _watch_module_file(watch, (module.get("Replace") or module).get("GoMod"), modules)


def _watch_module_file(watch: Watch, path: str | None, modules: Path) -> None:
    if path and not Path(path).is_relative_to(modules):
        watch.files.add(path)


def _watch_modules(
    watch: Watch,
    request: BuildRequest,
    go: GoToolchain,
    variables: Mapping[str, str],
    environment: Mapping[str, str],
) -> None:
    """Watch go.mod and go.work, what they point to, and the places where a nearer one could appear."""
    where = request.directory.resolve()
    watch.files.add(variables["GOENV"])
    module, work = variables["GOMOD"], variables["GOWORK"]
    root = Path(module).parent if module and module != "/dev/null" else None
    for place in (where, *where.parents):
        if not environment.get("GOWORK"):
            watch.files.add(str(place / "go.work"))
        if root is None or place.is_relative_to(root):
            watch.files.add(str(place / "go.mod"))
    for path in _flag_files(variables["GOFLAGS"], where):
        watch.files.add(path)
    if root is not None:
        watch.files |= {module, str(root / "go.sum"), str(root / "vendor" / "modules.txt")}
        watch.files |= set(_local_replacements(go, ["mod", "edit", "-json", module], root, environment))
    if work and work != "off":
        watch.files |= {work, f"{work}.sum", str(Path(work).parent / "vendor" / "modules.txt")}
        watch.files |= set(
            _local_replacements(go, ["work", "edit", "-json", work], Path(work).parent, environment)
        )


def _local_replacements(
    go: GoToolchain, arguments: list[str], root: Path, environment: Mapping[str, str]
) -> Iterator[str]:
    """Yield the go.mod files of the directories that a go.mod or go.work names."""
    status, output, _ = run_go(go, arguments, directory=root, environment=environment)
    if status != 0:  # the build will say why
        return
    value = json.loads(output)
    for replacement in value.get("Replace") or []:
        new = replacement.get("New", {})
        if new.get("Path") and not new.get("Version"):
            yield str((root / new["Path"]).absolute() / "go.mod")
    for use in value.get("Use") or []:
        yield str((root / use["DiskPath"]).absolute() / "go.mod")


def _flag_files(flags: str, where: Path) -> Iterator[str]:
    """Yield the files that GOFLAGS names, and those that an overlay puts in others' places."""
    for flag in flags.split():
        match = _FILE_FLAG.match(flag)
        if match is None or match[1] in ("auto", "off"):
            continue
        path = where / match[1]
        yield str(path)
        if "overlay=" in flag and path.is_file():
            try:
                replaced = json.loads(path.read_text()).get("Replace", {})
            except ValueError:
                continue
            for new in replaced.values():
                if new:
                    yield str(where / new)


def _program_name(import_path: str, request: BuildRequest) -> str:
    """Return the name that ``go build`` gives the binary."""
    if import_path == "command-line-arguments":
        return Path(request.package).stem
    parts = import_path.split("/")
    name = parts[-2] if len(parts) > 1 and _MAJOR.match(parts[-1]) else parts[-1]
    return f"{name}.test" if request.test else name
