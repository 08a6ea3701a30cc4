"""Go benchmark text as samples: repeated lines are runs of one sample."""

from __future__ import annotations

import statistics

from emulab.benchmark_text import parse
from emulab.calibration.go_units import UNITS, scaled, without_processors, workload
from emulab.calibration.resolution import of_session
from emulab.calibration.schema import Sample

_VERSIONS = ("go", "goversion", "go-version", "toolchain")


def read_go_text(text: str, core: str = "", go: str = "") -> list[Sample]:
    """Return the samples in what ``go test -bench`` printed.

    Units that calibration has no use for are passed over.

    :param core: which core ran it, "" when it is not known.
    :param go: the release of Go, where the text does not say it.
    """
    lines = parse(text)
    names, processors = without_processors(line.name for line in lines)
    groups: dict[tuple[str, str, str], list[float]] = {}
    for line, name in zip(lines, names, strict=True):
        where = line.configuration
        release = next((where[key] for key in _VERSIONS if where.get(key, "").startswith("go1")), go)
        for unit, value in line.values.items():
            if unit in UNITS:
                key = workload(where.get("pkg", ""), name), unit, release
                groups.setdefault(key, []).append(value)
    settings = {"GOMAXPROCS": processors} if processors else {}
    steps = _resolutions(groups)
    return [
        Sample(
            workload=name,
            figure=UNITS[unit][0],
            value=scaled(statistics.median(values), UNITS[unit][2]),
            unit=UNITS[unit][1],
            core=core,
            resolution=steps[name, unit, release] * UNITS[unit][2],
            n=len(values),
            spread=_spread(values) if len(values) > 1 else None,
            go=release,
            settings=settings,
        )
        for (name, unit, release), values in groups.items()
    ]


def _resolutions(groups: dict[tuple[str, str, str], list[float]]) -> dict[tuple[str, str, str], float]:
    out = {}
    for wanted in {unit for _, unit, _ in groups}:
        keys = [key for key in groups if key[1] == wanted]
        texts = [repr(value) for key in keys for value in groups[key]]
        steps = iter(of_session(texts))
        for key in keys:
            out[key] = max([next(steps) for _ in groups[key]])
    return out


def _spread(values: list[float]) -> float:
    middle = abs(statistics.median(values))
    return round((max(values) - min(values)) / 2 / middle, 4) if middle else 0.0
