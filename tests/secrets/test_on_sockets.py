"""Every class of operations against a real socket, with all loggers at DEBUG: secrets appear on the wire only."""

from __future__ import annotations

import asyncio
import base64
import gc
import random
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Generator
from typing import Any

import attrs
import httpx
import pytest
import trustme

from alexa_props import AlexaForBusiness, LoginWithAmazon, SigV4, SmartProperties, errors
from alexa_props.simulator import Simulator
from tests.pipeline.pool_servers import Exchange, Proxy, Server, ok
from tests.secrets.leaks import Leaks, Watch, faces, rich_text, watching
from tests.wire import CALLS, CLASSES, ONCE, Action, Clients, clients

MARKS = {"an access token": "Atza|", "a refresh token": "Atzr|", "a signature": "Signature="}
PROXY = {"proxy user": "canary-proxy-user", "proxy password": "canary-proxy-password"}
SESSION = "canary-aws-session-token"
METHODS = {name: CALLS[name] for name in CLASSES.values()}
REPORTED = ("units.list", "alerts.delete_alarms", "notifications.delete_many", "devices.get")
"""Methods of which crash reports are made too, which takes longer."""


class Sleeper:
    """The simulator's sleep: it lasts until the test ends it, and the test sees when it begins."""

    def __init__(self) -> None:
        self.asleep, self.go_on = asyncio.Event(), asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.asleep.set()
        await self.go_on.wait()


@attrs.frozen
class Stage:
    sim: Simulator
    sleeper: Sleeper
    on: Clients
    leaks: Leaks
    watch: Watch
    base_url: str


def leaks_of(sim: Simulator) -> Leaks:
    secrets = {
        "client secret": sim.client_secret,
        "refresh token": sim.refresh_token,
        "AWS secret key": sim.aws_secret_access_key,
        "AWS session token": SESSION,
        **PROXY,
    }
    return Leaks(secrets, MARKS)


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    # No waits between requests for a token.
    monkeypatch.setattr(random, "uniform", lambda low, high: low)
    sleeper = Sleeper()
    sim = Simulator(rooms=6, endpoints_per_room=1, seed=7, sleep=sleeper)
    leaks = leaks_of(sim)
    with watching(leaks, asyncio.get_running_loop()) as watch:
        async with sim, sim.serve() as base_url:
            yield Stage(sim, sleeper, clients(sim), leaks, watch, base_url)
            sleeper.go_on.set()
    assert {"alexa_props", "asyncio"} <= watch.names


async def outcome(action: Action, on: Clients) -> BaseException | None:
    try:
        await action(on)
    except (errors.AlexaError, asyncio.CancelledError) as error:
        return error
    return None


FAULTS: dict[str, tuple[dict[str, Any] | None, set[type[BaseException] | None]]] = {
    "well": (None, {None}),
    "token refused once": ({"kind": "stale_token", "times": 1}, {None, errors.Unauthorized}),
    "500": ({"kind": "status", "status": 500}, {errors.ServerError}),
    "html": ({"kind": "html", "status": 200}, {errors.DecodeError}),
    "dropped after": ({"kind": "drop_after"}, {errors.TransportError}),
    "cut off": ({"kind": "cut_body"}, {errors.TransportError}),
}
"""Faults of the service, and the kinds of errors that must be among the outcomes; None is a success."""


@pytest.mark.parametrize("name", FAULTS)
async def test_every_class_of_operations(stage: Stage, name: str) -> None:
    fault, expected = FAULTS[name]
    # With an earlier token, so that it is the call that fails.
    await stage.on.asp.endpoints.list(unit_id=stage.on.room)
    kinds: set[type[BaseException] | None] = set()
    for method, action in METHODS.items():
        if fault is not None:
            stage.sim.clear_faults()
            stage.sim.fail(**{"operation": "*", "times": None, **fault})
        error = await outcome(action, stage.on)
        kinds.add(None if error is None else type(error))
        if error is not None:
            stage.leaks.check_error(error, reported=method in REPORTED)
    assert expected <= kinds


async def test_failures_of_endpoints(stage: Stage) -> None:
    stage.sim.set_failing(*stage.sim.endpoints)
    error = await outcome(METHODS["alerts.delete_alarms"], stage.on)
    assert isinstance(error, errors.EndpointFailures)
    stage.leaks.check_error(error)
    stage.leaks.check(faces(error.failures))


async def cancelled(action: Action, on: Clients, reached: asyncio.Event) -> BaseException | None:
    """Return what a method raises that is cancelled while the service handles it."""
    reached.clear()
    task = asyncio.create_task(outcome(action, on))
    await reached.wait()
    task.cancel()
    return await task


async def test_cancelled(stage: Stage) -> None:
    await stage.on.asp.endpoints.list(unit_id=stage.on.room)
    stage.sim.latency(1)
    for method, action in METHODS.items():
        error = await cancelled(action, stage.on, stage.sleeper.asleep)
        assert isinstance(error, asyncio.CancelledError)
        stage.leaks.check_error(error, reported=method in REPORTED)


async def test_cancelled_in_the_middle_of_a_response(stage: Stage) -> None:
    reached = asyncio.Event()
    grant = b'{"access_token": "Atza|canary-access", "refresh_token": "Atzr|canary-refresh"}'

    async def answer(exchange: Exchange) -> None:
        if exchange.request.target == "/auth/o2/token":
            exchange.writer.write(ok(grant))
            return
        exchange.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + grant)
        reached.set()
        await exchange.reader.read()

    async with Server(answer).running() as server:
        on = canary_clients(stage.sim, base_url=server.url)
        for method, action in METHODS.items():
            error = await cancelled(action, on, reached)
            assert isinstance(error, asyncio.CancelledError)
            stage.leaks.check_error(error, reported=method in REPORTED)
        await on.asp.aclose()
        await on.a4b.aclose()


async def test_cancelled_while_a_token_is_fetched(stage: Stage) -> None:
    stage.sim.latency(1, "token")
    task = asyncio.create_task(outcome(METHODS["units.get"], stage.on))
    await stage.sleeper.asleep.wait()
    task.cancel()
    # The token request still ends, so that the token is not lost.
    stage.sleeper.go_on.set()
    error = await task
    assert isinstance(error, asyncio.CancelledError)
    stage.leaks.check_error(error)


async def test_cancelled_while_the_token_store_is_asked(stage: Stage) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    class Store:
        async def load(self) -> str | None:
            if step == "load":
                asked.set()
                await go_on.wait()
            return None

        async def save(self, refresh_token: str) -> None:
            asked.set()
            await go_on.wait()

    stage.sim.login.rotates = True
    auth = LoginWithAmazon(
        client_id=stage.sim.client_id,
        client_secret=stage.sim.client_secret,
        refresh_token=stage.sim.refresh_token,
        token_url=stage.sim.token_url,
        token_store=Store(),
    )
    on = attrs.evolve(stage.on, asp=stage.sim.smart_properties(auth=auth, retry=ONCE))
    for step in ("load", "save"):
        task = asyncio.create_task(outcome(METHODS["units.get"], on))
        await asked.wait()
        task.cancel()
        if step == "save":
            # The save still ends.
            go_on.set()
        error = await task
        assert isinstance(error, asyncio.CancelledError), step
        stage.leaks.check_error(error)
        asked.clear()


async def test_past_the_deadline(stage: Stage) -> None:
    await stage.on.asp.endpoints.list(unit_id=stage.on.room)
    stage.sim.latency(1)
    on = attrs.evolve(
        stage.on, asp=stage.on.asp.with_options(deadline=0.01), a4b=stage.on.a4b.with_options(deadline=0.01)
    )
    for method, action in METHODS.items():
        error = await outcome(action, on)
        assert isinstance(error, errors.DeadlineExceeded)
        stage.leaks.check_error(error, reported=method in REPORTED)


# The token endpoint


async def test_no_token(stage: Stage) -> None:
    faults: list[dict[str, Any]] = [
        {"kind": "stale_token"},
        {"kind": "html", "status": 200},
        {"kind": "status", "status": 500},
        {"kind": "drop_before"},
        {"kind": "drop_after"},
        {"kind": "cut_body"},
    ]
    for fault in faults:
        stage.sim.clear_faults()
        stage.sim.fail("token", times=None, **fault)
        error = await outcome(METHODS["units.get"], stage.on)
        assert isinstance(error, errors.AuthenticationError | errors.TransportError), fault
        stage.leaks.check_error(error)
        stage.leaks.check(faces(stage.on.asp))


async def test_tokens_that_rotate(stage: Stage) -> None:
    class Store:
        kept: str | None = None

        async def load(self) -> str | None:
            return self.kept

        async def save(self, refresh_token: str) -> None:
            self.kept = refresh_token

    store = Store()
    stage.sim.login.rotates = True
    auth = LoginWithAmazon(
        client_id=stage.sim.client_id,
        client_secret=stage.sim.client_secret,
        refresh_token=stage.sim.refresh_token,
        token_url=stage.sim.token_url,
        token_store=store,
    )
    asp = stage.sim.smart_properties(auth=auth, retry=ONCE)
    await asp.units.get(stage.on.room)
    stage.sim.expire_tokens()
    await asp.units.get(stage.on.room)
    assert store.kept is not None
    assert store.kept.startswith("Atzr|")
    for thing in (auth, asp):
        stage.leaks.check(faces(thing))


# No connection


def canary_clients(sim: Simulator, **options: Any) -> Clients:
    """Return clients with the simulator's secrets and other options."""
    auth = LoginWithAmazon(
        client_id=sim.client_id,
        client_secret=sim.client_secret,
        refresh_token=sim.refresh_token,
        token_url=f"{options['base_url']}/auth/o2/token",
    )
    keys = SigV4(access_key=sim.aws_access_key_id, secret_key=sim.aws_secret_access_key, session_token=SESSION)
    asp = SmartProperties(auth=auth, retry=ONCE, **options)
    a4b = AlexaForBusiness(auth=keys, retry=ONCE, **options)
    return attrs.evolve(clients(sim), asp=asp, a4b=a4b)


async def check_all(stage: Stage, on: Clients, text: str) -> None:
    for name in ("units.get", "devices.get"):
        error = await outcome(METHODS[name], on)
        assert isinstance(error, errors.TransportError)
        assert text in str(error)
        stage.leaks.check_error(error)
    for client in (on.asp, on.a4b):
        stage.leaks.check(faces(client))
        await client.aclose()


async def test_refused(stage: Stage) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, so that no other process is, and not listening
        on = canary_clients(stage.sim, base_url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        await check_all(stage, on, "could not connect")


async def test_no_such_host(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(*args: object, **options: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    await check_all(stage, canary_clients(stage.sim, base_url="https://api.example.com"), "was not found")


async def test_a_self_signed_certificate(stage: Stage) -> None:
    # In debug mode asyncio reports the server's failed handshakes.
    asyncio.get_running_loop().set_debug(False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with stage.sim.serve(tls=context) as base_url:
        assert base_url.startswith("https://")
        await check_all(stage, canary_clients(stage.sim, base_url=base_url), "certificate was not accepted")


@pytest.mark.parametrize("refuse", [b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", None], ids=["refuses", "is gone"])
async def test_a_proxy(stage: Stage, refuse: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for given in ("argument", "environment"):
        async with Proxy(refuse=refuse).running() as running:
            address = f"http://{PROXY['proxy user']}:{PROXY['proxy password']}@127.0.0.1:{running.port}"
            if given == "environment":
                monkeypatch.setenv("HTTPS_PROXY", address)
            proxy = address if given == "argument" else None
            on = canary_clients(stage.sim, base_url="https://api.example.com", proxy=proxy)
            if refuse is not None:
                await check_all(stage, on, "the proxy refused the tunnel")
                basic = ":".join(PROXY.values()).encode()
                assert {seen.header("proxy-authorization") for seen in running.seen} == {
                    f"Basic {base64.b64encode(basic).decode()}"
                }
        if refuse is None:
            await check_all(stage, on, "could not connect to the proxy")


# Custom requests


class Badge(httpx.Auth):
    """A custom way to authorize."""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = "Badge canary-of-my-own-auth"
        request.headers["X-Badge"] = "canary-of-my-own-auth"
        yield request


@pytest.mark.parametrize("fault", [None, "drop_after", "cut_body", "deadline", "cancel", "line break"])
async def test_a_custom_request(stage: Stage, fault: Any) -> None:
    given = {"params": "canary-in-a-parameter", "json": "canary-in-a-body", "headers": "canary-in-a-header"}
    leaks = Leaks({**given, "auth": "canary-of-my-own-auth"})
    asp = stage.sim.smart_properties(auth=Badge(), retry=ONCE)
    if fault in ("deadline", "cancel"):
        stage.sim.latency(1)
    elif fault == "line break":
        given["headers"] += "\r\n"
    elif fault is not None:
        stage.sim.fail("*", fault)

    def send(on: Clients) -> Awaitable[Any]:
        view = asp.with_options(deadline=0.01 if fault == "deadline" else None)
        return view.request(
            "POST",
            f"/v2/units/{on.room}",
            params={"q": given["params"]},
            json={"p": given["json"]},
            headers={"X-Key": given["headers"]},
        )

    with watching(leaks, asyncio.get_running_loop()) as watch:
        error = await (
            cancelled(send, stage.on, stage.sleeper.asleep) if fault == "cancel" else outcome(send, stage.on)
        )
        assert (error is None) == (fault is None)
        if error is not None:
            leaks.check_error(error)
    assert watch.seen


# Abandoned tasks and clients


def test_a_task_whose_error_is_never_retrieved_and_a_client_that_is_never_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        async with Proxy(refuse=b"").running() as proxy:
            address = f"http://{PROXY['proxy user']}:{PROXY['proxy password']}@127.0.0.1:{proxy.port}"
            monkeypatch.setenv("HTTPS_PROXY", address)
            on = canary_clients(sim, base_url="https://api.example.com")
            tasks = [asyncio.create_task(on.a4b.devices.get("device-1")), asyncio.create_task(on.asp.units.get("u"))]
            await asyncio.wait(tasks)

    monkeypatch.setattr(random, "uniform", lambda low, high: low)
    sim = Simulator(rooms=1)
    with watching(leaks_of(sim)) as watch:
        asyncio.run(main(), debug=True)
        gc.collect()
    assert "Task exception was never retrieved" in watch.text


async def test_rich_prints_no_secret(stage: Stage) -> None:
    stage.sim.fail("*", "drop_after", times=None)
    error = await outcome(METHODS["units.get"], stage.on)
    assert error is not None
    stage.leaks.check_error(error)
    text = rich_text(error)
    assert "locals" in text
    assert "handle_async_request" in text
    assert stage.leaks.of(text) == []
