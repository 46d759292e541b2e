"""A simulator of Smart Properties, Login with Amazon and Alexa for Business, to develop and test against.

It is not a mock of this library's clients: it shares no code with them, and any client may use it, in the same process
or over a socket.

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

from alexa_props.simulator.app import ROUTES, TARGETS, build_app
from alexa_props.simulator.calls import Call
from alexa_props.simulator.device_state import NotificationKind
from alexa_props.simulator.faults import KINDS, ConnectionDropped, Fault, Kind
from alexa_props.simulator.service import CallerScope, EndOfList, Service
from alexa_props.simulator.transport import SimulatorTransport
from alexa_props.simulator.tree import AlertKind, Station

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

# Clients refuse plain http, except to loopback addresses.
_IN_PROCESS = "http://127.0.0.1"
_TOKEN_PATH = "/auth/o2/token"  # noqa: S105 - a path


class _Closable(Protocol):
    async def aclose(self) -> None: ...


async def _close(clients: Iterable[_Closable]) -> None:
    async with AsyncExitStack() as stack:
        for client in clients:
            stack.push_async_callback(client.aclose)


@attrs.define
class _Access:
    """The application, the transport to it, the addresses where it is served, and the clients that were created."""

    app: ASGIApp
    transport: SimulatorTransport
    served: list[str] = attrs.field(factory=list)
    clients: list[tuple[str, _Closable]] = attrs.field(factory=list)

    def pop_clients(self, base_url: str | None = None) -> list[_Closable]:
        """Remove and return the clients of one address, or all of them."""
        gone = [(url, client) for url, client in self.clients if base_url in (None, url)]
        self.clients = [each for each in self.clients if each not in gone]
        return [client for _, client in gone]


class Simulator(Service):
    """A simulated service, and clients for it.

    It works with or without `async with`, which only closes the clients that it created.

    Args:
        rooms: How many rooms. There are 20 on each floor.
        endpoints_per_room: How many endpoints in each room. There are as many Alexa for Business devices, at least 60.
        seed: The source of all ids, names and histories. The same seed gives the same ones.
        properties: How many properties the rooms are spread over.
        unassigned_endpoints: How many endpoints belong to the account but to no unit.
        users: How many Alexa for Business users.
        token_lifetime: How many seconds an access token is valid.
        rotate_refresh_tokens: Whether every refresh also replaces the refresh token, and the old one is refused.
        caller_scope: What `owner=~caller` lists: `"all"` endpoints, as in Amazon's newest documentation, or those in no
            unit (`"unassigned"`), as in older pages and Amazon's command-line tool.
        aws_region: The region that Alexa for Business requests must be signed for.
        now: Returns the simulator's time, aware. Tokens, signatures and events expire by it.
        clock: Returns the monotonic time for quotas and for the record of calls, in seconds.
        sleep: Waits for latency and slow bodies.
        kept_calls: How many calls to record.

    Raises:
        ValueError: A number is negative, or there is no such scope.
    """

    @functools.cached_property
    def _access(self) -> _Access:
        # Made on first use, so that the constructor and its signature are those of the service.
        app = build_app(self)
        return _Access(app, SimulatorTransport(app))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the clients that were created. The simulator itself holds nothing open."""
        with anyio.CancelScope(shield=True):
            await _close(self._access.pop_clients())

    @property
    def app(self) -> ASGIApp:
        """The ASGI application, to mount or serve elsewhere."""
        return self._access.app

    def transport(self) -> httpx.AsyncBaseTransport:
        """Return a transport without a socket, for any httpx client."""
        return self._access.transport

    @property
    def base_url(self) -> str:
        """The URL of the socket inside `serve()`; otherwise an address that only `transport()` serves."""
        return self._access.served[-1] if self._access.served else _IN_PROCESS

    @property
    def token_url(self) -> str:
        """The URL of the token endpoint."""
        return f"{self.base_url}{_TOKEN_PATH}"

    def env(self, base_url: str | None = None) -> dict[str, str]:
        """Return the environment variables of clients that use this simulator over its socket.

        They are what `from_env()` of both clients, the command `alexa-props`, and AWS's own clients read:
        `{**os.environ, **sim.env()}` is the environment of a process that uses the simulator.

        Args:
            base_url: The URL of the simulator for those clients, if it differs from that of `serve()`.

        Raises:
            RuntimeError: The simulator is not served, and there is no `base_url`.
        """
        if base_url is None and not self._access.served:
            raise RuntimeError("sim.env() needs a socket: use it inside `async with sim.serve()`, or give base_url=")
        url = (base_url or self.base_url).rstrip("/")
        return {
            "ALEXA_PROPS_CLIENT_ID": self.client_id,
            "ALEXA_PROPS_CLIENT_SECRET": self.client_secret,
            "ALEXA_PROPS_REFRESH_TOKEN": self.refresh_token,
            "ALEXA_PROPS_REGION": "NA",
            "ALEXA_PROPS_BASE_URL": url,
            "ALEXA_PROPS_TOKEN_URL": f"{url}{_TOKEN_PATH}",
            "ALEXA_PROPS_ORGANIZATION_ID": self.organization_id,
            "ALEXA_PROPS_A4B_BASE_URL": url,
            "AWS_ACCESS_KEY_ID": self.aws_access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.aws_secret_access_key,
            # A token of the developer's own session belongs to another key.
            "AWS_SESSION_TOKEN": self.aws_session_token,
            "AWS_REGION": self.aws_region,
            "AWS_DEFAULT_REGION": self.aws_region,
            # That of one service: requests to all others go to AWS.
            "AWS_ENDPOINT_URL_ALEXA_FOR_BUSINESS": url,
        }

    @asynccontextmanager
    async def serve(
        self, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> AsyncIterator[str]:
        """Serve all three services on one port of a real socket, on asyncio.

        Clients created inside the block use the socket and are closed with it.

        Args:
            host: The address to listen on.
            port: The port to listen on; 0 for any free one.
            tls: Serves https if given.

        Yields:
            The base URL.
        """
        # Uvicorn is needed only here, and takes longest to import.
        from alexa_props.simulator.server import serve

        access = self._access
        async with serve(access.app, host, port, tls) as base_url:
            access.served.append(base_url)
            try:
                yield base_url
            finally:
                access.served.remove(base_url)
                with anyio.CancelScope(shield=True):
                    await _close(access.pop_clients(base_url))

    def smart_properties(
        self, *, auth: httpx.Auth | None = None, **options: Unpack[SmartPropertiesOptions]
    ) -> SmartProperties:
        """Return a Smart Properties client for this simulator.

        Args:
            auth: Replaces the simulator's credentials.
            **options: Further arguments of the client. They replace those that are set here.
        """
        # Late, so that serving does not import the clients.
        from alexa_props import LoginWithAmazon, SmartProperties

        if auth is None:
            auth = LoginWithAmazon(
                client_id=self.client_id,
                client_secret=self.client_secret,
                refresh_token=self.refresh_token,
                token_url=self.token_url,
            )
        self._connect(options)
        client = SmartProperties(auth=auth, **options)
        self._access.clients.append((self.base_url, client))
        return client

    def for_business(
        self, *, auth: httpx.Auth | None = None, **options: Unpack[AlexaForBusinessOptions]
    ) -> AlexaForBusiness:
        """Return an Alexa for Business client for this simulator.

        Args:
            auth: Replaces the simulator's credentials.
            **options: Further arguments of the client. They replace those that are set here.
        """
        from alexa_props import AlexaForBusiness, SigV4

        if auth is None:
            auth = SigV4(access_key=self.aws_access_key_id, secret_key=self.aws_secret_access_key)
        self._connect(options)
        options.setdefault("region", self.aws_region)
        client = AlexaForBusiness(auth=auth, **options)
        self._access.clients.append((self.base_url, client))
        return client

    def _connect(self, options: ClientOptions) -> None:
        options.setdefault("base_url", self.base_url)
        options.setdefault("transport", None if self._access.served else self._access.transport)
