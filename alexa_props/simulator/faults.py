"""Scripted faults: which call is hit, and how it is hit, on a socket as in-process."""

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
from alexa_props.simulator.responses import BEARER, Answer, Dialect, Json, problem

__all__ = ["CLOSE", "KINDS", "ConnectionDropped", "Fault", "Faults", "Kind", "deliver"]

Kind = Literal["drop_before", "drop_after", "cut_body", "html", "status", "slow", "stale_token"]
KINDS: tuple[Kind, ...] = get_args(Kind)

CLOSE = "alexa_props.simulator.close"
"""The ASGI extension through which the socket server lends the means to end its connection."""

_WITHOUT_BODY = frozenset({204, 304})
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"(?!\s)[\t\x20-\x7e\x80-\xff]*(?<!\s)")
_FRAMING = frozenset({"content-length", "transfer-encoding"})
_HTML = "<html><head><title>{status}</title></head><body><h1>{status}</h1><p>The service is away.</p></body></html>"


class ConnectionDropped(httpx.RemoteProtocolError):
    """How a lost connection looks in-process, where there is none.

    It is the exception that httpx itself raises over a socket, so a bare `httpx.ASGITransport` shows a lost connection
    rightly too. The transport of this package hands out what came before it as well.
    """

    def __init__(self, message: str, answer: Answer | None = None) -> None:
        super().__init__(message)
        self.answer = answer


def _sendable(name: str, value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise (TypeError if isinstance(error, TypeError) else ValueError)(f"{name} is text or JSON: {error}") from None


def _headers(name: str, value: object) -> None:
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is an object of names and strings")
    for header, content in value.items():
        if not isinstance(header, str) or not isinstance(content, str):
            raise TypeError(f"{name} is an object of names and strings")
        if not _HEADER_NAME.fullmatch(header) or not _HEADER_VALUE.fullmatch(content):
            raise ValueError(f"{name}: {header!r} cannot be sent with this value")
        if header.lower() in _FRAMING:
            raise ValueError(f"{name}: {header!r} follows from the body")


@attrs.define(eq=False)
class Fault:
    """One scripted fault.

    Attributes:
        operation: An operation, a group (`"alerts.*"`) or `"*"`.
        kind: `drop_before` loses the connection before the call is handled, `drop_after` once it is; `cut_body` cuts
            the answer in the middle (an empty one is dropped); `html` answers a page of HTML; `status` a plain error;
            `slow` trickles the body; `stale_token` refuses a token that is good.
        unit_id: Only calls about this unit.
        endpoint_id: Only calls about this endpoint.
        device_id: Only calls about this Alexa for Business device (an ARN).
        times: How often it strikes; None for always.
        after: How many calls are let through first.
        status: Of `html` and `status`.
        code: The error's name in the body of `status`; the usual one of that status when None.
        body: The body of `html` and `status` in place of the usual one: text as it is, anything else as JSON.
        headers: Further headers of `html` and `status`; they take the place of usual ones of the same name.
        delay: Seconds between the chunks of `slow`.
        chunk_size: Bytes in a chunk of `slow`.
        seen: How many calls it was in for.
        hits: How often it struck.
    """

    operation: str
    kind: Kind = attrs.field(validator=checked(choice, KINDS))
    unit_id: str | None = attrs.field(default=None, validator=checked(text, optional=True))
    endpoint_id: str | None = attrs.field(default=None, validator=checked(text, optional=True))
    device_id: str | None = attrs.field(default=None, validator=checked(text, optional=True))
    times: int | None = attrs.field(default=1, validator=checked(whole, optional=True))
    after: int = attrs.field(default=0, validator=checked(whole))
    status: int = attrs.field(default=503, validator=checked(whole, 200, 599))
    code: str | None = attrs.field(default=None, validator=checked(text, optional=True))
    body: Json = attrs.field(default=None, validator=checked(_sendable))
    headers: Mapping[str, str] = attrs.field(factory=dict, validator=checked(_headers))
    delay: float = attrs.field(default=0.05, validator=checked(number))
    chunk_size: int = attrs.field(default=64, validator=checked(whole, 1))
    seen: int = attrs.field(init=False, default=0)
    hits: int = attrs.field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        require_known(self.operation)

    def concerns(self, operation: str, unit_id: str | None, endpoint_id: str | None, device_id: str | None) -> bool:
        """Whether a call is one of those that this fault is in for."""
        return (
            covers(self.operation, operation)
            and self.unit_id in (None, unit_id)
            and self.endpoint_id in (None, endpoint_id)
            and self.device_id in (None, device_id)
        )

    def ready(self) -> bool:
        """Counts one call that it is in for; whether that one may be hit."""
        self.seen += 1
        return self.seen > self.after and (self.times is None or self.hits < self.times)

    def instead(self, dialect: Dialect) -> Answer | None:
        """The answer that takes the place of handling the call, if this kind of fault has one."""
        match self.kind:
            case "html":
                page = self.body if isinstance(self.body, str) else _HTML.format(status=self.status)
                return self._dressed(page.encode(), {"content-type": "text/html; charset=utf-8"})
            case "status" if self.body is None:
                usual = problem(dialect, self.status, "scripted by the simulator", self.code)
                return self._dressed(usual.body, dict(usual.headers))
            case "status" if isinstance(self.body, str):
                return self._dressed(self.body.encode(), {"content-type": "text/plain"})
            case "status":
                return self._dressed(json.dumps(self.body).encode(), {"content-type": "application/json"})
            case "stale_token":
                return _stale(dialect)
            case _:
                return None

    def _dressed(self, body: bytes, usual: Mapping[str, str]) -> Answer:
        headers = {**usual, **{name.lower(): value for name, value in self.headers.items()}}
        return Answer(self.status, body, tuple(headers.items()))


def _stale(dialect: Dialect) -> Answer:
    if dialect == "for_business":
        return problem(dialect, 400, "The security token included in the request is expired", "ExpiredTokenException")
    if dialect == "login":
        return problem(dialect, 400, "The refresh token was withdrawn.", "invalid_grant")
    challenge = f'{BEARER}, error="invalid_token"'
    return problem(dialect, 401, "The access token is expired.", headers=(("www-authenticate", challenge),))


@attrs.define
class Faults:
    """The faults in force; the one added first that concerns a call and is not used up strikes."""

    _faults: list[Fault] = attrs.field(init=False, factory=list)

    def add(self, fault: Fault) -> None:
        """Puts a fault in force."""
        self._faults.append(fault)

    def pick(self, operation: str, unit_id: str | None, endpoint_id: str | None, device_id: str | None) -> Fault | None:
        """The fault that hits a call; all that are in for it count it."""
        concerned = [each for each in self._faults if each.concerns(operation, unit_id, endpoint_id, device_id)]
        ready = [each for each in concerned if each.ready()]
        if not ready:
            return None
        ready[0].hits += 1
        return ready[0]

    def all(self) -> list[Fault]:
        """All of them, used up or not."""
        return list(self._faults)

    def clear(self) -> None:
        """Lifts all faults."""
        self._faults.clear()


async def _lose(message: str, answer: Answer | None, scope: Scope, receive: Receive) -> None:
    close = scope.get("extensions", {}).get(CLOSE)
    if close is None:
        raise ConnectionDropped(message, answer)
    # What was written before has to reach the client; where nothing was, the connection just ends.
    close(flush=answer is not None)
    while (await receive())["type"] != "http.disconnect":
        pass


async def deliver(
    answer: Answer | None,
    fault: Fault | None,
    *,
    scope: Scope,
    receive: Receive,
    send: Send,
    sleep: Callable[[float], Awaitable[Any]],
) -> None:
    """Sends an answer the way a fault lets it through.

    Args:
        answer: The answer; None when there is none, because the connection was lost before.
        fault: The fault that hit the call.
        scope: Of the ASGI call.
        receive: Of the ASGI call.
        send: Of the ASGI call.
        sleep: Waits for so many seconds.

    Raises:
        ConnectionDropped: The connection is lost, and there is no socket to close.
    """
    kind = fault.kind if fault else None
    length = 0 if answer is None else len(answer.body)
    if answer is not None and (answer.status in _WITHOUT_BODY or scope["method"] == "HEAD"):
        answer = attrs.evolve(answer, body=b"")
    if answer is None or kind == "drop_after" or (kind == "cut_body" and not answer.body):
        await _lose("Server disconnected without sending a response.", None, scope, receive)
        return
    if answer.status not in _WITHOUT_BODY:
        answer = attrs.evolve(answer, headers=(*answer.headers, ("content-length", str(length))))
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if kind == "cut_body":
        half = attrs.evolve(answer, body=answer.body[: len(answer.body) // 2])
        await send({"type": "http.response.body", "body": half.body, "more_body": True})
        await _lose(
            "peer closed connection without sending complete message body "
            f"(received {len(half.body)} bytes, expected {len(answer.body)})",
            half,
            scope,
            receive,
        )
        return
    if fault is not None and kind == "slow":
        for start in range(0, len(answer.body), fault.chunk_size):
            await sleep(fault.delay)
            chunk = answer.body[start : start + fault.chunk_size]
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await sleep(fault.delay)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
