"""What the questions about quotas share: calls made against a quota, and the server's account of them."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from benchmarks.bench import Bench, ask
from benchmarks.clients import CLIENTS, drive, fails
from benchmarks.server import Line, Server

OK: Final = 200
REFUSED: Final = 429
_SETTLE: Final = 0.25
"""Seconds before and after a subject, in which the server's bucket drains and its log is written."""


def count(bench: Bench, server: Server, rate: int, learned_after: float, **load: Any) -> dict[str, Any] | None:
    """Let a subject make its calls at a quota, and reckon how it went.

    `goodput` is the items that were done, a second from the first call to the last answer, as a share of the quota (in
    percent); `learned` is the same from so many seconds after the first request on, by the server's log; `refused` is
    the share of requests that got a 429, by the log; `lost` the items whose call ended in an exception.
    """
    server.quota(rate)
    time.sleep(_SETTLE)
    mark = server.mark()
    made = ask(bench, "goodput", "make", url=server.url, **load)
    time.sleep(_SETTLE)
    server.quota(None)
    if made is None:
        return None
    seen = server.seen(mark)
    refused = sum(line.status == REFUSED for line in seen)
    done: int = load["calls"] - made["lost"]
    return made | {
        "goodput": 100 * done / made["seconds"] / rate,
        "learned": 100 * _rate_after(seen, learned_after) / rate,
        "requests": len(seen),
        "refused_requests": refused,
        "refused": 100 * refused / len(seen),
    }


async def make(client: str, url: str, calls: int, workers: int | None, options: dict[str, Any]) -> dict[str, Any]:
    """Make the calls: seconds from the first of them to the last answer, and how many were lost."""
    async with CLIENTS[client](url, **options) as call:
        began = time.monotonic()
        lost = await drive(call, calls, workers)
        return {"seconds": time.monotonic() - began, "lost": lost}


async def keep_asking(client: str, url: str, seconds: float, workers: int, options: dict[str, Any]) -> dict[str, Any]:
    """Keep so many workers busy for so long; how many items were tried, and how many lost."""
    items = lost = 0
    async with CLIENTS[client](url, **options) as call:
        until = time.monotonic() + seconds

        async def worker() -> None:
            nonlocal items, lost
            while time.monotonic() < until:
                failed = await fails(call)
                items, lost = items + 1, lost + failed

        await asyncio.gather(*(worker() for _ in range(workers)))
    return {"items": items, "lost": lost}


def _rate_after(seen: list[Line], seconds: float) -> float:
    """Accepted requests a second, from so many seconds after the first request to the last that was accepted."""
    accepted = sorted(line.at for line in seen if line.status == OK)
    start = min(line.at for line in seen) + seconds
    later = [at for at in accepted if at > start]
    # One who was done by then left a second or less to reckon with.
    return len(later) / max(accepted[-1] - start, 1.0) if later else 0.0
