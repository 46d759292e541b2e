"""The stages that a request passes, outermost first, each one an httpx transport.

`LoopGuard(Retry(RateLimit(Auth(Pacing(Closing(pool))))))`.

This is the only place that knows the order. Retry is around everything that sends, so that every attempt takes a new
permit and is signed again, and nothing holds a permit or a connection while it sleeps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import httpx

from alexa_props.call import ServiceProtocol
from alexa_props.hooks import Hooks
from alexa_props.limits import ScopeLimits
from alexa_props.pipeline.auth import AuthTransport
from alexa_props.pipeline.lifecycle import Closing, ClosingTransport, LoopGuard
from alexa_props.pipeline.rate_limit import PacingTransport, RateLimitTransport
from alexa_props.pipeline.retry import CallDefaults, RetryTransport
from alexa_props.settings import RateLimit, RetryPolicy

__all__ = ["Pipeline", "build"]


@attrs.frozen
class Pipeline:
    """The stages of one client that the client itself uses."""

    guard: LoopGuard
    """Takes requests, until it is closed."""
    rate_limit: RateLimitTransport
    """Knows the limits."""


def build(
    *,
    protocol: ServiceProtocol,
    pool: httpx.AsyncBaseTransport,
    auth: httpx.Auth,
    origins: Sequence[httpx.URL],
    retry: RetryPolicy,
    rate_limit: RateLimit,
    limits: Mapping[str, ScopeLimits],
    hooks: Hooks,
    client: str | None,
    region: str | None,
    max_connections: int,
) -> Pipeline:
    """Build the stages.

    Args:
        protocol: What the stages ask about the service.
        pool: The innermost transport; closed with the client.
        auth: Authorizes each attempt.
        origins: The only schemes, hosts and ports that credentials are sent to; the first is that of the API.
        retry: Retry policy of requests that bring none.
        rate_limit: Settings of the rate limiter.
        limits: What an earlier client learned.
        hooks: Receive events of calls and attempts.
        client: Name of the client; None if it has none.
        region: For signing; None if the service has none.
        max_connections: Requests that the pool has in flight at most.

    """
    origins = tuple(origins)
    closing = Closing()
    outlet = ClosingTransport(pool, closing)
    authorized = AuthTransport(PacingTransport(outlet, closing, hooks), auth, origins)
    host = f"{origins[0].scheme}://{origins[0].netloc.decode()}"
    name = host if client is None else f"{client} at {host}"
    limited = RateLimitTransport(
        authorized, protocol, rate_limit, limits, closing, name=name, host=origins[0].host, hooks=hooks
    )
    defaults = CallDefaults(protocol, client, region, retry, rate_limit.max_wait)
    retrying = RetryTransport(limited, defaults, hooks, closing, limiter=limited, max_connections=max_connections)
    return Pipeline(LoopGuard(retrying, closing, outlet), limited)
