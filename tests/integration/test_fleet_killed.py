"""A run that is killed again and again, at any moment, and goes on each time where it was."""

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
AT_ONCE = 16
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
        options = {"journal": facts["journal"], "job": "the job", "concurrency": facts["at_once"]}
        async with fleet.run(call, facts["items"], **options) as run:
            async for outcome in run:
                os.write(1, f"{outcome.status} {outcome.key}\\n".encode())

# A process for each run, without the time that the imports take.
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
    """Runs in processes of their own, one after the other, and what they have told."""

    process: Process
    heard: MemoryObjectReceiveStream[int]
    told: list[tuple[str, str]] = attrs.field(factory=list)

    @property
    def told_done(self) -> set[str]:
        return {key for status, key in self.told if status == "done"}

    async def begin(self) -> int:
        """Begin one; its process id."""
        assert self.process.stdin is not None
        await self.process.stdin.send(b"\n")
        return await self.heard.receive()

    async def ended(self) -> int:
        """Wait until it has; how."""
        with anyio.fail_after(60):
            return await self.heard.receive()

    async def listen(self, said: MemoryObjectSendStream[int]) -> None:
        assert self.process.stdout is not None
        stream = BufferedByteReceiveStream(self.process.stdout)
        async with said:
            while True:
                try:
                    line = await stream.receive_until(b"\n", 1000)
                except (anyio.IncompleteRead, anyio.EndOfStream):
                    return
                word, _, rest = line.decode().partition(" ")
                if word in ("began", "ended"):
                    await said.send(int(rest))
                else:
                    self.told.append((word, rest))


@asynccontextmanager
async def begun(**facts: Any) -> AsyncIterator[Runs]:
    # Measured coverage would slow them down, and not be kept.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    command = [sys.executable, "-c", RUNNER]
    said, heard = anyio.create_memory_object_stream[int](10)
    async with await anyio.open_process(command, stdin=subprocess.PIPE, stderr=None, env=environment) as process:
        assert process.stdin is not None
        these = Runs(process, heard)
        with heard:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(these.listen, said)
                await process.stdin.send(json.dumps({**facts, "at_once": AT_ONCE}).encode() + b"\n")
                yield these
                await process.stdin.aclose()


def recorded(journal: Path) -> dict[str, str]:
    """What a journal holds as it lies there; a copy is looked at, so that nothing is mended by that."""
    copy = journal.with_name("copy.db")
    for suffix in ("", "-wal", "-journal"):
        copy.with_name(copy.name + suffix).unlink(missing_ok=True)
        if (lies_there := journal.with_name(journal.name + suffix)).exists():
            shutil.copy(lies_there, copy.with_name(copy.name + suffix))
    if not copy.exists():
        return {}
    with sqlite3.connect(copy) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        made = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'items'").fetchone()
        found = dict(db.execute("SELECT key, status FROM items")) if made else {}
    db.close()
    return found


@attrs.define
class Story:
    """What the service saw, and what the journal says, kill after kill."""

    sim: Simulator
    operation: str
    journal: Path
    done: set[str] = attrs.field(factory=set)

    @property
    def count(self) -> int:
        return self.sim.count(self.operation)

    def sent(self, after: int = 0) -> list[str]:
        """What the service was asked for, but for the first so many requests."""
        calls = [call for call in self.sim.calls if call.operation == self.operation][after:]
        if self.operation == "units.create":
            return [call.body["name"]["value"]["text"] for call in calls if isinstance(call.body, dict)]
        return [call.unit_id or "" for call in calls]

    def goes_on(self, runs: Runs, after: int) -> None:
        """What is done stays done, what was told is on record, and what was done is not sent again."""
        now_done = {key for key, status in recorded(self.journal).items() if status == "done"}
        assert self.done <= now_done
        assert runs.told_done <= now_done
        assert self.done.isdisjoint(self.sent(after))
        self.done = now_done


async def kill(runs: Runs, story: Story, seconds: float, target: int | None) -> None:
    """Begin a run, and kill it so many seconds after the service has seen so many requests."""
    before = story.count
    pid = await runs.begin()
    with anyio.fail_after(60):
        while target is not None and story.count < before + target:  # noqa: ASYNC110 - it looks at a count
            await anyio.sleep(0.001)
    await anyio.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    assert await runs.ended() == signal.SIGKILL
    story.goes_on(runs, before)


@pytest.mark.parametrize(("job", "count"), [("delete", 5000), ("create", 1200)])
async def test_run_killed_repeatedly_completes(job: str, count: int, tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - to repeat a failure
    chance = random.Random(seed)
    rooms = count if job == "delete" else 1
    async with Simulator(rooms=rooms, endpoints_per_room=1, seed=5) as sim, sim.serve() as base_url:
        story = Story(sim, {"delete": "alerts.delete_alarms", "create": "units.create"}[job], tmp_path / "journal.db")
        items = sim.rooms if job == "delete" else [f"unit {number}" for number in range(count)]
        login = {name: getattr(sim, name) for name in ("client_id", "client_secret", "refresh_token", "token_url")}
        facts = {"base_url": base_url, "login": login, "parent": sim.units[1], "items": items}
        # So few at a time that there is something left for the last one, though all that is cut off is told for good.
        most = (count - KILLS * (AT_ONCE + 20)) // KILLS
        async with begun(job=job, journal=str(story.journal), **facts) as runs:
            for number in range(KILLS):
                if number % 5 == 0:
                    # While it begins: it has a journal to open and a token to fetch.
                    await kill(runs, story, chance.uniform(0, 0.1), None)
                else:
                    await kill(runs, story, chance.uniform(0, 0.005), chance.randint(1, most))
            assert 0 < len(story.done) < count
            before = story.count
            await runs.begin()
            assert await runs.ended() == 0
        story.goes_on(runs, before)
        sent, told = Counter(story.sent()), Counter(key for status, key in runs.told if status == "done")
        assert set(recorded(story.journal)) == set(items)
        assert set(told.values()) == {1}
        # Each kill has cut off what was under way, and no more than that is sent again.
        assert sum(sent.values()) <= count + AT_ONCE * KILLS
        if job == "delete":
            assert story.done == set(items) == set(sent)
            assert sum(sim.alert_count("alarms", room) for room in items) == 0
        else:
            # Nothing twice; and what may be there, and may not, is told.
            assert set(sent.values()) == {1}
            unknown = {key for status, key in runs.told if status == "unknown"}
            assert unknown == set(items) - story.done
            assert len(unknown) <= AT_ONCE * KILLS
