"""Alexa Smart Properties on the wire: REST paths, JSON bodies, and what its answers mean.

Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/rest-api.html
"""

from __future__ import annotations

import datetime as dt
import json
import re
import types
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import httpx

from alexa_props import errors
from alexa_props.answer import Said, api_error, decoded, json_object, request_id_in, text_of
from alexa_props.codec import MOST_ITEMS, Codec, camel, is_oversized, require_bounded
from alexa_props.operation import Call, Operation, Verdict, request_of
from alexa_props.paging import Page
from alexa_props.redaction import Redactor, one_line
from alexa_props.settings import require_id

__all__ = ["PROTOCOL", "codec"]


def _iso(moment: dt.datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


codec: Final = Codec(camel, _iso)

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
_MOST_CODES: Final = 5
"""Codes that the message of a deletion names."""
_LONGEST_CODE: Final = 60
"""Characters of each."""
_BATCH: Final = 256
"""Failures that are searched for secrets together."""
# An id in a path: raw requests to one kind of thing share one rate limit, whichever thing it is.
_ID: Final = re.compile(r"(?<=/)(amzn1\.|~)[^/]*")


class SmartPropertiesProtocol:
    """How calls become requests, and answers become verdicts, errors and models."""

    def request(self, call: Call, base_url: str, headers: Mapping[str, str]) -> httpx.Request:
        """The request that a call becomes; raises `ConfigurationError` for an id that cannot be one."""
        operation, path, query, body = call.operation, call.operation.path, [], None
        for param in operation.params:
            value = call.arguments.get(param.argument)
            if param.where == "path":
                path = path.replace(f"{{{param.argument}}}", quote(require_id(param.argument, value), safe="~"))
            elif value is None:
                continue
            elif param.where == "query":
                values = value if isinstance(value, list | tuple) else [value]
                query += [f"{quote(param.wire or '', safe='~')}={quote(str(one), safe='~')}" for one in values]
            else:
                body = json.dumps(codec.unstructure(value), separators=(",", ":")).encode()
        url = f"{base_url}{path}?{'&'.join(query)}" if query else base_url + path
        sent = {"Accept": "application/json", **headers}
        if body is not None:
            sent["Content-Type"] = "application/json"
        elif operation.method == "POST":
            # Its length is sent all the same: there are servers that insist.
            body = b""
        return request_of(operation.method, url, sent, body)

    def operation(self, request: httpx.Request) -> Operation:
        """Safe defaults: idempotent by method, one rate limit for a method and a path without its ids."""
        path = _ID.sub("*", request.url.path)
        return Operation(f"{request.method} {path}", request.method, path, idempotent=request.method in _IDEMPOTENT)

    def verdict(self, call: Call, response: httpx.Response) -> Verdict:
        """What an answer means; one that names the endpoints on which it failed is a result, never repeated."""
        if response.status_code == httpx.codes.NO_CONTENT:
            return Verdict.OK
        if call.operation.per_endpoint and (is_oversized(response.content) or _is_result(response, _entries(response))):
            return Verdict.FINAL
        if response.is_success:
            return Verdict.OK
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            return Verdict.THROTTLED
        if _is_unreachable(call, response):
            return Verdict.FINAL
        return Verdict.TRANSIENT if response.status_code in _TRANSIENT else Verdict.FINAL

    def error(self, call: Call, response: httpx.Response) -> errors.AlexaError:
        """The exception that an answer other than OK becomes."""
        entries = _entries(response)
        if call.operation.per_endpoint and (is_oversized(response.content) or len(entries) > MOST_ITEMS):
            return _too_many_failures(call, response)
        if call.operation.per_endpoint and _is_result(response, entries):
            return _endpoint_failures(call, response, entries)
        said = _said(response)
        kind = _BY_STATUS.get(response.status_code, errors.ServerError if response.is_server_error else errors.ApiError)
        if call.operation.per_endpoint and said.code == "FORBIDDEN":
            kind = errors.Forbidden
        elif _is_unreachable(call, response):
            kind = errors.DeviceUnreachable
        return api_error(kind, call, response, said, advice=_ADVICE.get(kind, ""))

    def decode(self, call: Call, response: httpx.Response) -> Any:
        """The model that an OK answer becomes; None where there is no answer to read, 204 included (a list is empty).

        An `Operation.answer` that is no model is a function: it gets the parsed JSON, or each item of a page.
        """
        operation = call.operation
        if operation.answer is None:
            return None
        if response.status_code == httpx.codes.NO_CONTENT:
            return None if operation.paging is None else Page((), None, None, request_id_in(response))
        return decoded(call, response, _model)


PROTOCOL: Final = SmartPropertiesProtocol()

_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})


def _model(operation: Operation, body: Any, request_id: str | None) -> Any:
    reads = isinstance(operation.answer, types.FunctionType | types.MethodType)
    if operation.paging is None:
        return operation.answer(body) if reads else codec.structure(body, operation.answer)
    items = operation.paging.items
    if not isinstance(body, dict) or not isinstance(body.get(items), list):
        raise errors.DecodeError(f"the answer has no list {items!r}")
    found = body[items]
    if reads:
        require_bounded(found, items)
        read = tuple(map(operation.answer, found))
    else:
        read = codec.structure_all(found, operation.answer, items)
    return Page(read, _next_token(body, operation.paging.next_token), None, request_id)


def _next_token(body: Any, path: tuple[str, ...]) -> str | None:
    """The token at the end of `path`; the last page may lack it, hold null, or lack everything around it."""
    for name in path:
        body = body.get(name) if isinstance(body, dict) else None
    if body is not None and not isinstance(body, str):
        raise errors.DecodeError(f"{'.'.join(path)} is not a string")
    return body or None


def _entries(response: httpx.Response) -> list[dict[str, Any]]:
    """The errors of an answer: one more than can be read, if there are more."""
    entries = json_object(response).get("errors")
    if not isinstance(entries, list):
        return []
    return [entry for entry in entries[: MOST_ITEMS + 1] if isinstance(entry, dict)]


def _said(response: httpx.Response) -> Said:
    entries = _entries(response)
    body = entries[0] if entries else json_object(response)
    return Said(text_of(body, "code", "type", "error"), text_of(body, "message", "description"))


def _is_unreachable(call: Call, response: httpx.Response) -> bool:
    """Whether a 504 is about the device, and not about a gateway on the way to the service.

    On bulk deletions it is, as documented. On calls about one device that is inferred, so the body has to say it.
    """
    if response.status_code != httpx.codes.GATEWAY_TIMEOUT:
        return False
    operation = call.operation
    return operation.per_endpoint or (operation.subject == "endpoint_id" and _said(response).code in _UNREACHABLE)


def _is_result(response: httpx.Response, entries: list[dict[str, Any]]) -> bool:
    """Whether the errors tell how far a deletion got: they name endpoints, or they come with a success."""
    return any(text_of(entry, "endpointId") for entry in entries) or (response.is_success and bool(entries))


def _too_many_failures(call: Call, response: httpx.Response) -> errors.DecodeError:
    request_id = request_id_in(response)
    return errors.DecodeError(
        f"{call.doing}: {response.status_code}: the answer names more than {MOST_ITEMS:,} endpoints, too many to read "
        f"(request id {request_id}); calling again is safe, and so is calling for each unit below",
        operation=call.operation.name,
        request_id=request_id,
    )


def _endpoint_failures(call: Call, response: httpx.Response, entries: list[dict[str, Any]]) -> errors.ApiError:
    redactor = Redactor.of(response.request)
    codes = Counter(text_of(entry, "code") or "no code" for entry in entries)
    error = api_error(
        errors.EndpointFailures,
        call,
        response,
        # A code that not all share is nobody's.
        Said(text_of(entries[0], "code") if len(codes) == 1 else None, None),
        instead=f"failed on {len(entries)} endpoint(s): {_counted(codes, redactor)}",
        advice="see .failures; calling again is safe",
    )
    assert isinstance(error, errors.EndpointFailures)  # noqa: S101 - it is what was asked for
    error.failures = tuple(_failures(call.arguments["unit_id"], entries, redactor))
    return error


def _failures(unit_id: str, entries: list[dict[str, Any]], redactor: Redactor) -> Iterator[errors.EndpointFailure]:
    for start in range(0, len(entries), _BATCH):
        some = entries[start : start + _BATCH]
        texts = ([text_of(entry, name) or "" for entry in some] for name in ("endpointId", "code", "description"))
        for endpoint_id, code, description in zip(*map(redactor.redact_all, texts), strict=True):
            yield errors.EndpointFailure(
                unit_id, endpoint_id or None, one_line(code) or None, one_line(description) or None
            )


def _counted(codes: Counter[str], redactor: Redactor) -> str:
    """How many of each code there are; of very many codes, those that are most frequent."""
    named = codes.items() if len(codes) <= _MOST_CODES else codes.most_common(_MOST_CODES)
    more = f" and {len(codes) - _MOST_CODES:,} other codes" if len(codes) > _MOST_CODES else ""
    return ", ".join(f"{count} {redactor.sanitize(code, _LONGEST_CODE)}" for code, count in named) + more
