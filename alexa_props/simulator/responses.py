"""Answers as data, and the four shapes in which the services report an error."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

import attrs

__all__ = [
    "BEARER",
    "NO_STORE",
    "Answer",
    "Dialect",
    "Headers",
    "Json",
    "accepted",
    "allow",
    "failures",
    "json_answer",
    "no_content",
    "problem",
    "unmatched",
]

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"
Headers: TypeAlias = tuple[tuple[str, str], ...]
Dialect = Literal["smart_properties", "alerts", "for_business", "login"]
"""Which error body is spoken: `{type, message}`, `{errors: [...]}`, `{__type, message}` or OAuth's."""

BEARER = 'Bearer realm="Alexa Smart Properties"'
"""The challenge of a 401; a token that was sent and refused adds its error."""

NO_STORE: Headers = (("cache-control", "no-store"), ("pragma", "no-cache"))
"""Headers that OAuth requires on every response of the token endpoint."""

_JSON = "application/json"
_AWS_JSON = "application/x-amz-json-1.1"
_UNAUTHORIZED = 401

# Errors of the service model spell their text "Message"; the generic ones of the protocol spell it "message".
_MODELED = frozenset({"NotFoundException"})

_DEFAULT_CODES: dict[Dialect, dict[int, str]] = {
    "smart_properties": {
        400: "BAD_REQUEST",
        401: "UNAUTHORIZED",
        403: "FORBIDDEN",
        404: "NOT_FOUND",
        405: "METHOD_NOT_ALLOWED",
        429: "TOO_MANY_REQUESTS",
        503: "SERVICE_UNAVAILABLE",
        504: "DEVICE_NOT_REACHABLE",
    },
    "for_business": {
        400: "ValidationException",
        403: "AccessDeniedException",
        404: "NotFoundException",
        405: "METHOD_NOT_ALLOWED",
        429: "ThrottlingException",
        503: "ServiceUnavailable",
    },
    "login": {
        400: "invalid_request",
        401: "invalid_client",
        405: "invalid_request",
        503: "temporarily_unavailable",
    },
}
_DEFAULT_CODES["alerts"] = _DEFAULT_CODES["smart_properties"]
_OTHERWISE: dict[Dialect, str] = {
    "smart_properties": "INTERNAL_SERVER_ERROR",
    "alerts": "INTERNAL_SERVER_ERROR",
    "for_business": "InternalFailure",
    "login": "server_error",
}
# AWS answers a refused signature with 400 or 403, which have no challenge.
_CHALLENGES: dict[Dialect, Headers] = {
    "smart_properties": (("www-authenticate", BEARER),),
    "alerts": (("www-authenticate", BEARER),),
    "for_business": (),
    "login": (("www-authenticate", 'Basic realm="Login with Amazon"'),),
}


@attrs.frozen
class Answer:
    """A whole HTTP answer, before a fault may get at it."""

    status: int
    body: bytes = b""
    headers: Headers = ()


def json_answer(value: Json, status: int = 200, headers: Headers = (), content_type: str = _JSON) -> Answer:
    """An answer with a JSON body."""
    # Half a surrogate pair, which only a script can bring in, becomes the escape that JSON has for it.
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")
    return Answer(status, body, (("content-type", content_type), *headers))


def aws_answer(value: Json, status: int = 200, headers: Headers = ()) -> Answer:
    """An answer in AWS's JSON 1.1."""
    return json_answer(value, status, headers, _AWS_JSON)


def no_content() -> Answer:
    """204, with the content type that the service sends even so."""
    return Answer(204, b"", (("content-type", _JSON),))


def accepted() -> Answer:
    """202 without a body: what is asked for happens somewhere else."""
    return Answer(202)


def failures(entries: Sequence[tuple[str, str, str]], status: int) -> Answer:
    """The partial failure of a bulk deletion.

    Args:
        entries: One (code, endpoint id, description) for every device that failed.
        status: The status of the whole.
    """
    errors = [{"code": code, "endpointId": endpoint, "description": text} for code, endpoint, text in entries]
    return json_answer({"errors": errors}, status)


def unmatched(part: Literal["path", "method", "target"]) -> tuple[str, str]:
    """Return the header that marks a request as matching no operation, unlike one about an unknown id.

    Args:
        part: What matched nothing: the path, the method at a known path, or `X-Amz-Target`.
    """
    return "x-simulator-unmatched", part


def allow(methods: Iterable[str]) -> tuple[str, str]:
    """Return the header that lists the methods of a path; GET implies HEAD."""
    known = set(methods)
    return "allow", ", ".join(sorted(known | {"HEAD"} if "GET" in known else known))


def problem(dialect: Dialect, status: int, message: str, code: str | None = None, headers: Headers = ()) -> Answer:
    """An error of the request as a whole.

    Args:
        dialect: Which error body.
        status: The status.
        message: Text for a person.
        code: The error's name; the usual one of that status when not given.
        headers: Further headers; they take the place of the usual ones of that dialect and status.
    """
    usual = _CHALLENGES[dialect] if status == _UNAUTHORIZED else ()
    if dialect == "login":
        usual = (*usual, *NO_STORE)
    headers = tuple({**dict(usual), **dict(headers)}.items())
    name = code or _DEFAULT_CODES[dialect].get(status, _OTHERWISE[dialect])
    match dialect:
        case "smart_properties":
            return json_answer({"type": name, "message": message}, status, headers)
        case "alerts":
            return json_answer({"errors": [{"code": name, "description": message}]}, status, headers)
        case "for_business":
            text = "Message" if name in _MODELED else "message"
            return aws_answer({"__type": name, text: message}, status, headers)
        case "login":
            return json_answer({"error": name, "error_description": message}, status, headers)
