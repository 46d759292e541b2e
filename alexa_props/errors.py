"""One error tree: everything this library raises derives from `AlexaError`.

Messages say what was attempted, on which unit or device, what came back, and the request id. No message, repr or
attribute holds a token, a key or a request body.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import attrs

__all__ = [
    "AlexaError",
    "AmbiguousName",
    "ApiError",
    "AuthenticationError",
    "BadRequest",
    "ConfigurationError",
    "Conflict",
    "DeadlineExceeded",
    "DecodeError",
    "DeviceUnreachable",
    "EndpointFailure",
    "EndpointFailures",
    "Forbidden",
    "JournalError",
    "NameNotFound",
    "NamesNotFound",
    "NotFound",
    "RateLimitTooLong",
    "Sent",
    "ServerError",
    "Throttled",
    "TransportError",
    "Unauthorized",
]

Sent = Literal["no", "maybe"]
"""Whether a request may have reached the service: "no" means that it certainly did not."""

_LISTED: Final = 20
"""Names that a message lists."""


class AlexaError(Exception):
    """Base of every error of this library. It can be pickled, which drops its cause and traceback."""

    resume_token: str | None = None
    """If a page of a list failed: `pager.resume(error.resume_token)` continues there. None if it was the first page,
    or if the call was no list."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
        # An exception's default calls the class with `args` alone, and these classes also require keywords.
        return _without_init, (type(self), *self.args), vars(self)


def _without_init(kind: type[AlexaError], *args: Any) -> AlexaError:
    return kind.__new__(kind, *args)


class ConfigurationError(AlexaError, ValueError):
    """An argument, a setting or the state of the client is wrong. Nothing was sent."""


class NameNotFound(ConfigurationError, LookupError):
    """An inventory has nothing with this name, path, number, serial number or id."""

    text: str
    """The text that was looked up."""
    suggestions: tuple[str, ...]
    """Paths of similar names, the best first."""

    def __init__(self, message: str, *, text: str, suggestions: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.text = text
        self.suggestions = tuple(suggestions)


class AmbiguousName(ConfigurationError, LookupError):
    """An inventory has several units or devices with this name, path or number."""

    text: str
    """The text that was looked up."""
    candidates: tuple[str, ...]
    """Their paths, each of which finds one of them."""

    def __init__(self, message: str, *, text: str, candidates: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.text = text
        self.candidates = tuple(candidates)


class NamesNotFound(ConfigurationError, LookupError):
    """Some of many names are unknown or ambiguous in an inventory. The message lists them."""

    problems: tuple[NameNotFound | AmbiguousName, ...]
    """One for each name, in order. Beyond the first 20, they have no suggestions."""

    def __init__(self, problems: Sequence[NameNotFound | AmbiguousName]) -> None:
        shown = [f"  {problem}" for problem in problems[:_LISTED]]
        more = len(problems) - len(shown)
        count = "a name is" if len(problems) == 1 else f"{len(problems):,} names are"
        super().__init__(
            "\n".join([f"{count} unknown or ambiguous:", *shown, *([f"  and {more:,} more"] if more else [])])
        )
        self.problems = tuple(problems)


class JournalError(AlexaError):
    """The journal of a fleet run could not be read or written, is damaged, or has moved.

    After a failed write its earlier content stays valid, and the next run resumes from it.
    """


class AuthenticationError(AlexaError):
    """No credentials could be obtained: the token endpoint refused, or a credential source gave nothing."""

    error: str | None
    """OAuth error code, such as "invalid_grant"; None if the response held none."""
    error_description: str | None
    """The server's description; None if the response held none."""
    status: int | None
    """HTTP status of the token endpoint; None if it was not asked."""
    request_id: str | None
    """Request id of the token endpoint's response; None if it had none."""

    def __init__(
        self,
        message: str,
        *,
        error: str | None = None,
        error_description: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.error = error
        self.error_description = error_description
        self.status = status
        self.request_id = request_id


class TransportError(AlexaError):
    """The exchange failed below HTTP: refused, timed out, cut off. The cause is the httpx exception."""

    sent: Sent
    """Whether the request may have reached the service: "no" means that it certainly did not, else "maybe"."""
    operation: str | None
    """Name of the operation, such as "units.list"."""
    attempts: int
    """Number of attempts."""

    def __init__(self, message: str, *, sent: Sent, operation: str | None = None, attempts: int = 0) -> None:
        super().__init__(message)
        self.sent = sent
        self.operation = operation
        self.attempts = attempts


class DeadlineExceeded(AlexaError):
    """The time limit of the call (`deadline=` or `Timeouts.total`) passed, waits and retries included."""

    sent: Sent
    """Whether any attempt may have reached the service: "no" means that none did, else "maybe"."""
    operation: str | None
    """Name of the operation, such as "units.list"."""
    attempts: int
    """Number of attempts that were started."""

    def __init__(self, message: str, *, sent: Sent, operation: str | None = None, attempts: int = 0) -> None:
        super().__init__(message)
        self.sent = sent
        self.operation = operation
        self.attempts = attempts


class RateLimitTooLong(AlexaError):
    """The rate limiter would delay the call by more than `max_wait`, or the service asked for a very long pause.

    Raised as soon as that is known: before any waiting, unless the pause began while the call was queued. The attempt
    sent nothing.
    """

    wait: float
    """Seconds that it would take at the current rate; infinite if unknown."""
    max_wait: float
    """Seconds that were allowed: `max_wait`, or `RetryPolicy.max_retry_after` for a pause."""
    operation: str | None
    """Name of the operation, such as "units.list"."""

    def __init__(self, message: str, *, wait: float, max_wait: float, operation: str | None = None) -> None:
        super().__init__(message)
        self.wait = wait
        self.max_wait = max_wait
        self.operation = operation


class DecodeError(AlexaError):
    """The service reported success, but its response is invalid."""

    operation: str | None
    """Name of the operation, such as "units.list"."""
    request_id: str | None
    """Request id of the response; None if it had none."""

    def __init__(self, message: str, *, operation: str | None = None, request_id: str | None = None) -> None:
        super().__init__(message)
        self.operation = operation
        self.request_id = request_id


class ApiError(AlexaError):
    """The service refused. Subclasses name the reasons that callers distinguish."""

    status: int
    """HTTP status."""
    code: str | None
    """The service's name of the error, such as "NotFoundException"; None if it gave none."""
    message: str | None
    """The service's description, for logs and support, never for branching; None if it gave none."""
    request_id: str | None
    """Request id of the response, for Amazon's support; None if it had none."""
    operation: str | None
    """Name of the operation, such as "unit_settings.set_default_music_station"."""
    attempts: int
    """Number of attempts."""
    retry_after: float | None
    """Seconds that the service asked to wait; None if it did not ask."""

    def __init__(
        self,
        text: str,
        *,
        status: int,
        code: str | None = None,
        message: str | None = None,
        request_id: str | None = None,
        operation: str | None = None,
        attempts: int = 1,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.message = message
        self.request_id = request_id
        self.operation = operation
        self.attempts = attempts
        self.retry_after = retry_after


class BadRequest(ApiError):
    """The request is malformed or lacks something (400)."""


class Unauthorized(ApiError):
    """The token, key or signature was refused (401, or an Alexa for Business code that means it)."""


class Forbidden(ApiError):
    """The caller has no permission, or the unit is unknown to it (403, or `401 FORBIDDEN` on bulk deletions)."""


class NotFound(ApiError):
    """The unit, device or other resource does not exist (404, or `NotFoundException`)."""


class Conflict(ApiError):
    """The state of the resource does not allow it (409, or a conflict that Alexa for Business models). Not retried."""


class Throttled(ApiError):
    """Over the quota, and retries did not help or were not allowed (429, or `ThrottlingException`)."""


class ServerError(ApiError):
    """The service failed (5xx)."""


class DeviceUnreachable(ApiError):
    """A device is offline or does not respond: 504 on a call about it, or on a bulk deletion that names no device."""


@attrs.frozen
class EndpointFailure:
    """One endpoint on which a bulk deletion failed."""

    unit_id: str | None
    """The unit whose alerts were to be deleted; None if those of one endpoint were."""
    endpoint_id: str | None
    """The endpoint; None if the service sent an entry without one among others that had it."""
    code: str | None
    """The service's name of the error; DEVICE_UNREACHABLE and DEVICE_NOT_REACHABLE both occur for the same reason."""
    description: str | None
    """The service's description, for logs, never for branching."""


class EndpointFailures(ApiError):
    """A bulk deletion reached some endpoints and failed on others. Never retried: it is a result."""

    failures: Sequence[EndpointFailure] = ()
    """One failure per endpoint that failed, in the service's order."""
