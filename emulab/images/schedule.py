"""Doing a graph of builds side by side: what is ready, the longest way first, one heavy build at a time."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emulab.images.names import ImageName


@dataclass(frozen=True)
class Job:
    """One build among others.

    :param needs: the builds that must have ended before.
    :param seconds: about how long it takes.
    :param all_cores: it keeps every core busy; only one such runs at a time.
    """

    needs: frozenset[ImageName]
    seconds: float
    all_cores: bool = False


def run(jobs: Mapping[ImageName, Job], work: Callable[[ImageName], None], *, at_once: int) -> None:
    """Call ``work`` for every job, each after those that it needs, in several threads.

    The first failure is raised as soon as it happens, and no further job begins. Jobs in the middle of
    their work are daemon threads: they end with the process, so ``work`` may leave nothing half done
    behind when it is cut off.

    :param at_once: how many jobs run side by side at most.
    """
    ways = _longest_ways(jobs)
    waiting = sorted(jobs, key=lambda name: (-ways[name], str(name)))
    running: set[ImageName] = set()
    done: set[ImageName] = set()
    ended: queue.Queue[tuple[ImageName, BaseException | None]] = queue.Queue()

    def job(name: ImageName) -> None:
        try:
            work(name)
        except BaseException as error:
            ended.put((name, error))
        else:
            ended.put((name, None))

    while waiting or running:
        for name in list(waiting):
            heavy_runs = any(jobs[other].all_cores for other in running)
            ready = (jobs[name].needs & jobs.keys()) <= done
            if ready and len(running) < at_once and not (jobs[name].all_cores and heavy_runs):
                waiting.remove(name)
                running.add(name)
                threading.Thread(target=job, args=(name,), name=f"build {name}", daemon=True).start()
        name, error = ended.get()
        if error is not None:
            raise error
        running.remove(name)
        done.add(name)


def _longest_ways(jobs: Mapping[ImageName, Job]) -> dict[ImageName, float]:
    """Return how long each job and the longest chain of those that wait for it take together."""
    users: dict[ImageName, list[ImageName]] = {name: [] for name in jobs}
    for name, job in jobs.items():
        for needed in job.needs & jobs.keys():
            users[needed].append(name)
    ways: dict[ImageName, float] = {}

    def way(name: ImageName) -> float:
        if name not in ways:
            ways[name] = jobs[name].seconds + max(map(way, users[name]), default=0.0)
        return ways[name]

    return {name: way(name) for name in jobs}
