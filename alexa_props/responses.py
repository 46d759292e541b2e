"""Reading an answer: what the protocols of all services share.

A service's words go into messages without the secrets of the request: an answer may echo what it was sent, as AWS does
with the text that it expected to be signed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import attrs
import httpx

from alexa_props.call import Call
from alexa_props.codec import parse_json
from alexa_props.errors import ApiError, DecodeError
from alexa_props.redaction import Redactor
from alexa_props.settings import Secret

__all__ = ["ErrorBody", "api_error", "decode_json", "first_string", "json_object", "request_id_in"]

T = TypeVar("T")

_BEGINNING: Final = 60
"""Characters of a body that cannot be read which a message shows."""
_JSON: Final = "alexa_props_json"
"""Key of `httpx.Response.extensions`: the parsed body, which several stages look at."""
_LONGEST_FAULT: Final = 2_000
"""Characters of what is wrong with an answer that a message shows: it may name several places."""
_USUAL_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@attrs.frozen
class ErrorBody:
    """What a service said of an error.

    Attributes:
        code: its name for it.
        message: its words.

    """

    code: str | None
    message: str | None


@attrs.frozen
class _Unread:
    fault: str


def _parsed(response: httpx.Response) -> Any:
    """The JSON of an answer, parsed once; what is wrong with it, as an `_Unread`, if it is anything else."""
    if _JSON not in response.extensions:
        try:
            found = parse_json(response.content)
        except DecodeError as error:
            found = _Unread(str(error))
        # A copy: a transport's dict may serve several responses.
        response.extensions = {**response.extensions, _JSON: found}
    return response.extensions[_JSON]


def _json_in(response: httpx.Response) -> Any:
    """The JSON of an answer; raises `DecodeError` that shows how anything else begins."""
    found = _parsed(response)
    if not isinstance(found, _Unread):
        return found
    # Secrets are taken out before it is cut: what is left of one might be too short to be known for one.
    begin = Redactor.of(response.request).redact(response.content.decode("utf-8", "replace"))[:_BEGINNING]
    raise DecodeError(f"{found.fault}: it begins {begin!r}" if begin else "the response has no body")


def json_object(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer; empty when it is anything else."""
    found = _parsed(response)
    return found if isinstance(found, dict) else {}


def first_string(body: Any, *names: str) -> str | None:
    """The first of these members of an object that is a string with something in it."""
    if isinstance(body, dict):
        for name in names:
            value = body.get(name)
            if isinstance(value, str) and value:
                return value
    return None


def request_id_in(response: httpx.Response, request: httpx.Request | None = None, *secrets: str | Secret) -> str | None:
    """Return the id under which Amazon knows the request, safe for a message. Both services send it under one name.

    Args:
        response: The response that carries it.
        request: What was answered, if the response does not know it yet.
        secrets: What it must not show, besides the secrets in the request.

    """
    request_id: str | None = response.headers.get("x-amzn-requestid")
    # Of the usual form, as nearly always, it holds nothing else.
    usual = request_id is None or _USUAL_ID.fullmatch(request_id)
    return request_id if usual else Redactor.of(request or response.request, *secrets).sanitize(request_id)


def api_error(
    kind: type[ApiError], call: Call, response: httpx.Response, said: ErrorBody, *, instead: str = "", advice: str = ""
) -> ApiError:
    """The exception for an answer: what was being done, what came back, the request id, and what to do next.

    Args:
        kind: its class.
        call: what was being done.
        response: the answer.
        said: its error.
        instead: how to put it, in place of status, code and words.
        advice: what to do next.

    """
    clean = Redactor.of(response.request).sanitize
    code, message = clean(said.code), clean(said.message)
    request_id, wait, state = request_id_in(response), call.state.retry_after, call.state
    answer = clean(instead) or " ".join(
        filter(None, (str(response.status_code), code, f'"{message}"' if message else ""))
    )
    details = [f"request id {request_id}", f"{state.attempts} attempt(s)"]
    if wait is not None:
        details.append(f"asked to wait {wait:g} s")
    return kind(
        "; ".join(filter(None, (f"{call.description}: {answer} ({', '.join(details)})", state.stop_reason, advice))),
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
        return read(_json_in(response), request_id)
    except DecodeError as error:
        fault = Redactor.of(response.request).sanitize(str(error), _LONGEST_FAULT)
    # Outside the handler: the frames below hold the body.
    raise DecodeError(
        f"{call.description}: {fault} ({response.status_code}, request id {request_id})"
        + ("" if operation.idempotent else f"; {operation.check_advice}"),
        operation=operation.name,
        request_id=request_id,
    )
