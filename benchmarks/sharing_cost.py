"""What does sharing a quota cost: CPU of a transaction and of a call, and requests to Redis?

Asked by name only. *A transaction* is `update` of a store with a record of 300 bytes, one after the other
in one process: its CPU and its time. Redis is a server on this machine.

*A call, no quota*: GetDevice on a server that responds immediately and refuses nothing; the limiter is given a quota of
90,000 a second, so it holds nothing back. CPU of the client's process for a call (`time.process_time`), with 1 and with
16 workers, and how much more it is than without sharing in the same round. *A call, 100 a second*: four processes of 16
workers share a known quota of 100 a second, so nearly each call is a transaction. The CPU of the four processes for a
call, with what they do while they wait; requests to Redis for a call; CPU of Redis for a call.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any, Final

from benchmarks import redis, sharing
from benchmarks.bench import Bench, Samples, Table, ask, in_turn, samples
from benchmarks.clients import drive, for_business
from benchmarks.server import Server, serve

_NO_QUOTA: Final = 90_000
_KEY: Final = "limit:bench"
"""A key of the rate limiter: stores need not make what it learned survive a power failure."""
_RECORD: Final = bytes(300)
_PATIENCE: Final = 10.0
"""Seconds that a transaction may take: a slow one is measured, not an error."""
_WORKERS: Final = (1, 16)


def run(bench: Bench) -> list[Table]:
    """Ask the question."""
    kinds = (sharing.ALONE, *sharing.stores(bench))
    count, calls, seconds = (2_000, 500, 3.0) if bench.quick else (20_000, 4_000, 8.0)
    with serve(bench.server, bench.python) as server:
        tables = [_transactions(bench, kinds[1:], count), _calls(bench, server, kinds, calls)]
        return [*tables, _at_a_quota(bench, server, kinds, seconds)]


def _transactions(bench: Bench, kinds: tuple[str, ...], count: int) -> Table:
    def subject(kind: str) -> dict[str, Any] | None:
        with sharing.store(kind) as store:
            return ask(bench, "sharing_cost", "update", shared=store.shared, count=count)

    found = in_turn(bench, {kind: partial(subject, kind) for kind in kinds})
    return sharing.table(f"{count:,} transactions", {"CPU, µs": "cpu", "time, µs": "time"}, found)


def _calls(bench: Bench, server: Server, kinds: tuple[str, ...], calls: int) -> Table:
    def subject(kind: str) -> dict[str, Any] | None:
        with sharing.store(kind) as store:
            return ask(bench, "sharing_cost", "call", url=server.url, shared=store.shared, calls=calls)

    found = in_turn(bench, {kind: partial(subject, kind) for kind in kinds}, bench.cpu_rounds)
    rows: dict[str, tuple[Samples | None, ...]] = {}
    for kind, rounds in found.items():
        cells: list[Samples | None] = []
        for workers in _WORKERS:
            took = [each[f"cpu {workers}"] for each in rounds]
            alone = [each[f"cpu {workers}"] for each in found[sharing.ALONE]]
            more = [each - base for each, base in zip(took, alone, strict=True)]
            cells += [took, None if kind == sharing.ALONE else more]
        rows[kind] = tuple(cells)
    columns = tuple(name for workers in _WORKERS for name in (f"{workers} workers, µs", "more, µs"))
    return Table(f"A call, no quota, {calls:,} calls", columns, rows, sharing.note(), extra=found)


def _at_a_quota(bench: Bench, server: Server, kinds: tuple[str, ...], seconds: float) -> Table:
    def subject(kind: str) -> dict[str, Any] | None:
        rate = sharing.RATE / (4 if kind == sharing.ALONE else 1)
        with sharing.store(kind) as store:
            before = (0, 0.0) if store.server is None else (redis.trips(store.server), redis.cpu(store.server))
            load = sharing.bulk(4, 16, per_second=rate)
            found = sharing.measure(bench, server, load, store.shared, seconds=seconds)
            if found is None or store.server is None:
                return found
            calls = sum(found["items"])
            trips, took = redis.trips(store.server) - before[0], redis.cpu(store.server) - before[1]
            return found | {"trips": trips / calls, "server": 1e6 * took / calls}

    found = in_turn(bench, {kind: partial(subject, kind) for kind in kinds})
    columns = {"CPU, µs": "cpu", "requests to Redis": "trips", "CPU of Redis, µs": "server"}
    rows = {
        kind: tuple(samples(rounds, key) if key in rounds[0] else None for key in columns.values())
        for kind, rounds in found.items()
    }
    title = f"A call, {sharing.RATE} a second, 4 processes of 16 workers, {seconds:g} s"
    return Table(title, tuple(columns), rows, sharing.note(), extra=found)


async def update(shared: str, count: int) -> dict[str, Any]:
    """CPU and time of a transaction in microseconds."""
    from alexa_props import HostShared

    store = sharing.opened(shared)
    store = HostShared(store) if isinstance(store, str) else store

    def change(kept: bytes | None, now: float) -> tuple[bytes, float]:
        return (kept or _RECORD)[1:] + b"%d" % (int(now) % 10), now

    for _ in range(100):
        await store.update(_KEY, change, patience=_PATIENCE)
    began, cpu = time.monotonic(), time.process_time()
    for _ in range(count):
        await store.update(_KEY, change, patience=_PATIENCE)
    took = {"cpu": (time.process_time() - cpu) / count * 1e6, "time": (time.monotonic() - began) / count * 1e6}
    await store.aclose()
    return took


async def call(url: str, shared: str | None, calls: int) -> dict[str, Any]:
    """CPU of a call in microseconds."""
    from benchmarks.answers import ARN

    found: dict[str, Any] = {}
    async with for_business(url, _NO_QUOTA, sharing.opened(shared)) as a4b:

        def get() -> Any:
            return a4b.devices.get(ARN)

        lost = await drive(get, 500, max(_WORKERS))
        for workers in _WORKERS:
            cpu = time.process_time()
            lost += await drive(get, calls, workers)
            found[f"cpu {workers}"] = (time.process_time() - cpu) / calls * 1e6
    if lost:
        raise RuntimeError(f"{lost} calls were lost")
    return found
