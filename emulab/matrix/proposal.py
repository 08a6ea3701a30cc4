"""The commented ``emulab.toml`` that ``emulab init`` writes for a module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulab.toolchain.go_versions import parse_go_version

if TYPE_CHECKING:
    from emulab.matrix.survey import Survey
    from emulab.toolchain.go import GoToolchain

_MACHINES = 12


def proposal(survey: Survey, go: GoToolchain) -> str:
    """Return the text of a settings file that fits a module.

    :param go: the toolchain that is taken when none is named.
    """
    parts = [_head(survey), _axes(), _go(survey, go), _builds(survey), _exclusions(survey), _limits()]
    if survey.commands:
        parts.append(_run(survey))
    return "\n".join(parts)


def _head(survey: Survey) -> str:
    builds = max(1, len(_ways(survey)))
    cells = len(survey.tested) * _MACHINES * builds
    packages = f"{len(survey.tested)} package{'s' if len(survey.tested) != 1 else ''} with tests"
    return f"""\
# Settings of emulab for {survey.name}: a table for each verb, with the long names of its options.
# A flag wins over an EMULAB_* variable, which wins over this file.

[matrix]
# `emulab matrix` judges {packages} in every combination of what follows: {cells} cells.
# Each line that begins with `# ` and a name is a default, or an example; take the `# ` away to change it.
"""


def _axes() -> str:
    return """\
# arch = ["arm64", "armv7", "riscv64"]
# libc = ["musl", "glibc"]            # and "glibc-old", Debian bullseye's 2.31 (not for riscv64)
# mode = ["user", "system"]           # user: quick, on the host's kernel; system: a machine with its own
"""


def _go(survey: Survey, go: GoToolchain) -> str:
    wanted = f"go.mod wants {survey.go}" if survey.go else "go.mod says nothing of it"
    lines = [f"# The Go to build with; {wanted}, and {go.version} is what is found here."]
    if survey.go and parse_go_version(survey.go).order > parse_go_version(go.version).order:
        lines.append(f'go = ["{survey.go}"]')
    else:
        oldest = survey.go or "1.24"
        newest = ".".join(go.version.split(".")[:2])
        both = dict.fromkeys((".".join(oldest.split(".")[:2]), newest))
        lines.append("# go = [" + ", ".join(f'"{each}"' for each in both) + "]")
    return "\n".join(lines) + "\n"


def _ways(survey: Survey) -> list[str]:
    if survey.only_with_c:
        return ["cgo"]
    return ["pure", "cgo"] if survey.with_c else []


def _builds(survey: Survey) -> str:
    words = "pure, cgo, pie, race, stripped, tags=A,B, goarm=, goarm64=, goriscv64="
    lines = [f"# The ways to build. Words of one are {words}."]
    if survey.with_c:
        lines.append(f"# With C code: {', '.join(survey.with_c)}.")
    if survey.only_with_c:
        lines.append(f"# Not without it: {', '.join(survey.only_with_c)}.")
    if ways := _ways(survey):
        lines.append("build = [" + ", ".join(f'"{way}"' for way in ways) + "]")
    else:
        lines.append('# build = ["pure", "pie"]')
    if survey.tags:
        example = f'"tags={survey.tags[0]}"'
        lines.append(f"# Tags that files ask for: {', '.join(survey.tags)}. For a build with one: {example}.")
    return "\n".join(lines) + "\n"


def _exclusions(survey: Survey) -> str:
    lines = ["# Cells to leave out: those that have all values of one entry."]
    lines += [
        f"# {name} has no {', '.join(packages)}: its files are for other processors."
        for name, packages in survey.missing.items()
    ]
    lines.append('# exclude = ["arch=armv7 libc=musl", "mode=system build=cgo"]')
    return "\n".join(lines) + "\n"


def _limits() -> str:
    return """\
# memory = "1G"                       # of a machine
# timeout = 600                       # seconds until a package's tests are given up
# short = true                        # as of `go test`
"""


def _run(survey: Survey) -> str:
    lines = [
        "# What `emulab run` takes when nothing else is said; `emulab boards` lists the boards.",
        "[run]",
    ]
    lines += [f"# emulab run {command} --board raspberry-pi-5" for command in survey.commands]
    lines.append('# board = ["raspberry-pi-5", "visionfive-2"]')
    if survey.services:
        lines.append(f'# ready = "http://:8080/"             # when {survey.services[0]} is ready')
    return "\n".join(lines) + "\n"
