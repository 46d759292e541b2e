"""What the questions about several processes share: their load, the stores that they share, and the server's account.

Each row has its own store, which is empty: each process alone (`shared=None`, as a client is by default), a folder, or
a Redis server on this machine. All processes begin together, and work for a fixed time.

used: accepted requests of that time, by rate x time + burst + 1. refused: the share of requests that got a 429. Both by
the server's log. lost: calls that ended in an exception.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from benchmarks import processes, redis
from benchmarks.bench import Bench, Table, in_turn, samples, say
from benchmarks.clients import fails, for_business
from benchmarks.goodput import OK, REFUSED
from benchmarks.processes import Barrier, Processes
from benchmarks.server import BURST, Server

RATE: Final = 100
ALONE: Final = "each process alone"
FOLDER: Final = "shared: folder"
REDIS: Final = "shared: Redis"
NO_REDIS: Final = "The rows of Redis are missing: redis-server is not installed."
_SETTLE: Final = 0.3
"""Seconds before and after a run, in which the server's bucket drains and its log is written."""
_LONGEST_END: Final = 20.0
"""Seconds for calls that are still queued when the time is over."""

Event = tuple[float, Callable[[Processes], None]]
"""Something that happens so many seconds after the beginning."""


class Store(NamedTuple):
    """What the processes of a run share: the argument of their rate limits, and the Redis server if it is one."""

    shared: str | None
    server: redis.Program | None = None


def stores(bench: Bench) -> list[str]:
    """Return the names of the stores that can be measured here."""
    if redis.redis_server():
        return [FOLDER, REDIS]
    if not bench.may_miss:
        say(f"  {NO_REDIS} apt-get install redis-server")
    return [FOLDER]


def rounds(
    bench: Bench, subject: Callable[[str], dict[str, Any] | None], alone: int | None = 1
) -> dict[str, list[dict[str, Any]]]:
    """Run a subject with each kind of store: each process alone in so many rounds (None: as often as the others)."""
    without = {ALONE: partial(subject, ALONE)}
    shared = {kind: partial(subject, kind) for kind in stores(bench)}
    return (
        in_turn(bench, without | shared) if alone is None else in_turn(bench, without, alone) | in_turn(bench, shared)
    )


def table(title: str, columns: dict[str, str], found: dict[str, list[dict[str, Any]]]) -> Table:
    """Make a table: its columns, and the figure that each of them shows."""
    rows = {name: tuple(samples(each, key) for key in columns.values()) for name, each in found.items()}
    return Table(title, tuple(columns), rows, note(), extra=found)


def note() -> str:
    """Return the note of a table, which says if the rows of Redis are missing."""
    return "" if redis.redis_server() else NO_REDIS


@contextlib.contextmanager
def store(kind: str) -> Iterator[Store]:
    """Make an empty store, and delete it after the block."""
    if kind == ALONE:
        yield Store(None)
    elif kind == REDIS:
        with redis.serve() as server:
            yield Store(server.url, server)
    else:
        with tempfile.TemporaryDirectory(prefix="alexa-props-bench-") as folder:
            yield Store(f"{folder}/shared")


def opened(shared: str | None) -> Any:
    """Return the store as the library takes it."""
    if shared is None or not shared.startswith("redis://"):
        return shared
    from alexa_props import RedisShared

    return RedisShared(shared, name="bench")


def bulk(number: int, workers: int, **options: Any) -> list[dict[str, Any]]:
    """Return the arguments of processes whose workers are always busy."""
    return [{"workers": workers, **options} for _ in range(number)]


def interactive(number: int, rate: float) -> list[dict[str, Any]]:
    """Return the arguments of processes that make so many interactive calls a second, each at other moments."""
    return [{"interactive": rate, "first": index / number / rate} for index in range(number)]


def measure(
    bench: Bench,
    server: Server,
    load: Sequence[dict[str, Any]],
    shared: str | None,
    *,
    seconds: float,
    rates: Sequence[int] = (RATE,),
    events: Sequence[Event] = (),
    steady: float = 0.0,
) -> dict[str, Any] | None:
    """Run processes at a quota, and return the outcomes of their calls. None: a package is not installed.

    Several rates follow each other in equal parts of the time. `worst` is the lowest share of the quota that was
    accepted in a second after `steady`.
    """
    server.quota(rates[0])
    phase = seconds / len(rates)
    changes: list[Event] = [
        (phase * number, lambda _, rate=rate: server.quota(rate))  # type: ignore[misc]
        for number, rate in enumerate(rates)
        if number
    ]
    arguments = [{"url": server.url, "seconds": seconds, "shared": shared} | each for each in load]
    limit = seconds + _LONGEST_END + 20
    try:
        with processes.start(bench, "sharing", arguments, seconds=limit) as group:
            time.sleep(_SETTLE)
            mark, began = server.mark(), group.go()
            for at, happen in sorted([*changes, *events], key=lambda event: event[0]):
                time.sleep(max(began + at - time.time(), 0))
                happen(group)
            results = group.results()
    except processes.MissingError as error:
        if bench.may_miss:
            return None
        raise RuntimeError(f"{error} is not installed") from None
    time.sleep(_SETTLE)
    server.quota(None)
    seen = [(line.at - began, line.status) for line in server.seen(mark) if line.at < began + seconds]
    return _reckon(seen, results, phase, rates, int(steady))


def _reckon(
    seen: list[tuple[float, int]], results: list[dict[str, Any]], phase: float, rates: Sequence[int], steady: int
) -> dict[str, Any]:
    seconds = phase * len(rates)
    accepted = [at for at, status in seen if status == OK]
    available = [rate * phase + BURST + 1 for rate in rates]
    by_phase = Counter(int(at / phase) for at in accepted)
    by_second = Counter(int(at) for at in accepted)
    quota = [rates[int(second / phase)] for second in range(int(seconds))]
    shares = [100 * by_second[second] / rate for second, rate in enumerate(quota)]
    items = sorted(result["items"] for result in results if result["workers"])
    waits = sorted(itertools.chain.from_iterable(result["waits"] for result in results))
    asked = sum(result["asked"] for result in results)
    found = {
        "used": 100 * len(accepted) / sum(available),
        **{f"used at {rate}": 100 * by_phase[n] / available[n] for n, rate in enumerate(rates)},
        "requests": len(seen),
        "refused": 100 * sum(status == REFUSED for _, status in seen) / max(len(seen), 1),
        "lost": sum(result["lost"] for result in results),
        "items": items,
        "most / least": items[-1] / max(items[0], 1),
        "worst": min(shares[steady:], default=0.0),
        "by second": shares,
        "cpu": 1e6 * sum(result["cpu"] for result in results) / max(sum(items) + len(waits), 1),
    }
    if not asked:
        return found
    cuts = statistics.quantiles(waits, n=100, method="inclusive") if len(waits) > 1 else [0.0] * 99
    return found | {
        "p50": cuts[49],
        "p95": cuts[94],
        "longest": max(waits, default=0.0),
        "done": 100 * len(waits) / asked,
        "bulk": 100 * sum(items) / (sum(available) - len(waits)),
    }


async def warm(*, url: str, shared: str | None, **_: Any) -> None:
    """Import what a process needs."""
    from benchmarks.answers import ARN

    if (shared or "").startswith("redis://"):
        import redis.asyncio  # noqa: F401 - so that it is missing here if it is not installed
    opened(shared)
    async with for_business(url) as a4b:
        for _unused in range(2):
            await fails(lambda: a4b.devices.get(ARN))


async def work(
    *,
    barrier: Barrier,
    url: str,
    seconds: float,
    shared: str | None,
    workers: int = 0,
    interactive: float = 0.0,
    first: float = 0.0,
    per_second: float | None = None,
) -> None:
    """Be one of the processes: some workers, or some interactive calls a second."""
    from benchmarks.answers import ARN

    async with for_business(url, per_second, opened(shared)) as a4b:
        await barrier({})
        began, cpu = time.monotonic(), time.process_time()
        items = lost = 0
        waits: list[float] = []

        async def worker() -> None:
            nonlocal items, lost
            while time.monotonic() < began + seconds:
                failed = await fails(lambda: bulk.devices.get(ARN))
                lost += failed
                items += not failed and time.monotonic() < began + seconds

        async def ask(at: float) -> None:
            nonlocal lost
            await asyncio.sleep(began + at - time.monotonic())
            asked = time.monotonic()
            failed = await fails(lambda: urgent.devices.get(ARN))
            lost += failed
            if not failed:
                waits.append(1000 * (time.monotonic() - asked))

        bulk, urgent = a4b.with_options(priority="bulk"), a4b.with_options(priority="interactive")
        moments = [first + number / interactive for number in range(int(interactive * seconds))] if interactive else []
        tasks = [asyncio.ensure_future(worker()) for _ in range(workers)]
        tasks += [asyncio.ensure_future(ask(at)) for at in moments]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds + _LONGEST_END)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        report = {"workers": workers, "items": items, "lost": lost, "waits": waits, "asked": len(moments)}
        await barrier(report | {"cpu": time.process_time() - cpu})
