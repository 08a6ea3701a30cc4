"""Counting the programs that boards are rated by, as the fit wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from emulab.bench.debian_programs import Programs, opened
from emulab.bench.openssl_speed import count_speed
from emulab.bench.seven_zip import COMPRESS, DECOMPRESS, count_seven_zip, with_measures
from emulab.calibration.rated_programs import BLOCKS, CIPHERS, OPENSSL
from emulab.machines.opening import COUNTING_EMULATOR, Opener
from emulab.profiling.memory_model import model_of
from emulab.profiling.operation_file import OperationFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from emulab.boards import Board, Catalogue
    from emulab.calibration.rated_programs import RatedProgram
    from emulab.progress import Progress

# What a program chooses its code by. QEMU's Cortex-A72 has all of Arm's extensions of its time; openssl's own
# switch leaves it Advanced SIMD alone (OPENSSL_armcap(7ossl), ARMV7_NEON).
_CPU_MODELS: Final = {"arm64": "cortex-a72", "armv7": "cortex-a7", "riscv64": "sifive-u54"}
_NEON_ONLY: Final = {"OPENSSL_armcap": "1"}


def programs_of(program: RatedProgram) -> Programs:
    """Return where a program is counted, so that it chooses the code of its variant."""
    environment = _NEON_ONLY if program.variant == "neon" else {}
    return Programs(program.architecture, program.suite, _CPU_MODELS[program.architecture], environment)


def count_program(
    program: RatedProgram,
    cores: Sequence[str],
    catalogue: Catalogue,
    progress: Progress,
    *,
    known: OperationFile | None = None,
    heavy: bool = True,
) -> Iterator[OperationFile]:
    """Count a program, yielding what is counted until now whenever there is more.

    :param cores: on which there are figures of it. Of 7-zip the caches of a board with each are modelled;
        openssl stays in the first level, whichever it is.
    :param known: what was counted before, which is not counted again.
    :param heavy: whether to model caches.
    :raises InfrastructureError: something beneath failed.
    :raises WorkloadError: the program failed.
    """
    programs = programs_of(program)
    found = dict(known.operations) if known is not None else {}
    wanted = _names(program, cores)
    models = modelled_boards(catalogue, cores) if heavy and program.tool != OPENSSL else {}
    if models:
        # What was counted without caches is counted again with them.
        found = {name: one for name, one in found.items() if one.measures is not None}
    if all(name in found for name in wanted):
        return
    origin = {
        "tool": program.tool,
        "version": program.version,
        "architecture": program.architecture,
        "suite": program.suite,
        **({"variant": program.variant} if program.variant else {}),
        "cpu_model": programs.cpu_model,
    }
    title = f"counting {program.place.removesuffix('.ops')}"
    with (
        Opener(progress, COUNTING_EMULATOR) as opener,
        opened(opener, programs) as runner,
        progress.step(title) as step,
    ):
        if program.tool == OPENSSL:
            for done, name in enumerate(wanted):
                step.update(name, done=done, total=len(wanted))
                cipher, _, block = name.partition("/")
                found[name] = count_speed(runner, cipher, int(block))
            yield OperationFile(origin, found)
            return
        counted = count_seven_zip(runner)
        for done, core in enumerate(cores):
            if f"{COMPRESS}/{core}" in found:
                continue
            step.update(core, done=done, total=len(cores))
            model = model_of(models[core], cluster_of(models[core], core)) if core in models else None
            one = counted if model is None else with_measures(counted, runner, model)
            found |= {f"{COMPRESS}/{core}": one.compress, f"{DECOMPRESS}/{core}": one.decompress}
            yield OperationFile(origin, dict(found))


def _names(program: RatedProgram, cores: Sequence[str]) -> list[str]:
    if program.tool == OPENSSL:
        return [f"{cipher}/{block}" for cipher in CIPHERS for block in BLOCKS]
    return [f"{kind}/{core}" for core in cores for kind in (COMPRESS, DECOMPRESS)]


def modelled_boards(catalogue: Catalogue, cores: Sequence[str]) -> dict[str, Board]:
    """Return for each core the first board of the catalogue that has it."""
    found: dict[str, Board] = {}
    for board in catalogue.boards():
        for cluster in board.clusters:
            if cluster.core.id in cores:
                found.setdefault(cluster.core.id, board)
    return found


def cluster_of(board: Board, core: str) -> str:
    """Return the name of the cluster of a board that has a core."""
    return next(cluster.name for cluster in board.clusters if cluster.core.id == core)
