"""Everything public that can be awaited or iterated is cancelled at each of its awaits, and leaves nothing behind."""

from __future__ import annotations

import functools
import gc
import importlib
import inspect
import random
from collections.abc import AsyncIterable, Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any, Final

import httpx
import pytest

from alexa_props import AWSCredentials, DefaultStation, Inventory, fleet
from alexa_props.auth.authorize import Consent
from alexa_props.simulator import Simulator
from alexa_props.smart_properties import unit_settings
from alexa_props.smart_properties.alerts import Deletion
from tests.property.cancelling import Scenario, Way, World, moments, noted, play
from tests.test_public_names import NAMES
from tests.wire import CALLS, CLASSES, OPERATIONS, Clients

CANCELLED: Final[tuple[Way, ...]] = ("task", "scope", "wait_for")
LEFT: Final[tuple[Way, ...]] = ("left", "dropped")
STATION: Final = DefaultStation("I_HEART_RADIO", "4802")
SHAPES: Final = [
    "unit_settings.get_default_music_station",
    "unit_settings.set_default_music_station",
    "units.create",
    "devices.get",
    "units.list",
]
"""One of each: GET, PUT with a body, POST that must not be sent twice, Alexa for Business, a page."""


def action(name: str, world: World) -> Any:
    clients = Clients(
        asp=world.asp,
        a4b=world.a4b,
        room=world.sim.rooms[0],
        endpoint=world.sim.endpoints[0],
        device=world.sim.devices[0],
        organization=world.sim.organization_id,
        spare=world.spare,
    )
    return CALLS[name](clients)


def deletion(world: World) -> Deletion:
    """Of which some devices do nothing."""
    world.sim.set_failing(*world.sim.endpoints_in(world.sim.rooms[0]))
    return world.asp.alerts.delete_alarms(world.sim.rooms[0])


def iterated(make: Callable[[World], AsyncIterable[Any]]) -> Scenario:
    async def iterate(world: World) -> int:
        return await world.take(make(world))

    return iterate


# Smart Properties and Alexa for Business


async def deleted(world: World) -> None:
    # In a coroutine: an awaitable that a task never reached warns that it was never awaited.
    await deletion(world)


async def raw(world: World) -> None:
    response = await world.asp.request("GET", f"/v2/units/{world.sim.rooms[0]}")
    assert response.is_success


async def through_the_pipeline(world: World) -> None:
    async with httpx.AsyncClient(transport=world.asp.pipeline) as outside:
        assert (await outside.get(f"{world.sim.base_url}/v2/units/{world.sim.rooms[0]}")).is_success


async def a_life(world: World) -> None:
    async with world.for_business() as client:
        await client.users.search()
    await client.aclose()


# Lists


def units(world: World) -> Any:
    return world.asp.units.list(world.sim.organization_id, depth="all", page_size=3)


async def resumed(world: World) -> int:
    page = await units(world)
    return await world.take(units(world).resume(page.next_token))


async def prefetched(world: World) -> int:
    async with units(world).prefetch() as items:
        return await world.take(items)


# Fleets


async def streamed(world: World, **options: Any) -> int:
    async def put(room: str) -> None:
        await world.asp.unit_settings.set_default_music_station(room, STATION)

    async with fleet.run(put, world.sim.rooms[:3], concurrency=2, **options) as run:
        return await world.take(run)


async def in_batches(world: World, *, collect: bool) -> int | None:
    async def put(rooms: Sequence[str]) -> None:
        for room in rooms:
            await world.asp.unit_settings.set_default_music_station(room, STATION)

    if collect:
        await fleet.collect_many(put, world.sim.rooms[:3], size=2)
        return None
    async with fleet.run_many(put, world.sim.rooms[:3], size=2) as run:
        return await world.take(run)


def walked(world: World) -> AsyncIterable[Any]:
    # Too many for one page: its branches are listed side by side.
    sim = Simulator(rooms=54, endpoints_per_room=0, users=0)
    return fleet.walk_rooms(sim.smart_properties(transport=world.way_to(sim.transport())), sim.organization_id)


async def inventoried(world: World) -> None:
    # Too many units for one page or one query: queries run side by side.
    sim = Simulator(rooms=54, endpoints_per_room=0, users=0)
    asp = sim.smart_properties(transport=world.way_to(sim.transport()))
    inventory = await Inventory.load(asp, sim.organization_id)
    assert len(inventory) == 54


async def collected(world: World) -> None:
    async def create(room: str) -> str:
        return await world.asp.units.create(world.sim.organization_id, f"beside {room}")

    await fleet.collect(create, world.sim.rooms[:3], concurrency=2)


async def ensured(world: World) -> None:
    # Another one each time, so that it has to be set.
    station = DefaultStation("I_HEART_RADIO", str(len(world.wire.seen)))
    assert await fleet.ensure_default_music_station(world.asp, world.sim.rooms[0], station)


async def room_reset(world: World) -> None:
    defaults = fleet.RoomDefaults(station=STATION, volume=30)
    steps = await fleet.reset_room(world.asp, world.sim.rooms[0], defaults)
    assert not steps.failed


# On real time: threads and sockets


async def signed_with_found_keys(world: World) -> None:
    keys = SimpleNamespace(
        get_frozen_credentials=lambda: (world.sim.aws_access_key_id, world.sim.aws_secret_access_key, None)
    )
    auth = AWSCredentials(session=SimpleNamespace(get_credentials=lambda: keys))
    async with world.for_business(auth=auth) as client:
        await client.devices.get(world.sim.devices[0])


async def consented(world: World) -> None:
    sim = Simulator(rooms=1)
    consent = Consent.ask(client_id=sim.client_id, redirect_uri="https://hotel.example/back")
    headers = dict(sim.login.consent(dict(httpx.URL(consent.url).params)).headers)
    code = consent.code(headers["location"].partition("?")[2])
    async with httpx.AsyncClient(transport=world.way_to(sim.transport())) as http:
        await consent.refresh_token(http, code, client_secret=sim.client_secret, token_url=sim.token_url)


async def simulated(world: World) -> None:
    async with Simulator(rooms=1) as sim:
        client = sim.for_business(transport=world.way_to(sim.transport()))
        world.clients.append(client)
        await client.devices.get(sim.devices[0])


async def served(world: World) -> None:
    async with Simulator(rooms=1) as sim, sim.serve():
        client = sim.for_business()
        world.clients.append(client)
        await client.devices.get(sim.devices[0])


# The tables

ON_JUMPING_TIME: Final[dict[str, Scenario]] = {
    **{name: functools.partial(action, name) for name in SHAPES},
    "a deletion, awaited": deleted,
    "a deletion, iterated": iterated(deletion),
    "Client.request": raw,
    "Client.pipeline": through_the_pipeline,
    "Client.aclose": a_life,
    "Client.call": lambda world: world.asp.call(unit_settings.GET, {"unit_id": world.sim.rooms[0]}),
    "a list, iterated": iterated(units),
    "Pager.pages": iterated(lambda world: units(world).pages()),
    "Pager.resume": resumed,
    "Pager.prefetch": prefetched,
    "Pager.to_rows": lambda world: units(world).to_rows(),
    "a search, iterated": iterated(lambda world: world.a4b.devices.search(page_size=25)),
    "Consent.refresh_token": consented,
    "Simulator.aclose": simulated,
    "fleet.run": streamed,
    "fleet.run, ordered": functools.partial(streamed, ordered=True),
    "fleet.collect": collected,
    "fleet.run_many": functools.partial(in_batches, collect=False),
    "fleet.collect_many": functools.partial(in_batches, collect=True),
    "fleet.walk_rooms": iterated(walked),
    "Inventory.load": inventoried,
    "fleet.reset_room": room_reset,
    "fleet.ensure_default_music_station": ensured,
}
ON_REAL_TIME: Final[dict[str, Scenario]] = {
    "AWSCredentials": signed_with_found_keys,
    "Simulator.serve": served,
}
SHOWN_BY: Final[dict[str, str]] = {
    "Client.__aenter__": "Client.aclose",
    "Deletion.__await__": "a deletion, awaited",
    "Deletion.__aiter__": "a deletion, iterated",
    "LoginWithAmazon.async_auth_flow": "Client.request",
    "TokenStore.load": "Client.request",
    "TokenStore.save": "Client.request",
    "RateLimitTransport.handle_async_request": "Client.pipeline",
    "PacingTransport.handle_async_request": "Client.pipeline",
    "Client.pager": "units.list",
    "SmartProperties.profile": "login.profile",
    "Pager.__await__": "units.list",
    "Pager.__aiter__": "a list, iterated",
    "Pager.to_dataframe": "Pager.to_rows",
    "AWSCredentials.async_auth_flow": "AWSCredentials",
    "Simulator.__aenter__": "Simulator.aclose",
    # Over a real socket, in `test_every_await_of_a_socket.py` too.
    "Pool.handle_async_request": "Simulator.serve",
    "Pool.aclose": "Simulator.serve",
    # With a journal: in `tests/fleet/test_every_await.py`.
    "Run.__aiter__": "fleet.run",
    "Run.__anext__": "fleet.run",
    **{
        name: f"fleet.{name}"
        for name in (
            "run",
            "run_many",
            "collect",
            "collect_many",
            "reset_room",
            "ensure_default_music_station",
            "walk_rooms",
        )
    },
}
"""The scenario of each public name, if it is not called like it."""


# What is public


def members() -> Iterator[str]:
    """All that can be awaited, iterated or entered among the public names, each where it is defined."""
    for module in (*NAMES, "alexa_props.simulator"):
        imported = importlib.import_module(module)
        for name in imported.__all__:
            found = getattr(imported, name)
            if not inspect.isclass(found):
                if inspect.isfunction(found) and is_asynchronous(found):
                    yield name
                continue
            for kind in found.__mro__:
                if kind.__module__.startswith("alexa_props"):
                    functions = ((each, getattr(kind, each)) for each in vars(kind))
                    yield from (f"{kind.__name__}.{each}" for each, value in functions if is_asynchronous(value))


def is_asynchronous(function: Any) -> bool:
    name = getattr(function, "__name__", "_")
    if name in ("__await__", "__aiter__", "__anext__", "__aenter__"):
        return True
    bare = inspect.unwrap(function)
    if name.startswith("_") or not (inspect.isfunction(bare) or inspect.ismethod(bare)):
        return False
    if inspect.iscoroutinefunction(bare) or inspect.isasyncgenfunction(bare):
        return True
    said = inspect.get_annotations(bare).get("return", "")
    return str(said).startswith(("Await", "Async", "AbstractAsync", "Pager", "Deletion"))


ELSEWHERE: Final = {f"{store}.{method}" for store in ("HostShared", "RedisShared") for method in ("update", "aclose")}
"""Cancelled in `tests/shared/test_contract.py`, which has the servers."""


def test_everything_public_and_asynchronous_is_cancelled_here() -> None:
    found = set(members()) - ELSEWHERE
    # The search itself finds what it is meant to.
    assert {"Units.list", "Alerts.delete_alarms", "Pager.prefetch", "Simulator.serve", "run", "walk_rooms"} <= found
    scenarios = {*ON_JUMPING_TIME, *ON_REAL_TIME, *CALLS}
    resources = {
        f"{type(getattr(client, resource)).__name__}.{method}"
        for name, operation in OPERATIONS.items()
        for client in (World(0).asp if operation.target is None else World(0).a4b,)
        for resource, _, method in (name.partition("."),)
        if resource != "login"
    }
    assert {name for name in found - resources if SHOWN_BY.get(name, name) not in scenarios} == set()
    assert {*SHOWN_BY} <= found


# Cancelled


@pytest.fixture(autouse=True)
def collected_garbage() -> Iterator[None]:
    """What was never awaited warns within the test that left it."""
    yield
    gc.collect()


def check(scenario: Scenario, points: dict[Way, list[float]], whole: Any, *, real: bool = False) -> None:
    for way, all_of_them in points.items():
        ended = []
        for at in all_of_them:
            with noted(f"{way} at {at} of {whole.moments} moments"):
                this = play(scenario, way, at, whole, real=real)
            ended.append(this.ended)
        if way in LEFT:
            assert set(ended) <= {"done"}
        elif len(ended) > 5:
            # It is cancelled from the first of them on: not a moment later than it was asked to.
            assert ended[0] == "cancelled"
            assert ended.count("cancelled") > len(ended) / 2


@pytest.mark.apart
@pytest.mark.parametrize("name", ON_JUMPING_TIME)
def test_cancelled_at_every_moment(name: str) -> None:
    scenario = ON_JUMPING_TIME[name]
    whole = play(scenario, real=False)
    check(scenario, {way: moments(whole, way) for way in (*CANCELLED, *LEFT)}, whole)


@pytest.mark.parametrize("name", [name for name in CLASSES.values() if name not in SHAPES])
def test_the_other_classes_of_operations_cancelled_at_some_moments(name: str) -> None:
    """They take the same path as the ones above; the same five moments each time."""
    scenario = functools.partial(action, name)
    whole = play(scenario, real=False)
    dice = random.Random(name)
    for _ in range(5):
        way = dice.choice(CANCELLED)
        at = dice.choice(moments(whole, way))
        with noted(f"{way} at {at} of {whole.moments} moments"):
            play(scenario, way, at, whole, real=False)


@pytest.mark.parametrize("way", ["task", "scope"])
@pytest.mark.parametrize(
    "name",
    [
        "AWSCredentials",
        "Simulator.serve",
    ],
)
def test_cancelled_at_every_moment_of_real_time(name: str, way: Way) -> None:
    scenario = ON_REAL_TIME[name]
    whole = play(scenario, real=True)
    at = 0
    while True:
        at += 1
        with noted(f"{way} at {at}, of about {whole.moments} moments"):
            this = play(scenario, way, at, whole, real=True)
        # Threads and sockets take as many turns as they like: it is over when one has come too late.
        if this.moments < at:
            break
    assert at > 5
    gc.collect()
