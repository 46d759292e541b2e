"""How long does an interactive call take beside three bulk processes that use the same quota?

Asked by name only. GetDevice against 100 requests a second, which they do not know. Three processes have 16
workers each that are always busy; one makes an interactive call every 100 ms, whether or not the ones before have
ended. p50, p95 and longest: time of an interactive call, from the call to its result. Done: the share of them that
succeeded. Bulk's share: items of the three, by what the interactive calls left of 100 x time + burst + 1. Used and
refused are of all requests, by the server's log. Lost: calls that ended in an exception.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from benchmarks import sharing
from benchmarks.bench import Bench, Table
from benchmarks.server import Server, serve

_PER_SECOND: Final = 10
_COLUMNS: Final = {
    "p50, ms": "p50",
    "p95, ms": "p95",
    "longest, ms": "longest",
    "done %": "done",
    "bulk's share %": "bulk",
    "used %": "used",
    "refused %": "refused",
    "lost": "lost",
}


def run(bench: Bench) -> list[Table]:
    """Ask the question."""
    seconds = 3.0 if bench.quick else 12.0
    with serve(bench.server, bench.python) as server:
        found = sharing.rounds(bench, partial(_subject, bench, server, seconds), alone=None)
    title = f"{_PER_SECOND} interactive calls a second beside 3 processes of 16 workers, {seconds:g} s"
    return [sharing.table(title, _COLUMNS, found)]


def _subject(bench: Bench, server: Server, seconds: float, kind: str) -> dict[str, Any] | None:
    load = [*sharing.bulk(3, 16), *sharing.interactive(1, _PER_SECOND)]
    with sharing.store(kind) as store:
        return sharing.measure(bench, server, load, store.shared, seconds=seconds)
