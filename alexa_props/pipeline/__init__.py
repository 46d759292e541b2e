"""The stages that a request passes, outermost first, each one an httpx transport.

`entrance(retry(rate_limit(auth(departure(exit(pool))))))`.

This is the only place that knows the order. Retry is around all that sends, so that every attempt takes a new permit
and is signed anew, and nothing holds a permit or a connection while it sleeps.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import httpx

from alexa_props.hooks import Hooks
from alexa_props.limits import ScopeLimits
from alexa_props.operation import ServiceProtocol
from alexa_props.pipeline.auth import AuthTransport
from alexa_props.pipeline.door import Entrance, Exit
from alexa_props.pipeline.rate_limit import DepartureTransport, RateLimitTransport
from alexa_props.pipeline.retry import RetryTransport
from alexa_props.settings import RateLimit, RetryPolicy

__all__ = ["Pipeline", "build"]


@attrs.frozen
class Pipeline:
    """The stages of one client that anybody outside asks for something.

    Attributes:
        entrance: takes requests, until it is closed.
        rate_limit: knows the limits.

    """

    entrance: Entrance
    rate_limit: RateLimitTransport


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
        pool: the innermost transport; closed with the entrance.
        auth: authorizes each attempt.
        origin: the only scheme, host and port that credentials are sent to.
        retry: default retry policy.
        rate_limit: settings of the rate limiter.
        limits: what it learned before.
        hooks: receive the events.
        region: for signing; None where the service has none.
        max_connections: requests that the pool has under way at once.

    """
    way_out = Exit(pool)
    authorized = AuthTransport(DepartureTransport(way_out, hooks), auth, origin)
    limited = RateLimitTransport(authorized, protocol, rate_limit, limits, way_out)
    retrying = RetryTransport(limited, protocol, retry, hooks, way_out, region=region, max_connections=max_connections)
    return Pipeline(Entrance(retrying, way_out), limited)
