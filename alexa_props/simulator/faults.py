"""Scripted faults: which calls they hit, and how, on a socket and in process."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, get_args

import attrs
import httpx
from starlette.types import Receive, Scope, Send

from alexa_props.simulator.checks import checked, choice, number, text, whole
from alexa_props.simulator.operations import covers, require_known
from alexa_props.simulator.responses import BEARER, Dialect, Json, Problem, Response, problem_response

__all__ = ["CLOSE", "KINDS", "ConnectionDropped", "Fault", "Faults", "Kind", "deliver"]

Kind = Literal["drop_before", "drop_after", "cut_body", "html", "status", "slow", "stale_token"]
KINDS: tuple[Kind, ...] = get_args(Kind)

CLOSE = "alexa_props.simulator.close"
"""The ASGI extension through which the socket server lets the application close the connection."""

_WITHOUT_BODY = frozenset({204, 304})
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"(?!\s)[\t\x20-\x7e\x80-\xff]*(?<!\s)")
_FRAMING = frozenset({"content-length", "transfer-encoding"})
_HTML = "<html><head><title>{status}</title></head><body><h1>{status}</h1><p>The service is away.</p></body></html>"


class ConnectionDropped(httpx.RemoteProtocolError):
    """A lost connection in process, where there is none to lose.

    httpx raises its base class over a socket, so a plain `httpx.ASGITransport` reports lost connections correctly, too.
    The transport of this package also delivers what was received before.
    """

    def __init__(self, message: str, response: Response | None = None) -> None:
        super().__init__(message)
        self.response = response


def _sendable(name: str, value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise (TypeError if isinstance(error, TypeError) else ValueError)(
            f"{name} must be text or JSON: {error}"
        ) from None


def _headers(name: str, value: object) -> None:
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be an object of names and strings")
    for header, content in value.items():
        if not isinstance(header, str) or not isinstance(content, str):
            raise TypeError(f"{name} must be an object of names and strings")
        if not _HEADER_NAME.fullmatch(header) or not _HEADER_VALUE.fullmatch(content):
            raise ValueError(f"{name}: {header!r} cannot be sent with this value")
        if header.lower() in _FRAMING:
            raise ValueError(f"{name}: {header!r} is set according to the body")


@attrs.define(eq=False)
class Fault:
    """One scripted fault."""

    operation: str
    """An operation, a group (`"alerts.*"`) or `"*"`."""
    kind: Kind = attrs.field(validator=checked(choice, KINDS))
    """What happens to the call.

    `drop_before` closes the connection before the call is handled, `drop_after` after it. `cut_body` cuts the response
    in the middle (an empty one is dropped). `html` responds with an HTML page, `status` with a plain error. `slow`
    sends the body slowly. `stale_token` refuses a valid token.
    """
    unit_id: str | None = attrs.field(default=None, validator=checked(text, optional=True))
    """Only calls about this unit."""
    endpoint_id: str | None = attrs.field(default=None, validator=checked(text, optional=True))
    """Only calls about this endpoint."""
    device_id: str | None = attrs.field(default=None, validator=checked(text, optional=True))
    """Only calls about this Alexa for Business device (an ARN)."""
    times: int | None = attrs.field(default=1, validator=checked(whole, optional=True))
    """How many calls it hits; None for all."""
    after: int = attrs.field(default=0, validator=checked(whole))
    """How many calls it lets through first."""
    status: int = attrs.field(default=503, validator=checked(whole, 200, 599))
    """The status of `html` and `status`."""
    code: str | None = attrs.field(default=None, validator=checked(text, optional=True))
    """The error's name in the body of `status`; the usual one for the status if None."""
    body: Json = attrs.field(default=None, validator=checked(_sendable))
    """Replaces the body of `html` and `status`: text unchanged, anything else as JSON."""
    headers: Mapping[str, str] = attrs.field(factory=dict, validator=checked(_headers))
    """Further headers of `html` and `status`, which replace usual ones of the same name."""
    delay: float = attrs.field(default=0.05, validator=checked(number))
    """Seconds between the chunks of `slow`."""
    chunk_size: int = attrs.field(default=64, validator=checked(whole, 1))
    """Bytes in a chunk of `slow`."""
    seen: int = attrs.field(init=False, default=0)
    """How many calls have matched."""
    hits: int = attrs.field(init=False, default=0)
    """How many calls it has hit."""

    def __attrs_post_init__(self) -> None:
        require_known(self.operation)

    def matches(self, operation: str, unit_id: str | None, endpoint_id: str | None, device_id: str | None) -> bool:
        """Return whether the fault applies to a call."""
        return (
            covers(self.operation, operation)
            and self.unit_id in (None, unit_id)
            and self.endpoint_id in (None, endpoint_id)
            and self.device_id in (None, device_id)
        )

    def ready(self) -> bool:
        """Count one call that matches, and return whether the fault may hit it."""
        self.seen += 1
        return self.seen > self.after and (self.times is None or self.hits < self.times)

    def response(self, dialect: Dialect) -> Response | None:
        """Return the response that replaces that of the handler, if this kind of fault has one."""
        match self.kind:
            case "html":
                page = self.body if isinstance(self.body, str) else _HTML.format(status=self.status)
                return self._scripted(page.encode(), {"content-type": "text/html; charset=utf-8"})
            case "status" if self.body is None:
                usual = problem_response(dialect, Problem(self.status, "scripted by the simulator", self.code))
                return self._scripted(usual.body, dict(usual.headers))
            case "status" if isinstance(self.body, str):
                return self._scripted(self.body.encode(), {"content-type": "text/plain"})
            case "status":
                return self._scripted(json.dumps(self.body).encode(), {"content-type": "application/json"})
            case "stale_token":
                return _stale(dialect)
            case _:
                return None

    def _scripted(self, body: bytes, usual: Mapping[str, str]) -> Response:
        headers = {**usual, **{name.lower(): value for name, value in self.headers.items()}}
        return Response(self.status, body, tuple(headers.items()))


def _stale(dialect: Dialect) -> Response:
    challenge = f'{BEARER}, error="invalid_token"'
    problem = Problem(401, "The access token is expired.", None, ("www-authenticate", challenge))
    if dialect == "for_business":
        problem = Problem(400, "The security token included in the request is expired", "ExpiredTokenException")
    elif dialect == "login":
        problem = Problem(400, "The refresh token was revoked.", "invalid_grant")
    return problem_response(dialect, problem)


@attrs.define
class Faults:
    """The faults in force. The first one added that matches a call and is not used up hits it."""

    _faults: list[Fault] = attrs.field(init=False, factory=list)

    def add(self, fault: Fault) -> None:
        """Add a fault."""
        self._faults.append(fault)

    def pick(self, operation: str, unit_id: str | None, endpoint_id: str | None, device_id: str | None) -> Fault | None:
        """Return the fault that hits a call. All that match the call count it."""
        matching = [each for each in self._faults if each.matches(operation, unit_id, endpoint_id, device_id)]
        ready = [each for each in matching if each.ready()]
        if not ready:
            return None
        ready[0].hits += 1
        return ready[0]

    def all(self) -> list[Fault]:
        """Return all faults, including those that are used up."""
        return list(self._faults)

    def clear(self) -> None:
        """Remove all faults."""
        self._faults.clear()


async def _lose(message: str, response: Response | None, scope: Scope, receive: Receive) -> None:
    close = scope.get("extensions", {}).get(CLOSE)
    if close is None:
        raise ConnectionDropped(message, response)
    # What was written before must reach the client; if nothing was, the connection just ends.
    close(flush=response is not None)
    while (await receive())["type"] != "http.disconnect":
        pass


async def deliver(
    response: Response | None,
    fault: Fault | None,
    *,
    scope: Scope,
    receive: Receive,
    send: Send,
    sleep: Callable[[float], Awaitable[Any]],
) -> None:
    """Send a response in the way that a fault allows.

    Args:
        response: The response; None if the connection was lost before it.
        fault: The fault that hit the call.
        scope: Of the ASGI call.
        receive: Of the ASGI call.
        send: Of the ASGI call.
        sleep: Waits for a number of seconds.

    Raises:
        ConnectionDropped: The connection is lost, in process.
    """
    kind = fault.kind if fault else None
    length = 0 if response is None else len(response.body)
    if response is not None and (response.status in _WITHOUT_BODY or scope["method"] == "HEAD"):
        response = attrs.evolve(response, body=b"")
    if response is None or kind == "drop_after" or (kind == "cut_body" and not response.body):
        await _lose("Server disconnected without sending a response.", None, scope, receive)
        return
    if response.status not in _WITHOUT_BODY:
        response = attrs.evolve(response, headers=(*response.headers, ("content-length", str(length))))
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if kind == "cut_body":
        half = attrs.evolve(response, body=response.body[: len(response.body) // 2])
        await send({"type": "http.response.body", "body": half.body, "more_body": True})
        await _lose(
            "peer closed connection without sending complete message body "
            f"(received {len(half.body)} bytes, expected {len(response.body)})",
            half,
            scope,
            receive,
        )
        return
    if fault is not None and kind == "slow":
        for start in range(0, len(response.body), fault.chunk_size):
            await sleep(fault.delay)
            chunk = response.body[start : start + fault.chunk_size]
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await sleep(fault.delay)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return
    await send({"type": "http.response.body", "body": response.body, "more_body": False})
