"""Alexa for Business on the wire: AWS JSON 1.1, and what its answers mean.

Source: the service model of botocore 1.34.120, the last that has it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, Final

import httpx

from alexa_props import errors
from alexa_props.answer import Said, api_error, decoded, json_object, text_of
from alexa_props.codec import Codec, parse_http_date, pascal
from alexa_props.operation import Call, Operation, Verdict, request_of
from alexa_props.paging import Page

__all__ = ["PROTOCOL", "codec"]

codec: Final = Codec(pascal, dt.datetime.timestamp)

_TARGET: Final = "AlexaForBusiness."
_CONTENT_TYPE: Final = "application/x-amz-json-1.1"
_THROTTLED: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_TRANSIENT: Final = frozenset(
    {
        "InternalFailure",
        "InternalServerError",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    }
)
_TRANSIENT_STATUS: Final = frozenset({500, 502, 503, 504})
_KINDS: Final[Mapping[type[errors.ApiError], frozenset[str]]] = {
    errors.NotFound: frozenset({"NotFoundException"}),
    errors.Forbidden: frozenset({"AccessDenied", "AccessDeniedException", "NotAuthorized", "OptInRequired"}),
    errors.Unauthorized: frozenset(
        {
            "ExpiredToken",
            "ExpiredTokenException",
            "IncompleteSignature",
            "IncompleteSignatureException",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "RequestExpired",
            "SignatureDoesNotMatch",
            "UnauthorizedException",
            "UnrecognizedClientException",
        }
    ),
    errors.BadRequest: frozenset(
        {"RequestEntityTooLargeException", "SerializationException", "ValidationError", "ValidationException"}
    ),
    errors.Conflict: frozenset(
        {
            "AlreadyExistsException",
            "ConcurrentModificationException",
            "DeviceNotRegisteredException",
            "InvalidCertificateAuthorityException",
            "InvalidDeviceException",
            "InvalidSecretsManagerResourceException",
            "InvalidServiceLinkedRoleStateException",
            "InvalidUserStatusException",
            "LimitExceededException",
            "NameInUseException",
            "ResourceAssociatedException",
            "ResourceInUseException",
            "SkillNotLinkedException",
        }
    ),
    errors.Throttled: _THROTTLED,
    errors.ServerError: _TRANSIENT,
}
_BY_CODE: Final = {code: kind for kind, codes in _KINDS.items() for code in codes}
_BY_STATUS: Final[Mapping[int, type[errors.ApiError]]] = {
    400: errors.BadRequest,
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    413: errors.BadRequest,
    429: errors.Throttled,
}
_ADVICE: Final[Mapping[type[errors.ApiError], str]] = {
    errors.Unauthorized: "check the keys, the session token and the region that requests are signed for",
    errors.Forbidden: "check the permissions of the keys",
    errors.Throttled: "slow down",
}


class ForBusinessProtocol:
    """How calls become requests, and answers become verdicts, errors and models."""

    def request(self, call: Call, base_url: str, headers: Mapping[str, str]) -> httpx.Request:
        """The request that a call becomes: unset members are absent, never null."""
        body = {
            param.wire: call.arguments[param.argument]
            for param in call.operation.params
            if call.arguments.get(param.argument) is not None
        }
        sent = {"X-Amz-Target": f"{_TARGET}{call.operation.target}", "Content-Type": _CONTENT_TYPE, **headers}
        return request_of("POST", base_url + "/", sent, json.dumps(body).encode())

    def operation(self, request: httpx.Request) -> Operation:
        """Safe defaults: never repeated after it was sent, one rate limit for a target."""
        target = request.headers.get("X-Amz-Target", "").removeprefix(_TARGET)
        return Operation(target or f"{request.method} {request.url.path}", request.method, "/", idempotent=False)

    def verdict(self, call: Call, response: httpx.Response) -> Verdict:  # noqa: ARG002 - the interface's
        """What an answer means: the error's name counts, then the status."""
        if response.is_success:
            return Verdict.OK
        code = _code(response)
        if code in _THROTTLED or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            return Verdict.THROTTLED
        if code in _TRANSIENT or response.status_code in _TRANSIENT_STATUS:
            return Verdict.TRANSIENT
        return Verdict.FINAL

    def error(self, call: Call, response: httpx.Response) -> errors.ApiError:
        """The exception that an answer other than OK becomes."""
        code = _code(response)
        kind = _BY_CODE.get(code or "") or _BY_STATUS.get(
            response.status_code, errors.ServerError if response.is_server_error else errors.ApiError
        )
        said = Said(code, text_of(json_object(response), "message", "Message"))
        advice = _clock_advice(response) if code == "RequestExpired" else _ADVICE.get(kind, "")
        return api_error(kind, call, response, said, advice=advice)

    def decode(self, call: Call, response: httpx.Response) -> Any:
        """The model that an OK answer becomes."""
        return decoded(call, response, _model)


PROTOCOL: Final = ForBusinessProtocol()


def _model(operation: Operation, body: Any, request_id: str | None) -> Any:
    if not isinstance(body, dict):
        raise errors.DecodeError("the answer is not a JSON object")
    if operation.paging is not None:
        return _page(operation, operation.paging.items, body, request_id)
    if body.get(operation.member) is None:
        raise errors.DecodeError(f"the answer has no {operation.member}")
    return codec.structure(body[operation.member], operation.answer)


def _page(operation: Operation, items: str, body: dict[str, Any], request_id: str | None) -> Page[Any]:
    token, total = body.get("NextToken"), body.get("TotalCount")
    token = None if token == "" else token
    if token is not None and not isinstance(token, str):
        raise errors.DecodeError("the answer makes no sense: a string was expected @ NextToken")
    if body.get(items) is None and token is None:
        raise errors.DecodeError(f"the answer has no list {items!r} and no NextToken")
    return Page(
        codec.structure_all(body.get(items), operation.answer, items),
        token,
        None if total is None else codec.structure(total, int, "TotalCount"),
        request_id,
    )


def _code(response: httpx.Response) -> str | None:
    """The error's name, without the namespace before it and the address after it: `__type` wins over the header."""
    body = json_object(response)
    for name in (body.get("__type"), response.headers.get("x-amzn-errortype"), body.get("code")):
        if isinstance(name, str) and (bare := name.partition(":")[0].rpartition("#")[2].strip()):
            return bare
    return None


def _clock_advice(response: httpx.Response) -> str:
    """How far this machine's clock is from the service's, from what was signed and the `Date` of the answer."""
    theirs = parse_http_date(response.headers.get("date"))
    signed = response.request.headers.get("x-amz-date", "")
    try:
        ours = dt.datetime.strptime(signed, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    except ValueError:
        return "set this machine's clock"
    if theirs is None:
        return f"set this machine's clock: the request was signed at {ours:%Y-%m-%d %H:%M:%S} UTC"
    off = (ours - theirs).total_seconds()
    return (
        f"set this machine's clock: it is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} the service's, "
        f"which says {theirs:%Y-%m-%d %H:%M:%S} UTC"
    )
