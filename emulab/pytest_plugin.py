"""Emulated machines in pytest: a fixture that is a machine, and marks that say which.

::

    def test_on_every_architecture(emulab_machine):
        assert emulab_machine.run("uname", "-m").stdout

    @pytest.mark.emulab(arch=["arm64", "riscv64"], libc="glibc", mode="system")
    def test_service(emulab_machine):
        thing = emulab_machine.build("./cmd/thing")
        assert emulab_machine.run(thing, "--check").succeeded

Without a mark a test runs on one machine of each architecture. A mark names further axes, each a value or a
list of them; ``@pytest.mark.emulab("matrix")`` takes the cells that the table ``[matrix]`` of ``emulab.toml``
means. Every test has a machine of its own, which is removed when it ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from emulab.machines.agent_machine import AgentMachine
    from emulab.machines.opening import Opener
    from emulab.machines.protocol import Completed
    from emulab.workloads.request import Place

_FIXTURE = "emulab_machine"
_MARK = "emulab"
_AXES = ("board", "arch", "libc", "mode")
_SETTINGS = (*_AXES, "memory", "cpus", "network", "exclude")
_ARCHITECTURES = ("arm64", "armv7", "riscv64")
_MATRIX = "matrix"


class EmulatedMachine:
    """A machine that a test has for itself.

    :param place: what it is.
    :param directory: where the packages that it builds start at.
    """

    def __init__(self, place: Place, machine: AgentMachine, directory: Path) -> None:
        self.place = place
        self.machine = machine
        self.directory = directory

    @property
    def arch(self) -> str:
        """Return the architecture's name: ``arm64``, ``armv7`` or ``riscv64``."""
        return self.place.target.architecture.name

    @property
    def libc(self) -> str:
        """Return the root filesystem's C library: ``musl``, ``glibc`` or ``glibc-old``."""
        return self.place.target.libc

    @property
    def mode(self) -> str:
        """Return ``user`` or ``system``."""
        return self.place.target.mode

    def run(
        self,
        *argv: str,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
        directory: str = "/work",
        timeout_s: float = 60.0,
    ) -> Completed:
        """Run a program to its end: a name is looked for in the machine's PATH.

        :raises UsageError: there is no such program.
        """
        from emulab.machines.protocol import SEARCH_PATH, Command

        own = {"PATH": SEARCH_PATH, "HOME": "/work", **self.place.target.environment, **(environment or {})}
        command = Command(argv, own, directory, stdin=stdin, timeout_s=timeout_s)
        return self.machine.run(command)

    def push(self, content: Path | bytes, path: str, *, permissions: int = 0o755) -> None:
        """Copy a file onto the machine."""
        self.machine.push(content, path, permissions=permissions)

    def pull(self, path: str) -> bytes:
        """Copy a file from the machine."""
        return self.machine.pull(path)

    def build(self, package: str, *, cgo: bool = False, go: str | None = None) -> str:
        """Build a Go command for the machine, put it there, and return its path.

        :param package: such as ``./cmd/thing``, from the directory that pytest's configuration lies in.
        :raises WorkloadError: it does not compile.
        """
        from emulab.progress import Silent
        from emulab.workloads.building import Workshop
        from emulab.workloads.request import BuildOptions, Program, ProgramKind, RunRequest

        program = Program(ProgramKind.PACKAGE, package, package, self.directory)
        request = RunRequest(program, build=BuildOptions(go=go, cgo=cgo))
        artifact = Workshop(request, Silent()).artifact(self.place)
        assert artifact is not None
        path = f"/work/bin/{artifact.name}"
        self.machine.push(artifact.path, path)
        return path


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line(
        "markers",
        f"{_MARK}({', '.join(f'{name}=...' for name in _SETTINGS)}): the machines that {_FIXTURE} is; "
        f'a list of values means each of them, and {_MARK}("{_MATRIX}") the cells of emulab.toml',
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test a machine for each cell that its mark means."""
    if _FIXTURE not in metafunc.fixturenames:
        return
    mark = metafunc.definition.get_closest_marker(_MARK)
    places = _places(mark, metafunc.config.rootpath)
    metafunc.parametrize(_FIXTURE, places, ids=[_title(place) for place in places], indirect=True)


def _places(mark: pytest.Mark | None, root: Path) -> list[Place]:
    from emulab.errors import EmulabError
    from emulab.matrix.exclusions import parse_exclusions
    from emulab.workloads.request import Program, ProgramKind, RunRequest, find_places

    settings = dict(mark.kwargs) if mark is not None else {}
    names = mark.args if mark is not None else ()
    unknown = [name for name in settings if name not in _SETTINGS] + [n for n in names if n != _MATRIX]
    if unknown:
        raise pytest.UsageError(f"@pytest.mark.{_MARK}: {unknown[0]!r} is none of {', '.join(_SETTINGS)}")
    if names:
        settings = _matrix_of(root) | settings
    axes = {name: _values(settings.get(name)) for name in _AXES}
    try:
        exclusions = parse_exclusions(_values(settings.get("exclude")))
        places = find_places(
            RunRequest(
                program=Program(ProgramKind.GUEST, "test", "", root),
                boards=axes["board"],
                architectures=axes["arch"] or (() if axes["board"] else _ARCHITECTURES),
                libcs=axes["libc"],
                modes=axes["mode"],
                memory=settings.get("memory"),
                cpus=settings.get("cpus"),
                network=bool(settings.get("network", False)),
            )
        )
    except EmulabError as error:
        raise pytest.UsageError(f"@pytest.mark.{_MARK}: {error.message}; {error.hint}") from error
    return [place for place in places if not any(each.holds(_axes_of(place)) for each in exclusions)]


def _matrix_of(root: Path) -> dict[str, Any]:
    """Return the axes that the nearest emulab.toml gives, and defaults for the rest."""
    import tomllib

    from emulab.settings import project_file

    path = project_file(root)
    table = tomllib.loads(path.read_text()).get(_MATRIX, {}) if path is not None else {}
    axes = {"arch": list(_ARCHITECTURES), "libc": ["musl", "glibc"], "mode": ["user", "system"]}
    return axes | {name: value for name, value in table.items() if name in (*axes, "exclude")}


def _values(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _axes_of(place: Place) -> dict[str, str]:
    target = place.target
    # How a program is built is the test's own affair.
    return {
        "arch": target.architecture.name, "libc": target.libc, "mode": target.mode, "go": "", "build": "",
    }  # fmt: skip


def _title(place: Place) -> str:
    target = place.target
    return f"{target.board or target.architecture.name}-{target.libc}-{target.mode}"


@pytest.fixture(scope="session")
def emulab_opener() -> Iterator[Opener]:
    """What opens machines, with one connection to the engine for all tests."""
    from emulab.machines.opening import Opener
    from emulab.progress import Silent

    with Opener(Silent()) as opener:
        yield opener


@pytest.fixture
def emulab_machine(request: pytest.FixtureRequest, emulab_opener: Opener) -> Iterator[EmulatedMachine]:
    """An emulated machine of the test's own; see the mark ``emulab`` for which."""
    place: Place = request.param
    emulab_opener.prepare([place.target])
    with emulab_opener.open(place.target) as machine:
        yield EmulatedMachine(place, machine, request.config.rootpath)
