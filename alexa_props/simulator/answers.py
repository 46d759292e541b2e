"""Answers as data, and the four shapes in which the services report an error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import attrs

__all__ = ["Answer", "Dialect", "Headers", "Json", "accepted", "failures", "json_answer", "no_content", "problem"]

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"
Headers: TypeAlias = tuple[tuple[str, str], ...]
Dialect = Literal["smart_properties", "alerts", "for_business", "login"]
"""Which error body is spoken: `{type, message}`, `{errors: [...]}`, `{__type, message}` or OAuth's."""

_JSON = "application/json"
_AWS_JSON = "application/x-amz-json-1.1"

# Errors of the service model spell their text "Message"; the generic ones of the protocol spell it "message".
_MODELED = frozenset({"NotFoundException"})

_DEFAULT_CODES: dict[Dialect, dict[int, str]] = {
    "smart_properties": {
        400: "BAD_REQUEST",
        401: "UNAUTHORIZED",
        403: "FORBIDDEN",
        404: "NOT_FOUND",
        429: "TOO_MANY_REQUESTS",
        503: "SERVICE_UNAVAILABLE",
        504: "DEVICE_NOT_REACHABLE",
    },
    "for_business": {
        400: "ValidationException",
        403: "AccessDeniedException",
        404: "NotFoundException",
        429: "ThrottlingException",
        503: "ServiceUnavailable",
    },
    "login": {400: "invalid_request", 401: "invalid_client", 503: "temporarily_unavailable"},
}
_DEFAULT_CODES["alerts"] = _DEFAULT_CODES["smart_properties"]
_OTHERWISE: dict[Dialect, str] = {
    "smart_properties": "INTERNAL_SERVER_ERROR",
    "alerts": "INTERNAL_SERVER_ERROR",
    "for_business": "InternalFailure",
    "login": "server_error",
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


def problem(dialect: Dialect, status: int, message: str, code: str | None = None, headers: Headers = ()) -> Answer:
    """An error of the request as a whole.

    Args:
        dialect: Which error body.
        status: The status.
        message: Text for a person.
        code: The error's name; the usual one of that status when not given.
        headers: Further headers.
    """
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
