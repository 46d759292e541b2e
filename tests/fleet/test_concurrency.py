"""Adaptive concurrency: as many items in flight as the rate needs, within the connections of the client."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from alexa_props import RateLimit, RetryPolicy, fleet
from alexa_props.fleet.concurrency import AdaptiveConcurrency
from alexa_props.simulator import Simulator
from tests.fleet.helpers import get, outcomes
from tests.helpers import Service, smart_properties, virtual_time


@pytest.fixture
def anyio_backend() -> Any:
    return virtual_time()


class Watch:
    """Counts the items in flight: the most ever, and the most after a number of items have ended."""

    def __init__(self, call: Any, late: int = 100) -> None:
        self._call = call
        self._late = late
        self.now = self.peak = self.peak_late = 0
        self.ended = 0

    async def __call__(self, item: Any) -> Any:
        self.now += 1
        self.peak = max(self.peak, self.now)
        if self.ended > self._late:
            self.peak_late = max(self.peak_late, self.now)
        try:
            return await self._call(item)
        finally:
            self.now -= 1
            self.ended += 1


ROOMS = [f"room-{number}" for number in range(300)]


@pytest.mark.parametrize(
    ("per_second", "latency", "least", "most"),
    [
        # Rate times latency is in flight: 30, 5, less than one. It swings above that before it settles.
        (100, 0.3, 30, 48),
        (50, 0.1, 5, 13),
        (10, 0.01, 1, 9),
    ],
)
async def test_settles_slightly_above_what_the_rate_needs(
    per_second: float, latency: float, least: int, most: int
) -> None:
    service = Service(latency=latency)
    asp = smart_properties(service, rate_limit=RateLimit(per_second=per_second), max_connections=200)
    rooms = [f"room-{number}" for number in range(800 if most > 40 else 200)]
    watch = Watch(get(asp), late=len(rooms) * 3 // 4)
    began = anyio.current_time()
    assert len(await outcomes(watch, rooms)) == len(rooms)
    assert least <= watch.peak_late <= watch.peak <= 1.2 * most
    assert watch.peak_late <= most
    # The whole rate is used, except at the beginning.
    assert anyio.current_time() - began <= len(rooms) / per_second + 12 * latency


async def test_adapts_to_a_rate_that_is_being_learned() -> None:
    async with Simulator(rooms=800, endpoints_per_room=1, clock=anyio.current_time) as sim:
        sim.quota("*", 100, burst=10)
        sim.latency(0.3)
        asp = sim.smart_properties()
        watch = Watch(asp.alerts.delete_alarms)
        found = await outcomes(watch, sim.rooms)
        assert {outcome.status for outcome in found} == {"done"}
        assert 25 <= watch.peak_late <= watch.peak <= 60
        assert sim.count("alerts.delete_alarms", 204) == 800
        assert sim.count("alerts.delete_alarms", 429) <= 30


@pytest.mark.parametrize("connections", [1, 40])
async def test_stays_within_the_connections_of_the_client(connections: int) -> None:
    service = Service(latency=1)
    asp = smart_properties(service, max_connections=connections)
    watch = Watch(get(asp))
    await outcomes(watch, ROOMS)
    assert watch.peak_late == connections
    # It begins with 4, before it has seen a client.
    assert watch.peak <= max(connections, 4)


async def test_concurrent_calls_of_an_item_share_the_connections() -> None:
    service = Service(latency=1)
    asp = smart_properties(service, max_connections=20)

    async def call(room: str) -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(4):
                tasks.start_soon(get(asp), f"{room}-{number}")

    watch = Watch(call, late=100)
    await outcomes(watch, ROOMS[:200])
    assert service.peak <= 20
    assert watch.peak_late == 5


async def test_sequential_calls_of_an_item_count_as_one() -> None:
    service = Service(latency=0.1)
    asp = smart_properties(service, rate_limit=RateLimit(per_second=100))

    async def call(room: str) -> None:
        await get(asp)(f"{room}-a")
        await get(asp)(f"{room}-b")

    watch = Watch(call)
    began = anyio.current_time()
    await outcomes(watch, ROOMS)
    assert 10 <= watch.peak_late <= 20
    assert anyio.current_time() - began <= 2 * len(ROOMS) / 100 + 2


async def test_is_bounded_for_items_without_calls() -> None:
    async def call(_: Any) -> None:
        await anyio.sleep(1)

    watch = Watch(call)
    await outcomes(watch, range(2000))
    assert 20 < watch.peak <= 100


@pytest.mark.parametrize("concurrency", [1, 70])
async def test_concurrency_is_an_upper_limit(concurrency: int) -> None:
    service = Service(latency=1)
    watch = Watch(get(smart_properties(service, max_connections=1000)))
    await outcomes(watch, ROOMS, concurrency=concurrency)
    assert watch.peak == watch.peak_late == concurrency


async def test_excess_concurrency_does_not_fill_the_queue() -> None:
    service = Service(latency=0.1)
    asp = smart_properties(service, rate_limit=RateLimit(per_second=50), max_connections=1000)
    watch = Watch(get(asp))
    await outcomes(watch, ROOMS, concurrency=300)
    assert watch.peak == 300
    assert watch.peak_late <= 13


async def test_retries_do_not_inflate_concurrency() -> None:
    service = Service(*[503, None] * 300, None, latency=0.1)
    asp = smart_properties(service, rate_limit=RateLimit(per_second=100), retry=RetryPolicy(base=0.01))
    async with fleet.run(get(asp), ROOMS) as run:
        assert {outcome.status async for outcome in run} <= {"done", "failed"}
    assert service.peak <= 60


def test_concurrency_counts_work_besides_calls() -> None:
    # Half a second of other work per item, and a tenth in the queue: there is room for more items.
    concurrency = AdaptiveConcurrency(None)
    for _ in range(200):
        concurrency.ended(elapsed=0.6, called=0.1, waited=0.1, connections=100)
    assert concurrency.now > 20


async def test_work_besides_calls_does_not_lower_the_rate() -> None:
    asp = smart_properties(Service(), rate_limit=RateLimit(per_second=100))

    async def call(room: str) -> None:
        await anyio.sleep(0.5)
        await get(asp)(room)

    started = anyio.current_time()
    await fleet.collect(call, [str(number) for number in range(500)])
    assert anyio.current_time() - started < 10
