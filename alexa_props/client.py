"""What both services' clients are: settings in, pipeline built, calls sent, connections closed."""

from __future__ import annotations

import functools
import importlib
import os
import platform
import ssl
from collections.abc import Awaitable, Iterable, Mapping
from types import TracebackType
from typing import Any, ClassVar, Literal, Self, TypedDict, TypeVar

import anyio
import attrs
import httpx

from alexa_props.call import EXTENSION, Call, Lane, ResponseClass, ServiceProtocol
from alexa_props.errors import ConfigurationError, DecodeError, TransportError
from alexa_props.hooks import Hook, Hooks, log_failure
from alexa_props.item import current_item
from alexa_props.limits import Limits, ScopeLimits
from alexa_props.operation import Listing, Operation
from alexa_props.paging import Page, Pager
from alexa_props.pipeline import Pipeline, build
from alexa_props.redaction import Redactor
from alexa_props.settings import (
    RateLimit,
    RetryPolicy,
    Secret,
    Timeouts,
    Unpicklable,
    is_number,
    require_https,
)

__all__ = ["Client", "ClientOptions", "Resource"]

T = TypeVar("T")


def installed_version() -> str:
    """The version of this package, or "unknown" where it was copied or bundled without its metadata."""
    from importlib.metadata import PackageNotFoundError, version  # here, because it takes 10 ms

    try:
        return version("alexa-props")
    except PackageNotFoundError:
        return "unknown"


@functools.cache
def _library() -> str:
    """What the User-Agent says of us."""
    return f"alexa-props/{installed_version()} Python/{platform.python_version()} httpx/{httpx.__version__}"


def _advice(call: Call) -> str:
    """Why a call that had no answer, or one that cannot be read, was not tried again, and what to do next."""
    safe = call.state.sent == "no" or call.operation.idempotent
    advice = "calling again is safe" if safe else call.operation.check_advice
    return "; ".join(filter(None, (call.state.stop_reason, advice)))


def _require(name: str, value: object, kind: type) -> None:
    if value is not None and not isinstance(value, kind):
        raise ConfigurationError(f"{name} must be a {kind.__name__} or None, not {value!r}")


@attrs.frozen
class _Options:
    """What `with_options` changes."""

    deadline: float | None
    max_wait: float | None
    priority: Lane | None
    retry: RetryPolicy


class _Request(httpx.Request):
    """One whose query may hold what is not to be shown; httpx's own repr shows it."""

    def __repr__(self) -> str:
        return f"<Request({self.method!r}, {str(self.url.copy_with(query=None))!r})>"


class ClientOptions(TypedDict, total=False):
    """Options that the clients of both services take, from their constructors to `from_env`.

    All have the defaults that the constructors document.
    """

    base_url: str | None
    """Instead of the region's host; https, or http to this machine."""
    transport: httpx.AsyncBaseTransport | None
    """Instead of the connection pool, innermost; closed with the client."""
    proxy: str | Secret | None
    """URL of a proxy; by default from HTTPS_PROXY and NO_PROXY, and none for loopback."""
    verify: ssl.SSLContext | str | os.PathLike[str] | None
    """An `ssl.SSLContext` or the path of a CA file; by default SSL_CERT_FILE or the bundled CAs."""
    retry: RetryPolicy | None
    """Default retry policy."""
    rate_limit: RateLimit | None
    """How fast requests leave; by default the limiter discovers what the service accepts."""
    limits: Mapping[str, ScopeLimits] | None
    """What `limits` of an earlier client showed, so that its rates need not be found again."""
    timeouts: Timeouts | None
    """Time limits."""
    max_connections: int
    """Most requests under way at a time, at least 1; 100 by default."""
    hooks: Iterable[Hook]
    """Functions that receive the events of calls and attempts."""
    user_agent: str | None
    """Put before the library's own, such as "my-app/1.2"."""


class Client(Unpicklable):
    """Base of `SmartProperties` and `AlexaForBusiness`.

    Works with or without `async with`; `aclose()` frees the connections. It may be built anywhere, outside an event
    loop too, and serves one event loop at a time.
    """

    protocol: ClassVar[ServiceProtocol]
    _base_url = "not built"  # what a repr shows if the constructor raises

    def __init__(
        self,
        *,
        auth: httpx.Auth,
        region: str | None,
        region_url: str,
        base_url: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        proxy: str | Secret | None = None,
        verify: ssl.SSLContext | str | os.PathLike[str] | None = None,
        retry: RetryPolicy | None = None,
        rate_limit: RateLimit | None = None,
        limits: Mapping[str, ScopeLimits] | None = None,
        timeouts: Timeouts | None = None,
        max_connections: int = 100,
        hooks: Iterable[Hook] = (),
        user_agent: str | None = None,
    ) -> None:
        # Before anything may raise: a traceback shows what names are bound to.
        proxy = Secret.wrap(proxy)
        if not isinstance(auth, httpx.Auth):
            raise ConfigurationError(f"auth must be an httpx.Auth such as LoginWithAmazon or SigV4, not {type(auth)}")
        _require("transport", transport, httpx.AsyncBaseTransport)
        if user_agent is not None and not (
            isinstance(user_agent, str) and user_agent.isascii() and user_agent.isprintable()
        ):
            raise ConfigurationError(f'user_agent must be printable ASCII such as "my-app/1.2", not {user_agent!r}')
        _require("retry", retry, RetryPolicy)
        _require("rate_limit", rate_limit, RateLimit)
        if limits is not None and not (
            isinstance(limits, Mapping) and all(isinstance(scope, ScopeLimits) for scope in limits.values())
        ):
            raise ConfigurationError("limits must be what an earlier client's `limits` was, or Limits.from_json(…)")
        _require("timeouts", timeouts, Timeouts)
        origin = require_https("base_url", base_url or region_url)
        if transport is None:
            # Imported here: aiohttp doubles the import time, and an own transport does without it.
            from alexa_props.pipeline.pool import Pool

            transport = Pool(max_connections=max_connections, proxy=proxy, verify=verify)
        elif proxy is not None or verify is not None:
            raise ConfigurationError("proxy and verify are the pool's: with transport= set them on the transport")
        timeouts = timeouts or Timeouts()
        self._base_url = str(origin).rstrip("/")
        self._region = region
        self._headers = {"User-Agent": f"{user_agent} {_library()}" if user_agent else _library()}
        self._timeout = {
            "connect": timeouts.connect,
            "read": timeouts.read,
            "write": timeouts.read,
            "pool": timeouts.pool,
        }
        rate_limit = rate_limit or RateLimit()
        retry = retry or RetryPolicy()
        self._options = _Options(timeouts.total, rate_limit.max_wait, None, retry)
        self._pipeline: Pipeline = build(
            protocol=self.protocol,
            pool=transport,
            auth=auth,
            origin=origin,
            retry=retry,
            rate_limit=rate_limit,
            limits=limits or {},
            hooks=Hooks(hooks),
            region=region,
            max_connections=max_connections,
        )
        self._is_view = False

    def __repr__(self) -> str:
        pipeline: Pipeline | None = getattr(self, "_pipeline", None)
        closed = ", closed" if pipeline is not None and pipeline.guard.closed else ""
        return f"<{type(self).__name__} {self._base_url}{closed}>"

    async def __aenter__(self) -> Self:
        self._pipeline.guard.check()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Free the connections. May be called again. Closing a view from `with_options` closes nothing.

        Calls under way end, with an answer or with an error that says "closed"; those that wait for their turn end at
        once, those that wait to be repeated with what their last attempt met. A token that is being fetched has up to
        5 s to arrive.

        Raises:
            ConfigurationError: another event loop that still runs uses it; it is open as before.

        """
        if not self._is_view:
            await self._pipeline.guard.close()

    @property
    def pipeline(self) -> httpx.AsyncBaseTransport:
        """The whole pipeline as an httpx transport, for calls that this library does not model.

        `httpx.AsyncClient(transport=client.pipeline)` gets its authorization, rate limits and retries; closing that
        client does not close this one. Requests to other hosts are refused, so that no credentials get there.
        """
        return self._pipeline.guard

    @property
    def limits(self) -> Limits:
        """What the rate limiter knows and does now: an entry for each operation that was called, or shared scope.

        What `limits=` gave is there as well.

        `to_json()` saves it; `limits=Limits.from_json(…)` gives it to the next client.
        """
        return self._pipeline.rate_limit.limits()

    def with_options(
        self,
        *,
        deadline: float | None = None,
        max_wait: float | None = None,
        priority: Lane | None = None,
        retry: RetryPolicy | None = None,
    ) -> Self:
        """A view of this client with other options, on the same pipeline and connections.

        Args:
            deadline: seconds for a whole call, waits and retries in it; then `DeadlineExceeded`.
            max_wait: seconds that the rate limiter may make a call wait, all attempts together; else
                `RateLimitTooLong`, as soon as that is known, which is mostly before any waiting, or `Throttled` after
                a refusal.
            priority: "interactive" overtakes "bulk". Unless it is said, calls of a fleet's items are "bulk", all others
                "interactive".
            retry: retry policy.

        Raises:
            ConfigurationError: a value is out of range.

        """
        for name, value in (("deadline", deadline), ("max_wait", max_wait)):
            if value is not None and not (is_number(value) and value >= 0):
                raise ConfigurationError(f"{name} must be seconds, at least 0, not {value!r:.80}")
        if priority not in (None, "interactive", "bulk"):
            raise ConfigurationError(f'priority must be "interactive" or "bulk", not {priority!r}')
        _require("retry", retry, RetryPolicy)
        options = self._options
        view = object.__new__(type(self))
        # The API groups that were used are cached under their names: they are bound to this client.
        vars(view).update((name, value) for name, value in vars(self).items() if name.startswith("_"))
        view._is_view = True
        view._options = _Options(
            deadline=options.deadline if deadline is None else deadline,
            max_wait=options.max_wait if max_wait is None else max_wait,
            priority=priority or options.priority,
            retry=retry or options.retry,
        )
        return view

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send a request that this library does not model, through the same pipeline.

        Args:
            method: HTTP method. GET, HEAD, OPTIONS, PUT and DELETE count as safe to repeat.
            path: path on the client's host, beginning with "/".
            params: query parameters; a list repeats the name.
            json: body; None sends none.
            headers: further headers.

        Returns:
            The response of whatever status, read in whole.

        Raises:
            ConfigurationError: the path is not one.
            TransportError: no answer.
            DeadlineExceeded: the call's time limit passed.
            RateLimitTooLong: the rate limiter would have made it wait too long.

        """
        request, problem = self._raw_request(method, path, params, json, headers)
        # They may hold secrets, and a traceback shows what names are bound to.
        del params, json, headers
        if request is None:
            raise ConfigurationError(problem)
        return await self._send(self._new_call(self.protocol.operation(request), {}), request)

    def _raw_request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        json: Any,
        headers: Mapping[str, str] | None,
    ) -> tuple[httpx.Request | None, str]:
        """The request, or None and why there is none."""
        if not isinstance(method, str) or not isinstance(path, str):
            return None, "method and path must be strings"
        if not path.startswith("/") or path.startswith("//"):
            return None, f'path must begin with one "/": {path!r} does not; the host is the client\'s'
        try:
            url = httpx.URL(self._base_url + path)
            if params:
                # A query that the path has stays.
                url = url.copy_merge_params(params)
            sent = httpx.Headers({"Accept": "application/json", **self._headers})
            sent.update(headers)
            return _Request(method.upper(), url, json=json, headers=sent), ""
        except (httpx.InvalidURL, TypeError, ValueError, AttributeError) as error:
            return None, f"no request can be made of these arguments: {error}"

    async def call(
        self,
        operation: Operation[T],
        arguments: Mapping[str, object],
        *,
        token_scheme: Literal["Bearer", "bare"] = "Bearer",  # noqa: S107 - a scheme
    ) -> T:
        """Call an operation of the table. The methods of the API groups are thin layers over this and `pager`.

        Args:
            operation: What to call.
            arguments: By our names. None values are not sent; empty lists are.
            token_scheme: How the token goes into the Authorization header.

        Raises:
            AlexaError: As every call.

        """
        return await self._call(operation, operation.check(arguments), token_scheme)

    def pager(self, listing: Listing[T], arguments: Mapping[str, object]) -> Pager[T]:
        """Return a pager over a list of the table.

        Raises:
            ConfigurationError: An argument cannot be sent.

        """
        checked = listing.check(arguments)

        async def fetch(token: str | None) -> Page[T]:
            return await self._call(listing, checked if token is None else {**checked, "next_token": token})

        return Pager(fetch, listing.name)

    async def _call(
        self,
        operation: Operation[T],
        arguments: Mapping[str, Any],
        token_scheme: Literal["Bearer", "bare"] = "Bearer",  # noqa: S107 - a scheme
    ) -> T:
        call = self._new_call(operation, arguments, token_scheme)
        try:
            request = self.protocol.request(call, self._base_url, self._headers)
        except ConfigurationError:
            raise
        except (httpx.InvalidURL, ValueError) as error:
            raise ConfigurationError(f"{operation.name} cannot be sent with these arguments: {error}") from None
        response = await self._send(call, request)
        if call.state.response_class is not ResponseClass.OK:
            raise self.protocol.error(call, response)
        try:
            value: T = self.protocol.decode(call, response)
        except DecodeError as error:
            # To the pipeline it was a success.
            log_failure(call, error)
            raise
        return value

    def _new_call(
        self,
        operation: Operation[Any],
        arguments: Mapping[str, Any],
        token_scheme: Literal["Bearer", "bare"] = "Bearer",  # noqa: S107 - a scheme
    ) -> Call:
        options = self._options
        return Call(
            operation,
            self.protocol,
            arguments,
            self._region,
            options.priority or ("interactive" if current_item.get() is None else "bulk"),
            None if options.deadline is None else anyio.current_time() + options.deadline,
            options.deadline,
            options.max_wait,
            options.retry,
            token_scheme,
        )

    @classmethod
    def operations(cls) -> tuple[Operation[Any], ...]:
        """Return all operations of the service. This imports all API groups, which happens otherwise on first use."""
        modules = (
            importlib.import_module(f"{kind.__module__}.{name}")
            for kind in cls.__mro__
            for name, member in vars(kind).items()
            if isinstance(member, functools.cached_property) and kind.__module__.startswith(f"{__package__}.")
        )
        return tuple(operation for module in modules for operation in module.OPERATIONS)

    async def _send(self, call: Call, request: httpx.Request) -> httpx.Response:
        request.extensions = {"timeout": self._timeout, EXTENSION: call}
        try:
            response = await self._pipeline.guard.handle_async_request(request)
        except httpx.TransportError as error:
            sent = call.state.sent
            raise TransportError(
                f"{call.description}: {type(error).__name__}: {Redactor.of(request).sanitize(str(error))} "
                f"({call.state.attempts} attempt(s), {'nothing was' if sent == 'no' else 'it may have been'} sent); "
                + _advice(call),
                sent=sent,
                operation=call.operation.name,
                attempts=call.state.attempts,
            ) from error
        except httpx.DecodingError as error:
            fault = Redactor.of(request).sanitize(str(error))
            raise DecodeError(f"{call.description}: {fault}; {_advice(call)}", operation=call.operation.name) from error
        response.request = request
        return response


class Resource:
    """Base of the API groups, such as `client.units`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def _call(self, operation: Operation[T], /, **arguments: object) -> Awaitable[T]:
        return self._client.call(operation, arguments)

    def _pager(self, listing: Listing[T], /, **arguments: object) -> Pager[T]:
        return self._client.pager(listing, arguments)
