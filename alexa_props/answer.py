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

from alexa_props.codec import parse_json, parse_retry_after
from alexa_props.errors import ApiError, DecodeError
from alexa_props.operation import Call, Operation, request_id_of
from alexa_props.redaction import Redactor
from alexa_props.settings import Secret

__all__ = ["Said", "api_error", "decoded", "json_object", "request_id_in", "text_of"]

T = TypeVar("T")

_BEGINNING: Final = 60
"""Characters of a body that cannot be read which a message shows."""
_JSON: Final = "alexa_props_json"
"""Key of `httpx.Response.extensions`: the parsed body, which several stages look at."""
_LONGEST_FAULT: Final = 2_000
"""Characters of what is wrong with an answer that a message shows: it may name several places."""
_USUAL_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@attrs.frozen
class Said:
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
    raise DecodeError(f"{found.fault}: {f'it begins {begin!r}' if begin else 'it is empty'}")


def json_object(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer; empty when it is anything else."""
    found = _parsed(response)
    return found if isinstance(found, dict) else {}


def text_of(body: Any, *names: str) -> str | None:
    """The first of these members of an object that is a string with something in it."""
    if isinstance(body, dict):
        for name in names:
            value = body.get(name)
            if isinstance(value, str) and value:
                return value
    return None


def request_id_in(response: httpx.Response, request: httpx.Request | None = None, *secrets: str | Secret) -> str | None:
    """The id under which Amazon knows the request, fit for a message.

    Args:
        response: the answer that it comes with.
        request: what was answered, if the response does not know it yet.
        secrets: what it must not show, besides what the request holds.

    """
    request_id = request_id_of(response)
    # Of the usual form, and so nearly always: it holds nothing else.
    usual = request_id is None or _USUAL_ID.fullmatch(request_id)
    return request_id if usual else Redactor.of(request or response.request, *secrets).sanitize(request_id)


def api_error(
    kind: type[ApiError], call: Call, response: httpx.Response, said: Said, *, instead: str = "", advice: str = ""
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
    request_id, wait = request_id_in(response), parse_retry_after(response)
    answer = clean(instead) or " ".join(
        filter(None, (str(response.status_code), code, f'"{message}"' if message else ""))
    )
    details = [f"request id {request_id}", f"{call.attempts} attempt(s)"]
    if wait is not None:
        details.append(f"asked to wait {wait:g} s")
    return kind(
        "; ".join(filter(None, (f"{call.doing}: {answer} ({', '.join(details)})", call.no_further, advice))),
        status=response.status_code,
        code=code,
        message=message,
        request_id=request_id,
        operation=call.operation.name,
        attempts=call.attempts,
        retry_after=wait,
    )


def decoded(call: Call, response: httpx.Response, model: Callable[[Operation, Any, str | None], T]) -> T:
    """What `model` makes of an answer's JSON, given the operation and the request id.

    Raises:
        DecodeError: it cannot be read. What was being done, and the request id, are on it.

    """
    request_id = request_id_in(response)
    try:
        return model(call.operation, _json_in(response), request_id)
    except DecodeError as error:
        fault = Redactor.of(response.request).sanitize(str(error), _LONGEST_FAULT)
    # Outside the handler: the frames below hold the answer's body.
    raise DecodeError(
        f"{call.doing}: {fault} ({response.status_code}, request id {request_id})",
        operation=call.operation.name,
        request_id=request_id,
    )
