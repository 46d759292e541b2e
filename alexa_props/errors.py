"""One error tree: everything this library raises derives from `AlexaError`.

Messages say what was being done, to which unit or device, what came back, and the request id. No message, repr or
attribute holds a token, a key or a request body.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import attrs

__all__ = [
    "AlexaError",
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


class AlexaError(Exception):
    """Base of every error of this library. It can be pickled, and comes back without its cause and traceback.

    Attributes:
        resume_token: set when a page of a list failed: `pager.resume(error.resume_token)` goes on there. None when the
            first page failed, or when the call was no list.

    """

    resume_token: str | None = None

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
        # An exception's own way calls the class with `args` alone, and ours want keywords too.
        return _without_init, (type(self), *self.args), vars(self)


def _without_init(kind: type[AlexaError], *args: Any) -> AlexaError:
    return kind.__new__(kind, *args)


class ConfigurationError(AlexaError, ValueError):
    """An argument, a setting or the state of the client is wrong. Nothing was sent."""


class JournalError(AlexaError):
    """The journal of a fleet run could not be read or written, is damaged, or is not where it was.

    After a failed write, what it holds stays good, and the next run resumes from it.
    """


class AuthenticationError(AlexaError):
    """No credentials could be had: the token endpoint refused, or a credential source gave nothing.

    Attributes:
        error: OAuth error code, such as "invalid_grant"; None when the answer held none.
        error_description: the server's own words; None when the answer held none.
        status: HTTP status of the token endpoint; None when no token endpoint was asked.
        request_id: request id of that answer, if it had one.

    """

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
    """The exchange failed below HTTP: refused, timed out, cut off. The cause is the httpx exception.

    Attributes:
        sent: "no" when the request certainly did not reach the service, else "maybe".
        operation: the operation's name, such as "units.list".
        attempts: how often it was tried.

    """

    def __init__(self, message: str, *, sent: Sent, operation: str | None = None, attempts: int = 0) -> None:
        super().__init__(message)
        self.sent: Sent = sent
        self.operation = operation
        self.attempts = attempts


class DeadlineExceeded(AlexaError):
    """The call's own time limit (`deadline=` or `Timeouts.total`) passed, waits and retries included.

    Attributes:
        sent: "maybe" when an attempt was under way, or an earlier one may have arrived; "no" when nothing can have.
        operation: the operation's name.
        attempts: how many attempts had been started.

    """

    def __init__(self, message: str, *, sent: Sent, operation: str | None = None, attempts: int = 0) -> None:
        super().__init__(message)
        self.sent: Sent = sent
        self.operation = operation
        self.attempts = attempts


class RateLimitTooLong(AlexaError):
    """The rate limiter would make the call wait longer than `max_wait`, or the service has asked for a very long pause.

    Raised as soon as that is known: before any waiting, unless the pause began while the call was in line. Nothing was
    sent by the attempt.

    Attributes:
        wait: seconds that it would take as things stand; infinite if it is not known.
        max_wait: seconds that were allowed: `max_wait`, or `RetryPolicy.max_retry_after` for a pause.
        operation: the operation's name.

    """

    def __init__(self, message: str, *, wait: float, max_wait: float, operation: str | None = None) -> None:
        super().__init__(message)
        self.wait = wait
        self.max_wait = max_wait
        self.operation = operation


class DecodeError(AlexaError):
    """The service answered with success, but invalid response.

    Attributes:
        operation: the operation's name.
        request_id: request id of that answer, if it had one.

    """

    def __init__(self, message: str, *, operation: str | None = None, request_id: str | None = None) -> None:
        super().__init__(message)
        self.operation = operation
        self.request_id = request_id


class ApiError(AlexaError):
    """The service refused. Subclasses name the reasons that callers tell apart.

    Attributes:
        status: HTTP status.
        code: the service's own error name, such as "NotFoundException"; None when it gave none.
        message: the service's own words, for logs and support, never for branching; None when it gave none.
        request_id: quote it to Amazon's support.
        operation: the operation's name, such as "unit_settings.set_default_music_station".
        attempts: how often it was tried.
        retry_after: seconds that the service asked to wait, if it did.

    """

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
    """The token, key or signature was refused (401, or an Alexa for Business code that says so)."""


class Forbidden(ApiError):
    """The caller may not do this, or the unit is unknown to it (403, or `401 FORBIDDEN` on bulk deletions)."""


class NotFound(ApiError):
    """There is no such thing (404, or `NotFoundException`)."""


class Conflict(ApiError):
    """The thing's state does not allow it (409, or one of Alexa for Business' modeled conflicts). Not retried."""


class Throttled(ApiError):
    """Over the quota, and retries did not help or were not allowed (429, or `ThrottlingException`)."""


class ServerError(ApiError):
    """The service failed (5xx)."""


class DeviceUnreachable(ApiError):
    """A device is offline or does not answer: 504 on a call about it, or on a bulk deletion that does not say which."""


@attrs.frozen
class EndpointFailure:
    """One endpoint on which a bulk deletion failed.

    Attributes:
        unit_id: the unit whose alerts were being deleted.
        endpoint_id: the endpoint; None if the service sent an entry without one among others that had it.
        code: the service's error name; DEVICE_UNREACHABLE and DEVICE_NOT_REACHABLE both occur for one reason.
        description: the service's words, for logs, never for branching.

    """

    unit_id: str
    endpoint_id: str | None
    code: str | None
    description: str | None


class EndpointFailures(ApiError):
    """A bulk deletion reached some endpoints and failed on others. Never retried: it is a result.

    Attributes:
        failures: one `EndpointFailure` for each endpoint that failed, in the order sent.

    """

    failures: Sequence[EndpointFailure] = ()
