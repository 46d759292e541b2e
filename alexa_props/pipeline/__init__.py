"""The stages that a request passes, outermost first, each one an httpx transport.

`retry(rate_limit(auth(departure(pool))))`.

This is the only place that knows the order. Retry is outermost, so that every attempt takes a new permit and is signed
anew, and nothing holds a permit or a connection while it sleeps.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import httpx

from alexa_props.hooks import Hooks
from alexa_props.limits import ScopeLimits
from alexa_props.operation import ServiceProtocol
from alexa_props.pipeline.auth import AuthTransport
from alexa_props.pipeline.rate_limit import DepartureTransport, RateLimitTransport
from alexa_props.pipeline.retry import RetryTransport
from alexa_props.settings import RateLimit, RetryPolicy

__all__ = ["Pipeline", "build"]


@attrs.frozen
class Pipeline:
    """The stages of one client that anybody outside asks for something.

    Attributes:
        outermost: takes requests.
        rate_limit: knows the limits.
        innermost: holds the connections, and is what closing closes.

    """

    outermost: httpx.AsyncBaseTransport
    rate_limit: RateLimitTransport
    innermost: httpx.AsyncBaseTransport


def build(
    *,
    protocol: ServiceProtocol,
    pool: httpx.AsyncBaseTransport,
    auth: httpx.Auth,
    origin: httpx.URL,
    retry: RetryPolicy,
    rate_limit: RateLimit,
    limits: Mapping[str, ScopeLimits],
    hooks: Hooks,
    region: str | None,
    max_connections: int,
) -> Pipeline:
    """Put the stages together.

    Args:
        protocol: what the stages ask about the service.
        pool: the innermost transport.
        auth: authorizes each attempt.
        origin: the only scheme, host and port that credentials are sent to.
        retry: default retry policy.
        rate_limit: settings of the rate limiter.
        limits: what it learned before.
        hooks: receive the events.
        region: for signing; None where the service has none.
        max_connections: requests that the pool has under way at once.

    """
    authorized = AuthTransport(DepartureTransport(pool), auth, origin)
    limited = RateLimitTransport(authorized, protocol, rate_limit, limits)
    retrying = RetryTransport(limited, protocol, retry, hooks, region=region, max_connections=max_connections)
    return Pipeline(retrying, limited, pool)
