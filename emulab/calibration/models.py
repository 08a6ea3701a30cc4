"""Models as files: what ``emulab calibrate fit`` makes and predictions are made with.

``CORE.json`` has a core's corrections, its intervals and what they rest on; ``latencies.json`` what lies
behind the first-level caches of each board.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from emulab.calibration.latencies import Latencies  # noqa: TC001 - msgspec reads the annotation
from emulab.data import data_directory
from emulab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SCHEMA: Final = "emulab-model/2"
COVERAGES: Final = (0.5, 0.8, 0.9, 0.95)


class Factor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A correction.

    :param value: what the mechanistic model's part is multiplied with.
    :param spread: how far open it is: the standard deviation of its logarithm.
    """

    value: float
    spread: float


class Intervals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far intervals reach to either side, for each of :data:`COVERAGES`.

    :param reach: how many times the figure's own uncertainty (:mod:`emulab.calibration.fitting.conformal`).
    :param apart: how far boards with one core are apart, as the logarithm of a factor: beside the first where
        the board is none that the core was measured on.
    """

    reach: tuple[float, ...]
    apart: tuple[float, ...]


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a model rests on.

    :param samples: how many figures of the core itself; with 0 it is its kind's model.
    :param borrowed: of those cores of its kind that stand in where there are few of its own.
    :param suspects: sessions that are not believed, and why.
    """

    samples: int
    packages: tuple[str, ...]
    sessions: tuple[str, ...]
    boards: tuple[str, ...]
    borrowed: tuple[str, ...]
    suspects: dict[str, str]


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A core's model.

    :param pipeline, branches, memory: the corrections (:mod:`emulab.calibration.fitting.solve`).
    :param made_from: digests of what it was fitted to.
    """

    schema: str
    core: str
    kind: str
    pipeline: Factor
    branches: Factor
    memory: Factor
    intervals: Intervals
    evidence: Evidence
    made_from: dict[str, str]


class LatencyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``latencies.json``.

    :param boards: by ``board/core``.
    """

    schema: str
    boards: dict[str, Latencies]


def models_directory() -> Path:
    """Return where the models are that ship with emulab."""
    return data_directory("calibration") / "models"


def dumps(content: Model | LatencyFile) -> bytes:
    """Return the bytes of a file: the same content gives the same ones."""
    return msgspec.json.format(msgspec.json.encode(content, order="deterministic"), indent=2) + b"\n"


def read_model(core: str, directory: Path | None = None) -> Model:
    """Return the model of a core.

    :raises UsageError: there is none, or a field is unknown, missing or of a wrong type.
    """
    return _read((models_directory() if directory is None else directory) / f"{core}.json", Model)


def read_latencies(directory: Path | None = None) -> LatencyFile:
    """Return what lies behind the first-level caches of boards.

    :raises UsageError: there is no such file, or a field is unknown, missing or of a wrong type.
    """
    return _read((models_directory() if directory is None else directory) / "latencies.json", LatencyFile)


def write(models: Iterable[Model], latencies: LatencyFile, directory: Path) -> list[Path]:
    """Write the files of a directory of models, and return their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    contents: dict[str, Model | LatencyFile] = {f"{model.core}.json": model for model in models}
    contents["latencies.json"] = latencies
    for name, content in contents.items():
        (directory / name).write_bytes(dumps(content))
    return [directory / name for name in contents]


_Content = TypeVar("_Content", Model, LatencyFile)


def _read(path: Path, kind: type[_Content]) -> _Content:
    try:
        content = msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise UsageError(f"the model {path} can not be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise UsageError(
            f"{path} is no model: {error}", hint="make it again with `emulab calibrate fit`"
        ) from error
    if content.schema != SCHEMA:
        raise UsageError(f"{path}: field `schema` is {content.schema!r}; this emulab reads {SCHEMA}")
    return content
