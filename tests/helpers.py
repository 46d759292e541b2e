"""Shared by the tests of the core: a scripted service, clients on it, and a clock that does not wait."""

from __future__ import annotations

import inspect
import json as jsonlib
import urllib.parse
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, TypeAlias

import anyio
import anyio.lowlevel
import attrs
import httpx
import trio.testing

from alexa_props import AlexaForBusiness, LoginWithAmazon, RateLimit, SigV4, SmartProperties

ORIGIN = "https://api.amazonalexa.com"
TOKEN_URL = "https://api.amazon.com/auth/o2/token"
STATION = {"providerId": "I_HEART_RADIO", "stationId": "4802"}

Answer: TypeAlias = "int | httpx.Response | BaseException | type[BaseException] | None"
Script: TypeAlias = "Answer | Callable[[httpx.Request], Answer | Awaitable[Answer]]"


def virtual_time() -> tuple[str, dict[str, Any]]:
    """Return a value of the fixture `anyio_backend`: trio, on a clock that jumps whenever all tasks sleep."""
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


@attrs.define
class Seen:
    """One request as the service saw it, and when: later attempts modify the request object."""

    time: float
    method: str
    url: httpx.URL
    headers: httpx.Headers
    content: bytes
    timeout: Mapping[str, float]

    @property
    def json(self) -> Any:
        return jsonlib.loads(self.content)

    @property
    def form(self) -> dict[str, str]:
        return dict(urllib.parse.parse_qsl(self.content.decode(), strict_parsing=True))

    @property
    def token(self) -> str | None:
        token: str | None = self.headers.get("Authorization")
        return token


class Service(httpx.AsyncBaseTransport):
    """A service that gives its answers in order, and the last one forever.

    An answer is a status, a response, an exception, None for the default station, or a function of the request.
    """

    def __init__(self, *script: Script, latency: float = 0.0) -> None:
        self.script = list(script) or [None]
        self.latency = latency
        self.seen: list[Seen] = []
        self.active = 0
        self.peak = 0
        self.closed = 0

    @property
    def times(self) -> list[float]:
        return [seen.time for seen in self.seen]

    @property
    def waits(self) -> list[float]:
        """Seconds between one request and the next."""
        return [after - before for before, after in zip(self.times, self.times[1:], strict=False)]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.seen.append(
            Seen(
                anyio.current_time(),
                request.method,
                request.url,
                httpx.Headers(request.headers.raw),
                request.content,
                request.extensions.get("timeout", {}),
            )
        )
        entry = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        self.active += 1
        self.peak = max(self.peak, self.active)
        try:
            await anyio.sleep(self.latency)
            return await respond(entry, request)
        finally:
            self.active -= 1

    async def aclose(self) -> None:
        self.closed += 1


async def respond(entry: Script, request: httpx.Request) -> httpx.Response:
    """Return the response that an entry of a script stands for."""
    answer: Any = entry
    if callable(entry) and not inspect.isclass(entry):
        answer = entry(request)
    if inspect.isawaitable(answer):
        answer = await answer
    if isinstance(answer, type) and issubclass(answer, BaseException):
        raise answer("gone")
    if isinstance(answer, BaseException):
        raise answer
    if answer is None:
        return httpx.Response(200, json=STATION)
    if isinstance(answer, int):
        return httpx.Response(answer)
    # A new one each time: a response is read once.
    return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def answer(status: int = 200, json: Any = None, **headers: str) -> httpx.Response:
    """Return a response; header names are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    content = None if json is None else jsonlib.dumps(json).encode()
    return httpx.Response(status, content=content, headers=named)


class NoAuth(httpx.Auth):
    """Sends requests unchanged."""


def smart_properties(service: httpx.AsyncBaseTransport, **options: Any) -> SmartProperties:
    """Return a client on a scripted service, by default practically without a rate limit."""
    options.setdefault("auth", NoAuth())
    options.setdefault("rate_limit", RateLimit(per_second=1e6))
    return SmartProperties(transport=service, **options)


def for_business(service: httpx.AsyncBaseTransport, **options: Any) -> AlexaForBusiness:
    options.setdefault("auth", SigV4(access_key="AKIDEXAMPLE", secret_key="secret-aws-key"))
    options.setdefault("rate_limit", RateLimit(per_second=1e6))
    return AlexaForBusiness(transport=service, **options)


def login(**options: Any) -> LoginWithAmazon:
    return LoginWithAmazon(
        client_id="amzn1.application-oa2-client.one",
        client_secret="secret-of-the-client",
        refresh_token="Atzr|secret-refresh",
        **options,
    )


class Amazon(httpx.AsyncBaseTransport):
    """Token endpoint and API in one: the API accepts only issued tokens that were not revoked."""

    def __init__(self, *, life: object = 3600, latency: float = 0.0, api_latency: float = 0.0) -> None:
        self.life = life
        self.token = Service(self._give, latency=latency)
        self.api = Service(self._serve, latency=api_latency)
        self.valid: set[str] = set()
        self.rotate = False
        self._numbers: Iterator[int] = iter(range(1, 1_000_000))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await (self.token if request.url.path == "/auth/o2/token" else self.api).handle_async_request(request)

    def _give(self, request: httpx.Request) -> httpx.Response:
        number = next(self._numbers)
        self.valid.add(f"Atza|access-{number}")
        grant = {"access_token": f"Atza|access-{number}", "token_type": "bearer", "expires_in": self.life}
        if self.rotate:
            grant["refresh_token"] = f"Atzr|rotated-{number}"
        return answer(json=grant)

    def _serve(self, request: httpx.Request) -> httpx.Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return answer(json=STATION) if token in self.valid else answer(401, {"message": "token refused"})

    def revoke(self) -> None:
        self.valid.clear()


async def gather(*functions: Callable[[], Awaitable[Any]]) -> list[Any]:
    """Call concurrently and return the results in order; an exception is a result."""
    results: list[Any] = [None] * len(functions)

    async def run(index: int, function: Callable[[], Awaitable[Any]]) -> None:
        try:
            results[index] = await function()
        except Exception as error:  # noqa: BLE001 - it is the result
            results[index] = error

    async with anyio.create_task_group() as tasks:
        for index, function in enumerate(functions):
            tasks.start_soon(run, index, function)
    return results


async def cancellation() -> BaseException:
    """Return what the event loop raises in a task that is cancelled."""
    with anyio.CancelScope() as scope:
        scope.cancel()
        try:
            await anyio.lowlevel.checkpoint()
        except anyio.get_cancelled_exc_class() as error:
            return error
    raise AssertionError


async def get(client: SmartProperties, unit_id: str = "unit-1") -> Any:
    """Make an idempotent call."""
    return await client.unit_settings.get_default_music_station(unit_id)
