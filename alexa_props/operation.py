"""What is called (`Operation`, data) and one calling of it (`Call`), which travels with the request."""

from __future__ import annotations

import enum
import functools
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final, Literal, Protocol

import attrs
import httpx

from alexa_props.errors import AlexaError, Sent
from alexa_props.settings import RetryPolicy

__all__ = [
    "EXTENSION",
    "SINGLED_OUT",
    "Call",
    "Item",
    "Lane",
    "Operation",
    "Paging",
    "Param",
    "Permit",
    "ServiceProtocol",
    "Verdict",
    "call_of",
    "current_item",
    "request_id_of",
    "request_of",
    "was_sent",
]

EXTENSION: Final = "alexa_props"
"""Key of `httpx.Request.extensions` under which the Call travels."""

SINGLED_OUT: Final = 4
"""So many refusals in a row, with others accepted in between, are about the call and not about the rate."""

Lane = Literal["interactive", "bulk"]
"""Interactive calls overtake bulk calls at the rate limiter; bulk never starves."""


@attrs.frozen
class Param:
    """One argument of an operation and where it goes on the wire.

    Attributes:
        argument: our name for it.
        wire: the service's name for it; None when the argument is the whole body.
        where: place in the request.

    """

    argument: str
    wire: str | None
    where: Literal["path", "query", "body"]


@attrs.frozen
class Paging:
    """How an operation pages.

    Attributes:
        items: member of the answer that holds the list.
        next_token: where the answer holds the next token, from the outside in.

    """

    items: str
    next_token: tuple[str, ...]


@attrs.frozen
class Operation:
    """One operation of one service, as data.

    Attributes:
        name: resource and method, such as "units.list"; also the scope of its rate limit.
        method: HTTP method.
        path: path template; `{argument}` stands for a path parameter.
        params: arguments and their places.
        answer: model of the answer (of one item, when the operation pages), or on Smart Properties a function that
            reads its JSON; None when a success has no body to read.
        member: member of the answer that holds the model; None when the answer is the model.
        paging: how it pages; None when it does not.
        idempotent: whether sending it twice is the same as sending it once.
        per_endpoint: whether an error answer may list the endpoints on which it failed, which makes it a result.
        subject: the argument that names the unit or device in messages; None when there is none.
        target: the service's own name of the operation, where the wire carries it.
        source: the page that documents it.

    """

    name: str
    method: str
    path: str
    params: tuple[Param, ...] = ()
    answer: Any = None
    member: str | None = None
    paging: Paging | None = None
    idempotent: bool = True
    per_endpoint: bool = False
    subject: str | None = None
    target: str | None = None
    source: str = ""


class Verdict(enum.Enum):
    """What an answer means for the stages."""

    OK = "ok"
    THROTTLED = "throttled"
    """Over the quota and not handled: slow down, and send it again."""
    TRANSIENT = "transient"
    """A fault that may pass: send it again if that is safe."""
    FINAL = "final"


class ServiceProtocol(Protocol):
    """All that the stages and the client know of a service: one small module a service."""

    def request(self, call: Call, base_url: str, headers: Mapping[str, str]) -> httpx.Request:
        """The request that a call becomes."""
        ...

    def operation(self, request: httpx.Request) -> Operation:
        """Safe defaults for a request that was not made from an operation."""
        ...

    def verdict(self, call: Call, response: httpx.Response) -> Verdict:
        """What an answer, read in whole, means."""
        ...

    def error(self, call: Call, response: httpx.Response) -> AlexaError:
        """The exception that an answer other than OK becomes."""
        ...

    def decode(self, call: Call, response: httpx.Response) -> Any:
        """The model that an OK answer becomes; raises `DecodeError`."""
        ...


class Permit(Protocol):
    """The right of one attempt to leave, which the rate limiter gave."""

    async def leave(self) -> None:
        """Leave now, or wait for the next turn if this one was missed."""
        ...


@attrs.define(eq=False)
class Call:
    """One calling of an operation: arguments, options and the marks that stages leave for each other.

    Attributes:
        operation: what is called.
        protocol: the service's protocol.
        arguments: by our names; None values are not sent.
        region: for signing; None where the service has none.
        lane: of the rate limiter; None takes "bulk" for a fleet's item, else "interactive".
        deadline: on anyio's clock; None sets none.
        time_limit: seconds that led to the deadline.
        max_wait: longest wait for the rate limiter in seconds; None takes the limiter's own.
        retry: its retry policy; None takes the client's.
        attempts: how often an attempt was started.
        refused: how often the service throttled it.
        singled_out: how often in a row it was throttled although the service had accepted others since the time before.
        accepted_before: how many its rate limit had accepted when it was last throttled; None if it never was.
        refreshed: whether a refused token was already replaced once.
        sent: "maybe" from the moment an attempt was handed to the pool until it was answered or it is known that
            nothing left; "maybe" for good once an attempt had no answer, or one that says the service failed.
        limit: what allowed no further attempt, a setting mostly; None where another one was not a question.
        waited: seconds at the rate limiter, all attempts together.
        verdict: of the last answer; None while there is none.
        status: HTTP status of that answer.
        request_id: of that answer, if it had one.
        permit: of the attempt under way; None where no rate limiter gave one.
        token_scheme: how the token goes into the Authorization header.

    """

    operation: Operation
    protocol: ServiceProtocol
    arguments: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    region: str | None = None
    lane: Lane | None = None
    deadline: float | None = None
    time_limit: float | None = None
    max_wait: float | None = None
    retry: RetryPolicy | None = None
    token_scheme: Literal["Bearer", "bare"] = "Bearer"  # noqa: S105 - a scheme
    attempts: int = 0
    refused: int = 0
    singled_out: int = 0
    accepted_before: int | None = attrs.field(default=None, repr=False)
    refreshed: bool = False
    sent: Sent = "no"
    limit: str | None = None
    waited: float = 0.0
    verdict: Verdict | None = None
    status: int | None = None
    request_id: str | None = None
    permit: Permit | None = attrs.field(default=None, repr=False)

    @property
    def subject(self) -> str | None:
        """The unit or device that it is about; None where there is none."""
        subject = self.operation.subject
        value = None if subject is None else self.arguments.get(subject)
        return None if value is None else str(value)

    @property
    def no_further(self) -> str:
        """For messages: why there was no further attempt; empty where that was not a question."""
        return f"{self.limit} allowed no further attempt" if self.limit else ""

    @property
    def doing(self) -> str:
        """For messages: the operation and its subject."""
        subject = self.operation.subject
        return self.operation.name if subject is None else f"{self.operation.name}({self.arguments[subject]!r})"


@attrs.define(eq=False)
class Item:
    """What a fleet run and the stages tell each other of the item that is being worked on.

    Attributes:
        before_risk: recorded before a request leaves that must not be sent twice; None where nobody records it.
        risky: whether such a request was about to leave.
        attempts: attempts of all its calls.
        refused: how many of them the service throttled.
        waited: seconds of its calls at the rate limiter.
        called: seconds of its calls in all.
        sent: whether the service may have handled any of it.
        unanswered: whether some call may have been handled and had no answer.
        doubtful: whether some call was refused after an attempt that may have been handled and had no answer.
        connections: how many requests its client may have under way at once; None before the first call.
        outer: the item of another run, in the call of which this one is; what happens to this happens to that.

    """

    before_risk: Callable[[], Awaitable[None]] | None = None
    risky: bool = False
    attempts: int = 0
    refused: int = 0
    waited: float = 0.0
    called: float = 0.0
    sent: bool = False
    unanswered: bool = False
    doubtful: bool = False
    connections: int | None = None
    outer: Item | None = None

    async def about_to_leave(self, operation: Operation) -> None:
        """A request of the item leaves when this returns."""
        if self.outer is not None:
            await self.outer.about_to_leave(operation)
        if not (operation.idempotent or self.risky):
            if self.before_risk is not None:
                await self.before_risk()
            self.risky = True

    def ended(self, call: Call, *, verdict: Verdict | None, elapsed: float, connections: int) -> None:
        """A call of the item ended, with an answer or None."""
        if self.outer is not None:
            self.outer.ended(call, verdict=verdict, elapsed=elapsed, connections=connections)
        self.attempts += call.attempts
        self.refused += call.refused
        self.waited += call.waited
        self.called += elapsed
        # What was throttled was not handled; by what was answered before that, something may have been.
        answered = verdict not in (None, Verdict.THROTTLED)
        self.sent = self.sent or answered or call.sent == "maybe"
        self.unanswered = self.unanswered or (not answered and call.sent == "maybe")
        self.doubtful = self.doubtful or (verdict is Verdict.FINAL and call.sent == "maybe")
        self.connections = connections if self.connections is None else min(connections, self.connections)


current_item: Final[ContextVar[Item | None]] = ContextVar("alexa_props_item", default=None)
"""The item of a fleet run that the calls made here belong to."""


def call_of(request: httpx.Request, protocol: ServiceProtocol) -> Call:
    """The Call that travels with a request; one with safe defaults is put there if there is none."""
    call = request.extensions.get(EXTENSION)
    if not isinstance(call, Call):
        call = Call(operation=protocol.operation(request), protocol=protocol)
        # A copy: the caller's dict may serve several requests.
        request.extensions = {**request.extensions, EXTENSION: call}
    return call


def _parse(url: str) -> tuple[httpx.URL, str]:
    parsed = httpx.URL(url)
    return parsed, parsed.netloc.decode()


_parse_once: Final = functools.lru_cache(maxsize=4096)(_parse)
"""Parsing a URL takes longer than all the rest of making a request, and the same rooms are asked again and again."""


def request_of(method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> httpx.Request:
    """What `httpx.Request(method, url, headers=headers, content=body)` is, in a fifth of its time.

    For methods that need no length where there is no body, as here.

    httpx parses the URL, looks for forms, files and JSON, and goes over the headers twice.
    """
    # A query may hold the token of a page, which is long and never comes again.
    parsed, host = _parse(url) if "?" in url else _parse_once(url)
    sent = {"Host": host, **headers}
    if body is not None:
        sent["Content-Length"] = str(len(body))
    request = httpx.Request(method, parsed, headers=sent, stream=httpx.ByteStream(body or b""))
    request.read()
    return request


_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


def request_id_of(response: httpx.Response) -> str | None:
    """The id under which Amazon knows the request; both services send it under one name."""
    request_id: str | None = response.headers.get("x-amzn-requestid")
    return request_id


def was_sent(error: httpx.TransportError) -> Sent:
    """Whether the request of a failed exchange may have reached the service."""
    return "no" if isinstance(error, _NOT_SENT) else "maybe"
