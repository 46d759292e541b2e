"""One call of an operation (`Call`) and what happened to it so far (`CallState`). Both travel with the request."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, Final, Literal, Protocol

import attrs
import httpx

from alexa_props.errors import AlexaError, Sent
from alexa_props.operation import Operation
from alexa_props.settings import RetryPolicy

__all__ = [
    "BESIDE",
    "EXTENSION",
    "SINGLED_OUT",
    "Call",
    "CallState",
    "Lane",
    "Permit",
    "ResponseClass",
    "ServiceProtocol",
    "attached_call",
]

EXTENSION: Final = "alexa_props"
"""Key of `httpx.Request.extensions` under which the Call travels."""

BESIDE: Final = "alexa_props_beside"
"""Key of `httpx.Request.extensions` of a side request: an async function to run until its response was handled."""

SINGLED_OUT: Final = 4
"""After this many refusals in a row, with others accepted in between, refusals are about the call, not the rate."""

Lane = Literal["interactive", "bulk"]
"""Interactive calls overtake bulk calls at the rate limiter; bulk calls never starve."""


class ResponseClass(enum.Enum):
    """What a response means for the stages."""

    OK = "ok"
    THROTTLED = "throttled"
    """Over the quota and not handled: slow down, and send it again."""
    TRANSIENT = "transient"
    """A fault that may pass: send it again if that is safe."""
    FINAL = "final"


class Permit(Protocol):
    """The right of one attempt to be sent, issued by the rate limiter."""

    async def send(self) -> None:
        """Return when the attempt may be sent: immediately, or at the next turn if its turn was missed."""
        ...


@attrs.define(eq=False)
class CallState:
    """What happened to a call so far. Stages write it; messages, events and the caller read it."""

    attempts: int = 0
    """Attempts that were started."""
    throttled: int = 0
    """How many of them the service throttled."""
    singled_out: int = 0
    """How often in a row it was throttled although the service had accepted other calls since the time before."""
    accepted_before: int | None = attrs.field(default=None, repr=False)
    """How many calls its rate limit had accepted when it was last throttled; None if it never was."""
    refreshed: bool = False
    """Whether a refused token was already replaced."""
    sent: Sent = "no"
    """"maybe" while an attempt is in the pool, and for good once an attempt had no response, or one that says that the
    service failed."""
    stopped_by: str | None = None
    """The setting that allowed no further attempt; None if the question did not arise."""
    waited: float = 0.0
    """Seconds at the rate limiter, all attempts together."""
    response_class: ResponseClass | None = None
    """Of the last response; None while there is none. So are the next three."""
    status: int | None = None
    request_id: str | None = None
    """None also if the call succeeded and no hook listens."""
    retry_after: float | None = None
    """Seconds that the service asked to wait."""
    sent_at: float | None = None
    """When the attempt was sent, on anyio's clock; None if it was not, or if no hook listens."""
    permit: Permit | None = attrs.field(default=None, repr=False)
    """Of the attempt in flight; None outside the rate limiter."""

    @property
    def stop_reason(self) -> str:
        """For messages: why there was no further attempt; empty if the question did not arise."""
        return f"{self.stopped_by} allowed no further attempt" if self.stopped_by else ""

    def forget_response(self) -> None:
        """Drop the last response: what it says no longer holds."""
        self.response_class = self.status = self.request_id = self.retry_after = None


@attrs.frozen(eq=False)
class Call:
    """One call of an operation: arguments and options, fixed when it is created."""

    operation: Operation[Any]
    protocol: ServiceProtocol
    arguments: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    """By Python name. None values are not sent."""
    client: str | None = None
    """The option `name` of the client; None if it has none."""
    region: str | None = None
    """For signing; None if the service has none."""
    lane: Lane = "interactive"
    """Of the rate limiter."""
    deadline: float | None = None
    """On anyio's clock; None sets none."""
    time_limit: float | None = None
    """Seconds that led to the deadline."""
    max_wait: float | None = None
    """Longest wait for the rate limiter in seconds, all attempts together; None sets no limit."""
    retry: RetryPolicy = attrs.field(factory=RetryPolicy)
    token_scheme: Literal["Bearer", "bare"] = "Bearer"  # noqa: S105 - a scheme
    """How the token goes into the Authorization header."""
    state: CallState = attrs.field(factory=CallState)
    """What happened to it so far."""

    @property
    def identity(self) -> dict[str, Any]:
        """The fields that all events of the call have."""
        return {"call_id": id(self), "operation": self.operation.name, "client": self.client}

    @property
    def subject(self) -> str | None:
        """The unit or device that it is about, or the argument `subject`, which is not sent; None if there is none."""
        subject = self.arguments.get("subject")
        if subject is None and self.operation.subject is not None:
            subject = self.arguments.get(self.operation.subject)
        return None if subject is None else str(subject)

    @property
    def description(self) -> str:
        """For messages: the operation and its subject."""
        subject = self.subject
        return self.operation.name if subject is None else f"{self.operation.name}({subject!r})"


class ServiceProtocol(Protocol):
    """Everything that the stages and the client know about a service: one small module per service."""

    def request(self, call: Call, base_url: str, headers: Mapping[str, str]) -> httpx.Request:
        """Return the request that a call becomes."""
        ...

    def operation(self, request: httpx.Request) -> Operation[Any]:
        """Return safe defaults for a request that was not made from an operation."""
        ...

    def classify(self, call: Call, response: httpx.Response) -> ResponseClass:
        """Return what a response means. Its body has been read."""
        ...

    def error(self, call: Call, response: httpx.Response) -> AlexaError:
        """Return the exception that a response other than OK becomes."""
        ...

    def decode(self, call: Call, response: httpx.Response) -> Any:
        """Return what an OK response becomes; raises `DecodeError`."""
        ...


def attached_call(request: httpx.Request) -> Call | None:
    """Return the call that travels with a request; None if it was not made by a client of this library."""
    call = request.extensions.get(EXTENSION)
    return call if isinstance(call, Call) else None
