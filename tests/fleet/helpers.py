"""Helpers of the tests of runs."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import psycopg

from alexa_props import RetryPolicy, SmartProperties, fleet
from alexa_props.fleet import FleetReport, Outcome, Progress, Run
from alexa_props.fleet.journal.postgres_tables import read_text
from alexa_props.fleet.progress import Meter
from tests.helpers import Script, Seen, Service, answer, smart_properties

MADE = answer(201, json={"id": "new"})
"""The response to `units.create`."""
GONE = answer(500, json={"errors": [{"endpointId": "e1", "code": "DEVICE_UNREACHABLE", "description": "away"}]})
"""The response to a deletion that failed on one device."""
ONCE = RetryPolicy(max_attempts=1, max_retry_after=0)
"""No attempt after the first, even if the service asks to wait."""
THROTTLED = answer(429, Retry_After="1")
ROOMS = [f"room-{number}" for number in range(6)]
AnyJournal: TypeAlias = Path | str
"""A file, or a URL of PostgreSQL."""
Make: TypeAlias = Callable[[SmartProperties], Callable[[Any], Awaitable[Any]]]


async def outcomes(call: Callable[[Any], Awaitable[Any]], items: Any, **options: Any) -> list[Outcome[Any, Any]]:
    """Return all outcomes of a run."""
    async with fleet.run(call, items, **options) as run:
        return [outcome async for outcome in run]


async def drain(run: Run[Any, Any]) -> tuple[list[Outcome[Any, Any]], Exception | None]:
    """Return the outcomes of a run, and the error that ends them."""
    found: list[Outcome[Any, Any]] = []
    try:
        async for outcome in run:
            found.append(outcome)  # noqa: PERF401 - those before the error are needed
    except Exception as error:  # noqa: BLE001 - it is the result
        return found, error
    return found, None


async def one(call: Callable[[Any], Awaitable[Any]], item: Any = "room-1", **options: Any) -> Outcome[Any, Any]:
    """Return the outcome of a run over one item."""
    (outcome,) = await outcomes(call, [item], **options)
    return outcome


def statuses(found: Iterable[Outcome[Any, Any]]) -> dict[str, str]:
    return {outcome.key: outcome.status for outcome in found}


def get(asp: SmartProperties) -> Callable[[str], Coroutine[Any, Any, Any]]:
    """Return an idempotent call."""
    return asp.unit_settings.get_default_music_station


def create(asp: SmartProperties) -> Callable[[str], Awaitable[Any]]:
    """Return a call that must not be sent twice."""

    async def create(key: str) -> str:
        return await asp.units.create("parent", key)

    return create


def room_of(seen: Seen) -> str:
    """Return the room of a request."""
    if seen.content:
        name: str = seen.json["name"]["value"]["text"]
        return name
    return seen.url.params.get("unitId") or seen.url.path.split("/")[3]


class Source:
    """Numbered rooms, how many of them were read, and whether the iterator was closed."""

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self.read = 0
        self.closed = False
        self._count = count
        self._error = error

    async def items(self) -> AsyncIterator[str]:
        try:
            while self.read < self._count:
                self.read += 1
                yield f"room-{self.read}"
            if self._error is not None:
                raise self._error
        finally:
            self.closed = True


def rows(journal: AnyJournal) -> dict[str, tuple[str, int]]:
    """Return status and `unsafe_sent` of every item in a journal. No run may hold its file."""
    if isinstance(journal, str):
        return _rows_in_postgres(journal)
    with sqlite3.connect(journal) as db:
        found = {
            key: (status, unsafe_sent)
            for key, status, unsafe_sent in db.execute("SELECT key, status, unsafe_sent FROM items")
        }
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    return found


def _rows_in_postgres(journal: str) -> dict[str, tuple[str, int]]:
    url, _, name = journal.rpartition("#")
    with psycopg.connect(url) as db:
        found = db.execute(
            "SELECT key, status, unsafe_sent FROM alexa_props.items JOIN alexa_props.journals ON id = journal "
            "WHERE name = %s",
            (name,),
        )
        return {read_text(key): (status, int(unsafe_sent)) for key, status, unsafe_sent in found}


def forget_limits(journal: AnyJournal) -> None:
    """Let the next run know nothing of the limits of the service of this one, such as a pause that it asked for."""
    Path(f"{journal}-limits").unlink(missing_ok=True)


async def run_job(
    journal: AnyJournal, make: Make, *script: Script, items: Any = ROOMS, **options: Any
) -> tuple[FleetReport[Any, Any], list[str]]:
    """Run a job with a journal, a new client and a new service. Return the report, and the rooms that were sent."""
    forget_limits(journal)
    service = Service(*script)
    asp = smart_properties(service, retry=ONCE)
    report = await fleet.collect(make(asp), items, journal=journal, job="a job", **options)
    return report, [room_of(seen) for seen in service.seen]


async def echo(item: Any) -> Any:
    return item


async def takes(seconds: Any) -> None:
    await anyio.sleep(float(seconds))


async def never(_: Any) -> None:
    await anyio.sleep_forever()


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def work(meter: Meter, clock: Clock, *, seconds: float, per_second: float) -> None:
    """End items at a constant rate."""
    start = clock.now
    for number in range(1, round(seconds * per_second) + 1):
        clock.now = start + number / per_second
        meter.ended("done", 0, 5)


def fail(progress: bool | Callable[[Progress], None], error: BaseException) -> None:
    """Enter a meter of 100 items, and fail after the first."""
    with Meter(progress, 100, "station", clock=Clock()) as meter:
        meter.ended("failed", 0, 5)
        raise error
