"""Event loops and the life of a client: one loop at a time, and closing ends every call."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import ssl
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread
import attrs
import httpx
import pytest
import trustme

from alexa_props import (
    AlexaForBusiness,
    DefaultStation,
    LoginWithAmazon,
    RateLimit,
    RetryPolicy,
    SmartProperties,
    errors,
    fleet,
)
from alexa_props.client import Client
from alexa_props.hooks import AttemptSent, Event, RetryScheduled
from alexa_props.simulator import Simulator
from tests import loops
from tests.helpers import Amazon, Service, for_business, get, login, smart_properties
from tests.pipeline.pool_servers import Exchange, Server, ok, until

CLOSED = "the client is closed"
ONE_PER_THREAD = "one client per thread"
DEFAULT = DefaultStation("I_HEART_RADIO", "4802")
STATION = json.dumps({"providerId": "I_HEART_RADIO", "stationId": "4802"}).encode()


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """What is left unclosed, or was never awaited, warns within the test that left it."""
    yield
    gc.collect()


@attrs.define
class Far:
    """Smart Properties and Login with Amazon on a socket, in their own thread: they outlive the test's loops."""

    server: Server = attrs.field(init=False)
    tokens: int = 0
    delay: float = 0.0
    token_delay: float = 0.0
    throttled: int = 0

    def __attrs_post_init__(self) -> None:
        self.server = Server(self._answer)

    async def _answer(self, exchange: Exchange) -> None:
        if exchange.request.target == "/auth/o2/token":
            self.tokens += 1
            grant = {"access_token": f"Atza|{self.tokens}", "expires_in": 3600, "refresh_token": f"Atzr|{self.tokens}"}
            answer, delay = ok(json.dumps(grant).encode()), self.token_delay
        elif self.throttled:
            self.throttled -= 1
            answer, delay = ok(b"{}", status=b"429 Too Many Requests"), 0.0
        else:
            answer, delay = ok(STATION), self.delay
        # It ends early if the client has left.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await exchange.reader.read()
        exchange.writer.write(answer)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def client(self, **options: Any) -> SmartProperties:
        store = options.pop("token_store", None)
        auth = LoginWithAmazon(
            client_id="one",
            client_secret="s",
            refresh_token="Atzr|0",
            token_url=f"{self.origin}/auth/o2/token",
            token_store=store,
        )
        options.setdefault("rate_limit", RateLimit(per_second=1e6))
        return SmartProperties(auth=auth, base_url=self.origin, **options)


@pytest.fixture
def far() -> Iterator[Far]:
    far = Far()
    with anyio.from_thread.start_blocking_portal() as portal, portal.wrap_async_context_manager(far.server.running()):
        yield far


class Store:
    def __init__(self) -> None:
        self.kept: str | None = None

    async def load(self) -> str | None:
        return self.kept

    async def save(self, refresh_token: str) -> None:
        self.kept = refresh_token


# One loop after the other


def test_a_client_keeps_its_token_and_limits_on_the_next_loop(far: Far) -> None:
    client = far.client(rate_limit=RateLimit(), retry=RetryPolicy(base=0))  # outside of any loop
    far.throttled = 1

    async def some() -> None:
        await asyncio.gather(*(get(client) for _ in range(3)))

    asyncio.run(some())
    learned = client.limits["unit_settings.get_default_music_station"]
    assert (learned.refused, learned.in_flight, learned.waiting) == (1, 0, 0)
    assert learned.ceiling is not None
    asyncio.run(some())
    later = client.limits["unit_settings.get_default_music_station"]
    # It may have risen since.
    assert later.refused == 1
    assert later.ceiling is not None
    assert later.ceiling >= learned.ceiling
    assert far.tokens == 1
    asyncio.run(client.aclose())


@pytest.mark.parametrize("stage", ["in flight", "queued", "waiting for a token"])
def test_calls_left_by_a_loop_that_ended_delay_no_other(stage: str, far: Far) -> None:
    client = far.client(rate_limit=RateLimit(per_second=5 if stage == "queued" else 1e6))
    left: list[asyncio.Task[Any]] = []

    async def leave() -> None:
        if stage != "waiting for a token":
            await get(client)
        far.delay = far.token_delay = 60
        before = len(far.server.requests)
        left.extend(asyncio.create_task(get(client)) for _ in range(4))
        if stage == "queued":
            await until(lambda: client.limits["unit_settings.get_default_music_station"].waiting)
        else:
            await until(lambda: len(far.server.requests) > before)
        # `asyncio.run` cancels who is left, and closes the loop.

    asyncio.run(leave())
    assert all(task.cancelled() for task in left)
    far.delay = far.token_delay = 0
    asyncio.run(asyncio.wait_for(get(client), 5))
    assert [(scope.in_flight, scope.waiting) for scope in client.limits.values()] == [(0, 0)]
    # A loop that ends cancels all tasks, also the one that fetched the token.
    assert far.tokens == (2 if stage == "waiting for a token" else 1)
    asyncio.run(client.aclose())


# A second loop while the first runs


async def prefetched(asp: SmartProperties) -> None:
    async with asp.units.list("parent").prefetch() as items:
        await anext(items)


async def through_the_pipeline(asp: SmartProperties) -> None:
    async with httpx.AsyncClient(transport=asp.pipeline) as outside:
        await outside.get(f"{asp._base_url}/v2/x")


USES: dict[str, Callable[[SmartProperties], Awaitable[Any]]] = {
    "call": get,
    "view": lambda asp: get(asp.with_options(deadline=5)),
    "request": lambda asp: asp.request("GET", "/v2/x"),
    "deletion": lambda asp: asp.alerts.delete_alarms("room"),
    "deletion, streamed": lambda asp: anext(aiter(asp.alerts.delete_alarms("room"))),
    "list": lambda asp: asp.units.list("parent"),
    "list, iterated": lambda asp: anext(aiter(asp.units.list("parent"))),
    "list, by page": lambda asp: anext(asp.units.list("parent").pages()),
    "list, prefetched": prefetched,
    "async with": lambda asp: asp.__aenter__(),
    "pipeline": through_the_pipeline,
    "walk": lambda asp: anext(fleet.walk_rooms(asp, "parent")),
    "recipe": lambda asp: fleet.ensure_default_music_station(asp, "room", DEFAULT),
}
"""Every kind of use of a client."""


@pytest.mark.parametrize("kind", ["socket", "transport"])
def test_refuses_every_use_on_a_second_loop_without_disturbing_the_first(kind: str, far: Far) -> None:
    """The first loop has calls in flight, queued, and waiting for a token, while the second tries everything."""
    amazon = Amazon(latency=0.15, api_latency=0.15)
    amazon.rotate = True
    far.delay = far.token_delay = 0.15
    limit = RateLimit(per_second=40)
    client = (
        far.client(rate_limit=limit) if kind == "socket" else smart_properties(amazon, auth=login(), rate_limit=limit)
    )
    refused: dict[str, str] = {}

    async def try_all() -> None:
        for name, use in {**USES, "close": SmartProperties.aclose}.items():
            try:
                await use(client)
            except errors.ConfigurationError as error:
                refused[name] = str(error)

    async def first() -> None:
        calls = [asyncio.create_task(get(client, f"room-{number}")) for number in range(5)]
        await asyncio.sleep(0.05)
        await asyncio.to_thread(asyncio.run, try_all())
        results = await asyncio.gather(*calls)
        assert len(results) == 5
        await get(client)
        assert all((scope.in_flight, scope.waiting) == (0, 0) for scope in client.limits.values())
        await client.aclose()

    asyncio.run(first())
    assert [*refused] == [*USES, "close"]
    assert [text for text in refused.values() if ONE_PER_THREAD not in text] == []
    assert set(client.limits) == {"unit_settings.get_default_music_station"}
    assert (far.tokens if kind == "socket" else len(amazon.token.seen)) == 1


def test_another_thread_may_continue_after_the_first_loop_has_ended() -> None:
    client = smart_properties(Service())

    async def in_a_thread() -> None:
        await asyncio.to_thread(asyncio.run, get(client))

    asyncio.run(get(client))
    asyncio.run(in_a_thread())
    asyncio.run(get(client))


# Closing


@pytest.mark.parametrize("kind", [SmartProperties, AlexaForBusiness])
async def test_repeated_concurrent_and_nested_closing_closes_once(kind: type[Client]) -> None:
    service = Slow()
    client = smart_properties(service) if kind is SmartProperties else for_business(service)
    async with client:
        async with client:
            await client.request("GET", "/v2/x")
        # The inner block has closed it.
        with pytest.raises(errors.ConfigurationError, match=CLOSED):
            await client.request("GET", "/v2/x")
    await asyncio.gather(*(client.aclose() for _ in range(3)))
    with pytest.raises(errors.ConfigurationError, match=CLOSED):
        await client.__aenter__()
    assert (service.begun, service.closed) == (1, 1)
    other = smart_properties(again := Slow())
    await asyncio.gather(*(other.aclose() for _ in range(3)))
    assert (again.begun, again.closed) == (1, 1)


class Slow(Service):
    """Takes its time to close."""

    begun = 0

    async def aclose(self) -> None:
        self.begun += 1
        await asyncio.sleep(0.01)
        await super().aclose()


async def test_closing_again_completes_a_cancelled_closing(far: Far) -> None:
    service = Slow()
    client = smart_properties(service)
    closing = asyncio.create_task(client.aclose())
    await until(lambda: service.begun)
    closing.cancel()
    await asyncio.wait([closing])
    assert (closing.cancelled(), service.begun, service.closed) == (True, 1, 0)
    # It is closed to everybody, though not all of it is free yet.
    with pytest.raises(errors.ConfigurationError, match=CLOSED):
        await get(client)
    await client.aclose()
    await client.aclose()
    assert (service.begun, service.closed) == (2, 1)
    # A scope that is cancelled leaves it the time to free the connections.
    other = smart_properties(again := Slow())
    with anyio.CancelScope() as scope:
        scope.cancel()
        await other.aclose()
    assert (again.begun, again.closed) == (1, 1)


@pytest.mark.parametrize("way", ["task", "scope"])
async def test_a_pool_is_closed_though_closing_was_cancelled_at_any_turn(way: str, far: Far) -> None:
    for turns in range(8):
        client = far.client()
        await asyncio.gather(*(get(client) for _ in range(3)))
        far.delay = 60
        under_way = asyncio.create_task(get(client))
        await asyncio.sleep(0.02)
        scope = anyio.CancelScope()

        async def close(client: SmartProperties = client, scope: anyio.CancelScope = scope) -> None:
            with scope:
                await client.aclose()

        closing = asyncio.create_task(close())
        for _ in range(turns):
            await asyncio.sleep(0)
        (closing.cancel if way == "task" else scope.cancel)()
        await asyncio.wait([closing])
        await client.aclose()
        async with asyncio.timeout(5):
            with pytest.raises((errors.TransportError, errors.ConfigurationError), match="closed"):
                await under_way
            await until(lambda: far.server.open == 0)
        far.delay = 0


async def test_closing_ends_every_call(far: Far) -> None:
    far.delay = 60
    client = far.client(rate_limit=RateLimit(per_second=1))
    calls = [asyncio.create_task(get(client, f"room-{number}")) for number in range(3)]
    calls.append(asyncio.create_task(client.units.create("parent", "New")))
    await until(lambda: len(far.server.requests) == 3)  # with the one for a token
    async with asyncio.timeout(10):
        await client.aclose()
        ended = await asyncio.gather(*calls, return_exceptions=True)
    assert all("closed" in str(error) for error in ended)
    assert [(type(each), getattr(each, "sent", "no")) for each in ended] == [
        (errors.TransportError, "maybe"),
        # They were queued.
        (errors.ConfigurationError, "no"),
        (errors.ConfigurationError, "no"),
        (errors.TransportError, "maybe"),
    ]
    assert all((scope.in_flight, scope.waiting) == (0, 0) for scope in client.limits.values())


def test_closing_ends_every_call_on_a_custom_transport() -> None:
    """The transport ends what is in flight; nothing is repeated, and no queued call is sent."""
    service = Service(None, 503, latency=0.2)
    events: list[Event] = []
    client = smart_properties(service, rate_limit=RateLimit(per_second=10), hooks=[events.append])

    async def main(loop: loops.JumpingLoop) -> None:
        calls = [asyncio.create_task(get(client, f"room-{number}")) for number in range(4)]
        await asyncio.sleep(0.25)
        await client.aclose()
        ended = await asyncio.gather(*calls, return_exceptions=True)
        failed = [errors.ServerError, errors.ServerError, errors.ConfigurationError]
        assert [type(each) for each in ended] == [DefaultStation, *failed]
        assert len(service.seen) == 3
        assert loop.time() == pytest.approx(0.4)
        assert not [event for event in events if isinstance(event, RetryScheduled)]
        assert all((scope.in_flight, scope.waiting) == (0, 0) for scope in client.limits.values())

    loops.run(main)


def test_closing_ends_every_wait_immediately() -> None:
    """Not for a turn, nor to be repeated."""
    asked = {"Retry-After": "100"}
    service = Service(
        lambda request: httpx.Response(503 if request.url.path.endswith("/unit") else 429, headers=asked), latency=0.01
    )
    client = smart_properties(service, rate_limit=RateLimit(per_second=0.5))

    async def main(loop: loops.JumpingLoop) -> None:
        to_be_repeated = [asyncio.create_task(use(client)) for use in (get, lambda asp: asp.units.get("unit"))]
        await asyncio.sleep(0.2)
        patient = client.with_options(max_wait=1e9)
        in_line = [asyncio.create_task(patient.units.get(f"unit-{number}")) for number in range(100)]
        in_line += [asyncio.create_task(get(client, f"room-{number}")) for number in range(100)]
        await asyncio.sleep(1)
        # One that was throttled is queued again; one that met a fault waits for its next attempt.
        assert sum(scope.waiting for scope in client.limits.values()) == 201
        await client.aclose()
        ended = await asyncio.gather(*to_be_repeated, *in_line, return_exceptions=True)
        assert loop.time() == pytest.approx(1.2)
        kinds = [errors.Throttled, errors.ServerError, *[errors.ConfigurationError] * 200]
        assert [type(each) for each in ended] == kinds
        assert all("closing the client allowed no further attempt" in str(each) for each in ended[:2])
        assert all("closed" in str(each) for each in ended[2:])
        assert len(service.seen) == 2
        assert all((scope.in_flight, scope.waiting) == (0, 0) for scope in client.limits.values())

    loops.run(main)


def test_closing_delays_no_other_client_of_a_shared_scope() -> None:
    service = Service()
    limit = RateLimit(per_second=1, scope=object())
    client, other = smart_properties(service, rate_limit=limit), smart_properties(service, rate_limit=limit)

    async def main(loop: loops.JumpingLoop) -> None:
        calls = [asyncio.create_task(get(each)) for _ in range(3) for each in (client, other)]
        await asyncio.sleep(0.5)
        await client.aclose()
        ended = await asyncio.gather(*calls, return_exceptions=True)
        station, closed = DefaultStation, errors.ConfigurationError
        assert [type(each) for each in ended] == [station, station, closed, station, closed, station]
        assert service.times == pytest.approx([0, 1, 2, 3])
        assert loop.time() == pytest.approx(3)

    loops.run(main)


async def test_closing_loses_no_token_that_is_being_fetched(far: Far) -> None:
    store = Store()
    client = far.client(token_store=store)
    far.token_delay = 0.1
    calls = [asyncio.create_task(get(client)) for _ in range(3)]
    await until(lambda: far.tokens)
    async with asyncio.timeout(10):
        await client.aclose()
        ended = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(error, errors.AlexaError) and "closed" in str(error) for error in ended)
    assert (far.tokens, store.kept) == (1, "Atzr|1")


def test_closing_waits_at_most_five_seconds_for_a_token() -> None:
    amazon = Amazon(latency=100)
    client = smart_properties(amazon, auth=login())

    async def main(loop: loops.JumpingLoop) -> None:
        call = asyncio.create_task(get(client))
        await asyncio.sleep(1)
        await client.aclose()
        assert loop.time() == pytest.approx(6)
        with pytest.raises(errors.ConfigurationError, match=CLOSED):
            await call

    loops.run(main)


async def test_closing_frees_the_connections_if_cancelled_while_it_waits_for_a_token(far: Far) -> None:
    client = far.client()
    far.token_delay = 60
    call = asyncio.create_task(get(client))
    await until(lambda: far.tokens)
    with anyio.move_on_after(0.05) as scope:
        await client.aclose()
    assert scope.cancelled_caught
    async with asyncio.timeout(5):
        with pytest.raises((errors.TransportError, errors.ConfigurationError), match="closed"):
            await call
    await until(lambda: far.server.open == 0)


# Other event loops


@pytest.mark.apart
@pytest.mark.parametrize("anyio_backend", loops.EVERY)
async def test_a_fleet_run_over_tls_on_every_event_loop(anyio_backend: object) -> None:
    authority, server, trusting = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(trusting)
    async with Simulator(rooms=30, endpoints_per_room=2, seed=3) as sim, sim.serve(tls=server) as base_url:
        sim.quota("alerts.delete_alarms", 200, burst=5)
        sim.fail("alerts.delete_alarms", "drop_after", after=9)
        auth = LoginWithAmazon(
            client_id=sim.client_id,
            client_secret=sim.client_secret,
            refresh_token=sim.refresh_token,
            token_url=sim.token_url,
        )
        async with SmartProperties(auth=auth, base_url=base_url, verify=trusting) as asp:
            report = await fleet.collect(asp.alerts.delete_alarms, sim.rooms)
        assert [outcome.status for outcome in report] == ["done"] * 30
        assert not [endpoint for endpoint in sim.endpoints if sim.alert_count("alarms", endpoint)]


# Use after closing


@pytest.mark.parametrize("own", [True, False])
async def test_every_use_after_closing_is_an_error_that_sends_nothing(own: bool, far: Far) -> None:
    service = Service()
    client = smart_properties(service) if own else far.client()
    view = client.with_options(deadline=5)
    pager, deletion, pipeline = client.units.list("parent"), client.alerts.delete_alarms("room"), client.pipeline
    streamed, pages = aiter(client.alerts.delete_alarms("room")), client.units.list("parent").pages()
    await client.aclose()
    outside = httpx.AsyncClient(transport=pipeline)
    made_before: dict[str, Callable[[SmartProperties], Awaitable[Any]]] = {
        "a pager": lambda _: anext(aiter(pager)),
        "a pager, resumed": lambda _: anext(aiter(pager.resume("token"))),
        "pages": lambda _: anext(pages),
        "a deletion": lambda _: deletion,
        "a deletion, streamed": lambda _: anext(streamed),
        "a pipeline": lambda _: outside.get(f"{client._base_url}/v2/x"),
    }
    assert {name: await end_of(use, client) for name, use in {**USES, **made_before}.items()} == (
        dict.fromkeys([*USES, *made_before], CLOSED)
    )
    assert {name: await end_of(use, view) for name, use in USES.items()} == dict.fromkeys(USES, CLOSED)
    report = await fleet.collect(client.unit_settings.get_default_music_station, ["a", "b"])
    assert {(type(each.error), each.status) for each in report.outcomes} == {(errors.ConfigurationError, "failed")}
    assert (service.seen, far.server.requests) == ([], [])


async def end_of(use: Callable[[SmartProperties], Awaitable[Any]], asp: SmartProperties) -> str:
    try:
        await use(asp)
    except errors.ConfigurationError as error:
        return str(error).partition(":")[0]
    return "it worked"


def test_calls_that_closing_ended_before_they_were_sent_are_reported_as_unsent() -> None:
    events: list[Event] = []
    amazon = Amazon(latency=1)
    client = smart_properties(amazon, auth=login(), hooks=[events.append])

    async def create(name: str) -> None:
        try:
            await client.units.create("parent", name)
        except errors.ConfigurationError:
            raise RuntimeError("an error of one's own says nothing of it") from None

    async def main(_: loops.JumpingLoop) -> None:
        collected = asyncio.create_task(fleet.collect(create, ["a", "b"]))
        await asyncio.sleep(0.5)
        await client.aclose()
        report = await collected
        assert [outcome.status for outcome in report] == ["failed", "failed"]

    loops.run(main)
    assert amazon.api.seen == []
    assert not [event for event in events if isinstance(event, AttemptSent)]


async def test_closing_again_does_nothing_on_any_loop() -> None:
    service = Service()
    client = smart_properties(service)
    await get(client)
    await client.aclose()
    # As a finalizer would, while the loop that used it still runs.
    await anyio.to_thread.run_sync(lambda: asyncio.run(client.aclose()))
    assert service.closed == 1


async def test_a_custom_transport_is_closed_completely_when_a_cancelled_scope_leaves_the_client() -> None:
    service = Slow()
    with anyio.CancelScope() as scope:
        async with smart_properties(service) as client:
            await get(client)
            scope.cancel()
    assert service.closed == 1
