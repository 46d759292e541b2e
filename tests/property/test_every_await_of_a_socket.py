"""Calls over a real socket are cancelled before every turn of the event loop, and leave nothing behind."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Any

import attrs
import pytest

from alexa_props import AlexaForBusiness, LoginWithAmazon, RateLimit, SigV4, SmartProperties, errors
from alexa_props.client import Client
from alexa_props.pipeline.pool import Pool
from tests.pipeline.pool_servers import Exchange, Server, ok, until
from tests.pipeline.test_churn import open_sockets
from tests.property.cancelling import CountingLoop, Loop, Play, Way, noted, on, watched

GONE = {"errors": [{"endpointId": f"e{number}", "code": "DEVICE_UNREACHABLE"} for number in range(3)]}


class Amazon:
    """Both services and the token endpoint on one port, which yield to the loop before and within each response."""

    def __init__(self) -> None:
        self.server = Server(self._answer)
        self.tokens = 0

    async def _answer(self, exchange: Exchange) -> None:
        await asyncio.sleep(0)
        data = self._data(exchange)
        exchange.writer.write(data[:40])
        for _ in range(3):
            await asyncio.sleep(0)
        exchange.writer.write(data[40:])

    def _data(self, exchange: Exchange) -> bytes:
        request = exchange.request
        status = b"200 OK"
        body: dict[str, Any] = {"providerId": "I_HEART_RADIO", "stationId": "4802"}
        if request.target == "/auth/o2/token":
            self.tokens += 1
            body = {"access_token": f"Atza|{self.tokens}", "expires_in": 3600, "refresh_token": f"Atzr|{self.tokens}"}
        elif request.method == "DELETE":
            status, body = b"500 Internal Server Error", GONE
        elif request.target == "/v2/units":
            status, body = b"201 Created", {"id": "new"}
        elif request.target == "/":
            body = {"Devices": [{"DeviceArn": "a"}] * 2}
            if "NextToken" not in json.loads(request.body):
                body["NextToken"] = "2"
        return ok(json.dumps(body).encode(), status=status)


class Store:
    def __init__(self) -> None:
        self.kept: str | None = None

    async def load(self) -> str | None:
        return self.kept

    async def save(self, refresh_token: str) -> None:
        await asyncio.sleep(0)
        self.kept = refresh_token


@attrs.frozen
class Clients:
    asp: SmartProperties
    a4b: AlexaForBusiness


async def count(items: AsyncIterable[Any]) -> int:
    return len([item async for item in items])


CALLS: dict[str, Callable[[Clients], Awaitable[Any]]] = {
    "a call": lambda on: on.asp.unit_settings.get_default_music_station("room"),
    "a call that must not be sent twice": lambda on: on.asp.units.create("parent", "New"),
    "a deletion": lambda on: count(on.asp.alerts.delete_alarms("room")),
    "a search": lambda on: count(on.a4b.devices.search()),
}


@pytest.mark.parametrize(
    ("name", "way"),
    [*((name, "task") for name in CALLS), ("a call that must not be sent twice", "scope"), ("a search", "scope")],
)
def test_a_call_cancelled_before_any_turn_leaves_nothing(name: str, way: Way) -> None:
    sockets = open_sockets()

    async def main(loop: Loop) -> None:
        amazon = Amazon()
        async with amazon.server.running():
            at, ended = 0, "cancelled"
            while ended == "cancelled":
                at += 1
                with noted(f"{way} at {at}"):
                    ended = await one(loop, amazon, CALLS[name], way, at)
        assert ended == "done"
        assert at > 12

    on(CountingLoop, main)
    gc.collect()
    # One of them is the loop's own, and closed with it.
    assert open_sockets() == sockets


async def one(loop: Loop, amazon: Amazon, call: Callable[[Clients], Awaitable[Any]], way: Way, at: int) -> str:
    """Return how a call ended that was cancelled at this turn, after checking everything it may have left."""
    pool, store, others = Pool(max_connections=1), Store(), asyncio.all_tasks()
    origin, server = f"http://127.0.0.1:{amazon.server.port}", amazon.server
    auth = LoginWithAmazon(
        client_id="client", client_secret="s", refresh_token="r", token_url=f"{origin}/auth/o2/token", token_store=store
    )
    fast = RateLimit(per_second=1e6)
    clients = Clients(
        SmartProperties(auth=auth, base_url=origin, transport=pool, rate_limit=fast),
        AlexaForBusiness(auth=SigV4(access_key="A", secret_key="s"), base_url=origin, transport=pool, rate_limit=fast),
    )
    play, before, tokens = Play(), len(server.requests), amazon.tokens
    await watched(loop, play, lambda: call(clients), way, at)
    assert (pool.in_flight, pool.waiting) == (0, 0)
    both: tuple[Client, ...] = (clients.asp, clients.a4b)
    assert all(scope.in_flight == scope.waiting == 0 for client in both for scope in client.limits.values())
    sent = [request.method for request in server.requests[before:] if request.target != "/auth/o2/token"]
    assert len(sent) <= 2 if clients.a4b.limits else len(sent) <= 1
    if amazon.tokens > tokens:
        # A token was issued: cancelled or not, it is the one that is stored.
        assert store.kept == f"Atzr|{amazon.tokens}"
    async with asyncio.timeout(5):
        # There is one slot for all of them: they would wait forever if it had been lost.
        got = await asyncio.gather(
            *(clients.asp.unit_settings.get_default_music_station(f"room-{number}") for number in range(20))
        )
    assert len(set(got)) == 1
    assert amazon.tokens - tokens == 1
    assert server.open == 1
    await clients.asp.aclose()
    # The server has tasks too, one per connection.
    await until(lambda: server.open == 0 and asyncio.all_tasks() == others)
    with pytest.raises(errors.ConfigurationError, match="closed"):
        await clients.a4b.users.search()
    return play.ended
