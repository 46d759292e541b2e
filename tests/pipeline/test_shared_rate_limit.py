"""Clients that share one rate limit through a store: each client stands for a process, in virtual time."""

from __future__ import annotations

import logging
import random
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from alexa_props import RateLimit, SmartProperties, errors
from alexa_props.hooks import Event, SharingBack, SharingLost
from alexa_props.limits import ScopeLimits
from tests.helpers import Amazon, Service, answer, gather, get, login, smart_properties, virtual_time
from tests.shared.memory import MemoryShared

GET = "unit_settings.get_default_music_station"


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


class Quota(httpx.AsyncBaseTransport):
    """A service with a token bucket. It notes when it accepted and refused requests, and whose they were."""

    def __init__(self, rate: float, burst: float = 5.0, latency: float = 0.05, **headers: str) -> None:
        self.rate, self.burst, self.latency, self.headers = rate, burst, latency, headers
        self.left, self.at = burst, 0.0
        self.accepted: list[tuple[float, object]] = []
        self.refused: list[tuple[float, object]] = []

    def of(self, owner: object) -> httpx.AsyncBaseTransport:
        quota = self

        class Side(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                await anyio.sleep(quota.latency / 2)
                accepts = quota.take(owner)
                await anyio.sleep(quota.latency / 2)
                return answer(204) if accepts else answer(429, **quota.headers)

        return Side()

    def take(self, owner: object) -> bool:
        now = anyio.current_time()
        self.left, self.at = min(self.burst, self.left + (now - self.at) * self.rate), now
        if self.left < 1:
            self.refused.append((now, owner))
            return False
        self.left -= 1
        self.accepted.append((now, owner))
        return True

    def share(self, begin: float, end: float) -> float:
        """Return the share of the quota that was used between two times."""
        return sum(begin <= at < end for at, _ in self.accepted) / (self.rate * (end - begin))


def sharing(store: MemoryShared, transport: httpx.AsyncBaseTransport, **options: Any) -> SmartProperties:
    rate_limit = RateLimit(shared=store, **options.pop("limit", {}))
    return smart_properties(transport, rate_limit=rate_limit, **options)


def processes(count: int, quota: Quota, **options: Any) -> tuple[list[MemoryShared], list[SmartProperties]]:
    first = MemoryShared()
    stores = [first, *(first.another() for _ in range(count - 1))]
    return stores, [sharing(store, quota.of(number), **options) for number, store in enumerate(stores)]


async def keep_calling(client: SmartProperties, until: float, workers: int = 4, priority: Any = "bulk") -> None:
    async def work() -> None:
        while anyio.current_time() < until:
            await get(client.with_options(priority=priority))

    async with anyio.create_task_group() as tasks:
        for _ in range(workers):
            tasks.start_soon(work)


def limits(client: SmartProperties) -> ScopeLimits:
    return client.limits[GET]


# One quota


async def test_a_known_quota_is_divided_by_need_and_never_exceeded() -> None:
    quota = Quota(40, burst=2)
    _, (busy, idle, late) = processes(3, quota, limit={"per_second": 40})
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keep_calling, busy, 10.0)
        await get(idle)
        await anyio.sleep(5)
        tasks.start_soon(keep_calling, late, 10.0)
    assert not quota.refused
    assert quota.share(0.5, 9.5) == pytest.approx(1.0, abs=0.02)
    halves = Counter(owner for at, owner in quota.accepted if 6 < at < 10)
    assert halves[0] == pytest.approx(halves[2], abs=4)


async def test_an_unknown_quota_is_learned_together() -> None:
    quota = Quota(60)
    stores, clients = processes(4, quota)
    async with anyio.create_task_group() as tasks:
        for client in clients:
            tasks.start_soon(keep_calling, client, 20.0)
    assert quota.share(2, 20) > 0.95
    assert len(quota.refused) < 0.025 * len(quota.accepted)
    shares = Counter(owner for _, owner in quota.accepted)
    assert max(shares.values()) < 1.1 * min(shares.values())
    assert sum(store.updates for store in stores) < 1.4 * len(quota.accepted)
    assert {limits(client).members for client in clients} == {4}
    assert {limits(client).sharing for client in clients} == {"yes"}
    # The next process begins with what these have learned.
    newcomer = sharing(stores[0].another(), quota.of("new"))
    await get(newcomer)
    assert limits(newcomer).ceiling == pytest.approx(60, rel=0.1)


async def test_an_interactive_call_of_one_process_overtakes_the_bulk_calls_of_all() -> None:
    quota = Quota(20, burst=2)
    _, (web, *bulk) = processes(4, quota, limit={"per_second": 20})
    waits = []
    async with anyio.create_task_group() as tasks:
        for client in bulk:
            tasks.start_soon(keep_calling, client, 10.0, 10)
        for _ in range(15):
            await anyio.sleep(0.617)
            began = anyio.current_time()
            await get(web)
            waits.append(anyio.current_time() - began - quota.latency)
    assert max(waits) <= 2.1 / 20
    assert quota.share(0.5, 9) == pytest.approx(1.0, abs=0.03)


async def test_a_pause_that_one_process_is_given_holds_for_all() -> None:
    quota = Quota(1, burst=3, retry_after="7")
    _, (first, second) = processes(2, quota)
    await gather(*[lambda: get(first)] * 5)
    refused_at = quota.refused[0][0]
    began = anyio.current_time()
    assert began > refused_at + 7
    quota.left = 0
    results = await gather(lambda: get(first), lambda: get(second))
    assert results == [None, None]
    assert min(at for at, owner in quota.accepted if owner == 1) > began + 7


async def test_processes_on_several_operations_and_hosts_have_separate_quotas() -> None:
    store = MemoryShared()
    service = Service(204)
    north = sharing(store, service)
    europe = sharing(store, service, region="EU")
    both = [
        sharing(store, service, limit={"scope": "all"}),
        sharing(store.another(), service, region="EU", limit={"scope": "all"}),
    ]
    for client in (north, europe, *both):
        await get(client)
    assert sorted(store.records) == sorted(
        [f"limit:api.amazonalexa.com:{GET}", f"limit:api.eu.amazonalexa.com:{GET}", "limit:all"]
    )
    assert both[0].limits["all"].members == 1
    assert both[1].limits["all"].members == 2


async def test_max_wait_counts_the_places_of_other_processes() -> None:
    quota = Quota(10, burst=1)
    _, (busy, other) = processes(2, quota, limit={"per_second": 10})
    async with anyio.create_task_group() as tasks:
        for _ in range(30):
            tasks.start_soon(get, busy.with_options(priority="bulk"))
        await anyio.sleep(0.05)
        await get(other.with_options(max_wait=0.3))
        with pytest.raises(errors.RateLimitTooLong, match="max_wait=0"):
            await get(other.with_options(max_wait=0, priority="bulk"))
        tasks.cancel_scope.cancel()


async def test_calls_that_waited_for_a_token_take_new_turns() -> None:
    amazon = Amazon(latency=1.0)
    store = MemoryShared()
    client = sharing(store, amazon, auth=login(), limit={"per_second": 50})
    await gather(*[lambda: get(client)] * 20)
    times = amazon.api.times
    assert times[-1] - times[0] == pytest.approx(19 / 50, abs=0.05)


async def test_a_process_without_a_token_delays_neither_its_calls_nor_those_of_others() -> None:
    amazon, store = Amazon(), MemoryShared()
    amazon.token = Service(answer(400, {"error": "invalid_grant"}))
    client, other = sharing(store, amazon, auth=login()), sharing(store.another(), Service(204))
    for _ in range(30):
        with pytest.raises(errors.AuthenticationError):
            await get(client)
    await get(other)
    # The rate at the start is 20 per second.
    assert anyio.current_time() < 3


# Settings


async def test_another_rate_than_the_group_has_is_an_error_before_anything_is_sent() -> None:
    store, service = MemoryShared(), Service(204)
    await get(sharing(store, service, limit={"per_second": 50}))
    with pytest.raises(errors.ConfigurationError, match=r"per_second=50.*per_second=None.*same settings"):
        await get(sharing(store, service))
    assert len(service.seen) == 1


@pytest.mark.parametrize("shared", [5, object(), b"/tmp", True])
def test_rejects_what_is_no_store(shared: Any) -> None:
    with pytest.raises(errors.ConfigurationError, match="a folder, a HostShared, a RedisShared or None"):
        RateLimit(shared=shared)


def test_a_scope_that_processes_share_needs_a_name() -> None:
    with pytest.raises(errors.ConfigurationError, match="must be a string if processes share it"):
        RateLimit(shared=MemoryShared(), scope=("a", 1))


class Unusable(MemoryShared):
    """A store that becomes unusable, as a folder does that is opened to other users."""

    error: str | None = None

    async def update(self, key: str, change: Any, *, patience: float | None = None) -> Any:
        if self.error is not None:
            raise errors.ConfigurationError(self.error)
        return await super().update(key, change, patience=patience)


async def test_a_store_that_becomes_unusable_fails_no_call_that_was_sent() -> None:
    store, quota = Unusable(), Quota(5, burst=1)
    client = sharing(store, quota.of(0))

    async def two_calls() -> None:
        # The second is refused first. That it is accepted then is reported immediately.
        assert await gather(*[lambda: get(client)] * 2) == [None, None]

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(two_calls)
        while len(quota.accepted) < 2:  # noqa: ASYNC110 - a quota has no event
            await anyio.sleep(0.01)
        store.error = "it is open to other users"
    assert quota.refused
    with pytest.raises(errors.ConfigurationError, match="open to other users"):
        await get(client)
    assert len(quota.accepted) == 2


async def test_a_store_that_is_unusable_when_it_is_back_ends_no_request(caplog: pytest.LogCaptureFixture) -> None:
    store = Unusable()
    client = sharing(store, Service(204, latency=0.3))
    store.down = "gone"
    await get(client)
    store.error = "it is open to other users"
    for _ in range(3):
        await anyio.sleep(1.1)
        await get(client)
    assert limits(client).sharing == "alone"
    assert sum("cannot be shared through memory again: it is open" in line for line in caplog.messages) == 1


# Without the store


async def test_without_the_store_at_the_start_a_process_is_alone_and_returns(caplog: pytest.LogCaptureFixture) -> None:
    events: list[Event] = []
    store = MemoryShared()
    store.down = "connection refused"
    quota = Quota(50)
    client = sharing(store, quota.of(0), hooks=[events.append])
    with caplog.at_level(logging.WARNING, "alexa_props"):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(keep_calling, client, 10.0)
            await anyio.sleep(4)
            assert limits(client).sharing == "alone"
            store.down = None
        assert limits(client).sharing == "yes"
    assert quota.share(1, 10) > 0.85
    lost, back = (event for event in events if isinstance(event, SharingLost | SharingBack))
    assert isinstance(lost, SharingLost)
    assert (lost.store, lost.scope, lost.operation) == ("memory", GET, GET)
    assert "connection refused" in lost.reason
    assert isinstance(back, SharingBack)
    assert back.seconds == pytest.approx(6, abs=1)
    messages = [record.getMessage() for record in caplog.records if record.name == "alexa_props"]
    assert len(messages) == 2
    assert "is not shared through memory: connection refused; this process continues alone" in messages[0]
    assert "is shared through memory again" in messages[1]


@pytest.mark.parametrize("fault", ["down", "hung", "empty"])
async def test_while_the_store_is_lost_each_process_takes_its_share(fault: str) -> None:
    quota = Quota(60)
    stores, clients = processes(4, quota)

    async def lose() -> None:
        await anyio.sleep(5)
        for store in stores:
            store.down, store.hung = (None, True) if fault == "hung" else ("gone", False)
        await anyio.sleep(1)
        assert {limits(client).sharing for client in clients} == {"alone"}
        assert sum(limits(client).rate for client in clients) < 75
        await anyio.sleep(4)
        if fault == "empty":
            stores[0].records.clear()
        for store in stores:
            store.down, store.hung = None, False

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lose)
        for client in clients:
            tasks.start_soon(keep_calling, client, 18.0)
    assert quota.share(1, 18) > 0.9
    assert len(quota.refused) < 0.03 * len(quota.accepted)
    assert min(quota.share(second, second + 1) for second in range(1, 17)) > 0.6
    assert {limits(client).sharing for client in clients} == {"yes"}
    assert limits(clients[0]).ceiling == pytest.approx(60, rel=0.15)


async def test_a_pause_holds_although_the_store_is_lost_meanwhile() -> None:
    quota = Quota(1, burst=3, retry_after="7")
    (store, _), (client, _) = processes(2, quota)
    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(get, client)
        await anyio.sleep(1)
        store.down = "gone"
    refused_at = quota.refused[0][0]
    assert not [at for at, _ in quota.accepted if refused_at < at < refused_at + 7]
    assert limits(client).sharing == "alone"


async def test_all_return_at_the_same_moment_unless_the_others_never_left() -> None:
    quota = Quota(30)
    back: list[tuple[int, float]] = []

    def note(number: int) -> Any:
        def hook(event: Event) -> None:
            if isinstance(event, SharingBack):
                back.append((number, anyio.current_time()))

        return hook

    first = MemoryShared()
    stores = [first, first.another(), first.another()]
    clients = [sharing(store, quota.of(n), hooks=[note(n)]) for n, store in enumerate(stores)]

    async def lose(count: int) -> None:
        for store in stores[:count]:
            store.down = "gone"
        await anyio.sleep(4)
        for store in stores[:count]:
            store.down = None

    async with anyio.create_task_group() as tasks:
        for client in clients:
            tasks.start_soon(keep_calling, client, 20.0)
        await anyio.sleep(3)
        await lose(3)
        came_back = anyio.current_time()
        await anyio.sleep(4)
        assert sorted(number for number, _ in back) == [0, 1, 2]
        times = [at for _, at in back]
        assert max(times) - min(times) < 0.3
        assert min(times) > came_back + 1
        back.clear()
        await lose(1)
        came_back = anyio.current_time()
        await anyio.sleep(2)
        assert [number for number, _ in back] == [0]
        assert back[0][1] < came_back + 1.3


async def test_a_call_that_missed_its_turn_alone_takes_one_of_the_record_if_the_process_returns_meanwhile() -> None:
    amazon = Amazon(latency=3.0)
    store = MemoryShared()
    # As a server's clock is.
    store.clock_offset = 1.7e9
    client = sharing(store, amazon, auth=login(), limit={"per_second": 5})
    store.down = "gone"

    async def come_back() -> None:
        await anyio.sleep(1.5)
        store.down = None

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(come_back)
        for _ in range(40):
            tasks.start_soon(get, client)
    # 15 calls waited for the token, and missed their turns.
    times = amazon.api.times
    assert anyio.current_time() < 3 + 40 / 5 + 1
    assert min(later - earlier for earlier, later in zip(times[1:], times[6:], strict=False)) > 4 / 5 - 0.05


async def test_both_lanes_continue_with_an_empty_store() -> None:
    quota = Quota(50)
    stores, clients = processes(3, quota)
    bulk = Counter[int]()

    async def work(client: SmartProperties) -> None:
        while anyio.current_time() < 60:
            await get(client.with_options(priority="bulk"))
            bulk[int(anyio.current_time() / 3)] += 1

    async with anyio.create_task_group() as tasks:
        for client in clients:
            tasks.start_soon(keep_calling, client, 60.0, 6, "interactive")
            for _ in range(6):
                tasks.start_soon(work, client)
        for _ in range(5):
            await anyio.sleep(10)
            stores[0].records.clear()
    assert min(bulk[period] for period in range(1, 20)) > 0.5 * 3 * 50 / 5


async def test_the_loss_is_an_event_also_if_a_response_finds_it() -> None:
    events: list[Event] = []
    store = MemoryShared()
    client = sharing(store, Quota(5, burst=1).of(0), hooks=[events.append])
    await get(client)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(get, client)  # is refused
        await anyio.sleep(0.01)
        store.down = "gone"
    assert [type(event) for event in events if isinstance(event, SharingLost)] == [SharingLost]


async def test_processes_that_lose_the_store_have_no_burst_allowance_each() -> None:
    quota = Quota(50, burst=20)
    stores, clients = processes(10, quota, limit={"per_second": 50, "burst": 20})

    async def lose() -> None:
        for _ in range(2):
            await anyio.sleep(4)
            for store in stores:
                store.down = "gone"
            await anyio.sleep(1)
            for store in stores:
                store.down = None

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lose)
        for client in clients:
            tasks.start_soon(keep_calling, client, 14.0)
    assert len(quota.refused) < 5
    assert quota.share(1, 14) > 0.9
    assert {limits(client).sharing for client in clients} == {"yes"}


async def test_a_clock_that_is_corrected_when_the_store_is_found_delays_no_return() -> None:
    store = MemoryShared()
    store.down = "gone"
    # What a process takes for the server's time until the first response.
    store.clock_offset = 1e5
    client = sharing(store, Service(204))
    await get(client)
    store.down, store.clock_offset = None, 0.0
    for _ in range(4):
        await anyio.sleep(1.1)
        await get(client)
    assert limits(client).sharing == "yes"


@pytest.mark.parametrize("seconds", [-600.0, 7200.0])
async def test_a_clock_of_the_store_that_is_set_stops_nobody(seconds: float) -> None:
    # As if a server with another clock took over.
    quota = Quota(60)
    stores, clients = processes(2, quota)
    for store in stores:
        store.clock_offset = 1e6
    async with anyio.create_task_group() as tasks:
        for client in clients:
            tasks.start_soon(keep_calling, client, 16.0)
        await anyio.sleep(8)
        for store in stores:
            store.clock_offset += seconds
    assert quota.share(12.5, 16) > 0.95
    assert {limits(client).members for client in clients} == {2}


async def test_a_store_that_hung_from_the_start_delays_a_probing_call_no_longer_than_any_other() -> None:
    store = MemoryShared()
    store.hung = True
    client = sharing(store, Service(204, latency=0.3))
    await get(client)
    for _ in range(3):
        await anyio.sleep(1.1)
        began = anyio.current_time()
        await get(client)
        assert anyio.current_time() - began == pytest.approx(0.3, abs=0.01)


async def test_a_hung_store_delays_no_call_beside_its_response() -> None:
    store = MemoryShared()
    client = sharing(store, Service(204, latency=0.3))
    await get(client)
    store.hung = True
    await get(client)
    for _ in range(10):
        await anyio.sleep(0.4)
        began = anyio.current_time()
        await get(client)
        assert anyio.current_time() - began == pytest.approx(0.3, abs=0.01)


async def test_a_store_that_is_far_away_is_not_used() -> None:
    store = MemoryShared()
    service = Service(204)
    events: list[Event] = []
    client = sharing(store, service, hooks=[events.append])
    store.distance = 0.02
    await get(client)
    await anyio.sleep(1.1)
    await gather(*[lambda: get(client)] * 3)
    assert limits(client).sharing == "alone"
    (lost,) = (event for event in events if isinstance(event, SharingLost))
    assert lost.reason == "it is 20 ms away, and turns need less than 5 ms"
    for distance, sharing_now in [(0.0045, "alone"), (0.001, "yes"), (0.0045, "yes")]:
        store.distance = distance
        for _ in range(5):
            await anyio.sleep(1.1)
            await get(client)
        assert limits(client).sharing == sharing_now


async def test_a_record_of_another_release_is_left_unchanged() -> None:
    store = MemoryShared()
    await get(sharing(store, Service(204)))
    (key,) = store.records
    foreign = b"\x63" + store.records[key][1:]
    store.records[key] = foreign
    client = sharing(store, Service(204))
    for _ in range(3):
        await get(client)
        await anyio.sleep(1.5)
    assert limits(client).sharing == "alone"
    assert store.records[key] == foreign


async def test_a_damaged_record_is_replaced() -> None:
    store = MemoryShared()
    client = sharing(store, Service(204))
    await get(client)
    (key,) = store.records
    store.records[key] = store.records[key][:50]
    await get(client)
    assert limits(client).sharing == "yes"
    assert len(store.records[key]) > 200


@pytest.mark.parametrize("error", [RuntimeError("boom"), OSError(5, "I/O"), KeyError("x")])
async def test_a_custom_store_may_raise_anything(error: Exception) -> None:
    class Broken(MemoryShared):
        async def update(self, key: str, change: Any, *, patience: float | None = None) -> Any:
            raise error

    client = sharing(Broken(), Service(204))
    await get(client)
    assert limits(client).sharing == "alone"


async def test_a_cancellation_raised_by_a_store_ends_no_call_silently() -> None:
    class Cancelling(MemoryShared):
        async def update(self, key: str, change: Any, *, patience: float | None = None) -> Any:
            raise anyio.get_cancelled_exc_class()._create()  # type: ignore[attr-defined]

    client = sharing(Cancelling(), Service(204))
    await get(client)
    assert limits(client).sharing == "alone"


# Cancellation and processes


@pytest.mark.parametrize("seed", range(4))
async def test_cancelled_calls_block_nobody_and_take_no_turns_of_others(seed: int) -> None:
    # The seed is in the name of the test.
    chance = random.Random(seed)
    quota = Quota(50, burst=3)
    stores, clients = processes(3, quota, limit={"per_second": 50})
    for store in stores:
        store.latency = chance.choice((0.0, 0.002, 0.004))
    done = 0

    async def call(client: SmartProperties, patience: float) -> None:
        nonlocal done
        with anyio.move_on_after(patience):
            await get(client.with_options(priority=chance.choice(("bulk", "interactive"))))
            done += 1

    async with anyio.create_task_group() as tasks:
        for _ in range(400):
            tasks.start_soon(call, chance.choice(clients), chance.choice((0.01, 0.1, 1.0, 60.0)))
            await anyio.sleep(chance.expovariate(60))
    assert not quota.refused
    assert done > 150
    for client in clients:
        assert (limits(client).waiting, limits(client).in_flight) == (0, 0)
        began = anyio.current_time()
        await get(client)
        assert anyio.current_time() - began < 0.3


async def test_closing_a_client_ends_its_waits_and_not_those_of_others() -> None:
    quota = Quota(5, burst=1)
    _, (first, second) = processes(2, quota, limit={"per_second": 5})
    results: list[Any] = []

    async def call(client: SmartProperties) -> None:
        results.append(await gather(lambda: get(client)))

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(call, first)
        for _ in range(3):
            tasks.start_soon(call, second)
        await anyio.sleep(0.3)
        await first.aclose()
        await anyio.sleep(0.01)
        assert sum(isinstance(result[0], errors.ConfigurationError) for result in results) >= 7
    assert len(results) == 13
    assert Counter(owner for _, owner in quota.accepted)[1] == 3


async def test_a_client_that_is_closed_during_a_transaction_sends_nothing_and_ends_its_waits() -> None:
    quota = Quota(0.1, burst=1)
    [store], [client] = processes(1, quota, limit={"per_second": 0.1})
    await get(client)
    store.latency, began = 0.1, anyio.current_time()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gather, lambda: get(client))
        await anyio.sleep(0.05)
        await client.aclose()
    assert anyio.current_time() - began < 0.2
    assert len(quota.accepted) == 1


async def test_what_was_computed_in_vain_takes_no_turns() -> None:
    quota = Quota(20, burst=2)
    stores, clients = processes(2, quota, limit={"per_second": 20})
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for store, client in zip(stores, clients, strict=True):
                store.misses = 2
                tasks.start_soon(keep_calling, client, 10.0)
    assert not quota.refused
    assert quota.share(0.5, 9.5) == pytest.approx(1.0, abs=0.02)


def test_a_later_event_loop_with_another_clock_changes_no_schedule() -> None:
    store, quota = MemoryShared(), Quota(100)
    client = sharing(store, quota.of(0), limit={"per_second": 1})

    async def call() -> float:
        await get(client)
        return anyio.current_time()

    for _ in range(3):
        backend, options = virtual_time()
        store.clock_offset += anyio.run(call, backend=backend, backend_options=options)
    # The third request was sent two seconds after the first.
    assert store.clock_offset == pytest.approx(2.05)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
@pytest.mark.apart
def test_workers_that_are_forked_from_one_process_are_separate_members(tmp_path: Path) -> None:
    script = textwrap.dedent(f"""
        import asyncio, os, time
        import httpx
        from alexa_props import AlexaForBusiness, RateLimit, SigV4

        def client():
            transport = httpx.MockTransport(lambda request: httpx.Response(200, json={{}}))
            auth = SigV4(access_key="AKIDEXAMPLE", secret_key="secret")
            limit = RateLimit(shared={str(tmp_path / "limits")!r}, per_second=100)
            return AlexaForBusiness(auth=auth, transport=transport, rate_limit=limit)

        a4b = client()

        async def calls(count):
            for _ in range(count):
                await a4b.request("GET", "/x")
            return next(iter(a4b.limits.values())).members

        asyncio.run(calls(3))
        children = []
        for _ in range(3):
            if (child := os.fork()) == 0:
                members = asyncio.run(calls(60))
                os._exit(members)
            children.append(child)
        members = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        print(max(members), time.monotonic())
    """)
    began = subprocess.run(
        [sys.executable, "-c", "import time; print(time.monotonic())"], capture_output=True, text=True, check=True
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True)
    members, ended = done.stdout.split()
    # The parent asked too, less than five seconds ago.
    assert int(members) in (3, 4)
    assert float(ended) - float(began.stdout) > 178 / 100
