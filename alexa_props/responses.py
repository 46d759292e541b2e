"""Reading responses: what the protocols of all services share.

A service's text goes into messages without the secrets of the request: a response may echo what it was sent, as AWS
does with the text that it expected to be signed.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import attrs
import httpx

from alexa_props.call import Call, ResponseClass
from alexa_props.errors import ApiError, DecodeError
from alexa_props.redaction import Redactor
from alexa_props.scalars import http_date
from alexa_props.settings import Secret

__all__ = [
    "ErrorBody",
    "api_error",
    "decode_json",
    "first_string",
    "is_oversized",
    "json_object",
    "parse_http_date",
    "parse_json",
    "parse_retry_after",
    "request_id_in",
]

T = TypeVar("T")

MAX_VALUES: Final = 2_000_000
"""Values in one response, lists and members included: parsing more would block the event loop for seconds."""

_LONGEST_WAIT: Final = 1e9
"""Seconds: longer than any wait, and a date can still hold it."""

_BEGINNING: Final = 60
"""Characters of an unreadable body that a message shows."""
_JSON: Final = "alexa_props_json"
"""Key of `httpx.Response.extensions` for the parsed body, which several stages read."""
_LONGEST_FAULT: Final = 2_000
"""Characters of the faults of a response that a message shows: it may name several places."""
_USUAL_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@attrs.frozen
class ErrorBody:
    """The error that a service reported."""

    code: str | None
    """Its name."""
    message: str | None
    """Its text."""


@attrs.frozen
class _Unread:
    fault: str


def _parsed(response: httpx.Response) -> Any:
    """Return the JSON of a response, parsed once; an `_Unread` if it is anything else."""
    if _JSON not in response.extensions:
        try:
            found = parse_json(response.content)
        except DecodeError as error:
            found = _Unread(str(error))
        # A copy: a transport's dict may serve several responses.
        response.extensions = {**response.extensions, _JSON: found}
    return response.extensions[_JSON]


def _json_in(response: httpx.Response, *, quote: bool) -> Any:
    """Return the JSON of a response; raises `DecodeError` that shows how anything else begins if it may be quoted."""
    if response.status_code == httpx.codes.NO_CONTENT:
        raise DecodeError("the response has no body")
    found = _parsed(response)
    if not isinstance(found, _Unread):
        return found
    # Redacted before it is cut: the rest of a secret might be too short to be recognized.
    begin = Redactor.of(response.request).redact(response.content.decode("utf-8", "replace"))[:_BEGINNING]
    if begin and not quote:
        raise DecodeError(found.fault)
    raise DecodeError(f"{found.fault}: it begins {begin!r}" if begin else "the response has no body")


def json_object(response: httpx.Response) -> dict[str, Any]:
    """Return the JSON object of a response; empty if it is anything else."""
    found = _parsed(response)
    return found if isinstance(found, dict) else {}


def first_string(body: Any, *names: str) -> str | None:
    """Return the first of these members of an object that is a non-empty string."""
    if isinstance(body, dict):
        for name in names:
            value = body.get(name)
            if isinstance(value, str) and value:
                return value
    return None


def is_oversized(content: bytes) -> bool:
    """Return whether parsing this JSON would block the event loop for seconds. Commas in strings count too."""
    return len(content) > MAX_VALUES and content.count(b",") > MAX_VALUES


def parse_json(content: bytes) -> Any:
    """Return parsed JSON; raises `DecodeError`, which shows nothing of the content: it may hold secrets."""
    if is_oversized(content):
        raise DecodeError(f"the response holds more than {MAX_VALUES:,} values")
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise DecodeError("the response is not JSON") from None


def request_id_in(response: httpx.Response, request: httpx.Request | None = None, *secrets: str | Secret) -> str | None:
    """Return the id under which Amazon knows the request, safe for a message. Both services send it under one name.

    Args:
        response: The response that carries it.
        request: The request, if the response does not have it yet.
        secrets: What it must not show, besides the secrets in the request.

    """
    request_id: str | None = response.headers.get("x-amzn-requestid")
    # Of the usual form, as nearly always, it holds nothing else.
    usual = request_id is None or _USUAL_ID.fullmatch(request_id)
    return request_id if usual else Redactor.of(request or response.request, *secrets).sanitize(request_id)


def api_error(
    kind: type[ApiError], call: Call, response: httpx.Response, body: ErrorBody, *, instead: str = "", advice: str = ""
) -> ApiError:
    """Return the exception for a response: what was attempted, what came back, the request id, and what to do next.

    Args:
        kind: Its class.
        call: What was attempted.
        response: What came back.
        body: The error in it.
        instead: Text in place of status, code and message.
        advice: What to do next.

    """
    clean = Redactor.of(response.request).sanitize
    code, message = clean(body.code), clean(body.message)
    request_id, wait, state = request_id_in(response), call.state.retry_after, call.state
    outcome = clean(instead) or " ".join(
        filter(None, (str(response.status_code), code, f'"{message}"' if message else ""))
    )
    details = [f"request id {request_id}", f"{state.attempts} attempt(s)"]
    if wait is not None:
        details.append(f"asked to wait {wait:g} s")
    failed = response.is_server_error or state.response_class is ResponseClass.TRANSIENT
    if failed and state.response_class is not ResponseClass.THROTTLED and not call.operation.idempotent:
        advice = "; ".join(filter(None, (advice, call.operation.check_advice)))
    return kind(
        "; ".join(filter(None, (f"{call.description}: {outcome} ({', '.join(details)})", state.stop_reason, advice))),
        status=response.status_code,
        code=code,
        message=message,
        request_id=request_id,
        operation=call.operation.name,
        attempts=state.attempts,
        retry_after=wait,
    )


def decode_json(call: Call, response: httpx.Response, read: Callable[[Any, str | None], T]) -> T:
    """Return what `read` makes of a response's JSON and request id.

    Raises:
        DecodeError: The response cannot be read. The message says what was attempted, and has the request id.

    """
    request_id, operation = request_id_in(response), call.operation
    try:
        return read(_json_in(response, quote=not operation.secret), request_id)
    except DecodeError as error:
        fault = Redactor.of(response.request).sanitize(str(error), _LONGEST_FAULT)
    # Outside the handler: the frames below hold the body.
    raise DecodeError(
        f"{call.description}: {fault} ({response.status_code}, request id {request_id})"
        + ("" if operation.idempotent else f"; {operation.check_advice}"),
        operation=operation.name,
        request_id=request_id,
    )


def parse_retry_after(response: httpx.Response) -> float | None:
    """Return the seconds that a response asks to wait, from seconds or an HTTP date; None if it does not ask.

    Of several `Retry-After` headers (the service and a proxy may each send one) the longest wait counts. A date is
    relative to the response's own `Date`, so that a wrong clock does not matter.
    """
    values: list[str] = []
    for header in response.headers.get_list("retry-after"):
        # A proxy may have joined two headers. A date holds a comma too.
        joined = header.replace(",", "").replace(" ", "").isdecimal()
        values += header.split(",") if joined else [header]
    waits = [wait for value in values if (wait := _retry_after(value, response)) is not None]
    return max(waits, default=None)


def _retry_after(value: str, response: httpx.Response) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        until, now = parse_http_date(value), parse_http_date(response.headers.get("date"))
        if until is None:
            return None
        seconds = (until - (now or dt.datetime.now(dt.UTC))).total_seconds()
    return min(max(seconds, 0.0), _LONGEST_WAIT) if math.isfinite(seconds) else None


def parse_http_date(value: str | None) -> dt.datetime | None:
    """Return an HTTP date as an aware datetime in UTC; None if it is not one."""
    if value is None:
        return None
    try:
        moment = http_date(value)
        return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
