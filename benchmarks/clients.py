"""The library and its peers, each as one function to call again and again. Runs in a process for each.

A client is imported where it is made, so that no process carries the others.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from benchmarks.answers import ARN, STATION_PATH, TOKEN_PATH, UNIT

Call = Callable[[], Awaitable[Any]]
CONNECTIONS: Final = 100
"""Connections that each client may have: the default of three of the four."""
UNPACED: Final = 1e6
"""Requests a second: where the question is not pacing, our limiter is told that this is the quota."""
_ACCESS_KEY, _SECRET_KEY = "AKIAIOSFODNN7EXAMPLE", "made-up"
_BEARER: Final = {"Authorization": "Bearer Atza|made-up", "Accept": "application/json"}
_GET_DEVICE: Final = {"X-Amz-Target": "AlexaForBusiness.GetDevice", "Content-Type": "application/x-amz-json-1.1"}
_BODY: Final = json.dumps({"DeviceArn": ARN}).encode()


class RefusedError(Exception):
    """A peer of few lines gave up on a call."""


def for_business(url: str, per_second: float | None = None, shared: Any = None, **options: Any) -> Any:
    """Our client of Alexa for Business; `per_second` is the quota that it is told, None lets it find out."""
    from alexa_props import AlexaForBusiness, RateLimit, SigV4

    limit = RateLimit(per_second=per_second, shared=shared)
    return AlexaForBusiness(
        auth=SigV4(access_key=_ACCESS_KEY, secret_key=_SECRET_KEY),
        base_url=url,
        rate_limit=limit,
        max_connections=CONNECTIONS,
        **options,
    )


def smart_properties(url: str) -> Any:
    """Our client of Smart Properties, unpaced, with tokens from the server."""
    from alexa_props import LoginWithAmazon, RateLimit, SmartProperties

    auth = LoginWithAmazon(client_id="made-up", client_secret="made-up", refresh_token="Atzr|made-up",  # noqa: S106
                           token_url=url + TOKEN_PATH)  # fmt: skip
    return SmartProperties(
        auth=auth, base_url=url, rate_limit=RateLimit(per_second=UNPACED), max_connections=CONNECTIONS
    )


@asynccontextmanager
async def ours_a4b(url: str, per_second: float | None = UNPACED) -> AsyncGenerator[Call, None]:
    """`AlexaForBusiness.devices.get`: signed, decoded into a model."""
    async with for_business(url, per_second) as a4b:
        yield lambda: a4b.devices.get(ARN)


@asynccontextmanager
async def ours_asp(url: str) -> AsyncGenerator[Call, None]:
    """`SmartProperties.unit_settings.get_default_music_station`: authorized, decoded into a model."""
    async with smart_properties(url) as asp:
        yield lambda: asp.unit_settings.get_default_music_station(UNIT)


@asynccontextmanager
async def aiohttp_get(url: str) -> AsyncGenerator[Call, None]:
    """The same Smart Properties request on a bare aiohttp session, and `json.loads`."""
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as session:

        async def call() -> Any:
            async with session.get(url + STATION_PATH, headers=_BEARER) as response:
                return json.loads(await response.read())

        yield call


@asynccontextmanager
async def aiohttp_post(url: str) -> AsyncGenerator[Call, None]:
    """The same Alexa for Business request on a bare aiohttp session, unsigned, and `json.loads`."""
    async with aiohttp_attempt(url) as attempt:

        async def call() -> Any:
            return json.loads((await attempt())[1])

        yield call


@asynccontextmanager
async def aiohttp_attempt(url: str) -> AsyncGenerator[Callable[[], Awaitable[tuple[int, bytes, str | None]]], None]:
    """One attempt on a bare aiohttp session: status, body and `Retry-After`."""
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as session:

        async def attempt() -> tuple[int, bytes, str | None]:
            async with session.post(url + "/", data=_BODY, headers=_GET_DEVICE) as response:
                return response.status, await response.read(), response.headers.get("Retry-After")

        yield attempt


@asynccontextmanager
async def httpx_get(url: str) -> AsyncGenerator[Call, None]:
    """The same Smart Properties request on `httpx.AsyncClient`, and `.json()`."""
    import httpx

    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    async with httpx.AsyncClient(limits=limits, timeout=60) as http:

        async def call() -> Any:
            return (await http.get(url + STATION_PATH, headers=_BEARER)).json()

        yield call


@asynccontextmanager
async def aiobotocore(url: str, mode: str = "standard") -> AsyncGenerator[Call, None]:
    """`get_device` of aiobotocore: signed, parsed by the service model, with its own retries."""
    async with aiobotocore_client(url, mode) as client:
        yield lambda: client.get_device(DeviceArn=ARN)


def aiobotocore_client(url: str, mode: str = "standard") -> AbstractAsyncContextManager[Any]:
    """A client of aiobotocore with a retry mode."""
    from aiobotocore.config import AioConfig
    from aiobotocore.session import get_session

    client: AbstractAsyncContextManager[Any] = get_session().create_client(
        "alexaforbusiness",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id=_ACCESS_KEY,
        aws_secret_access_key=_SECRET_KEY,
        config=AioConfig(max_pool_connections=CONNECTIONS, retries={"mode": mode}),
    )
    return client


@asynccontextmanager
async def openai_style(url: str, retries: int = 2) -> AsyncGenerator[Call, None]:
    """A retry loop of the kind that generated clients bring, on aiohttp.

    Waits of half a second doubled up to eight, less up to a quarter at random; `Retry-After` up to a minute wins.
    """
    async with aiohttp_attempt(url) as attempt:

        async def call() -> Any:
            for retry in range(retries + 1):
                status, body, asked = await attempt()
                if status not in (408, 409, 429) and status < 500:  # noqa: PLR2004 - statuses
                    return json.loads(body)
                if retry < retries:
                    wait = float(asked or 0)
                    drawn = min(0.5 * 2**retry, 8.0) * (1 - 0.25 * random.random())  # noqa: S311 - jitter
                    await asyncio.sleep(wait if 0 < wait <= 60 else drawn)  # noqa: PLR2004 - a minute
            raise RefusedError

        yield call


@asynccontextmanager
async def aiolimiter(url: str, rate: float = 100, period: float = 1) -> AsyncGenerator[Call, None]:
    """The limiter of aiolimiter as its documentation uses it, around a bare aiohttp request; it knows of no retries."""
    from aiolimiter import AsyncLimiter

    limiter = AsyncLimiter(rate, period)
    async with aiohttp_attempt(url) as attempt:

        async def call() -> Any:
            async with limiter:
                status, body, _ = await attempt()
            if status != 200:  # noqa: PLR2004 - OK
                raise RefusedError
            return json.loads(body)

        yield call


CLIENTS: Final[dict[str, Callable[..., AbstractAsyncContextManager[Call]]]] = {
    "ours_a4b": ours_a4b,
    "ours_asp": ours_asp,
    "aiohttp_get": aiohttp_get,
    "aiohttp_post": aiohttp_post,
    "httpx_get": httpx_get,
    "aiobotocore": aiobotocore,
    "openai_style": openai_style,
    "aiolimiter": aiolimiter,
}

SIDE_BY_SIDE: Final = {
    "ours, Alexa for Business": "ours_a4b",
    "bare aiohttp, POST": "aiohttp_post",
    "aiobotocore": "aiobotocore",
    "ours, Smart Properties": "ours_asp",
    "bare aiohttp, GET": "aiohttp_get",
    "httpx.AsyncClient": "httpx_get",
}
"""Who does the same: the first three read a device, the others a room's music station."""


async def drive(call: Call, calls: int, workers: int | None) -> int:
    """Make so many calls with so many workers (None: all of them at once); how many ended in an exception."""
    todo = iter(range(calls))

    async def worker() -> int:
        lost = 0
        for _ in todo:
            lost += await fails(call)
        return lost

    if workers is None:
        return sum(await asyncio.gather(*(fails(call) for _ in range(calls))))
    return sum(await asyncio.gather(*(worker() for _ in range(workers))))


async def fails(call: Call) -> bool:
    """Make one call; whether it ended in an exception."""
    try:
        await call()
    except Exception:  # noqa: BLE001 - whatever a client raises, the item is lost
        return True
    return False
