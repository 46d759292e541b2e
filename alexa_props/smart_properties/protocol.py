"""Alexa Smart Properties on the wire: REST paths, JSON bodies, and what its responses mean.

Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/rest-api.html
"""

from __future__ import annotations

import datetime as dt
import enum
import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import quote, unquote

import attrs
import httpx

from alexa_props import errors
from alexa_props.arguments import require_limits, require_list, require_text
from alexa_props.call import Call, ResponseClass
from alexa_props.codec import MAX_ITEMS, Codec, camel
from alexa_props.operation import Listing, Model, Operation
from alexa_props.paging import Page
from alexa_props.redaction import SENT, Redactor, remember_sent_secrets
from alexa_props.responses import (
    ErrorBody,
    api_error,
    decode_json,
    first_string,
    is_oversized,
    json_object,
    request_id_in,
)
from alexa_props.settings import Secret, is_number
from alexa_props.smart_properties.batch import BatchResult
from alexa_props.smart_properties.failures import endpoint_failures, error_entries, is_result, too_many_failures
from alexa_props.wire import build_request, dump_json

__all__ = ["EXPAND", "PROTOCOL", "codec", "member", "numbered", "optional_member", "page_of", "plain_text", "present"]

T = TypeVar("T")


def _iso(moment: dt.datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


codec: Final = Codec(camel, _iso)


class _Expand(enum.StrEnum):
    ALL = "all"


EXPAND: Final = {"expand": _Expand}
"""The choices of rows that take `expand="all"`."""

_PAGING: Final = {"page_size": "maxResults", "next_token": "nextToken"}

_TRANSIENT: Final = frozenset({408, 500, 502, 503, 504})
_BY_STATUS: Final[Mapping[int, type[errors.ApiError]]] = {
    400: errors.BadRequest,
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    429: errors.Throttled,
}
_ADVICE: Final[Mapping[type[errors.ApiError], str]] = {
    errors.Unauthorized: "check the credentials, and that the account has granted this client access",
    errors.Forbidden: "check the id (ids are minted per client) and the roles of the account",
    errors.Throttled: "slow down",
    errors.DeviceUnreachable: "try again when the device is online",
}
_UNREACHABLE: Final = frozenset({"DEVICE_UNREACHABLE", "DEVICE_NOT_REACHABLE"})
# An id in a path: raw requests to one kind of thing share one rate limit and one name in telemetry, whichever thing it
# is. Every segment with a digit is one, except a version.
_ID: Final = re.compile(r"(?<=/)(?!v\d+/)(amzn1\.|~|[^/]*\d)[^/]*")


class SmartPropertiesProtocol:
    """How calls become requests, and responses become response classes, errors and models."""

    def request(self, call: Call, base_url: str, headers: Mapping[str, str]) -> httpx.Request:
        """Return the request that a call becomes."""
        operation, path, query = call.operation, call.operation.path, list[str]()
        body: Any = None
        for name, value in call.arguments.items():
            if name in operation.path_parameters:
                path = path.replace(f"{{{name}}}", quote(value, safe="~"))
            elif name == "subject":
                continue
            elif operation.is_query(name):
                if value is not None:
                    wire = quote(_wire_name(operation, name), safe="~")
                    query += [f"{wire}={quote(_query_text(name, one), safe='~')}" for one in _values(value)]
            elif name == "body":
                body = codec.unstructure(value)
            else:
                body = {} if body is None else body
                _write(body, operation, name, value)
        url = f"{base_url}{path}?{'&'.join(query)}" if query else base_url + path
        sent = {"Accept": "application/json", **headers}
        if body is not None:
            sent["Content-Type"] = "application/json"
            secrets: list[Secret] = []
            request = build_request(operation.method, url, sent, dump_json(body, secrets))
            remember_sent_secrets(request, secrets)
            return request
        # Some servers insist on the length of a POST without a body.
        return build_request(operation.method, url, sent, b"" if operation.method == "POST" else None)

    def operation(self, request: httpx.Request) -> Operation[Any]:
        """Return safe defaults: idempotent by method, one rate limit per method and path without its ids."""
        path = _ID.sub("*", request.url.path)
        name, method = f"{request.method} {path}", request.method
        return Operation(name=name, method=method, path=path, idempotent=method in _IDEMPOTENT)

    def classify(self, call: Call, response: httpx.Response) -> ResponseClass:
        """Return what a response means. One that names the endpoints on which it failed is a result, never repeated."""
        if response.status_code == httpx.codes.NO_CONTENT:
            return ResponseClass.OK
        if call.operation.per_endpoint and (
            is_oversized(response.content) or is_result(response, error_entries(response))
        ):
            return ResponseClass.FINAL
        if response.is_success:
            return ResponseClass.OK
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            return ResponseClass.THROTTLED
        if _is_unreachable(call, response):
            return ResponseClass.FINAL
        return ResponseClass.TRANSIENT if response.status_code in _TRANSIENT else ResponseClass.FINAL

    def error(self, call: Call, response: httpx.Response) -> errors.AlexaError:
        """Return the exception that a response other than OK becomes."""
        entries = error_entries(response)
        if call.operation.per_endpoint and (is_oversized(response.content) or len(entries) > MAX_ITEMS):
            return too_many_failures(call, response)
        if call.operation.per_endpoint and is_result(response, entries):
            return endpoint_failures(call, response, entries)
        body = _error_body(response)
        kind = _BY_STATUS.get(response.status_code, errors.ServerError if response.is_server_error else errors.ApiError)
        if call.operation.per_endpoint and body.code == "FORBIDDEN":
            kind = errors.Forbidden
        elif _is_unreachable(call, response):
            kind = errors.DeviceUnreachable
        advice = _ADVICE.get(kind, "")
        if call.operation.scope is not None and kind in (errors.Unauthorized, errors.Forbidden):
            scope = call.operation.scope
            advice += f"; it also needs the scope {scope}: ask for it at the login (alexa-props login --scope {scope})"
        return api_error(kind, call, response, body, advice=advice)

    def decode(self, call: Call, response: httpx.Response) -> Any:
        """Return what an OK response becomes: a model, a page, or None."""
        operation = call.operation
        if isinstance(operation, Listing):
            if response.status_code == httpx.codes.NO_CONTENT:
                return Page((), request_id=request_id_in(response))
            return decode_json(call, response, functools.partial(_page, operation))
        if operation.model is None:
            return None
        if operation.nullable and _is_empty(operation, response):
            return None
        created = _id_in_location(response) if operation.in_location else None
        if created is not None:
            return codec.read({"id": created}, operation.model)
        sent: tuple[Secret, ...] = response.request.extensions.get(SENT, ())
        value = decode_json(call, response, functools.partial(_read, operation.model, sent))
        return _batch_result(value, call, response) if isinstance(value, BatchResult) else value


PROTOCOL: Final = SmartPropertiesProtocol()

_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})


def plain_text(argument: str, text: str, most: int | None = None) -> dict[str, object]:
    """Return a name as the wire wraps it; raises `ConfigurationError` if it is empty, too long or cannot be sent."""
    if not isinstance(text, str) or not text:
        raise errors.ConfigurationError(f"{argument} must be a non-empty string, not {text!r:.80}")
    require_limits(argument, text, 1, most)
    return {"type": "PLAIN", "value": {"text": require_text(argument, text)}}


def numbered(argument: str, items: Iterable[object], most: int | None = None) -> list[dict[str, object]]:
    """Return the items of a batch, each with its position as `itemId`, by which the response names it.

    Args:
        argument: For messages.
        items: Models, or mappings with the service's names.
        most: The documented number of items in a batch; None does not limit it.

    Raises:
        ConfigurationError: It is not a list, or empty, or has too many items, or an item cannot be sent.

    """
    listed: tuple[object, ...] = require_list(argument, items, 1, most)
    return [{"itemId": number, **_written(f"{argument}[{number}]", item)} for number, item in enumerate(listed)]


def present(**members: Any) -> dict[str, Any]:
    """Return the members that are not None, under the service's names."""
    return {camel(name): value for name, value in members.items() if value is not None}


def _batch_result(result: BatchResult, call: Call, response: httpx.Response) -> BatchResult:
    """Return a result with what it is about, and texts that errors may quote."""
    clean = Redactor.of(response.request).sanitize
    items = (attrs.evolve(each, code=clean(each.code), message=clean(each.message)) for each in result.items)
    return attrs.evolve(result, items=tuple(items), operation=call.operation.name, request_id=request_id_in(response))


def optional_member(name: str) -> Callable[[Any], str | None]:
    """Return a model that reads one string of a response whose form is not documented; None if it is missing."""

    def read(body: Any) -> str | None:
        if not isinstance(body, dict):
            raise errors.DecodeError("the response is not an object")
        return first_string(body, name)

    return read


def member(name: str) -> Callable[[Any], str]:
    """Return a model that reads one string of a response, such as the id of what was created."""

    def read(body: Any) -> str:
        found = first_string(body, name)
        if found is None:
            raise errors.DecodeError(f"the response has no {name}")
        return found

    return read


def page_of(item: Model[T]) -> Callable[[Any], Page[T]]:
    """Return a model that reads a list without documented paging. A next token is followed anyway."""

    def read(body: Any) -> Page[T]:
        if not isinstance(body, dict) or not isinstance(body.get("results"), list):
            raise errors.DecodeError("the response has no list 'results'")
        token = first_string(body.get("paginationContext"), "nextToken")
        return Page(codec.read_all(body["results"], item, "results"), token)

    return read


def _written(argument: str, item: object) -> dict[str, object]:
    try:
        written = codec.unstructure(item)
    except errors.ConfigurationError as error:
        raise errors.ConfigurationError(f"{argument}: {error}") from None
    except ValueError as error:
        raise errors.ConfigurationError(f"{argument} cannot be sent: {error}") from None
    if not isinstance(written, dict):
        raise errors.ConfigurationError(f"{argument} must be a model or a mapping, not {item!r:.80}")
    return written


def _wire_name(operation: Operation[Any], argument: str) -> str:
    return operation.wire.get(argument) or _PAGING.get(argument) or camel(argument)


def _values(value: Any) -> Iterable[Any]:
    return value if isinstance(value, tuple) else (value,)


def _query_text(argument: str, value: object) -> str:
    plain = value if type(value) is str else _plain(argument, value)
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, str) or is_number(plain):
        return str(plain)
    raise errors.ConfigurationError(
        f"{argument} must be a string, number, boolean or time, or a list of these, not {value!r:.80}"
    )


def _write(body: dict[str, Any], operation: Operation[Any], name: str, value: object) -> None:
    """Put an argument into a body. A list that is read by POST has its page size and token in an object."""
    if value is None:
        return
    place = body.setdefault("paginationContext", {}) if name in _PAGING else body
    place[_wire_name(operation, name)] = _plain(name, value)


def _plain(argument: str, value: object) -> Any:
    """Return a value as plain data; raises `ValueError` that names the argument."""
    try:
        return codec.unstructure(value)
    except errors.ConfigurationError:
        raise
    except ValueError as error:
        raise ValueError(f"{argument}: {error}") from None


def _is_empty(operation: Operation[Any], response: httpx.Response) -> bool:
    """Return whether a success has no body. A read says so with a 204; what a write returns is often not documented."""
    return response.status_code == httpx.codes.NO_CONTENT or (operation.method != "GET" and not response.content)


def _read(model: Model[T], sent: tuple[Secret, ...], body: Any, _: str | None) -> T:
    # The text of an error about an item may repeat its secret.
    return codec.read(Redactor(*sent).redact_json(body) if sent else body, model)


def _id_in_location(response: httpx.Response) -> str | None:
    """Return the id in the `Location` header: the last segment of its path; None if the body has the id too."""
    if response.status_code != httpx.codes.NO_CONTENT and first_string(json_object(response), "id"):
        return None
    path = response.headers.get("Location", "").partition("?")[0]
    return unquote(path.rstrip("/").rpartition("/")[2]) or None


def _page(listing: Listing[T], body: Any, request_id: str | None) -> Page[T]:
    if not isinstance(body, dict) or not isinstance(body.get(listing.items), list):
        raise errors.DecodeError(f"the response has no list {listing.items!r}")
    items = codec.read_all(body[listing.items], listing.item, listing.items)
    return Page(items, _next_token(body, listing.next_token), None, request_id)


def _next_token(body: Any, path: tuple[str, ...]) -> str | None:
    """Return the token at `path`. The last page may lack it, hold null, or lack everything around it."""
    for name in path:
        body = body.get(name) if isinstance(body, dict) else None
    if body is not None and not isinstance(body, str):
        raise errors.DecodeError(f"{'.'.join(path)} is not a string")
    return body or None


def _error_body(response: httpx.Response) -> ErrorBody:
    entries = error_entries(response)
    body = entries[0] if entries else json_object(response)
    return ErrorBody(first_string(body, "code", "type", "error"), first_string(body, "message", "description"))


def _is_unreachable(call: Call, response: httpx.Response) -> bool:
    """Return whether a 504 is about a device, and not about a gateway in front of the service.

    On bulk deletions it is, as documented. On other calls that is inferred, so the body has to say it.
    """
    if response.status_code != httpx.codes.GATEWAY_TIMEOUT:
        return False
    return call.operation.per_endpoint or _error_body(response).code in _UNREACHABLE
