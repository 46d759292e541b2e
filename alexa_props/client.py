"""The base of both services' clients: settings in, pipeline built, calls sent, connections closed."""

from __future__ import annotations

import functools
import importlib
import itertools
import os
import pkgutil
import ssl
from collections.abc import Awaitable, Iterable, Mapping
from types import TracebackType
from typing import Any, ClassVar, Literal, Self, TypeVar

import anyio
import httpx

from alexa_props.call import EXTENSION, Call, Lane, ResponseClass, ServiceProtocol
from alexa_props.errors import BadRequest, ConfigurationError, DecodeError, TransportError
from alexa_props.hooks import Hook, Hooks, log_failure
from alexa_props.item import current_item
from alexa_props.limits import Limits, ScopeLimits
from alexa_props.model_rows import model_of
from alexa_props.operation import Listing, Operation
from alexa_props.options import CallOptions, ClientOptions, require_name, require_type
from alexa_props.options import user_agent as user_agent_header
from alexa_props.paging import Page, Pager
from alexa_props.pipeline import Pipeline, build
from alexa_props.redaction import Redactor
from alexa_props.settings import RateLimit, RetryPolicy, Secret, Timeouts, Unpicklable, require_https
from alexa_props.wire import build_raw_request

__all__ = ["Client", "ClientOptions", "Resource"]

T = TypeVar("T")


def _advice(call: Call) -> str:
    """Return why a call without a readable response was not repeated, and what to do next."""
    safe = call.state.sent == "no" or call.operation.idempotent
    advice = "calling again is safe" if safe else call.operation.check_advice
    return "; ".join(filter(None, (call.state.stop_reason, advice)))


class Client(Unpicklable):
    """Base of `SmartProperties` and `AlexaForBusiness`.

    Works with or without `async with`; `aclose()` frees the connections. It may be created anywhere, also outside an
    event loop, and serves one event loop at a time.
    """

    protocol: ClassVar[ServiceProtocol]
    _base_url = "not built"  # what a repr shows if the constructor raises
    _name: str | None = None

    def __init__(
        self,
        *,
        auth: httpx.Auth,
        region: str | None,
        region_url: str,
        hosts: Mapping[str, str] | None = None,
        name: str | None = None,
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
        # Before anything may raise: a traceback may show local variables.
        proxy = Secret.wrap(proxy)
        if not isinstance(auth, httpx.Auth):
            raise ConfigurationError(f"auth must be an httpx.Auth such as LoginWithAmazon or SigV4, not {type(auth)}")
        require_name(name)
        require_type("transport", transport, httpx.AsyncBaseTransport)
        self._headers = {"User-Agent": user_agent_header(user_agent)}
        require_type("retry", retry, RetryPolicy)
        require_type("rate_limit", rate_limit, RateLimit)
        if limits is not None and not (
            isinstance(limits, Mapping) and all(isinstance(scope, ScopeLimits) for scope in limits.values())
        ):
            raise ConfigurationError("limits must be what an earlier client's `limits` was, or Limits.from_json(…)")
        require_type("timeouts", timeouts, Timeouts)
        origin = require_https("base_url", base_url or region_url)
        if transport is None:
            # Imported here: aiohttp doubles the import time, and a custom transport does not need it.
            from alexa_props.pipeline.pool import Pool

            transport = Pool(max_connections=max_connections, proxy=proxy, verify=verify)
        elif proxy is not None or verify is not None:
            raise ConfigurationError("proxy and verify are the pool's: with transport= set them on the transport")
        timeouts = timeouts or Timeouts()
        self._base_url = str(origin).rstrip("/")
        # One address in place of the region's serves everything: a gateway, a test server.
        self._hosts = {name: self._base_url if base_url else url for name, url in (hosts or {}).items()}
        self._name = name
        self._region = region
        self._timeout = {
            "connect": timeouts.connect,
            "read": timeouts.read,
            "write": timeouts.read,
            "pool": timeouts.pool,
        }
        rate_limit = rate_limit or RateLimit()
        retry = retry or RetryPolicy()
        self._options = CallOptions(timeouts.total, rate_limit.max_wait, None, retry)
        self._pipeline: Pipeline = build(
            protocol=self.protocol,
            pool=transport,
            auth=auth,
            origins=[origin, *map(httpx.URL, self._hosts.values())],
            retry=retry,
            rate_limit=rate_limit,
            limits=limits or {},
            hooks=Hooks(hooks),
            client=name,
            region=region,
            max_connections=max_connections,
        )
        self._is_view = False
        # Names of lists whose pages must not be larger than documented; views share it.
        self._small_pages = set[str]()

    def __repr__(self) -> str:
        pipeline: Pipeline | None = getattr(self, "_pipeline", None)
        closed = ", closed" if pipeline is not None and pipeline.guard.closed else ""
        name = "" if self._name is None else f" {self._name!r}"
        return f"<{type(self).__name__}{name} {self._base_url}{closed}>"

    async def __aenter__(self) -> Self:
        self._pipeline.guard.check()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Free the connections. May be called again. Closing a view from `with_options` closes nothing.

        Calls in flight end with a response, or with an error that says "closed". Queued calls end immediately. Calls
        that wait for a retry end with the result of their last attempt. A token that is being fetched has up to 5 s to
        arrive.

        Raises:
            ConfigurationError: Another event loop that still runs uses the client, which stays open.

        """
        if not self._is_view:
            await self._pipeline.guard.close()

    @property
    def pipeline(self) -> httpx.AsyncBaseTransport:
        """The whole pipeline as an httpx transport, for calls that this library does not model.

        `httpx.AsyncClient(transport=client.pipeline)` gets its authorization, rate limits and retries; closing that
        client does not close this one. Requests to other hosts are refused: they would get the credentials.
        """
        return self._pipeline.guard

    @property
    def limits(self) -> Limits:
        """The live table of the rate limiter: an entry per operation that was called, or per shared scope.

        It includes the entries of the option `limits`. `to_json()` saves it; `limits=Limits.from_json(…)` passes it to
        the next client.
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
        """Return a view of this client with other options, on the same pipeline and connections.

        Args:
            deadline: Seconds for a whole call, waits and retries included; then it raises `DeadlineExceeded`.
            max_wait: Seconds that a call may wait for the rate limiter, all attempts together. A longer wait raises
                `RateLimitTooLong` as soon as it is known, usually before any waiting, or `Throttled` after a refusal.
            priority: "interactive" overtakes "bulk". Defaults to "bulk" for calls of a fleet's items, and to
                "interactive" for all others.
            retry: Retry policy.

        Raises:
            ConfigurationError: A value is out of range.

        """
        kind = type(self)
        view = object.__new__(kind)
        # Without the API groups that were used: they are cached under their names, and bound to this client.
        vars(view).update(
            (name, value)
            for name, value in vars(self).items()
            if not isinstance(getattr(kind, name, None), functools.cached_property)
        )
        view._is_view = True
        view._options = self._options.replace(deadline, max_wait, priority, retry)
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
            path: Path on the client's host, beginning with "/".
            params: Query parameters; a list repeats the name.
            json: Body; None sends none.
            headers: Further headers.

        Returns:
            The response of any status, completely read.

        Raises:
            ConfigurationError: No request can be made of the arguments.
            TransportError: There was no response.
            DeadlineExceeded: The call's time limit passed.
            RateLimitTooLong: The rate limiter would have delayed it too long.

        """
        request, problem = build_raw_request(
            self._base_url, method, path, defaults=self._headers, params=params, json=json, headers=headers
        )
        # They may hold secrets, and a traceback may show local variables.
        del params, json, headers
        if request is None:
            raise ConfigurationError(problem)
        return await self._send(self._new_call(self.protocol.operation(request), {}), request)

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
            arguments: By Python name. None values are not sent; empty lists are. `body` is the whole body; `subject` is
                only for messages.
            token_scheme: How the token goes into the Authorization header.

        Raises:
            AlexaError: The call failed.

        """
        return await self._call(operation, operation.check(arguments), token_scheme)

    def pager(self, listing: Operation[Page[T]], arguments: Mapping[str, object]) -> Pager[T]:
        """Return a pager over a list of the table.

        Raises:
            ConfigurationError: An argument cannot be sent.

        """
        checked = listing.check(arguments)
        largest = listing.documented_page_size if isinstance(listing, Listing) else None

        async def fetch(token: str | None) -> Page[T]:
            sent = checked if token is None else {**checked, "next_token": token}
            is_larger = largest is not None and (checked.get("page_size") or 0) > largest
            if not (is_larger and listing.name in self._small_pages):
                try:
                    return await self._call(listing, sent)
                except BadRequest:
                    if not is_larger:
                        raise
            # The size may be what was refused.
            page = await self._call(listing, {**sent, "page_size": largest})
            self._small_pages.add(listing.name)
            return page

        model = model_of(listing.item) if isinstance(listing, Listing) else None
        return Pager(fetch, listing.name, model=model)

    async def _call(
        self,
        operation: Operation[T],
        arguments: Mapping[str, Any],
        token_scheme: Literal["Bearer", "bare"] = "Bearer",  # noqa: S107 - a scheme
    ) -> T:
        call = self._new_call(operation, arguments, token_scheme)
        try:
            request = self.protocol.request(call, self._host_of(operation), self._headers)
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

    def _host_of(self, operation: Operation[Any]) -> str:
        if operation.host is None:
            return self._base_url
        if operation.host not in self._hosts:
            raise ConfigurationError(f"{operation.name}: this client knows no host {operation.host!r}")
        return self._hosts[operation.host]

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
            client=self._name,
            region=self._region,
            lane=options.priority or ("interactive" if current_item.get() is None else "bulk"),
            deadline=None if options.deadline is None else anyio.current_time() + options.deadline,
            time_limit=options.deadline,
            max_wait=options.max_wait,
            retry=options.retry,
            token_scheme=token_scheme,
        )

    @classmethod
    def operations(cls) -> tuple[Operation[Any], ...]:
        """Return all operations of the service. This imports all API groups, which happens otherwise on first use."""
        package = importlib.import_module(cls.protocol.__module__.rpartition(".")[0])
        names = (module.name for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."))
        tables = (getattr(importlib.import_module(name), "OPERATIONS", ()) for name in names)
        return tuple(itertools.chain.from_iterable(tables))

    async def _send(self, call: Call, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "timeout": self._timeout, EXTENSION: call}
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

    def _pager(self, listing: Operation[Page[T]], /, **arguments: object) -> Pager[T]:
        return self._client.pager(listing, arguments)
