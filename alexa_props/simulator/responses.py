"""Responses as data, and the four shapes of errors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

import attrs

__all__ = [
    "BEARER",
    "NO_STORE",
    "Dialect",
    "Headers",
    "Json",
    "Problem",
    "Response",
    "accepted",
    "allow",
    "aws_response",
    "endpoint_failures",
    "json_response",
    "no_content",
    "problem_response",
    "unmatched",
]

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"
Headers: TypeAlias = tuple[tuple[str, str], ...]
Dialect = Literal["smart_properties", "alerts", "for_business", "login"]
"""The shape of errors: `{type, message}`, `{errors: [...]}`, `{__type, message}`, or that of OAuth."""

BEARER = 'Bearer realm="Alexa Smart Properties"'
"""The challenge of a 401; an `error` is added if a token was sent and refused."""

NO_STORE: Headers = (("cache-control", "no-store"), ("pragma", "no-cache"))
"""Headers that OAuth requires on every response of the token endpoint."""

_JSON = "application/json"
_AWS_JSON = "application/x-amz-json-1.1"
_UNAUTHORIZED = 401

# Modeled errors spell their text "Message"; the generic errors of the protocol spell it "message".
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
        504: "GATEWAY_TIMEOUT",
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
# Documented for bulk deletions only; elsewhere a 504 may also be that of a gateway.
_DEFAULT_CODES["alerts"] = {**_DEFAULT_CODES["smart_properties"], 504: "DEVICE_NOT_REACHABLE"}
_OTHER_CODES: dict[Dialect, str] = {
    "smart_properties": "INTERNAL_SERVER_ERROR",
    "alerts": "INTERNAL_SERVER_ERROR",
    "for_business": "InternalFailure",
    "login": "server_error",
}
# AWS refuses a signature with 400 or 403, which have no challenge.
_CHALLENGES: dict[Dialect, Headers] = {
    "smart_properties": (("www-authenticate", BEARER),),
    "alerts": (("www-authenticate", BEARER),),
    "for_business": (),
    "login": (("www-authenticate", 'Basic realm="Login with Amazon"'),),
}


@attrs.frozen
class Response:
    """A complete HTTP response, before a fault changes how it is delivered."""

    status: int
    body: bytes = b""
    headers: Headers = ()


class Problem(Exception):
    """An error of the request as a whole. A handler raises it; the dialect of the request decides its body.

    Args:
        status: The status.
        message: Text for people.
        code: The error's name; the usual one for the status if not given.
        headers: Further headers, which replace the usual ones of the dialect and the status.
    """

    def __init__(self, status: int, message: str, code: str | None = None, *headers: tuple[str, str]) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers


def json_response(value: Json, status: int = 200, headers: Headers = (), content_type: str = _JSON) -> Response:
    """Return a response with a JSON body."""
    # Half a surrogate pair, which only a script can bring in, becomes JSON's escape for it.
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")
    return Response(status, body, (("content-type", content_type), *headers))


def aws_response(value: Json, status: int = 200, headers: Headers = ()) -> Response:
    """Return a response in AWS JSON 1.1."""
    return json_response(value, status, headers, _AWS_JSON)


def no_content(status: int = 204) -> Response:
    """Return an empty response with the content type that the service sends anyway."""
    return Response(status, b"", (("content-type", _JSON),))


def accepted() -> Response:
    """Return 202 without a body: the work is done elsewhere."""
    return Response(202)


def endpoint_failures(entries: Sequence[tuple[str, str, str]], status: int) -> Response:
    """Return the partial failure of a bulk deletion.

    Args:
        entries: One (code, endpoint id, description) for every device that failed.
        status: The status of the response.
    """
    errors = [{"code": code, "endpointId": endpoint, "description": text} for code, endpoint, text in entries]
    return json_response({"errors": errors}, status)


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


def problem_response(dialect: Dialect, problem: Problem) -> Response:
    """Return the response for an error."""
    status, message = problem.status, str(problem)
    usual = _CHALLENGES[dialect] if status == _UNAUTHORIZED else ()
    if dialect == "login":
        usual = (*usual, *NO_STORE)
    headers = tuple({**dict(usual), **dict(problem.headers)}.items())
    code = problem.code or _DEFAULT_CODES[dialect].get(status, _OTHER_CODES[dialect])
    match dialect:
        case "smart_properties":
            return json_response({"type": code, "message": message}, status, headers)
        case "alerts":
            return json_response({"errors": [{"code": code, "description": message}]}, status, headers)
        case "for_business":
            text = "Message" if code in _MODELED else "message"
            return aws_response({"__type": code, text: message}, status, headers)
        case "login":
            return json_response({"error": code, "error_description": message}, status, headers)
