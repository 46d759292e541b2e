"""Twenty thousand calls of a client are cancelled on a real socket, at any moment and in every way.

It takes half a minute, and stands apart. `test_pool_life.py` has a short form for the pool alone.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import gc
import itertools
import json
import os
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from alexa_props import (
    DefaultStation,
    LoginWithAmazon,
    RateLimit,
    RetryPolicy,
    SmartProperties,
    Timeouts,
    errors,
    hooks,
)
from alexa_props.pipeline.pool import Pool
from tests.pipeline.pool_servers import Exchange, Server, ok, until

CANCELLED = 20_000
WORKERS = 24
PLACES = 10
STATION = json.dumps({"providerId": "I_HEART_RADIO", "stationId": "4802"}).encode()


class Service:
    """Login with Amazon and Smart Properties on one port, which fail in many ways until `calm` is set."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.calm = False
        self.seen: set[str] = set()
        self.tokens = 0
        self.refused = 0
        self.together = 0
        self.all_here = asyncio.Event()

    async def answer(self, exchange: Exchange) -> None:
        if exchange.request.target == "/auth/o2/token":
            await self._give_token(exchange)
            return
        self.seen.add(exchange.request.target.split("/")[3])
        if self.calm:
            await self._wait_for_a_full_house()
        elif not await self._spoil(exchange):
            return
        data = ok(STATION)
        # In two pieces, so that some are cancelled while they read.
        exchange.writer.write(data[:30])
        if not self.calm and self.dice.random() < 0.3:
            await asyncio.sleep(self.dice.choice([0, 0.001]))
        exchange.writer.write(data[30:])

    async def _give_token(self, exchange: Exchange) -> None:
        self.tokens += 1
        await asyncio.sleep(self.dice.choice([0, 0.002, 0.005]))
        grant = {"access_token": f"Atza|{self.tokens}", "token_type": "bearer", "expires_in": 60 if self.calm else 0.2}
        exchange.writer.write(ok(json.dumps(grant).encode()))

    async def _spoil(self, exchange: Exchange) -> bool:
        """Take some time and fail now and then; return whether a response is still to be sent."""
        await asyncio.sleep(self.dice.choice([0, 0, 0.001, 0.003]))
        mood = self.dice.random()
        if mood < 0.02:
            exchange.reset()
        elif mood < 0.04:
            exchange.writer.close()
        elif mood < 0.06:
            exchange.writer.write(ok(b"{}", status=b"503 Service Unavailable"))
        elif mood < 0.07:
            exchange.writer.write(ok(b"{}", status=b"401 Unauthorized"))
        elif self.refused < min(len(self.seen) // 400, 3):
            self.refused += 1
            exchange.writer.write(ok(b"{}", b"Retry-After: 0.05", status=b"429 Too Many Requests"))
        else:
            return True
        return False

    async def _wait_for_a_full_house(self) -> None:
        """Respond when every slot of the pool is in use: a lost one would be missed."""
        self.together += 1
        if self.together == PLACES:
            self.together = 0
            self.all_here.set()
            self.all_here = asyncio.Event()
        else:
            await self.all_here.wait()


class Churn:
    """Calls, and the ways to cancel them. Each way returns whether it cancelled its call in time."""

    def __init__(self, client: SmartProperties, dice: random.Random) -> None:
        self.client, self.dice = client, dice
        self.numbers = itertools.count()
        self.usual = 0.0
        self.cancelled: set[str] = set()
        self.ends: collections.Counter[str] = collections.Counter()
        self.ways: list[Callable[[str], Awaitable[bool]]] = [
            self.before_its_first_step,
            self.after_some_turns,
            self.after_some_time,
            self.by_a_scope_with_a_limit,
            self.by_a_scope_from_outside,
            self.by_timeout,
            self.by_wait_for,
            self.by_its_own_deadline,
        ]

    async def learn_how_long_it_takes(self) -> None:
        """Measure it on this machine, with as many calls: else a slow one would see only early cancellations."""

        async def some_calls(worker: int) -> None:
            for number in range(10):
                await self.call(f"whole-{worker}-{number}")

        begun = time.perf_counter()
        await asyncio.gather(*map(some_calls, range(WORKERS)))
        self.usual = (time.perf_counter() - begun) / 10
        print(f"a call takes {self.usual:.3f} s")  # noqa: T201

    def some_time(self) -> float:
        # Most end early, so that there can be so many.
        return min(self.dice.expovariate(3 / self.usual), 5 * self.usual)

    async def call(self, name: str, **options: Any) -> None:
        client = self.client.with_options(priority=self.dice.choice(["interactive", "bulk"]), **options)
        try:
            if self.dice.random() < 0.2:
                await client.unit_settings.set_default_music_station(name, DefaultStation("I_HEART_RADIO", "4802"))
            else:
                await client.unit_settings.get_default_music_station(name)
        except (errors.TransportError, errors.ServerError, errors.Throttled, errors.Unauthorized) as error:
            # What the faults of the service lead to.
            self.ends[type(error).__name__] += 1
        else:
            self.ends["done"] += 1

    async def end(self, task: asyncio.Task[None]) -> bool:
        task.cancel()
        # Not the task itself: its cancellation and this worker's would look the same.
        await asyncio.wait([task])
        return task.cancelled() or task.result() is not None

    async def before_its_first_step(self, name: str) -> bool:
        return await self.end(asyncio.create_task(self.call(name)))

    async def after_some_turns(self, name: str) -> bool:
        task = asyncio.create_task(self.call(name))
        for _ in range(self.dice.randrange(40)):
            await asyncio.sleep(0)
        return await self.end(task)

    async def after_some_time(self, name: str) -> bool:
        task = asyncio.create_task(self.call(name))
        await asyncio.sleep(self.some_time())
        return await self.end(task)

    async def by_a_scope_with_a_limit(self, name: str) -> bool:
        with anyio.move_on_after(self.some_time()) as scope:
            await self.call(name)
        return scope.cancelled_caught

    async def by_a_scope_from_outside(self, name: str) -> bool:
        with anyio.CancelScope() as scope:
            timer = asyncio.get_running_loop().call_later(self.some_time(), scope.cancel)
            await self.call(name)
        timer.cancel()
        return scope.cancelled_caught

    async def by_timeout(self, name: str) -> bool:
        try:
            async with asyncio.timeout(self.some_time()):
                await self.call(name)
        except TimeoutError:
            return True
        return False

    async def by_wait_for(self, name: str) -> bool:
        try:
            await asyncio.wait_for(self.call(name), self.some_time())
        except TimeoutError:
            return True
        return False

    async def by_its_own_deadline(self, name: str) -> bool:
        try:
            await self.call(name, deadline=self.some_time())
        except errors.DeadlineExceeded:
            return True
        return False

    async def worker(self) -> None:
        while len(self.cancelled) < CANCELLED:
            name = f"unit-{next(self.numbers)}"
            if await self.dice.choice(self.ways)(name):
                self.cancelled.add(name)


def open_sockets() -> int:
    """Sockets of this process, where the system shows them."""
    links = Path("/proc/self/fd")
    count = 0
    for link in links.iterdir() if links.is_dir() else ():
        with contextlib.suppress(OSError):
            count += str(link.readlink()).startswith("socket:")
    return count


@pytest.mark.apart
async def test_twenty_thousand_cancelled_calls_leave_nothing() -> None:
    seed = int(os.environ.get("CHURN_SEED") or random.randrange(2**32))
    print(f"CHURN_SEED={seed}")  # noqa: T201 - to repeat a failure
    dice = random.Random(seed)
    service, pool = Service(dice), Pool(max_connections=PLACES)
    ended: list[hooks.CallEnded] = []
    async with Server(service.answer).running() as server:
        sockets, tasks = open_sockets(), asyncio.all_tasks()
        origin = f"http://127.0.0.1:{server.port}"
        auth = LoginWithAmazon(
            client_id="client", client_secret="secret", refresh_token="Atzr|1", token_url=f"{origin}/auth/o2/token"
        )
        client = SmartProperties(
            auth=auth,
            base_url=origin,
            transport=pool,
            rate_limit=RateLimit(per_second=5_000, scope="churn"),
            retry=RetryPolicy(base=0.002, cap=0.01),
            timeouts=Timeouts(pool=1.0),
            hooks=[lambda event: ended.append(event) if isinstance(event, hooks.CallEnded) else None],
        )
        churn = Churn(client, dice)
        await churn.learn_how_long_it_takes()
        await asyncio.gather(*(churn.worker() for _ in range(WORKERS)))

        # Calls were cancelled before, while and after they were sent, with a service that fails in many ways.
        arrived = len(churn.cancelled & service.seen)
        print(churn.usual, churn.ends, arrived, service.tokens, server.connections, client.limits)  # noqa: T201
        assert 200 < arrived < CANCELLED - 200
        assert churn.ends["done"] > 500
        assert service.tokens > 5
        assert service.refused > 0

        limits = client.limits["churn"]
        assert (limits.waiting, limits.in_flight) == (0, 0)
        assert (pool.waiting, pool.in_flight) == (0, 0)

        service.calm = True
        ended.clear()
        patient = client.with_options(max_wait=0.5, deadline=5)
        calls = [patient.unit_settings.get_default_music_station(f"calm-{number}") for number in range(2 * PLACES)]
        assert len(set(await asyncio.gather(*calls))) == 1
        assert [(call.status, call.attempts) for call in ended] == [(200, 1)] * 2 * PLACES

        assert server.open <= PLACES
        await client.aclose()
        await until(lambda: server.open == 0)
        await until(lambda: open_sockets() == sockets)
        assert asyncio.all_tasks() == tasks
    # What was not closed warns here.
    gc.collect()
