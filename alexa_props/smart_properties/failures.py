"""Errors that name the endpoints on which a bulk deletion failed: a result, not a failure of the call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import httpx

from alexa_props import errors
from alexa_props.call import Call
from alexa_props.codec import MAX_ITEMS
from alexa_props.redaction import Redactor, one_line
from alexa_props.responses import ErrorBody, api_error, first_string, json_object, request_id_in

__all__ = ["endpoint_failures", "error_entries", "is_result", "too_many_failures"]

_MOST_CODES: Final = 5
"""Codes that the message of a deletion names."""
_LONGEST_CODE: Final = 60
"""Characters of each."""
_BATCH: Final = 256
"""Failures that are searched for secrets together."""


def error_entries(response: httpx.Response) -> list[dict[str, Any]]:
    """Return the errors in a response: one more than can be read, if there are more."""
    entries = json_object(response).get("errors")
    if not isinstance(entries, list):
        return []
    return [entry for entry in entries[: MAX_ITEMS + 1] if isinstance(entry, dict)]


def is_result(response: httpx.Response, entries: list[dict[str, Any]]) -> bool:
    """Return whether the errors are the result of a deletion: they name endpoints, or they come with a success."""
    return any(first_string(entry, "endpointId") for entry in entries) or (response.is_success and bool(entries))


def too_many_failures(call: Call, response: httpx.Response) -> errors.DecodeError:
    """Return the error for a response that names more endpoints than can be read."""
    request_id = request_id_in(response)
    return errors.DecodeError(
        f"{call.description}: {response.status_code}: the response names more than {MAX_ITEMS:,} "
        f"endpoints, too many to read (request id {request_id}); calling again is safe, also for each unit below it",
        operation=call.operation.name,
        request_id=request_id,
    )


def endpoint_failures(call: Call, response: httpx.Response, entries: list[dict[str, Any]]) -> errors.ApiError:
    """Return the error that lists the endpoints on which a deletion failed."""
    redactor = Redactor.of(response.request)
    codes = Counter(first_string(entry, "code") or "no code" for entry in entries)
    error = api_error(
        errors.EndpointFailures,
        call,
        response,
        # A code that not all share is not the code of the whole.
        ErrorBody(first_string(entries[0], "code") if len(codes) == 1 else None, None),
        instead=f"failed on {len(entries)} endpoint(s): {_counted(codes, redactor)}",
        advice="see .failures; calling again is safe",
    )
    assert isinstance(error, errors.EndpointFailures)  # noqa: S101 - the class passed to api_error
    error.failures = tuple(_failures(call.arguments, entries, redactor))
    return error


def _failures(
    arguments: Mapping[str, Any], entries: list[dict[str, Any]], redactor: Redactor
) -> Iterator[errors.EndpointFailure]:
    unit_id, only_endpoint = arguments.get("unit_id"), arguments.get("endpoint_id")
    for start in range(0, len(entries), _BATCH):
        some = entries[start : start + _BATCH]
        texts = ([first_string(entry, name) or "" for entry in some] for name in ("endpointId", "code", "description"))
        for endpoint_id, code, description in zip(*map(redactor.redact_all, texts), strict=True):
            yield errors.EndpointFailure(
                unit_id, endpoint_id or only_endpoint, one_line(code) or None, one_line(description) or None
            )


def _counted(codes: Counter[str], redactor: Redactor) -> str:
    """Return how many of each code there are; of very many codes, only the most frequent."""
    named = codes.items() if len(codes) <= _MOST_CODES else codes.most_common(_MOST_CODES)
    more = f" and {len(codes) - _MOST_CODES:,} other codes" if len(codes) > _MOST_CODES else ""
    return ", ".join(f"{count} {redactor.sanitize(code, _LONGEST_CODE)}" for code, count in named) + more
