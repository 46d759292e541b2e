"""A service of one's own to try and test against: Smart Properties, Login with Amazon and Alexa for Business.

It is not a mock of this library's clients: it has routes, bodies and checks of its own, and any client may use it, in
the same process or over a socket.

    async with Simulator(rooms=200, endpoints_per_room=2, seed=7) as sim:
        asp, a4b = sim.smart_properties(), sim.for_business()
        async with sim.serve() as base_url:
            ...
"""

from __future__ import annotations

import functools
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, Unpack

import anyio
import attrs
import httpx

try:
    from starlette.types import ASGIApp
except ModuleNotFoundError as _missing:
    raise ModuleNotFoundError(
        f'alexa_props.simulator needs {_missing.name}: pip install "alexa-props[simulator]"', name=_missing.name
    ) from None

from alexa_props.simulator.app import build_app
from alexa_props.simulator.calls import Call
from alexa_props.simulator.device_state import NotificationKind
from alexa_props.simulator.faults import KINDS, ConnectionDropped, Fault, Kind
from alexa_props.simulator.operations import ROUTES, TARGETS
from alexa_props.simulator.service import CallerScope, EndOfList, Service
from alexa_props.simulator.state import AlertKind, Station
from alexa_props.simulator.transport import SimulatorTransport

if TYPE_CHECKING:
    from alexa_props import AlexaForBusiness, SmartProperties
    from alexa_props.client import ClientOptions
    from alexa_props.for_business import AlexaForBusinessOptions
    from alexa_props.smart_properties import SmartPropertiesOptions

__all__ = [
    "KINDS",
    "ROUTES",
    "TARGETS",
    "AlertKind",
    "Call",
    "CallerScope",
    "ConnectionDropped",
    "EndOfList",
    "Fault",
    "Kind",
    "NotificationKind",
    "Simulator",
    "Station",
]

# Clients refuse plain http to anything but the machine they are on.
_IN_PROCESS = "http://127.0.0.1"


class _Closable(Protocol):
    async def aclose(self) -> None: ...


async def _close(clients: Iterable[_Closable]) -> None:
    async with AsyncExitStack() as stack:
        for client in clients:
            stack.push_async_callback(client.aclose)


@attrs.define
class _Doors:
    """The ways in: the application, the transport to it, where it is served, and the clients handed out."""

    app: ASGIApp
    transport: SimulatorTransport
    served: list[str] = attrs.field(factory=list)
    clients: list[tuple[str, _Closable]] = attrs.field(factory=list)

    def leave(self, base_url: str | None = None) -> list[_Closable]:
        """Takes out the clients of one address, or all of them."""
        gone = [(url, client) for url, client in self.clients if base_url in (None, url)]
        self.clients = [each for each in self.clients if each not in gone]
        return [client for _, client in gone]


class Simulator(Service):
    """A simulated service with clients for it.

    Works with or without `async with`, which only closes the clients that it handed out.

    Args:
        rooms: How many rooms; they lie on floors of 20.
        endpoints_per_room: How many endpoints in each room. There are as many Alexa for Business devices, at least 60.
        seed: Where all ids, names and histories come from: the same seed, the same world.
        properties: How many properties the rooms are spread over.
        unassigned_endpoints: How many endpoints belong to the account but to no unit.
        users: How many Alexa for Business users.
        token_lifetime: How many seconds an access token is good for.
        rotate_refresh_tokens: Whether every refresh replaces the refresh token too, the old one being refused.
        caller_scope: What `owner=~caller` lists: `"all"` endpoints, as the newest pages say, or those in no unit
            (`"unassigned"`), as older pages and Amazon's command-line tool have it.
        aws_region: The region that Alexa for Business requests must be signed for.
        now: The simulator's clock, an aware time; tokens expire, signatures age and events pass by it.
        clock: The monotonic clock of quotas and of the records, in seconds.
        sleep: Waits for latency and slow bodies.
        kept_calls: How many records of calls to keep.

    Raises:
        ValueError: A number is negative, or there is no such scope.
    """

    @functools.cached_property
    def _doors(self) -> _Doors:
        # Made when first asked for, so that the constructor stays the service's own, with its signature.
        app = build_app(self)
        return _Doors(app, SimulatorTransport(app))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the clients that were handed out; the simulator itself holds nothing open."""
        with anyio.CancelScope(shield=True):
            await _close(self._doors.leave())

    @property
    def app(self) -> ASGIApp:
        """The ASGI application, to be mounted or served by whoever wants to."""
        return self._doors.app

    def transport(self) -> httpx.AsyncBaseTransport:
        """The way in without a socket, for any httpx client."""
        return self._doors.transport

    @property
    def base_url(self) -> str:
        """Where the simulator is: the socket inside `serve()`, else a stand-in for use with `transport()`."""
        return self._doors.served[-1] if self._doors.served else _IN_PROCESS

    @property
    def token_url(self) -> str:
        """Where the token endpoint is."""
        return f"{self.base_url}/auth/o2/token"

    @asynccontextmanager
    async def serve(
        self, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> AsyncIterator[str]:
        """Serves all three services on one port of a real socket, on asyncio.

        Clients handed out inside use the socket and are closed with it.

        Args:
            host: The address to listen on.
            port: The port to listen on; 0 for any that is free.
            tls: Serves https when given.

        Yields:
            The base URL.
        """
        # Uvicorn is only needed by those who serve, and it takes longest to import.
        from alexa_props.simulator.server import serve

        doors = self._doors
        async with serve(doors.app, host, port, tls) as base_url:
            doors.served.append(base_url)
            try:
                yield base_url
            finally:
                doors.served.remove(base_url)
                with anyio.CancelScope(shield=True):
                    await _close(doors.leave(base_url))

    def smart_properties(
        self, *, auth: httpx.Auth | None = None, **options: Unpack[SmartPropertiesOptions]
    ) -> SmartProperties:
        """A Smart Properties client wired to this simulator.

        Args:
            auth: In place of the simulator's own credentials.
            **options: Further arguments of the client, or others in place of what is set here.
        """
        # Late, so that whoever only serves does not load the clients.
        from alexa_props import LoginWithAmazon, SmartProperties

        if auth is None:
            auth = LoginWithAmazon(
                client_id=self.client_id,
                client_secret=self.client_secret,
                refresh_token=self.refresh_token,
                token_url=self.token_url,
            )
        self._wire(options)
        client = SmartProperties(auth=auth, **options)
        self._doors.clients.append((self.base_url, client))
        return client

    def for_business(
        self, *, auth: httpx.Auth | None = None, **options: Unpack[AlexaForBusinessOptions]
    ) -> AlexaForBusiness:
        """An Alexa for Business client wired to this simulator.

        Args:
            auth: In place of the simulator's own credentials.
            **options: Further arguments of the client, or others in place of what is set here.
        """
        from alexa_props import AlexaForBusiness, SigV4

        if auth is None:
            auth = SigV4(access_key=self.aws_access_key_id, secret_key=self.aws_secret_access_key)
        self._wire(options)
        options.setdefault("region", self.aws_region)
        client = AlexaForBusiness(auth=auth, **options)
        self._doors.clients.append((self.base_url, client))
        return client

    def _wire(self, options: ClientOptions) -> None:
        options.setdefault("base_url", self.base_url)
        options.setdefault("transport", None if self._doors.served else self._doors.transport)
