"""How much time does fetching ahead save, and does it cost requests?

SearchDevices in pages of 50 from a server that answers after 50 ms, read by a consumer that works 40 ms on each page
(it sleeps). One after the other a page takes 90 ms; fetched ahead, the longer of the two. aiobotocore's paginator
fetches when it is asked. Seconds are by the wall, and a ratio below 1 is time saved; requests are counted in the
server's log, and must be as many as there are pages.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, Final

from benchmarks.answers import PAGE
from benchmarks.bench import Bench, Table, ask, in_turn, ratios, samples
from benchmarks.clients import UNPACED, aiobotocore_client, for_business
from benchmarks.server import serve

LATENCY: Final = 0.05
WORK: Final = 0.04
_SUBJECTS: Final = {"ours, prefetch": "prefetched", "ours": "plain", "aiobotocore paginator": "paginator"}


def run(bench: Bench) -> list[Table]:
    """Ask the question."""
    pages = 10 if bench.quick else 40
    subjects = {name: partial(_subject, bench, pages, function) for name, function in _SUBJECTS.items()}
    found = in_turn(bench, subjects)
    plain = samples(found["ours"], "seconds")
    rows = {
        name: (
            *(samples(rounds, key) for key in ("requests", "items", "seconds")),
            ratios(samples(rounds, "seconds"), plain),
        )
        for name, rounds in found.items()
    }
    columns = ("requests", "devices", "seconds", "to ours without prefetch")
    return [Table(f"{pages} pages of {PAGE} devices", columns, rows, extra=found)]


def _subject(bench: Bench, pages: int, function: str) -> dict[str, Any] | None:
    # Only the fallback server can be slow, and page.
    with serve("fallback", bench.python, latency=LATENCY, pages=pages) as server:
        found = ask(bench, "paging", function, url=server.url)
        time.sleep(0.1)
        return None if found is None else found | {"requests": len(server.seen(0)), "pages": pages}


async def prefetched(url: str) -> dict[str, Any]:
    """Ours, one page ahead."""
    async with for_business(url, UNPACED) as a4b:
        began = time.monotonic()
        async with a4b.devices.search(page_size=PAGE).prefetch() as devices:
            return await _consume(devices, began)


async def plain(url: str) -> dict[str, Any]:
    """Ours, page after page."""
    async with for_business(url, UNPACED) as a4b:
        return await _consume(aiter(a4b.devices.search(page_size=PAGE)), time.monotonic())


async def paginator(url: str) -> dict[str, Any]:
    """The paginator of aiobotocore."""
    async with aiobotocore_client(url) as client:

        async def devices() -> AsyncIterator[Any]:
            async for page in client.get_paginator("search_devices").paginate(PaginationConfig={"PageSize": PAGE}):
                for device in page["Devices"]:
                    yield device

        return await _consume(devices(), time.monotonic())


async def _consume(devices: AsyncIterator[Any], began: float) -> dict[str, Any]:
    items = 0
    async for _ in devices:
        items += 1
        if items % PAGE == 0:
            await asyncio.sleep(WORK)
    return {"items": items, "seconds": time.monotonic() - began}
