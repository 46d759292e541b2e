"""How fast requests are sent, in which order, and what a refusal does to all of them."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import itertools
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import httpx
import pytest
import trio

from alexa_props import Limits, RateLimit, RetryPolicy, SmartProperties, errors
from alexa_props.call import Call
from alexa_props.concurrency import Waiter
from alexa_props.limits import ScopeLimits
from alexa_props.pipeline.rate_limit import RateLimitTransport
from tests.helpers import (
    Amazon,
    Service,
    answer,
    for_business,
    gather,
    get,
    login,
    smart_properties,
    virtual_time,
)

GET = "unit_settings.get_default_music_station"
ONCE = RetryPolicy(max_attempts=1, max_retry_after=0)
NAIVE = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - that is the point


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


def paced(service: httpx.AsyncBaseTransport, **settings: Any) -> SmartProperties:
    return smart_properties(service, rate_limit=RateLimit(**settings))


async def many(client: SmartProperties, count: int) -> list[Any]:
    return await gather(*[lambda: get(client)] * count)


class Quota:
    """A service that handles `rate` requests a second (a token bucket with a second's burst) and refuses the rest."""

    def __init__(self, rate: float, *, burst: float = 1.0, **headers: str) -> None:
        self.rate, self.left, self.at = rate, burst, 0.0
        self.burst = burst
        self.refused = self.handled = 0
        self.headers = headers

    def __call__(self, request: httpx.Request) -> httpx.Response:
        now = anyio.current_time()
        self.left, self.at = min(self.burst, self.left + (now - self.at) * self.rate), now
        if self.left < 1:
            self.refused += 1
            return answer(429, **self.headers)
        self.left -= 1
        self.handled += 1
        return answer(204)


# Pacing


async def test_requests_are_paced_from_the_first_one() -> None:
    service = Service(204)
    await many(paced(service), 3)
    assert service.waits == pytest.approx([0.05, 0.05], abs=0.01)


async def test_a_known_rate_is_exact_and_does_not_drift() -> None:
    service = Service(204)
    await many(paced(service, per_second=40), 301)
    assert service.times[-1] - service.times[0] == pytest.approx(300 / 40)
    assert service.waits == pytest.approx([1 / 40] * 300)


async def test_a_known_rate_is_exact_for_sequential_callers() -> None:
    service = Service(204, latency=0.01)
    client = paced(service, per_second=20)
    for _ in range(201):
        await get(client)
    assert service.times[-1] - service.times[0] == pytest.approx(200 / 20)


async def test_makes_up_for_waking_late() -> None:
    service = Service(204)
    client = paced(service, per_second=100)
    begun = anyio.current_time()

    async def busy() -> None:
        # A loop that is blocked for 5 ms now and then: waiters wake late.
        clock = trio.lowlevel.current_clock()
        while service.times[-1:] == [] or len(service.times) < 500:
            await anyio.sleep(0.05)
            clock.jump(0.005)  # type: ignore[attr-defined]

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(busy)
        await many(client, 500)
    assert anyio.current_time() - begun == pytest.approx(4.99, abs=0.06)


async def test_idle_time_is_not_saved_up() -> None:
    service = Service(204)
    client = paced(service, per_second=10)
    await get(client)
    await anyio.sleep(100)
    await many(client, 3)
    assert service.waits[1:] == pytest.approx([0.1, 0.1])


async def test_a_burst_is_sent_immediately_and_paid_back() -> None:
    service = Service(204)
    client = paced(service, per_second=10, burst=5)
    await many(client, 15)
    assert service.times[4] == service.times[0]
    assert service.waits[4:] == pytest.approx([0.1] * 10)
    await anyio.sleep(0.3)
    await many(client, 5)
    assert [time - service.times[15] for time in service.times[15:]] == pytest.approx([0, 0, 0.1, 0.2, 0.3], abs=0.11)


async def test_a_known_quota_refuses_nothing() -> None:
    quota = Quota(1000, burst=1.01)
    await many(paced(Service(quota), per_second=1000), 300)
    assert (quota.refused, quota.handled) == (0, 300)


async def test_an_unknown_quota_is_learned_with_few_refusals() -> None:
    quota = Quota(100, burst=20)
    service = Service(quota, latency=0.05)
    client = paced(service)
    begun = anyio.current_time()
    results = await many(client, 2000)
    assert quota.handled == 2000
    assert not any(isinstance(result, Exception) for result in results)
    assert quota.refused <= 0.015 * len(service.seen)
    assert 2000 / 100 / (anyio.current_time() - begun) > 0.9
    assert client.limits[GET].rate == pytest.approx(100, rel=0.3)


async def test_the_rate_rises_only_if_it_holds_requests_back() -> None:
    """Else thousands of calls queued behind a slow loop would raise it without limit."""
    service = Service(204)
    client = paced(service)
    clock = trio.lowlevel.current_clock()
    service.script = [lambda _: clock.jump(0.01) or 204]  # type: ignore[attr-defined]
    await many(client, 1000)
    # The loop can send 100 per second: a rate that it cannot use means nothing.
    assert client.limits[GET].rate < 500


# Refusals


async def test_one_congestion_event_slows_once() -> None:
    service = Service(answer(429), latency=1)
    client = paced(service, per_second=1000)
    impatient = client.with_options(deadline=1.9)
    await many(impatient, 50)
    limits = client.limits[GET]
    assert (limits.refused, limits.ceiling) == (50, 1000)
    # One request at a time (responses take a second), until one gets through.
    assert limits.rate == pytest.approx(1)
    # A request that was sent after the cut says something new.
    await many(impatient, 1)
    assert client.limits[GET].rate == pytest.approx(0.5)
    service.script = [204]
    await many(client, 1)
    assert client.limits[GET].rate == pytest.approx(1000 * 0.95 * 0.97)


async def test_after_a_cut_the_rate_climbs_back_to_the_known_one_and_not_beyond() -> None:
    service = Service(429, 204)
    client = paced(service, per_second=50)
    await many(client, 10)
    assert client.limits[GET].rate < 50
    await many(client, 800)
    assert client.limits[GET].rate == pytest.approx(50)


async def test_a_refusal_never_speeds_up() -> None:
    service = Service(429)
    client = paced(service, per_second=0.1)
    await many(client.with_options(retry=ONCE), 3)
    assert client.limits[GET].rate <= 0.1


async def test_refusals_do_not_stop_everything() -> None:
    service = Service(429)
    client = paced(service)
    await many(client.with_options(retry=ONCE), 40)
    assert 0.01 < client.limits[GET].rate < 20


async def test_retry_after_pauses_the_whole_scope_and_then_requests_are_sent_one_by_one() -> None:
    service = Service(answer(429, Retry_After="10"), 204)
    client = paced(service, per_second=20)
    begun = anyio.current_time()
    await many(client, 100)
    rest = [time - begun for time in service.times[1:]]
    assert rest[0] == pytest.approx(10)
    # No stampede: one probes whether there is room again, then all continue below the old rate.
    assert min(after - before for before, after in itertools.pairwise(rest)) > 1 / 20 - 1e-6
    assert rest[2] - rest[1] == pytest.approx(1 / (20 * 0.95 * 0.97), rel=0.01)
    # And the pause is no reason to leap.
    assert rest[3] - rest[2] == pytest.approx(1 / (20 * 0.95 * 0.97), rel=0.01)


async def test_sends_no_burst_after_a_pause() -> None:
    service = Service(204, 204, 204, answer(429, Retry_After="10"), 204, latency=0.1)
    client = paced(service, per_second=20, burst=5)
    await many(client, 30)
    pause = max(service.waits)
    assert pause == pytest.approx(10, abs=0.2)
    after = service.waits.index(pause) + 1
    # One probes whether there is room again, and the next is sent after its response.
    assert service.waits[after] >= 0.1 - 1e-9


async def test_a_late_refusal_with_a_longer_wait_lengthens_the_pause() -> None:
    script = iter([answer(429, Retry_After="5"), answer(429, Retry_After="20")])
    service = Service(lambda _: next(script, answer(204)), latency=1)
    client = paced(service, per_second=10)
    await many(client.with_options(retry=ONCE), 2)
    begun = anyio.current_time()
    await get(client)
    assert anyio.current_time() - begun == pytest.approx(20 + 1)
    assert client.limits[GET].rate == pytest.approx(10 * 0.95 * 0.97)


async def test_a_success_that_used_the_last_permit_returns_immediately() -> None:
    """discord.py waits for the limit before it returns a response that has arrived."""
    client = paced(Service(204), per_second=1)
    begun = anyio.current_time()
    await get(client)
    assert anyio.current_time() == begun


async def test_alexa_for_business_throttles_with_a_400() -> None:
    service = Service(answer(400, {"__type": "com.amazonaws#ThrottlingException"}), answer(json={"Devices": []}))
    client = for_business(service, rate_limit=RateLimit(per_second=10))
    await client.devices.search()
    assert client.limits["devices.search"].refused == 1
    assert client.limits["devices.search"].rate < 10


# Scopes


async def test_operations_do_not_wait_for_each_other() -> None:
    service = Service(answer(429, Retry_After="100"), 204)
    client = paced(service, per_second=10)
    with pytest.raises(errors.Throttled):
        await get(client.with_options(retry=ONCE))
    begun = anyio.current_time()
    await client.alerts.delete_alarms("unit-1")
    assert anyio.current_time() == begun


async def test_raw_requests_share_a_queue_by_method_and_path_without_ids() -> None:
    client = paced(Service(200), per_second=10)
    ids = ("amzn1.alexa.unit.did.a", "amzn1.alexa.unit.did.b", "~caller", "0f8fad5b-d9cb-469f-a165-70867728950e", "17")
    for path in (*(f"/v2/units/{each}" for each in ids), "/v2/units/17/v2/other", "/v2/other"):
        await client.request("GET", path)
    assert set(client.limits) == {"GET /v2/units/*", "GET /v2/units/*/v2/other", "GET /v2/other"}


async def test_a_named_scope_is_shared_by_all_operations_and_clients() -> None:
    scope = object()
    service = Service(204)
    first, second = (paced(service, per_second=10, scope=scope) for _ in range(2))
    await gather(lambda: get(first), lambda: get(second), lambda: delete(first))
    assert service.waits == pytest.approx([0.1, 0.1])
    assert first.limits == second.limits
    assert list(first.limits) == [str(scope)]


async def delete(client: SmartProperties) -> None:
    await client.alerts.delete_alarms("unit-1")


async def test_clients_that_name_no_scope_share_nothing() -> None:
    service = Service(204)
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(get, paced(service, per_second=1))
    assert service.waits == [0, 0]


async def test_a_named_scope_is_forgotten_with_its_last_client() -> None:
    service = Service(204)
    for _ in range(2):
        client = paced(service, per_second=0.01, scope="forgotten")
        await get(client)
        del client
        gc.collect()
    assert service.waits == [0]


async def test_idle_scopes_are_bounded_but_not_busy_and_paused_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RateLimitTransport, "MAX_SCOPES", 10)
    paused = answer(429, Retry_After="1000")
    service = Service(lambda request: paused if request.url.path == "/paused" else answer(200))
    client = paced(service, per_second=100)
    await client.with_options(retry=ONCE).request("GET", "/paused")
    release = anyio.Event()

    async def hold(_: httpx.Request) -> int:
        await release.wait()
        return 200

    async with anyio.create_task_group() as tasks:
        service.script = [hold, lambda _: 200]
        tasks.start_soon(client.request, "GET", "/busy")
        await anyio.sleep(1)
        for number in range(100):
            await client.request("GET", f"/things/{number}")
            await anyio.sleep(0.1)
        # Ten that are used, and of as many others what was learned.
        assert len(client.limits) <= 21
        assert {"GET /paused", "GET /busy"} <= set(client.limits)
        release.set()


# Delayed by a token


async def test_calls_delayed_by_a_token_are_not_sent_at_the_same_moment() -> None:
    """They have had their turn, and the token arrives for all of them at the same moment."""
    amazon = Amazon()
    amazon.token.latency = 1.0
    client = smart_properties(amazon, auth=login(), rate_limit=RateLimit(per_second=50))
    results = await many(client, 100)
    assert not [result for result in results if isinstance(result, Exception)]
    times = amazon.api.times
    assert len(amazon.token.seen) == 1
    # Those whose turns were a moment ago are sent now, all others one by one.
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert sum(gap < 1e-6 for gap in gaps) <= 2
    assert min(gaps[2:]) >= 1 / 50 - 1e-6
    assert times[-1] - times[0] == pytest.approx(99 / 50, abs=0.05)


async def test_calls_delayed_by_a_token_are_sent_before_queued_calls() -> None:
    order: list[str] = []
    amazon = Amazon()
    amazon.token.latency = 0.95
    serve = amazon.api.script[0]

    def record_and_serve(request: httpx.Request) -> Any:
        order.append(request.url.path.split("/")[3])
        return serve(request)  # type: ignore[operator, misc]

    amazon.api.script = [record_and_serve]
    client = smart_properties(amazon, auth=login(), rate_limit=RateLimit(per_second=10))
    names = [f"unit-{number}" for number in range(20)]
    async with anyio.create_task_group() as tasks:
        for name in names:
            tasks.start_soon(get, client, name)
            await anyio.sleep(0.001)
    # The ten calls that waited for the token resume in any order.
    assert sorted(order[:10]) == sorted(names[:10])
    assert order[10:] == names[10:]


async def test_a_cancelled_call_that_a_token_delayed_takes_no_turn() -> None:
    amazon = Amazon()
    amazon.token.latency = 1.0
    client = smart_properties(amazon, auth=login(), rate_limit=RateLimit(per_second=2))

    async def impatient() -> None:
        with anyio.move_on_after(1.2):
            await get(client)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(get, client)
        await anyio.sleep(0.1)
        tasks.start_soon(impatient)
        await anyio.sleep(0.1)
        tasks.start_soon(get, client)
    assert (client.limits[GET].waiting, client.limits[GET].in_flight) == (0, 0)
    # Whether it was sent before it was cancelled depends on which call resumes first; no turn is lost in either case.
    assert amazon.api.waits == pytest.approx([0.5] * (len(amazon.api.seen) - 1), rel=0.11)


@pytest.mark.parametrize("seconds", [0.04, 0.06])
async def test_a_slow_auth_flow_costs_no_throughput(seconds: float) -> None:
    class Vault(httpx.Auth):
        async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
            await anyio.sleep(seconds)
            yield request

    service = Service(204)
    await many(smart_properties(service, auth=Vault(), rate_limit=RateLimit(per_second=20)), 100)
    assert service.times[-1] - service.times[0] == pytest.approx(99 / 20, abs=0.1)
    assert min(service.waits) > 0.9 / 20


async def test_a_finished_call_leaves_no_cycle_for_the_garbage_collector() -> None:
    def calls() -> int:
        # Its type, not its class: other packages leave weak proxies of things that are gone.
        return sum(type(found) is Call for found in gc.get_objects())

    client = paced(Service(204), per_second=1000)
    await many(client, 10)
    gc.collect()
    gc.disable()
    try:
        before = calls()
        for _ in range(50):
            await get(client)
        assert calls() == before
    finally:
        gc.enable()


async def test_a_service_that_fails_confirms_no_rate() -> None:
    service = Service(429, 429, 503, 503, 503, 204)
    client = paced(service, per_second=100)
    with pytest.raises(errors.ServerError):
        await get(client.with_options(retry=ONCE))
    slow = client.limits[GET].rate
    for _ in range(2):
        with pytest.raises(errors.ServerError):
            await get(client.with_options(retry=ONCE))
        assert client.limits[GET].rate == slow < 100
    await get(client)
    assert client.limits[GET].rate > 90


async def test_an_absurd_pause_is_bounded() -> None:
    """An epoch instead of seconds is a usual mistake."""
    service = Service(answer(429, Retry_After="1763780000"), 204)
    client = paced(service, per_second=10)
    with pytest.raises(errors.Throttled):
        await get(client)
    assert client.limits[GET].paused_until is not None
    await anyio.sleep(3601)
    await get(client)


async def test_one_long_pause_at_the_beginning_does_not_slow_down_forever() -> None:
    client = paced(Service(answer(429, Retry_After="60"), 204))
    await many(client, 1)
    begun = anyio.current_time()
    await many(client, 1000)
    assert 1000 / (anyio.current_time() - begun) > 100


def test_cancelling_thousands_of_queued_calls_takes_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue that is searched for each cancelled waiter compares millions of times."""
    compared = 0

    def equal(self: object, other: object) -> bool:
        nonlocal compared
        compared += 1
        return self is other

    monkeypatch.setattr(Waiter, "__eq__", equal, raising=False)
    monkeypatch.setattr(Waiter, "__hash__", object.__hash__, raising=False)

    async def main() -> None:
        client = paced(Service(204), per_second=1)
        with anyio.move_on_after(0.5):
            await many(client, 1500)
        assert client.limits[GET].waiting == 0

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert compared < 30_000


# Order


def record(order: list[Any], service: Service) -> Service:
    service.script = [lambda request: order.append(request.url.path.split("/")[3]) or 204]  # type: ignore[func-returns-value]
    return service


async def test_first_come_first_served() -> None:
    order: list[str] = []
    client = paced(record(order, Service()), per_second=10)
    names = [f"unit-{number}" for number in range(50)]
    async with anyio.create_task_group() as tasks:
        for name in names:
            tasks.start_soon(get, client, name)
            await anyio.lowlevel.checkpoint()
            await anyio.sleep(0.001)
    assert order == names


async def test_a_new_call_does_not_take_the_turn_of_a_queued_call() -> None:
    service = Service(204)
    client = paced(service, per_second=1)
    await get(client, "first")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(get, client, "waits")
        await anyio.wait_all_tasks_blocked()
        # The turn is due, but the waiter has not woken yet.
        trio.lowlevel.current_clock().jump(5)  # type: ignore[attr-defined]
        await get(client, "comes")
    assert [seen.url.path.split("/")[3] for seen in service.seen] == ["first", "waits", "comes"]


async def test_interactive_overtakes_bulk_and_bulk_never_starves() -> None:
    order: list[str] = []
    client = paced(record(order, Service()), per_second=10)
    bulk = client.with_options(priority="bulk")
    await get(client, "first")
    async with anyio.create_task_group() as tasks:
        for number in range(10):
            tasks.start_soon(get, bulk, f"b{number}")
            await anyio.sleep(0.001)
        for number in range(20):
            tasks.start_soon(get, client, f"i{number}")
            await anyio.sleep(0.001)
    assert order[0] == "first"
    busy = order[1:26]
    assert [name for name in busy if name[0] == "i"] == [f"i{number}" for number in range(20)]
    assert sum(name[0] == "b" for name in busy) in (4, 5, 6)
    assert [name for name in order if name[0] == "b"] == [f"b{number}" for number in range(10)]
    # Never more than four interactive calls in a row while bulk waits.
    assert "iiiii" not in "".join(name[0] for name in order[1:])


# max_wait


async def test_max_wait_raises_before_waiting_with_the_right_time() -> None:
    service = Service(204)
    client = paced(service, per_second=2)
    impatient = client.with_options(max_wait=1.4)
    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(get, client)
            await anyio.lowlevel.checkpoint()
        await anyio.sleep(0.1)
        begun = anyio.current_time()
        with pytest.raises(errors.RateLimitTooLong, match=r"3 call\(s\) queued at 2/s") as caught:
            await get(impatient, "room-7")
        assert anyio.current_time() == begun
        # Queued are those for 0.5, 1.0 and 1.5 s; its own turn would be at 2.0.
        assert caught.value.wait == pytest.approx(1.9)
        assert caught.value.max_wait == 1.4
        assert caught.value.operation == GET
        assert "room-7" in str(caught.value)
        await anyio.sleep(1)
        await get(impatient)
        assert anyio.current_time() == pytest.approx(2.0)
    assert len(service.seen) == 5


async def test_max_wait_of_a_pause_is_its_rest() -> None:
    service = Service(answer(429, Retry_After="30"), 204)
    client = smart_properties(service, rate_limit=RateLimit(per_second=10, max_wait=5))
    with pytest.raises(errors.Throttled):
        await get(client)
    await anyio.sleep(10)
    with pytest.raises(errors.RateLimitTooLong) as caught:
        await get(client)
    assert caught.value.wait == pytest.approx(20)
    await anyio.sleep(16)
    await get(client)
    assert service.waits == pytest.approx([30])


async def test_an_interactive_call_does_not_count_bulk_calls_into_its_wait() -> None:
    client = paced(Service(204), per_second=1)
    async with anyio.create_task_group() as tasks:
        for _ in range(30):
            tasks.start_soon(get, client.with_options(priority="bulk"))
        await anyio.wait_all_tasks_blocked()
        await get(client.with_options(max_wait=2))
        with pytest.raises(errors.RateLimitTooLong):
            await get(client.with_options(max_wait=2, priority="bulk"))
        tasks.cancel_scope.cancel()


async def test_a_max_wait_of_zero_allows_calls_that_need_not_wait() -> None:
    client = paced(Service(204), per_second=1, max_wait=0)
    await get(client)
    with pytest.raises(errors.RateLimitTooLong):
        await get(client)


# Cancellation


async def test_a_cancelled_waiter_leaves_nothing() -> None:
    """hikari's limiter dies with one cancelled waiter, and its bucket loses a slot for good."""
    service = Service(204)
    client = paced(service, per_second=1)
    await get(client)
    with anyio.move_on_after(0.5) as scope:
        await get(client)
    assert scope.cancelled_caught
    assert (client.limits[GET].waiting, client.limits[GET].in_flight) == (0, 0)
    await get(client)
    assert service.waits == [1]


async def test_the_next_call_takes_over_if_the_first_in_the_queue_is_cancelled() -> None:
    service = Service(204)
    client = paced(service, per_second=1)
    await get(client)
    async with anyio.create_task_group() as tasks:
        first = anyio.CancelScope()

        async def doomed() -> None:
            with first:
                await get(client)

        tasks.start_soon(doomed)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(get, client)
        await anyio.wait_all_tasks_blocked()
        first.cancel()
    assert service.waits == [1]


async def test_a_pause_ends_although_the_call_that_caused_it_is_cancelled() -> None:
    """discord.py's gate stays shut forever if the task that sleeps on a 429 is cancelled."""
    service = Service(answer(429, Retry_After="10"), 204)
    client = paced(service, per_second=10)
    with anyio.move_on_after(1):
        await get(client)
    begun = anyio.current_time()
    await get(client)
    assert anyio.current_time() - begun == pytest.approx(9)


async def test_cancelling_a_request_in_flight_gives_its_place_back() -> None:
    service = Service(lambda _: anyio.sleep(1000))
    client = paced(service, per_second=10)
    with anyio.move_on_after(1):
        await many(client, 5)
    assert (client.limits[GET].waiting, client.limits[GET].in_flight) == (0, 0)


class TestOnAsyncio:
    """asyncio's own cancellation, which anyio's scopes do not see."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    async def test_cancelled_tasks_leave_nothing(self) -> None:
        client = paced(Service(204), per_second=50)
        calls = [asyncio.create_task(get(client)) for _ in range(20)]
        await asyncio.sleep(0.05)
        for call in calls[::2]:
            call.cancel()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert sum(isinstance(result, asyncio.CancelledError) for result in results) >= 7
        assert (client.limits[GET].waiting, client.limits[GET].in_flight) == (0, 0)
        await asyncio.wait_for(get(client), 1)


# Limits


async def test_limits_show_the_present_state() -> None:
    service = Service(answer(429, Retry_After="30", x_amzn_RequestId="request-7"))
    client = paced(service, per_second=10)
    assert client.limits == {}
    before = dt.datetime.now(dt.UTC)
    with pytest.raises(errors.Throttled):
        await get(client.with_options(retry=ONCE))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(get, client)
        await anyio.wait_all_tasks_blocked()
        limits = client.limits[GET]
        tasks.cancel_scope.cancel()
    assert limits.rate == pytest.approx(8)
    assert (limits.ceiling, limits.waiting, limits.in_flight, limits.refused) == (10, 1, 0, 1)
    assert limits.last_request_id == "request-7"
    assert limits.paused_until is not None
    assert 25 < (limits.paused_until - before).total_seconds() <= 35
    await anyio.sleep(31)
    assert client.limits[GET].paused_until is None


def test_limits_outside_an_event_loop_and_on_the_next_one() -> None:
    service = Service(answer(429, Retry_After="30"), 204)
    client = paced(service, per_second=10)

    async def refused() -> None:
        with pytest.raises(errors.Throttled):
            await get(client.with_options(retry=ONCE))

    asyncio.run(refused())
    limits = client.limits[GET]
    assert limits.paused_until is not None
    assert limits.refused == 1

    async def patient() -> None:
        with pytest.raises(errors.RateLimitTooLong):
            await get(client.with_options(max_wait=1))

    asyncio.run(patient())


def test_an_earlier_clock_of_another_event_loop_delays_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(answer(429, Retry_After="30"), 204)
    client = paced(service, per_second=10)

    def run(begin: float, call: Callable[[], Any]) -> None:
        clock = trio.testing.MockClock(autojump_threshold=0)
        clock.jump(begin)
        trio.run(call, clock=clock)

    async def refused() -> None:
        with pytest.raises(errors.Throttled):
            await get(client.with_options(retry=ONCE))

    async def immediately() -> None:
        begun = trio.current_time()
        await get(client)
        assert trio.current_time() - begun < 1

    run(500_000, refused)
    run(10_000, immediately)
    assert client.limits[GET].refused == 1


async def test_limits_can_be_saved_and_passed_to_the_next_process() -> None:
    quota = Quota(100, burst=10)
    first = paced(Service(quota, latency=0.01))
    await many(first, 1000)
    text = first.limits.to_json()
    second = smart_properties(Service(204), rate_limit=RateLimit(), limits=Limits.from_json(text))
    assert second.limits[GET].ceiling == first.limits[GET].ceiling
    begun = anyio.current_time()
    await many(second, 96)
    # No search from 20 a second again.
    assert anyio.current_time() - begun == pytest.approx(1.0, abs=0.07)
    # What it had no use for is not lost when it is saved again.
    third = smart_properties(Service(204), limits=Limits.from_json(text))
    await third.alerts.delete_alarms("unit-1")
    assert set(Limits.from_json(third.limits.to_json())) == {GET, "alerts.delete_alarms"}


async def test_a_saved_pause_still_holds() -> None:
    service = Service(answer(429, Retry_After="30"), 204)
    first = paced(service, per_second=10)
    with pytest.raises(errors.Throttled):
        await get(first.with_options(retry=ONCE))
    second = smart_properties(service, rate_limit=RateLimit(), limits=Limits.from_json(first.limits.to_json()))
    with pytest.raises(errors.RateLimitTooLong) as caught:
        await get(second.with_options(max_wait=1))
    assert 25 < caught.value.wait <= 30


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"a": 1}',
        '{"a": {"rate": 1}}',
        '{"a": {"rate": true, "ceiling": null, "paused_until": null}}',
        '{"a": {"rate": 1, "ceiling": Infinity, "paused_until": null}}',
        '{"a": {"rate": 1, "ceiling": null, "paused_until": 5}}',
        '{"a": {"rate": 1' + "0" * 400 + ', "ceiling": null, "paused_until": null}}',
        "[" * 100_000,
    ],
    ids=lambda text: text[:40],
)
def test_rejects_text_that_holds_no_limits(text: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="no limits that were saved"):
        Limits.from_json(text)


def test_limits_must_be_limits() -> None:
    with pytest.raises(errors.ConfigurationError, match="limits must be"):
        smart_properties(Service(), limits="{}")
    with pytest.raises(errors.ConfigurationError, match="limits must be"):
        smart_properties(Service(), limits={GET: 5})


async def test_a_saved_pause_may_end_at_the_last_possible_date() -> None:
    text = f'{{"{GET}": {{"rate": 5, "ceiling": null, "paused_until": "9999-12-31T23:59:59-23:59"}}}}'
    client = smart_properties(Service(204), rate_limit=RateLimit(), limits=Limits.from_json(text))
    assert client.limits[GET].paused_until is not None
    with pytest.raises(errors.RateLimitTooLong):
        await get(client.with_options(max_wait=1))
    assert client.limits[GET].paused_until is not None


@pytest.mark.parametrize(
    "values",
    [{"rate": float("nan")}, {"rate": -1}, {"rate": 1, "ceiling": float("inf")}, {"rate": 1, "paused_until": NAIVE}],
)
def test_limits_out_of_range(values: dict[str, Any]) -> None:
    with pytest.raises(errors.ConfigurationError, match=f"{list(values)[-1]} must be"):
        ScopeLimits(**values)


async def test_an_absurdly_low_saved_rate_is_raised() -> None:
    limits = {GET: ScopeLimits(rate=1e-9)}
    client = smart_properties(Service(204), rate_limit=RateLimit(), limits=limits)
    begun = anyio.current_time()
    await many(client, 3)
    assert anyio.current_time() - begun < 200


async def test_saved_limits_omit_what_the_client_was_doing() -> None:
    busy = paced(Service(lambda _: anyio.sleep(100)), per_second=10)
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(get, busy)
        await anyio.sleep(0.15)
        given = smart_properties(Service(204), limits=busy.limits).limits[GET]
        tasks.cancel_scope.cancel()
    assert (given.rate, given.waiting, given.in_flight) == (10, 0, 0)


async def test_saved_limits_hold_a_rate_reached_after_the_last_refusal() -> None:
    quota = Quota(40, burst=5)
    client = paced(Service(quota, latency=0.01), per_second=100)
    await many(client, 150)
    quota.rate = quota.burst = 1000
    await many(client, 700)
    assert (client.limits[GET].rate, client.limits[GET].ceiling) == (100, 100)
    again = smart_properties(Service(204), rate_limit=RateLimit(per_second=100), limits=client.limits)
    begun = anyio.current_time()
    await many(again, 201)
    assert anyio.current_time() - begun == pytest.approx(2.0)


# Sharing


def test_a_shared_scope_in_two_threads_is_a_clear_error_and_no_hang() -> None:
    scope = object()
    started, done = threading.Event(), threading.Event()
    service = Service(latency=0.02)

    async def first() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(get, smart_properties(service, rate_limit=RateLimit(per_second=50, scope=scope)))
            await anyio.lowlevel.checkpoint()
            started.set()
            await anyio.to_thread.run_sync(done.wait)

    def other() -> None:
        started.wait()
        try:
            with pytest.raises(errors.ConfigurationError, match="in use in another thread"):
                anyio.run(get, smart_properties(service, rate_limit=RateLimit(per_second=50, scope=scope)))
        finally:
            done.set()

    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(other)
        anyio.run(first)
        outcome.result()
    # One thread after the other may use it.
    anyio.run(get, smart_properties(service, rate_limit=RateLimit(per_second=50, scope=scope)))


def test_clients_that_share_a_scope_need_the_same_settings() -> None:
    scope = object()
    first = smart_properties(Service(), rate_limit=RateLimit(per_second=5, scope=scope, max_wait=1))
    smart_properties(Service(), rate_limit=RateLimit(per_second=5, scope=scope, max_wait=9))
    with pytest.raises(errors.ConfigurationError, match="is shared with per_second=5, burst=1"):
        smart_properties(Service(), rate_limit=RateLimit(per_second=500, scope=scope))
    assert first.limits


async def test_a_service_that_fails_at_first_does_not_lower_the_rate() -> None:
    service = Service(*[503] * 60, 204)
    client = smart_properties(service, rate_limit=RateLimit(), retry=RetryPolicy(max_attempts=1))
    await many(client, 60)
    assert service.times[-1] - service.times[0] < 4


async def test_max_wait_takes_the_doubling_at_the_start_into_account() -> None:
    """60 concurrent calls on a service without a quota: at 20 per second the last would wait 3 s, but it speeds up."""
    client = smart_properties(Service(), rate_limit=RateLimit()).with_options(max_wait=1.0)
    started = anyio.current_time()
    results = await gather(*[lambda: get(client)] * 60)
    assert not [result for result in results if isinstance(result, Exception)]
    assert 0.7 < anyio.current_time() - started < 1.0


async def test_max_wait_ends_the_wait_of_a_call_that_is_overtaken_for_too_long() -> None:
    client = smart_properties(Service(), rate_limit=RateLimit(per_second=1))
    bulk = client.with_options(priority="bulk", max_wait=3)
    await get(client)
    outcome: list[Any] = []

    async def patient() -> None:
        begun = anyio.current_time()
        outcome.extend(await gather(lambda: get(bulk)))
        outcome.append(anyio.current_time() - begun)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(patient)
        await anyio.wait_all_tasks_blocked()
        for _ in range(20):
            tasks.start_soon(get, client)
    assert isinstance(outcome[0], errors.RateLimitTooLong)
    assert "it would wait longer, which is more than max_wait=3 s" in str(outcome[0])
    assert outcome[1] == pytest.approx(3)
