"""A service's throughput and latencies on a board's cores, from what one request takes on one of them.

The service is loaded as ``ab`` does: so many requests are under way at once, and an answered one is followed
by the next. So as many are answered per second as the cores can, and by Little's law a request takes the
number under way divided by that, on average. How its time is spread around that average is taken from the
counted run, in which the same scheduler served the same load on one processor, its time counted in
instructions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulab.boards.board import Board, Cluster
    from emulab.prediction.work_times import WorkTime

CONTENTION: Final = 0.05
"""What each further core costs the others: n cores do the work of n / (1 + 0.05 (n - 1)).

An assumption, the form that of the universal scalability law without coherence (Gunther, "Guerrilla Capacity
Planning"). One listener, one queue of the network and a collector that all cores share stand behind it."""
CONTENTION_RANGE: Final = (0.0, 0.2)
"""What is thought possible of it."""
TAIL_SPREAD: Final = 0.5
"""How far the 99th percentile may lie above both models, as a logarithm: on several cores a collection, an
interrupt or another program delays some requests, and neither model has any of that."""


@dataclass(frozen=True)
class Shape:
    """How the latencies of a load are spread, as multiples of their mean.

    :param requests, concurrency: of that load.
    """

    p50: float
    p99: float
    requests: int
    concurrency: int


@dataclass(frozen=True)
class Interval:
    """A value with its interval's ends."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ServiceTimes:
    """What a service does on a board.

    :param cores: how many take part.
    :param per_second: requests answered.
    :param p50, p99: seconds; None where no latencies were counted.
    """

    cores: int
    per_second: Interval
    p50: Interval | None
    p99: Interval | None


def shape_of(latencies_s: Sequence[float], concurrency: int) -> Shape | None:
    """Return the shape of latencies; None of fewer than 100, which have no 99th percentile."""
    from emulab.workloads.service import percentile

    if len(latencies_s) < 100:
        return None
    mean = math.fsum(latencies_s) / len(latencies_s)
    middle, late = (percentile(latencies_s, share) / mean for share in (0.5, 0.99))
    return Shape(middle, late, len(latencies_s), concurrency)


def clusters_used(board: Board, cpus: int | None) -> list[tuple[Cluster, int]]:
    """Return a board's clusters with how many cores of each take part, the fastest first.

    :param cpus: how many cores in all; None for those that a Go program uses there (``GOMAXPROCS``).
    """
    left = cpus or (board.go.gomaxprocs if board.go is not None else board.cores)
    found = []
    order = sorted(board.clusters, key=lambda c: (-c.nominal_mhz, -(c.core.decode_width or 0)))
    for cluster in order:
        number = min(left, cluster.count)
        if number > 0:
            found.append((cluster, number))
        left -= number
    return found


def service_times(
    per_request: Sequence[tuple[WorkTime, int]], concurrency: int, shape: Shape | None
) -> ServiceTimes:
    """Return what cores make of a service together.

    :param per_request: a request's time on a core, and how many such cores there are; the fastest first.
    :param concurrency: requests under way at once.
    :param shape: how latencies are spread around their mean.
    """
    cores = sum(number for _, number in per_request)
    busy, rate = min(cores, concurrency), 0.0
    left = busy
    for time, number in per_request:
        rate += min(left, number) / time.seconds
        left -= min(left, number)
    least, most = CONTENTION_RANGE
    scaled, best, worst = (rate / (1 + each * (busy - 1)) for each in (CONTENTION, least, most))
    first = per_request[0][0]
    low = scaled * math.exp(-math.hypot(first.above, math.log(scaled / worst)))
    high = scaled * math.exp(math.hypot(first.below, math.log(best / scaled)))
    mean = concurrency / scaled
    rates = Interval(scaled, low, high)
    if shape is None:
        return ServiceTimes(cores, rates, None, None)
    return ServiceTimes(
        cores,
        rates,
        _latency(rates, mean, shape.p50, queue_quantile(0.5, busy, concurrency)),
        _latency(rates, mean, shape.p99, queue_quantile(0.99, busy, concurrency), TAIL_SPREAD),
    )


def _latency(rates: Interval, mean: float, seen: float, queued: float, beyond: float = 0.0) -> Interval:
    """Return a quantile of the latencies; the interval reaches to that of the other model, a queue's.

    :param seen, queued: the quantile as a multiple of the mean.
    :param beyond: how much further up the interval reaches, as a logarithm.
    """
    value = mean * seen
    below = math.hypot(math.log(rates.high / rates.value), math.log(max(seen / queued, 1.0)))
    above = math.hypot(math.log(rates.value / rates.low), math.log(max(queued / seen, 1.0)), beyond)
    return Interval(value, value * math.exp(-below), value * math.exp(above))


def queue_quantile(share: float, servers: int, customers: int) -> float:
    """Return a quantile of the time in a closed queue, as a multiple of its mean.

    ``customers`` are served first come first served by ``servers`` whose services are exponential: who comes
    waits for ``customers - servers`` departures, at the rate of all servers, and is then served. So its time
    is the sum of an Erlang and an exponential variable (Kleinrock, "Queueing Systems", volume I).
    """
    from scipy.stats import gamma

    waiting = max(customers - servers, 0)
    # In units of a service; the sum's distribution by two moments, which is exact for one server.
    mean = waiting / servers + 1.0
    variance = waiting / servers**2 + 1.0
    form = mean**2 / variance
    return float(gamma.ppf(share, form) / form)
