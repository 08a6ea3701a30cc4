"""Test binaries: which packages there are, and one build for each distinct binary."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emulab.errors import UsageError, WorkloadError
from emulab.testing.locations import of_compiler
from emulab.testing.verdicts import Judgement, Verdict
from emulab.toolchain.building import build
from emulab.toolchain.go import find_go
from emulab.toolchain.test_packages import find_test_packages
from emulab.toolchain.zig import find_zig

if TYPE_CHECKING:
    from emulab.progress import Progress
    from emulab.testing.locations import Location
    from emulab.testing.request import TestRequest
    from emulab.toolchain.artifact import Artifact
    from emulab.toolchain.go import GoToolchain
    from emulab.toolchain.request import BuildRequest
    from emulab.toolchain.test_packages import TestPackage
    from emulab.workloads.request import Place


@dataclass(frozen=True)
class NotBuilt:
    """Why there is no binary."""

    judgement: Judgement
    locations: tuple[Location, ...] = ()

    @classmethod
    def because(cls, error: WorkloadError | UsageError) -> NotBuilt:
        """Return what an error means: a program that does not build, or one that can not be had."""
        verdict = Verdict.FAIL if isinstance(error, WorkloadError) else Verdict.UNSUPPORTED
        said = tuple(error.detail.splitlines()[:5])
        return cls(Judgement(verdict, error.message, error.hint, 0, said))


@dataclass(frozen=True)
class Binaries:
    """Builds what a request means, each distinct binary once; any thread may ask it for toolchains."""

    progress: Progress
    _toolchains: dict[str | None, GoToolchain] = field(default_factory=dict)
    _packages: dict[tuple[object, ...], list[TestPackage]] = field(default_factory=dict)
    _built: dict[tuple[str, BuildRequest], Artifact | NotBuilt] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def go(self, version: str | None) -> GoToolchain:
        """Return the toolchain of a version.

        :raises UsageError: there is no such version.
        :raises ToolchainError: it can not be had.
        """
        with self._lock:
            if version not in self._toolchains:
                found = self._toolchains[version] = find_go(version, self.progress)
                if found.note:
                    self.progress.note(found.note)
            return self._toolchains[version]

    def packages(self, request: TestRequest, place: Place) -> list[TestPackage]:
        """Return the packages with tests that a request means, built as it says, for a machine.

        :raises UsageError: it means none, or its module can not be built with this Go.
        :raises WorkloadError: the module can not be loaded.
        """
        go, options, architecture = self.go(request.build.go), request.build, place.target.architecture
        cgo = bool(options.cgo) or request.race
        key = (request.packages, go.version, architecture.name, options.tags, cgo)
        if key not in self._packages:
            self._packages[key] = find_test_packages(
                request.packages, request.directory, architecture, go, options.tags, cgo=cgo
            )
        only = request.only
        return [each for each in self._packages[key] if only is None or each.import_path in only]

    def binary(self, package: TestPackage, request: TestRequest, place: Place) -> Artifact | NotBuilt:
        """Return a package's test binary for a machine, or why there is none.

        :raises InfrastructureError: the toolchain or the network failed.
        """
        go = self.go(request.build.go)
        try:
            wanted = package.build_request(request.build_request(place))
        except UsageError as error:
            return NotBuilt.because(error)
        key = (go.version, wanted)
        if key not in self._built:
            self._built[key] = self._build(wanted, go, package)
        return self._built[key]

    def _build(self, wanted: BuildRequest, go: GoToolchain, package: TestPackage) -> Artifact | NotBuilt:
        try:
            zig = find_zig(self.progress) if wanted.needs_zig else None
            return build(wanted, go, zig, self.progress)
        except WorkloadError as error:
            places = () if package.is_standard else of_compiler(error.detail, wanted.directory)
            return NotBuilt(NotBuilt.because(error).judgement, places)
        except UsageError as error:
            return NotBuilt.because(error)
