"""A run that is killed repeatedly, at any moment, and resumes each time."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import attrs
import pytest
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from alexa_props.simulator import Simulator

KILLS = 20
CONCURRENCY = 16
RUNNER = """
import json, os, sys
import anyio, anyio.to_thread
from alexa_props import LoginWithAmazon, RateLimit, SmartProperties, fleet
from alexa_props.pipeline.pool import Pool

facts = json.loads(sys.stdin.readline())

async def main():
    auth, limit = LoginWithAmazon(**facts["login"]), RateLimit(per_second=5000)
    async with SmartProperties(auth=auth, base_url=facts["base_url"], rate_limit=limit) as asp:
        async def create(key):
            return await asp.units.create(facts["parent"], key)
        call = {"delete": asp.alerts.delete_alarms, "create": create}[facts["job"]]
        options = {"journal": facts["journal"], "job": "the job", "concurrency": facts["concurrency"]}
        async with fleet.run(call, facts["items"], **options) as run:
            async for outcome in run:
                os.write(1, f"{outcome.status} {outcome.key}\\n".encode())

# One process per run, forked after the imports.
for _ in sys.stdin:
    pid = os.fork()
    if not pid:
        try:
            anyio.run(main)
            os._exit(0)
        finally:
            os._exit(1)
    os.write(1, f"began {pid}\\n".encode())
    os.write(1, f"ended {os.waitpid(pid, 0)[1]}\\n".encode())
"""


@attrs.define
class Runs:
    """Runs in separate processes, one after the other, and what they reported."""

    process: Process
    received: MemoryObjectReceiveStream[int]
    reported: list[tuple[str, str]] = attrs.field(factory=list)

    @property
    def reported_done(self) -> set[str]:
        return {key for status, key in self.reported if status == "done"}

    async def begin(self) -> int:
        """Begin a run. Return its process id."""
        assert self.process.stdin is not None
        await self.process.stdin.send(b"\n")
        return await self.received.receive()

    async def ended(self) -> int:
        """Wait until the run has ended. Return its exit status."""
        with anyio.fail_after(60):
            return await self.received.receive()

    async def receive(self, send: MemoryObjectSendStream[int]) -> None:
        assert self.process.stdout is not None
        stream = BufferedByteReceiveStream(self.process.stdout)
        async with send:
            while True:
                try:
                    line = await stream.receive_until(b"\n", 1000)
                except (anyio.IncompleteRead, anyio.EndOfStream):
                    return
                word, _, rest = line.decode().partition(" ")
                if word in ("began", "ended"):
                    await send.send(int(rest))
                else:
                    self.reported.append((word, rest))


@asynccontextmanager
async def begun(**facts: Any) -> AsyncIterator[Runs]:
    # Measuring coverage would slow the runs down, and a kill would lose it.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    command = [sys.executable, "-c", RUNNER]
    send, received = anyio.create_memory_object_stream[int](10)
    async with await anyio.open_process(command, stdin=subprocess.PIPE, stderr=None, env=environment) as process:
        assert process.stdin is not None
        these = Runs(process, received)
        with received:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(these.receive, send)
                await process.stdin.send(json.dumps({**facts, "concurrency": CONCURRENCY}).encode() + b"\n")
                yield these
                await process.stdin.aclose()


def recorded(journal: Path) -> dict[str, str]:
    """Return the records of a journal from a copy, so that reading does not repair it."""
    copy = journal.with_name("copy.db")
    for suffix in ("", "-wal", "-journal"):
        copy.with_name(copy.name + suffix).unlink(missing_ok=True)
        if (original := journal.with_name(journal.name + suffix)).exists():
            shutil.copy(original, copy.with_name(copy.name + suffix))
    if not copy.exists():
        return {}
    with sqlite3.connect(copy) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        made = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'items'").fetchone()
        found = dict(db.execute("SELECT key, status FROM items")) if made else {}
    db.close()
    return found


@attrs.define
class History:
    """What the service received and what the journal records, kill after kill."""

    sim: Simulator
    operation: str
    journal: Path
    done: set[str] = attrs.field(factory=set)

    @property
    def count(self) -> int:
        return self.sim.count(self.operation)

    def sent(self, after: int = 0) -> list[str]:
        """Return the items that the service was asked for, without the first `after` requests."""
        calls = [call for call in self.sim.calls if call.operation == self.operation][after:]
        if self.operation == "units.create":
            return [call.body["name"]["value"]["text"] for call in calls if isinstance(call.body, dict)]
        return [call.unit_id or "" for call in calls]

    def check(self, runs: Runs, after: int) -> None:
        """Check that what is done stays done, what was reported is recorded, and what was done is not sent again."""
        now_done = {key for key, status in recorded(self.journal).items() if status == "done"}
        assert self.done <= now_done
        assert runs.reported_done <= now_done
        assert self.done.isdisjoint(self.sent(after))
        self.done = now_done


async def kill(runs: Runs, history: History, seconds: float, target: int | None) -> None:
    """Begin a run. Kill it `seconds` after the service has received `target` requests."""
    before = history.count
    pid = await runs.begin()
    with anyio.fail_after(60):
        while target is not None and history.count < before + target:  # noqa: ASYNC110 - there is no event for it
            await anyio.sleep(0.001)
    await anyio.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    assert await runs.ended() == signal.SIGKILL
    history.check(runs, before)


@pytest.mark.apart
@pytest.mark.parametrize(("job", "count"), [("delete", 5000), ("create", 1200)])
async def test_run_killed_repeatedly_completes(job: str, count: int, tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - to repeat a failure
    chance = random.Random(seed)
    rooms = count if job == "delete" else 1
    async with Simulator(rooms=rooms, endpoints_per_room=1, seed=5) as sim, sim.serve() as base_url:
        operation = "alerts.delete_alarms" if job == "delete" else "units.create"
        history = History(sim, operation, tmp_path / "journal.db")
        items = sim.rooms if job == "delete" else [f"unit {number}" for number in range(count)]
        login = {name: getattr(sim, name) for name in ("client_id", "client_secret", "refresh_token", "token_url")}
        facts = {"base_url": base_url, "login": login, "parent": sim.units[1], "items": items}
        # Few enough to leave some for the last run, although interrupted creations are not repeated.
        most = (count - KILLS * (CONCURRENCY + 20)) // KILLS
        async with begun(job=job, journal=str(history.journal), **facts) as runs:
            for number in range(KILLS):
                if number % 5 == 0:
                    # While the run opens its journal and requests a token.
                    await kill(runs, history, chance.uniform(0, 0.1), None)
                else:
                    await kill(runs, history, chance.uniform(0, 0.005), chance.randint(1, most))
            assert 0 < len(history.done) < count
            before = history.count
            await runs.begin()
            assert await runs.ended() == 0
        history.check(runs, before)
        sent, reported = Counter(history.sent()), Counter(key for status, key in runs.reported if status == "done")
        assert set(recorded(history.journal)) == set(items)
        assert set(reported.values()) == {1}
        # Each kill interrupts the items in flight, and no others are sent again.
        assert sum(sent.values()) <= count + CONCURRENCY * KILLS
        if job == "delete":
            assert history.done == set(items) == set(sent)
            assert sum(sim.alert_count("alarms", room) for room in items) == 0
        else:
            # Nothing is sent twice, and what may exist is reported.
            assert set(sent.values()) == {1}
            unknown = {key for status, key in runs.reported if status == "unknown"}
            assert unknown == set(items) - history.done
            assert len(unknown) <= CONCURRENCY * KILLS
