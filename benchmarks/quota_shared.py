"""How much of one quota do several processes use, each alone and sharing it?

Asked by name only. GetDevice against 100 requests a second (`limit_req rate=100r/s burst=10 nodelay`).
Forks of one process begin together and work for a fixed time: bulk processes with workers that are always busy, and web
processes whose interactive calls come every 2 s, each process at other moments.

Each row has its own store, empty at first: *each process alone* is `shared=None`, the others are
`RateLimit(shared=…)` with a folder, and with a Redis server on this machine. *Learned* is a second run of new processes
on the store of the first. With a quota that is known, each process alone gets a fixed part of it.

Used: accepted requests, by 100 x time + burst + 1; the search for the quota is in it. Refused: the share of requests
that got a 429. Both by the server's log. Most / least: items done by the luckiest bulk process, by those of the
unluckiest. Lost: calls that ended in an exception. Web p50 and p95: time of a web process's call, from the call to its
result. Each process alone is measured in one round.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from benchmarks import sharing
from benchmarks.bench import Bench, Table
from benchmarks.server import Server, serve

Load = list[dict[str, Any]]
_KEYS: Final = {"used %": "used", "refused %": "refused", "most / least": "most / least", "lost": "lost"}
_WEB_KEYS: Final = {"web p50, ms": "p50", "web p95, ms": "p95", "web done %": "done"}


def run(bench: Bench) -> list[Table]:
    """Ask the question."""
    seconds, told = (3.0, 2.0) if bench.quick else (15.0, 8.0)
    four, idle = sharing.bulk(4, 16), [*sharing.bulk(2, 16), *sharing.bulk(2, 0)]
    with serve(bench.server, bench.python) as server:
        ask = partial(_table, bench, server)
        tables = [ask("4 processes of 16 workers", four, seconds)]
        if not bench.quick:
            tables.append(ask("16 processes of 4 workers", sharing.bulk(16, 4), seconds))
            tables += _cold_and_learned(bench, server, seconds)
        tables.append(ask("The quota is known, 4 processes of 16 workers", four, told, quota=sharing.RATE))
        if not bench.quick:
            tables.append(ask("The quota is known, 2 of 4 processes idle", idle, told, quota=sharing.RATE))
    return tables


def _table(
    bench: Bench, server: Server, title: str, load: Load, seconds: float, *, quota: float | None = None
) -> Table:
    def subject(kind: str) -> dict[str, Any] | None:
        part = quota / len(load) if quota and kind == sharing.ALONE else quota
        with sharing.store(kind) as store:
            each = [one | {"per_second": part} for one in load]
            return sharing.measure(bench, server, each, store.shared, seconds=seconds)

    return sharing.table(f"{title}, {seconds:g} s", _KEYS, sharing.rounds(bench, subject))


def _cold_and_learned(bench: Bench, server: Server, seconds: float) -> tuple[Table, Table]:
    load = [*sharing.interactive(36, 0.5), *sharing.bulk(4, 16)]

    def subject(kind: str) -> dict[str, Any] | None:
        with sharing.store(kind) as store:
            measure = partial(sharing.measure, bench, server, load, store.shared, seconds=seconds)
            if (cold := measure()) is None:
                return None
            return {"cold": cold, "learned": None if kind == sharing.ALONE else measure()}

    found = sharing.rounds(bench, subject)
    cold = {kind: [each["cold"] for each in rounds] for kind, rounds in found.items()}
    learned = {kind: [each["learned"] for each in rounds] for kind, rounds in found.items() if kind != sharing.ALONE}
    title = f"36 web processes of 0.5 calls a second and 4 of 16 workers, {seconds:g} s"
    columns = _KEYS | _WEB_KEYS
    return sharing.table(title, columns, cold), sharing.table(f"{title}, learned", columns, learned)
