"""Alexa for Business on the wire: AWS JSON 1.1, and what its responses mean.

Source: the service model of botocore 1.34.120, the last that has it.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import attrs
import httpx

from alexa_props import errors
from alexa_props.call import Call, ResponseClass
from alexa_props.codec import Codec, pascal
from alexa_props.operation import Listing, Model, Operation
from alexa_props.paging import Page
from alexa_props.responses import ErrorBody, api_error, decode_json, first_string, json_object, parse_http_date
from alexa_props.wire import build_request, dump_json

__all__ = ["PROTOCOL", "Actions", "codec"]

T = TypeVar("T")
Row = TypeVar("Row", bound=Operation[Any])

MAX_PAGE_SIZE: Final = 50
_SOURCE: Final = "https://github.com/boto/botocore/tree/1.34.120/botocore/data/alexaforbusiness/2017-11-09"
_WIRE: Final = {"page_size": "MaxResults", "sort": "SortCriteria"}

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
    """How calls become requests, and responses become response classes, errors and models."""

    def request(self, call: Call, base_url: str, headers: Mapping[str, str]) -> httpx.Request:
        """Return the request that a call becomes. Unset members are absent, never null."""
        operation = call.operation
        body = {
            operation.wire.get(name) or pascal(name): codec.unstructure(value)
            for name, value in call.arguments.items()
            if value is not None and name != "subject"
        }
        sent = {"X-Amz-Target": f"{_TARGET}{operation.target}", "Content-Type": _CONTENT_TYPE, **headers}
        return build_request("POST", base_url + "/", sent, dump_json(body))

    def operation(self, request: httpx.Request) -> Operation[Any]:
        """Return safe defaults: never repeated after it was sent, one rate limit per target."""
        target = request.headers.get("X-Amz-Target", "").removeprefix(_TARGET)
        name = target or f"{request.method} {request.url.path}"
        return Operation(name=name, method=request.method, path="/", idempotent=False)

    def classify(self, call: Call, response: httpx.Response) -> ResponseClass:  # noqa: ARG002 - the interface's
        """Return what a response means: the error's name counts, then the status."""
        if response.is_success:
            return ResponseClass.OK
        code = _code(response)
        if code in _THROTTLED or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            return ResponseClass.THROTTLED
        if code in _TRANSIENT or response.status_code in _TRANSIENT_STATUS:
            return ResponseClass.TRANSIENT
        return ResponseClass.FINAL

    def error(self, call: Call, response: httpx.Response) -> errors.ApiError:
        """Return the exception that a response other than OK becomes."""
        code = _code(response)
        kind = _BY_CODE.get(code or "") or _BY_STATUS.get(
            response.status_code, errors.ServerError if response.is_server_error else errors.ApiError
        )
        body = ErrorBody(code, first_string(json_object(response), "message", "Message"))
        advice = _clock_advice(response) if code == "RequestExpired" else _ADVICE.get(kind, "")
        return api_error(kind, call, response, body, advice=advice)

    def decode(self, call: Call, response: httpx.Response) -> Any:
        """Return what an OK response becomes: a model, a page, or None."""
        operation = call.operation
        if isinstance(operation, Listing):
            return decode_json(call, response, functools.partial(_page, operation))
        if operation.model is None:
            return None
        return decode_json(call, response, functools.partial(_read, operation.model, operation.member))


PROTOCOL: Final = ForBusinessProtocol()


@attrs.frozen
class Actions:
    """The operations of one API group: its methods add a row each. All of them read, so all are idempotent."""

    name: str
    """Name of the group, such as "devices"."""
    _rows: list[Operation[Any]] = attrs.field(factory=list, init=False, repr=False)

    @property
    def operations(self) -> tuple[Operation[Any], ...]:
        """All rows, in order."""
        return tuple(self._rows)

    def get(self, name: str, target: str, model: Model[T], *, required: str) -> Operation[T]:
        """Read one thing, from the member of the response that has the target's name without "Get"."""
        member = target.removeprefix("Get")
        return self._add(Operation, name, target, model=model, member=member, required=(required,))

    def list(self, name: str, target: str, item: Model[T], *, items: str, required: tuple[str, ...] = ()) -> Listing[T]:
        """Read a page of a list."""
        return self._add(
            Listing[T],
            name,
            target,
            item=item,
            items=items,
            next_token=("NextToken",),
            required=required,
            wire=_WIRE,
            max_page_size=MAX_PAGE_SIZE,
        )

    def _add(self, kind: Callable[..., Row], name: str, target: str, **fields: Any) -> Row:
        name = f"{self.name}.{name}"
        row = kind(name=name, method="POST", path="/", idempotent=True, target=target, source=_SOURCE, **fields)
        self._rows.append(row)
        return row


def _require_object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise errors.DecodeError("the response is not a JSON object")
    return body


def _read(model: Model[T], member: str | None, body: Any, _: str | None) -> T:
    found = _require_object(body) if member is None else _require_object(body).get(member)
    if found is None:
        raise errors.DecodeError(f"the response has no {member}")
    return codec.read(found, model)


def _page(listing: Listing[T], body: Any, request_id: str | None) -> Page[T]:
    body = _require_object(body)
    items, token, total = body.get(listing.items), body.get("NextToken") or None, body.get("TotalCount")
    if token is not None and not isinstance(token, str):
        raise errors.DecodeError("invalid response: a string was expected @ NextToken")
    if items is None and token is None:
        raise errors.DecodeError(f"the response has no list {listing.items!r} and no NextToken")
    return Page(
        codec.read_all(items, listing.item, listing.items),
        token,
        None if total is None else codec.structure(total, int, "TotalCount"),
        request_id,
    )


def _code(response: httpx.Response) -> str | None:
    """Return the error's name, without namespace and address. `__type` takes precedence over the header."""
    body = json_object(response)
    for name in (body.get("__type"), response.headers.get("x-amzn-errortype"), body.get("code")):
        if isinstance(name, str) and (bare := name.partition(":")[0].rpartition("#")[2].strip()):
            return bare
    return None


def _clock_advice(response: httpx.Response) -> str:
    """Return how far this machine's clock is off, from the signed time and the `Date` of the response."""
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
