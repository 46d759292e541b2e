"""The disk of a journal: full, failing, or without power."""

from __future__ import annotations

import functools
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.from_thread
import pytest

from alexa_props import errors, fleet
from alexa_props.fleet import FleetStopped
from tests.fleet.helpers import (
    MADE,
    drain,
    get,
    one,
    outcomes,
    room_of,
    rows,
    run_job,
    statuses,
)
from tests.helpers import Service, answer, smart_properties


@pytest.fixture
def full_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return a function: journals that are opened later fill the disk after so many pages."""

    def fill(pages: int) -> None:
        connect = sqlite3.connect

        def limited(*arguments: Any, **options: Any) -> sqlite3.Connection:
            db: sqlite3.Connection = connect(*arguments, **options)
            if not options.get("uri"):
                count = db.execute("PRAGMA page_count").fetchone()[0]
                db.execute(f"PRAGMA max_page_count = {count + pages}")
            return db

        monkeypatch.setattr(sqlite3, "connect", limited)

    return fill


LONG = [f"{number:05}" + "k" * 2000 for number in range(1000)]


@pytest.mark.parametrize("concurrency", [1, 20])
async def test_full_disk_ends_the_run_and_keeps_the_records(
    journal: Path, full_after: Callable[[int], None], monkeypatch: pytest.MonkeyPatch, concurrency: int
) -> None:
    full_after(60)
    service = Service()
    call = get(smart_properties(service))
    async with fleet.run(call, LONG, journal=journal, job="a job", concurrency=concurrency) as run:
        found, error = await drain(run)
    assert isinstance(error, errors.JournalError)
    assert "could not be written: database or disk is full; it is complete up to here" in str(error)
    assert str(error) in (run.stopped or "")
    assert 5 < len(found) <= len(service.seen) < 200
    sent = {room_of(seen) for seen in service.seen}
    monkeypatch.undo()
    recorded = rows(journal)
    # Everything that was sent is recorded.
    assert sent <= set(recorded)
    report, again_sent = await run_job(journal, get, None, items=LONG)
    done = {key for key, (status, _) in recorded.items() if status == "done"}
    assert len(done) >= len(sent) - 2 * concurrency
    assert done.isdisjoint(again_sent)
    assert len(report) + len(done) == len(LONG)


async def test_no_item_begins_after_a_failed_write(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    breaks, broken, may_continue = threading.Event(), anyio.Event(), threading.Event()

    class Disk(sqlite3.Connection):
        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            if sql == "BEGIN" and breaks.is_set():
                breaks.clear()
                anyio.from_thread.run_sync(broken.set)
                may_continue.wait(10)
                raise sqlite3.OperationalError("disk I/O error")
            return super().execute(sql, *parameters)

    monkeypatch.setattr(sqlite3, "connect", functools.partial(sqlite3.connect, factory=Disk))

    async def rooms() -> AsyncIterator[str]:
        yield "a"
        await broken.wait()
        yield "b"

    async def call(room: str) -> None:
        await get(asp)(room)
        breaks.set()

    async def continue_later() -> None:
        await broken.wait()
        # By then the next item waits to be begun.
        await anyio.wait_all_tasks_blocked()
        may_continue.set()

    service = Service()
    asp = smart_properties(service)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(continue_later)
        async with fleet.run(call, rooms(), journal=journal, job="a job", concurrency=2) as run:
            found, error = await drain(run)
    assert isinstance(error, errors.JournalError)
    assert [room_of(seen) for seen in service.seen] == ["a"]
    assert statuses(found) == {"a": "done"}
    monkeypatch.undo()
    assert rows(journal) == {"a": ("started", 0)}


async def test_records_survive_a_power_failure(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connections: list[sqlite3.Connection] = []

    class Watched(sqlite3.Connection):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            connections.append(self)

    monkeypatch.setattr(sqlite3, "connect", functools.partial(sqlite3.connect, factory=Watched))

    async def call(_: str) -> tuple[int, str]:
        # SQLite waits for the disk at every commit only if this is FULL (2).
        found = [connections[-1].execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode")]
        return found[0], found[1]

    for _ in range(2):
        (outcome,) = await outcomes(call, ["a"], journal=journal, job="a job", key=lambda _: str(len(connections)))
        assert outcome.value == (2, "wal")


def watch_connections(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    """Return the list of all connections that are opened later."""
    connections: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def remembered(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connections.append(connect(*arguments, **options))
        return connections[-1]

    monkeypatch.setattr(sqlite3, "connect", remembered)
    return connections


async def test_last_outcome_that_cannot_be_recorded_raises(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connections = watch_connections(monkeypatch)

    async def call(_: str) -> None:
        connections[-1].execute("PRAGMA query_only = 1")

    async with fleet.run(call, ["a"], journal=journal, job="a job") as run:
        found, error = await drain(run)
    assert (statuses(found), type(error)) == ({"a": "done"}, errors.JournalError)


async def test_unsafe_request_is_not_sent_if_it_cannot_be_recorded(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(lambda request: MADE if request.method == "POST" else answer(204))
    asp = smart_properties(service)
    connections = watch_connections(monkeypatch)

    async def call(room: str) -> None:
        await get(asp)(room)
        # From here on nothing can be written.
        connections[-1].execute("PRAGMA query_only = 1")
        await asp.units.create("parent", room)

    with pytest.raises(FleetStopped) as caught:
        await fleet.collect(call, ["a", "b"], journal=journal, job="a job", concurrency=1)
    assert [seen.method for seen in service.seen] == ["GET"]
    assert isinstance(caught.value.__cause__, errors.JournalError)
    assert statuses(caught.value.report) == {"a": "failed"}
    monkeypatch.undo()
    assert rows(journal) == {"a": ("started", 0)}
    assert (await one(lambda _: get(asp)("x"), "a", journal=journal, job="a job")).status == "done"
