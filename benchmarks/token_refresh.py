"""When 1,000 calls wait for one token, how many token requests are there, and what do the waiters cost?

1,000 calls (reading a room's music station) are handed in at once to a client without a token, and again to the same
client now that it has one. Then the same with a first token that the server refuses with 401 wherever it is used: all
that were sent with it come back, at different times, and have to go out again with a second token. The server answers
everything after 20 ms. Token requests and refusals are counted in the server's log; they must be 1, or 2 where the
first token is refused. CPU is the client's process time for a call; its ratio is to the calls that had a token.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from functools import partial
from typing import Any, Final

from benchmarks.answers import TOKEN_PATH, UNIT
from benchmarks.bench import Bench, Table, ask, in_turn, ratios, samples
from benchmarks.clients import smart_properties
from benchmarks.server import serve

WAITERS: Final = 1000
_KEYS: Final = ("token requests", "refused", "lost", "cpu")


def run(bench: Bench) -> list[Table]:
    """Ask the question."""
    subjects = {
        "without a token": partial(_subject, bench, revoke=False),
        "first token refused": partial(_subject, bench, revoke=True),
    }
    found = in_turn(bench, subjects)
    cold = found["without a token"]
    # The second thousand of the first subject.
    found["with a token"] = [{"token requests": 0, "refused": 0, "lost": 0, "cpu": one["warm"]} for one in cold]
    warm = samples(found["with a token"], "cpu")
    rows = {
        name: (*(samples(rounds, key) for key in _KEYS), ratios(samples(rounds, "cpu"), warm))
        for name, rounds in found.items()
    }
    columns = ("token requests", "401 answers", "lost calls", "CPU per call, µs", "ratio")
    return [Table(f"{WAITERS:,} calls at once", columns, rows, extra=found)]


def _subject(bench: Bench, *, revoke: bool) -> dict[str, Any] | None:
    # Only the fallback server can be slow, and revoke.
    with serve("fallback", bench.python, latency=0.02, revoke=revoke) as server:
        found = ask(bench, "token_refresh", "wait", url=server.url)
        time.sleep(0.1)
        seen = server.seen(0)
    statuses = Counter(line.status for line in seen)
    if found is None:
        return None
    return found | {"token requests": sum(line.path == TOKEN_PATH for line in seen), "refused": statuses[401]}


async def wait(url: str) -> dict[str, Any]:
    """CPU in microseconds for a call: of calls that have to wait for a token, and of calls that have one."""
    found: dict[str, Any] = {"lost": 0}
    async with smart_properties(url) as asp:
        for name in ("cpu", "warm"):
            began = time.process_time()
            calls = [asp.unit_settings.get_default_music_station(UNIT) for _ in range(WAITERS)]
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
            found[name] = (time.process_time() - began) / WAITERS * 1e6
            found["lost"] += sum(isinstance(outcome, BaseException) for outcome in outcomes)
    return found
