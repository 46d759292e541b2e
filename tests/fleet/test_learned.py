"""The limits beside a journal: the next run starts with what this one has learned, and no run ends because of them."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from alexa_props import Limits, RateLimit, SmartProperties, fleet
from alexa_props.fleet.learned import LearnedLimits
from alexa_props.limits import ScopeLimits
from alexa_props.simulator import Simulator
from tests.fleet.helpers import ROOMS, get
from tests.helpers import Service, answer, smart_properties, virtual_time

GET = "unit_settings.get_default_music_station"
HOST = "https://api.amazonalexa.com"
DELETE = "alerts.delete_alarms"
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


@pytest.fixture
def beside(journal: Path) -> Path:
    return Path(f"{journal}-limits")


def client(*script: Any, **options: Any) -> SmartProperties:
    return smart_properties(Service(*script), rate_limit=RateLimit(), **options)


async def work(asp: SmartProperties, journal: Path, items: Any = ("room-1",), **options: Any) -> ScopeLimits:
    """Run the job and return what the client knows."""
    report = await fleet.collect(get(asp), items, journal=journal, job="a job", **options)
    assert all(outcome.status == "done" for outcome in report)
    return asp.limits[GET]


def limits(ceiling: float, ago: dt.timedelta | None = MINUTE) -> Limits:
    at = None if ago is None else dt.datetime.now(dt.UTC) - ago
    return Limits({GET: ScopeLimits(rate=ceiling, ceiling=ceiling, learned_at=at)})


def inode(path: Path) -> int | None:
    return path.stat().st_ino if path.exists() else None


def store(beside: Path, **clients: Limits) -> None:
    content = {name.replace("HOST", HOST): json.loads(each.to_json()) for name, each in clients.items()}
    beside.write_text(json.dumps(content))


def stored(beside: Path) -> dict[str, Limits]:
    return {name: Limits.from_json(json.dumps(each)) for name, each in json.loads(beside.read_text()).items()}


async def test_the_next_run_of_a_journal_starts_with_what_this_one_has_learned(journal: Path, beside: Path) -> None:
    learned = await work(client(answer(429), 204), journal, ROOMS[:2])
    assert learned.ceiling is not None
    assert stored(beside) == {HOST: Limits({GET: stored(beside)[HOST][GET]})}
    assert stored(beside)[HOST][GET].ceiling == learned.ceiling
    before = inode(beside)
    # One call waits for nothing, so it changes nothing.
    assert (await work(client(204), journal, ["more"])).ceiling == learned.ceiling
    assert inode(beside) == before is not None
    await work(client(*[answer(429)] * 3, 204), journal, ["even more"])
    assert stored(beside)[HOST][GET].ceiling != learned.ceiling


async def test_a_run_that_learns_nothing_leaves_no_file(journal: Path, beside: Path) -> None:
    await work(client(204), journal, ROOMS)
    assert inode(beside) is None


@pytest.mark.parametrize(
    ("ago", "ceiling"), [(5 * MINUTE, 50), (dt.timedelta(0), 30), (None, 30)], ids=["older", "newer", "without a time"]
)
async def test_of_what_the_client_and_the_journal_know_the_newer_counts(
    journal: Path, beside: Path, ago: dt.timedelta | None, ceiling: float
) -> None:
    store(beside, HOST=limits(50))
    assert (await work(client(204, limits=limits(30, ago)), journal)).ceiling == ceiling


async def test_a_client_that_was_used_before_the_run_keeps_what_it_has_learned_itself(
    journal: Path, beside: Path
) -> None:
    store(beside, HOST=limits(50))
    used = client(204)
    for _ in range(5):
        await get(used)("room-1")
    assert (await work(used, journal)).ceiling == 50
    taught = client(answer(429), 204)
    await get(taught)("room-1")
    own = taught.limits[GET].ceiling
    store(beside, HOST=limits(50))
    assert (await work(taught, journal, ["more"])).ceiling == own


async def test_each_client_has_its_own_limits_and_clients_that_cannot_be_distinguished_have_none(
    journal: Path, beside: Path
) -> None:
    async def both(one: SmartProperties, other: SmartProperties, room: str) -> tuple[ScopeLimits, ScopeLimits]:
        async def call(room: str) -> None:
            await get(one)(room)
            await get(other)(room)

        await fleet.collect(call, [room], journal=journal, job="a job")
        return one.limits[GET], other.limits[GET]

    throttled = answer(429)
    slow, fast = await both(client(throttled, 204, name="seaside"), client(204, name="alps"), "room-1")
    assert set(stored(beside)) == {f"seaside at {HOST}"}
    store(beside, **{"seaside at HOST": limits(5), "alps at HOST": limits(50), "HOST": limits(20)})
    slow, fast = await both(client(204, name="seaside"), client(204, name="alps"), "room-2")
    assert (slow.ceiling, fast.ceiling) == (5, 50)
    before = inode(beside)
    await both(client(throttled, 204), client(throttled, 204), "room-3")
    assert inode(beside) == before


async def test_limits_of_batches_are_stored_too(journal: Path, beside: Path) -> None:
    asp = client(answer(429), 204)

    async def call(rooms: Sequence[str]) -> None:
        await get(asp)(rooms[0])

    await fleet.collect_many(call, ROOMS, size=10, journal=journal, job="a job")
    assert GET in stored(beside)[HOST]


def put_in_the_way(path: Path, obstacle: str, victim: Path) -> None:
    if obstacle == "a folder":
        path.mkdir()
    elif obstacle == "a link":
        path.symlink_to(victim)
    else:
        path.write_text("{")


@pytest.mark.parametrize("obstacle", ["damaged", "a folder", "a link"])
async def test_a_run_does_without_the_file(
    journal: Path, beside: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, obstacle: str
) -> None:
    caplog.set_level(logging.INFO, "alexa_props")
    victim = tmp_path / "victim"
    store(victim, HOST=limits(50))
    before = inode(victim)
    put_in_the_way(beside, obstacle, victim)
    assert (await work(client(204), journal)).ceiling is None
    assert len([record for record in caplog.records if str(beside) in record.getMessage()]) == 1
    await work(client(answer(429), 204), journal, ["more"])
    assert stored(victim)[HOST][GET].ceiling == 50
    if obstacle != "a folder":
        assert HOST in stored(beside)
        assert inode(beside) != before == inode(victim)


async def test_limits_are_stored_now_and_then_while_a_run_lasts(journal: Path, beside: Path) -> None:
    asp = smart_properties(Service(answer(429), 204, latency=LearnedLimits.INTERVAL / 5), rate_limit=RateLimit())
    async with fleet.run(get(asp), ROOMS, concurrency=1, journal=journal, job="a job") as run:
        await anext(run)
        assert inode(beside) is None
        async for _ in run:
            pass
        assert HOST in stored(beside)


@pytest.mark.parametrize("leave", ["break", "cancelled", "an error"])
async def test_limits_are_stored_however_a_run_is_left(journal: Path, beside: Path, leave: str) -> None:
    asp = client(answer(429), 204)
    with anyio.CancelScope() as scope:
        try:
            async with fleet.run(get(asp), ROOMS, concurrency=1, journal=journal, job="a job") as run:
                async for _ in run:
                    if leave == "break":
                        break
                    if leave == "an error":
                        raise ValueError
                    scope.cancel()
        except ValueError:
            pass
    assert HOST in stored(beside)


KILLED = """
import asyncio, sys
from alexa_props import LoginWithAmazon, SmartProperties, fleet
from alexa_props.fleet.learned import LearnedLimits

LearnedLimits.INTERVAL = 0.0

async def main(journal, *rooms):
    async with SmartProperties.from_env() as asp:
        async with fleet.run(asp.alerts.delete_alarms, rooms, journal=journal) as run:
            async for outcome in run:
                print(outcome.key, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


def kill_once_it_exists(process: subprocess.Popen[bytes], path: Path) -> None:
    give_up_at = time.monotonic() + 60
    while not path.exists() and time.monotonic() < give_up_at:
        time.sleep(0.05)
    process.kill()


@pytest.mark.apart
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_run_that_was_killed_resumes_with_the_learned_rate(journal: Path, beside: Path) -> None:
    async with Simulator(rooms=40) as sim, sim.serve():
        sim.quota(DELETE, rate=4, burst=1)
        with subprocess.Popen(  # noqa: ASYNC220 - it is killed
            [sys.executable, "-c", KILLED, str(journal), *sim.rooms],
            env={**os.environ, **sim.env()},
            stdout=subprocess.DEVNULL,
        ) as process:
            await anyio.to_thread.run_sync(kill_once_it_exists, process, beside)
        assert inode(Path(f"{journal}-wal")) is not None
        [learned] = stored(beside).values()
        async with sim.smart_properties() as asp:
            report = await fleet.collect(asp.alerts.delete_alarms, sim.rooms[-1:], journal=journal)
            assert [outcome.status for outcome in report] == ["done"]
            # A refusal may have lowered it since.
            assert asp.limits[DELETE].ceiling == pytest.approx(learned[DELETE].ceiling, rel=0.3)
            assert asp.limits[DELETE].rate < 20
