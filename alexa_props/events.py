"""What happens to a call and to its attempts, as hooks receive it.

Events hold names, statuses, times and ids, never headers, bodies or query strings.
"""

from __future__ import annotations

import attrs

__all__ = [
    "AttemptEnded",
    "AttemptSent",
    "AttemptStarted",
    "AttemptThrottled",
    "CallEnded",
    "CallStarted",
    "Event",
    "RetryScheduled",
    "SharingBack",
    "SharingLost",
]


@attrs.frozen(kw_only=True)
class Event:
    """Base of all events."""

    call_id: int
    """The same number in all events of one call, and different from that of every other call in progress."""
    operation: str
    """Name of the operation, such as "units.list"."""
    client: str | None = None
    """The option `name` of the client; None if it has none."""


@attrs.frozen(kw_only=True)
class CallStarted(Event):
    """A call enters the pipeline."""

    subject: str | None
    """The unit or device that it is about; None if there is none."""
    method: str
    """HTTP method."""
    path: str
    """Path template, such as "/v2/units/{unit_id}". In that of a request that is not modeled, "*" stands for ids."""
    host: str
    port: int


@attrs.frozen(kw_only=True)
class AttemptStarted(Event):
    """An attempt enters the rate limiter."""

    attempt: int
    """Number of the attempt, from 1."""


@attrs.frozen(kw_only=True)
class AttemptSent(Event):
    """An attempt has had its turn, is authorized, and goes to the connection pool."""

    attempt: int
    """Number of the attempt, from 1."""
    waited: float
    """Seconds at the rate limiter so far, all attempts of the call together."""


@attrs.frozen(kw_only=True)
class AttemptThrottled(Event):
    """The service refused an attempt because there were too many."""

    attempt: int
    """Number of the attempt, from 1."""
    retry_after: float | None
    """Seconds that the service asks to wait; None if it does not say."""
    request_id: str | None
    """Request id of the response; None if it had none."""


@attrs.frozen(kw_only=True)
class AttemptEnded(Event):
    """An attempt ended, with a response or an error."""

    attempt: int
    """Number of the attempt, from 1."""
    status: int | None
    """HTTP status; None if there was no response."""
    error: str | None
    """Class name of the exception; None if there was a response."""
    request_id: str | None
    """Request id of the response; None if it had none."""
    elapsed: float
    """Seconds, including the wait at the rate limiter."""
    exchange: float | None
    """Seconds of them from sending the request to the end; None if it was not sent."""


@attrs.frozen(kw_only=True)
class RetryScheduled(Event):
    """Another attempt will follow."""

    attempt: int
    """Number of the attempt that failed, from 1."""
    delay: float
    """Seconds until the next attempt."""


@attrs.frozen(kw_only=True)
class CallEnded(Event):
    """A call left the pipeline."""

    status: int | None
    """HTTP status of the last response; None if there was none."""
    error: str | None
    """Class name of the exception, httpx's if the exchange failed; None if the pipeline returned a response."""
    request_id: str | None
    """Request id of the last response; None if it had none."""
    attempts: int
    """Number of attempts that were started."""
    refused: int
    """Number of attempts that the service throttled."""
    waited: float
    """Seconds at the rate limiter, all attempts together."""
    elapsed: float
    """Seconds in total."""


@attrs.frozen(kw_only=True)
class SharingLost(Event):
    """A call found that a shared rate limit can no longer be used: its process continues alone, with its share."""

    store: str
    """Name of the store, such as a folder or a host."""
    scope: str
    """Name of an operation, or of a shared scope."""
    reason: str


@attrs.frozen(kw_only=True)
class SharingBack(Event):
    """A call found that a shared rate limit is shared again."""

    store: str
    """Name of the store, such as a folder or a host."""
    scope: str
    """Name of an operation, or of a shared scope."""
    seconds: float
    """How long its process was alone."""
