"""Reading an answer: what the protocols of all services share.

A service's words go into messages shortened, on one line, and without the secrets of the request: an answer may echo
what it was sent, as AWS does with the text that it expected to be signed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import attrs
import httpx

from alexa_props.codec import parse_json, parse_retry_after
from alexa_props.errors import ApiError, DecodeError
from alexa_props.operation import Call, Operation, request_id_of

__all__ = ["Said", "api_error", "decoded", "heard", "json_object", "request_id_in", "spoken", "text_of"]

T = TypeVar("T")

_LONGEST: Final = 500
_SECRET_HEADERS: Final = ("authorization", "x-amz-security-token", "proxy-authorization")
_BEGINNING: Final = 60
"""Characters of a body that cannot be read which a message shows."""
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


def _json_in(response: httpx.Response) -> Any:
    """The JSON of an answer; raises `DecodeError` that shows how anything else begins."""
    try:
        return parse_json(response.content)
    except DecodeError:
        pass
    # Secrets are taken out of the whole before it is cut: what is left of one would not be known for one.
    begin = _without(response.content.decode("utf-8", "replace"), *_secrets_of(response.request))[:_BEGINNING]
    raise DecodeError(f"the answer is not JSON: {f'it begins {begin!r}' if begin else 'it is empty'}")


def json_object(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer; empty when it is anything else."""
    try:
        body = parse_json(response.content)
    except DecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def text_of(body: Any, *names: str) -> str | None:
    """The first of these members of an object that is a string with something in it."""
    if not isinstance(body, Mapping):
        return None
    return next((body[name] for name in names if isinstance(body.get(name), str) and body[name]), None)


def spoken(text: str | None, *secrets: str) -> str | None:
    """Somebody else's words, fit for a message: one printable line, not too long, and without these secrets."""
    if text is None:
        return None
    text = " ".join(_without(text, *secrets).split())
    text = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    # A terminal obeys control characters, and no file takes half a surrogate pair.
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def heard(text: str | None, request: httpx.Request) -> str | None:
    """A service's words, `spoken` without the secrets of the request that it answers."""
    return spoken(text, *_secrets_of(request))


def _secrets_of(request: httpx.Request) -> list[str]:
    # The scheme before a token is no secret.
    return [request.headers.get(name, "").rpartition(" ")[2] for name in _SECRET_HEADERS]


def _without(text: str, *secrets: str) -> str:
    for secret in filter(None, secrets):
        # A value that is shown by its repr has its backslashes doubled.
        text = text.replace(secret, "…").replace(repr(secret)[1:-1], "…")
    return text


def request_id_in(response: httpx.Response, request: httpx.Request | None = None) -> str | None:
    """The id under which Amazon knows the request, fit for a message; `request` where the response has none yet."""
    request_id = request_id_of(response)
    # Of the usual form, and so nearly always: it holds nothing else.
    usual = request_id is None or _USUAL_ID.fullmatch(request_id)
    return request_id if usual else heard(request_id, request or response.request)


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
    code, message = heard(said.code, response.request), heard(said.message, response.request)
    request_id, wait = request_id_in(response), parse_retry_after(response)
    answer = heard(instead, response.request) or " ".join(
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
        fault = _without(str(error), *_secrets_of(response.request))
    # Outside the handler: the frames below hold the answer's body.
    raise DecodeError(
        f"{call.doing}: {fault} ({response.status_code}, request id {request_id})",
        operation=call.operation.name,
        request_id=request_id,
    )
