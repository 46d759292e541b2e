"""How much work is one call, counted instead of timed?

Counts do not depend on how busy the machine is. For a call, with 1 and with 100 workers on a server that answers at
once: `handles`, callbacks that the event loop was asked to run; `turns`, turns of the event loop, each a system call;
`peak`, bytes allocated at the peak (`tracemalloc`, with 100 calls in flight) above what was there before; `kept`,
memory blocks that are still allocated afterwards; `requests`, what the server saw. Fewer is better; requests must be 1.
"""

from __future__ import annotations

import asyncio
import gc
import selectors
import sys
import time
import tracemalloc
from functools import partial
from typing import Any, Final

from benchmarks.answers import TOKEN_PATH
from benchmarks.bench import Bench, Table, ask, in_turn, samples
from benchmarks.clients import CLIENTS, SIDE_BY_SIDE, drive
from benchmarks.server import Server, serve

_WORKERS: Final = (1, 100)
_KEYS: Final = ("handles 1", "turns 1", "handles 100", "turns 100", "peak", "kept", "requests")


def run(bench: Bench) -> list[Table]:
    """Ask the question."""
    calls = 300
    with serve(bench.server, bench.python) as server:
        subjects = {
            name: partial(_subject, bench, server, client, calls)
            for name, client in SIDE_BY_SIDE.items()
            if not bench.quick or client != "httpx_get"  # takes as long as all the others together
        }
        found = in_turn(bench, subjects)
    columns = ("handles, 1 worker", "turns", "handles, 100 workers", "turns", "peak, bytes", "kept, blocks", "requests")
    rows = {name: tuple(samples(rounds, key) for key in _KEYS) for name, rounds in found.items()}
    return [Table("Work of one call", columns, rows, extra=found)]


def _subject(bench: Bench, server: Server, client: str, calls: int) -> dict[str, Any] | None:
    mark = server.mark()
    found = ask(bench, "work", "count", client=client, url=server.url, calls=calls)
    if found is None:
        return None
    time.sleep(0.1)  # the last lines of the log
    seen = sum(line.path != TOKEN_PATH for line in server.seen(mark))
    return found | {"requests": seen / found["calls"]}


class _Selector(selectors.DefaultSelector):
    """Counts the turns of the loop."""

    turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.turns += 1
        return super().select(timeout)


class _Loop(asyncio.SelectorEventLoop):
    """Counts what it is asked to run."""

    handles = 0

    def call_soon(self, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        self.handles += 1
        return super().call_soon(*args, **kwargs)

    def call_at(self, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        self.handles += 1
        return super().call_at(*args, **kwargs)


def count(client: str, url: str, calls: int) -> dict[str, Any]:
    """What a call takes, and how many calls were made in all."""
    selector = _Selector()
    loop = _Loop(selector)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(_count(client, url, calls, loop, selector))


async def _count(client: str, url: str, calls: int, loop: _Loop, selector: _Selector) -> dict[str, Any]:
    found: dict[str, Any] = {}
    async with CLIENTS[client](url) as call:
        made, lost = max(_WORKERS) * 3, await drive(call, max(_WORKERS) * 3, max(_WORKERS))
        for workers in _WORKERS:
            before = loop.handles, selector.turns
            lost += await drive(call, calls, workers)
            made += calls
            found[f"handles {workers}"] = (loop.handles - before[0]) / calls
            found[f"turns {workers}"] = (selector.turns - before[1]) / calls
        gc.collect()
        blocks = sys.getallocatedblocks()
        lost += await drive(call, calls, max(_WORKERS))
        gc.collect()
        found["kept"] = (sys.getallocatedblocks() - blocks) / calls
        tracemalloc.start()
        lost += await drive(call, max(_WORKERS), None)
        found["peak"] = tracemalloc.get_traced_memory()[1] / max(_WORKERS)
        tracemalloc.stop()
    if lost:
        raise RuntimeError(f"{client} lost {lost} calls")
    return found | {"calls": made + calls + max(_WORKERS)}
