"""Where cases are played: a scripted transport, and the simulator behind a real socket; time is virtual in both."""

from __future__ import annotations

import asyncio
import contextlib
import math
import selectors
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
import attrs
import httpx

from alexa_props import LoginWithAmazon
from alexa_props.pipeline.pool import Pool
from alexa_props.simulator import Kind, Simulator
from tests.conformance.cases import Answer, Case, Fails
from tests.helpers import Seen, Service, answer, login

__all__ = ["Endless", "Loop", "Stage", "scripted", "served", "unreachable_places"]

_UNSENT = ("refused", "connecting hangs")


class Endless(Exception):
    """The client sends more requests than any case allows: it would never end."""


def _check_end(case: Case, requests: list[Seen]) -> None:
    if len(requests) > case.observed.requests + 5:
        raise Endless


@attrs.define
class Stage:
    """A service that gives the responses of a case.

    Attributes:
        transport: the way to it.
        where: the arguments of a client for it.
        requests: that reached the transport, those for a token aside.
        tokens: requests for a token.
        arrived: how many of `requests` the service saw; None where there is none but the transport.
    """

    transport: httpx.AsyncBaseTransport
    where: dict[str, Any]
    requests: list[Seen]
    tokens: list[Seen]
    arrived: int | None = None


def _headers(answer: Answer, number: int) -> list[tuple[str, str]]:
    """Return the headers of a response; it is the `number`th of its case."""
    headers: list[tuple[str, str]] = []
    for name, value in {"X-Amzn-RequestId": f"r-{number}", **answer.headers}.items():
        values = [] if value is None else value if isinstance(value, list) else [value]
        headers += [(name, each) for each in values]
    return headers


# In-process


async def _fail(kind: Fails, request: httpx.Request) -> httpx.Response:
    """Fail as the pool does: see tests/pipeline/test_pool_failures.py."""
    limits = request.extensions["timeout"]
    match kind:
        case "refused":
            raise httpx.ConnectError("could not connect")
        case "connecting hangs":
            await anyio.sleep(limits["connect"])
            raise httpx.ConnectTimeout("no connection within the connect timeout")
        case "no place":
            await anyio.sleep(limits["pool"])
            raise httpx.PoolTimeout("no free connection")
        case "reset before" | "reset after":
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        case "cut off":
            raise httpx.RemoteProtocolError("the response's body is incomplete or malformed")
        case "no answer":
            await anyio.sleep(limits["read"])
            raise httpx.ReadTimeout("nothing received within the read timeout")


class _Scripted(httpx.AsyncBaseTransport):
    """The API and the token endpoint in one."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._granted = 0
        self.api = Service(*[self._entry(*each, case.service) for each in enumerate(case.answers, 1)])
        self.login = Service(*([self._entry(*each, "login") for each in enumerate(case.tokens, 1)] or [self._grant]))

    @staticmethod
    def _entry(number: int, entry: Answer, service: str) -> Any:
        def respond(request: httpx.Request) -> Any:
            if entry.fails is not None:
                return _fail(entry.fails, request)
            return httpx.Response(entry.status, headers=_headers(entry, number), content=entry.body(service))

        return respond

    def _grant(self, _: httpx.Request) -> httpx.Response:
        self._granted += 1
        return answer(json={"access_token": f"Atza|{self._granted}", "expires_in": 3600})

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        _check_end(self._case, self.api.seen)
        way = self.login if request.url.path == "/auth/o2/token" else self.api
        return await way.handle_async_request(request)


@asynccontextmanager
async def scripted(case: Case) -> AsyncIterator[Stage]:
    """A transport that gives the answers."""
    transport = _Scripted(case)
    where = {"auth": login()} if case.client.login else {}
    yield Stage(transport, where, transport.api.seen, transport.login.seen)


# On a socket


class _Selector(selectors.DefaultSelector):
    """Waits for the sockets while a request is in flight; otherwise it advances the clock."""

    loop: Loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or (timeout > 0 and self.loop.exchanging):
            events = super().select(10)
            if not events:
                raise AssertionError("nothing comes over the sockets")
            return events
        events = super().select(0)
        if not events:
            # At a late hour a moment is less than what a float can hold, and a timer that is due would not be.
            self.loop.now = max(self.loop.now + timeout, math.nextafter(self.loop.now, math.inf))
        return events


class Loop(asyncio.SelectorEventLoop):
    """An event loop with real sockets and a virtual clock, which stands still while an exchange is under way.

    Attributes:
        now: seconds since it began.
        exchanging: whether something is to be expected of the sockets before any time passes.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.exchanging = False
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now


@contextmanager
def unreachable_places() -> Iterator[dict[str, int]]:
    """Ports that refuse connections, and that never accept them."""
    with contextlib.ExitStack() as stack:
        deaf, busy, *crowd = (stack.enter_context(socket.socket()) for _ in range(4))
        deaf.bind(("127.0.0.1", 0))
        busy.bind(("127.0.0.1", 0))
        busy.listen(0)
        for each in crowd:
            # They fill its queue: later connections get no response at all.
            each.setblocking(False)
            each.connect_ex(busy.getsockname())
        yield {"refused": deaf.getsockname()[1], "connecting hangs": busy.getsockname()[1]}


class _Wire(httpx.AsyncBaseTransport):
    """The pool; requests that are to reach no service go to ports that no service has."""

    def __init__(self, case: Case, loop: Loop, places: dict[str, int]) -> None:
        self._case = case
        self.pool = Pool()
        self.requests = Service(*[self._entry(each) for each in case.answers])
        self.tokens = Service(self._exchange)
        self.released = anyio.Event()
        self._loop = loop
        self._places = places
        self._hangs = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        _check_end(self._case, self.requests.seen)
        way = self.tokens if request.url.path == "/auth/o2/token" else self.requests
        return await way.handle_async_request(request)

    def _entry(self, entry: Answer) -> Any:
        async def respond(request: httpx.Request) -> httpx.Response:
            if entry.fails not in _UNSENT:
                self._hangs = entry.fails == "no answer"
                return await self._exchange(request)
            url = request.url.copy_with(port=self._places[entry.fails])
            sent = httpx.Request(request.method, url, content=request.content, extensions=request.extensions)
            if entry.fails == "connecting hangs":
                return await self.pool.handle_async_request(sent)
            return await self._exchange(sent)

        return respond

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        self._loop.exchanging = True
        try:
            return await self.pool.handle_async_request(request)
        finally:
            self._loop.exchanging = False

    async def latency(self, _: float) -> None:
        """Delay the request that gets no response, and no other."""
        if self._hangs:
            self._loop.exchanging = self._hangs = False
            await self.released.wait()

    async def aclose(self) -> None:
        await self.pool.aclose()


_KINDS: dict[Fails | None, Kind] = {"reset before": "drop_before", "reset after": "drop_after", "cut off": "cut_body"}


def _script(sim: Simulator, operation: str, service: str, answers: list[Answer]) -> None:
    for number, entry in enumerate(answers, 1):
        times = None if number == len(answers) else 1
        if entry.fails in _KINDS:
            sim.fail(operation, _KINDS[entry.fails], times=times)
        elif entry.fails not in _UNSENT:
            # Kept connections are not what this is about: aiohttp repeats by itself what was lost on one.
            headers = {"Connection": "close", **dict(_headers(entry, number))}
            text = entry.body(service).decode()
            sim.fail(operation, "status", status=entry.status, headers=headers, body=text, times=times)


@asynccontextmanager
async def served(case: Case, sim: Simulator, loop: Loop, places: dict[str, int]) -> AsyncIterator[Stage]:
    """The simulator on its socket, scripted to give the answers."""
    wire = _Wire(case, loop, places)
    sim.sleep = wire.latency
    sim.latency(1, "*")
    _script(sim, "*", case.service, case.answers)
    _script(sim, "token", case.service, case.tokens)
    where: dict[str, Any] = {"base_url": sim.base_url}
    if case.client.login:
        where["auth"] = LoginWithAmazon(
            client_id=sim.client_id,
            client_secret=sim.client_secret,
            refresh_token=sim.refresh_token,
            token_url=sim.token_url,
        )
    stage = Stage(wire, where, wire.requests.seen, wire.tokens.seen, 0)
    try:
        yield stage
        wire.released.set()
        await anyio.wait_all_tasks_blocked()
        stage.arrived = sim.count() - sim.count("token")
    finally:
        wire.released.set()
        await wire.aclose()
        sim.reset()
