"""A simulator whose clocks stand still, and clients for it that share no code with this library."""

from __future__ import annotations

import json
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from alexa_props.simulator import Simulator


@pytest.fixture
def start() -> datetime:
    """The time on the simulator's clock: the real time, since botocore signs with no other."""
    return datetime.now(UTC)


@pytest.fixture
def seconds() -> list[float]:
    """Seconds since the start. A test moves the clocks by setting the only item."""
    return [0.0]


@pytest.fixture
def naps() -> list[float]:
    """The durations for which the simulator would have slept."""
    return []


@pytest.fixture
def sim(start: datetime, seconds: list[float], naps: list[float]) -> Simulator:
    async def sleep(duration: float) -> None:
        naps.append(duration)

    return Simulator(
        rooms=45,
        endpoints_per_room=2,
        seed=7,
        properties=2,
        unassigned_endpoints=3,
        now=lambda: start + timedelta(seconds=seconds[0]),
        clock=lambda: seconds[0],
        sleep=sleep,
    )


@pytest.fixture
async def local(sim: Simulator) -> AsyncIterator[httpx.AsyncClient]:
    """A plain httpx client without credentials, in process."""
    async with httpx.AsyncClient(transport=sim.transport(), base_url=sim.base_url) as plain:
        yield plain


async def log_in(client: httpx.AsyncClient, sim: Simulator) -> httpx.AsyncClient:
    """Give a client an access token."""
    form = {"grant_type": "refresh_token", "refresh_token": sim.refresh_token}
    response = await client.post("/auth/o2/token", data=form, auth=(sim.client_id, sim.client_secret))
    client.headers["Authorization"] = f"Bearer {response.json()['access_token']}"
    return client


@pytest.fixture
async def api(local: httpx.AsyncClient, sim: Simulator) -> httpx.AsyncClient:
    """The same client with an access token."""
    return await log_in(local, sim)


@pytest.fixture(params=["in process", "socket"])
async def both(request: pytest.FixtureRequest, sim: Simulator) -> AsyncIterator[httpx.AsyncClient]:
    """A client with an access token, in process and over a socket, for what depends on the connection."""
    if request.param == "in process":
        async with httpx.AsyncClient(transport=sim.transport(), base_url=sim.base_url) as client:
            yield await log_in(client, sim)
        return
    async with sim.serve() as base_url, httpx.AsyncClient(base_url=base_url) as client:
        yield await log_in(client, sim)


SendSigned = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def signed(sim: Simulator) -> Callable[..., httpx.Request]:
    """Returns Alexa for Business requests that are signed by botocore."""

    def sign(
        operation: str,
        body: object = None,
        *,
        url: str = "http://127.0.0.1/",
        access_key: str | None = None,
        secret_key: str | None = None,
        session_token: str | None = None,
        region: str = "us-east-1",
        service: str = "a4b",
        content: bytes | None = None,
        content_type: str = "application/x-amz-json-1.1",
    ) -> httpx.Request:
        data = json.dumps({} if body is None else body).encode() if content is None else content
        headers = {"Content-Type": content_type, "X-Amz-Target": f"AlexaForBusiness.{operation}"}
        request = AWSRequest("POST", url, headers=headers, data=data)
        keys = Credentials(access_key or sim.aws_access_key_id, secret_key or sim.aws_secret_access_key, session_token)
        with warnings.catch_warnings():
            # The last botocore that has the service calls a function that newer Pythons deprecate.
            warnings.simplefilter("ignore", DeprecationWarning)
            SigV4Auth(keys, service, region).add_auth(request)
        return httpx.Request("POST", url, headers=dict(request.headers.items()), content=data)

    return sign


@pytest.fixture
def a4b(local: httpx.AsyncClient, signed: Callable[..., httpx.Request]) -> SendSigned:
    """Calls an Alexa for Business operation in process."""

    async def call(operation: str, body: object = None, **options: object) -> httpx.Response:
        return await local.send(signed(operation, body, **options))

    return call
