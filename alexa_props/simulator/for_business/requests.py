"""What handlers of Alexa for Business share: reading bodies, pages and searches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from alexa_props.simulator.context import Context
from alexa_props.simulator.for_business.search import LONGEST_TOKEN, Keys, criteria, search, size, text
from alexa_props.simulator.paging import TokenRefused
from alexa_props.simulator.responses import Json, Problem, Response, aws_response
from alexa_props.simulator.store import Key

__all__ = ["SEARCHES", "body_members", "page", "search_page"]

T = TypeVar("T")

CONTENT_TYPE = "application/x-amz-json-1.1"

SEARCHES: Key[dict[object, object]] = Key("searches", lambda _: {})
"""Results of searches, so that all pages of one search cost one search."""

_MOST_SEARCHES = 32


def body_members(context: Context) -> Mapping[str, object]:
    """Return the members of the body."""
    if context.headers.get("content-type", "").partition(";")[0].strip().lower() != CONTENT_TYPE:
        raise Problem(400, "There is no such operation for this content type.", "UnknownOperationException")
    if not isinstance(context.json, dict):
        raise Problem(400, "The body is not a JSON object.", "SerializationException")
    return context.json


def page(
    context: Context,
    find: Callable[[], Sequence[T]],
    render: Callable[[T], Json],
    *,
    query: object,
    member: str,
    counted: bool = False,
) -> Response:
    """Return the page of a list that a request asks for.

    Args:
        context: The request.
        find: Returns the whole list. It is not called if the request is invalid.
        render: Returns an item as JSON.
        query: Everything that the list depends on, except for the page size.
        member: The name of the list in the response.
        counted: Whether the response has a `TotalCount`.
    """
    body, pagination = body_members(context), context.service.pagination
    number, key = size(body), (context.operation, query)
    try:
        position = pagination.locate(key, text(body, "NextToken", LONGEST_TOKEN))
    except TokenRefused as refused:
        raise Problem(400, f"NextToken: {refused}.") from None
    found = find()
    cut = pagination.cut(key, position, found, number)
    response: dict[str, Json] = {member: [render(item) for item in cut.items]}
    if cut.next_token is not None:
        response["NextToken"] = cut.next_token
    elif context.service.end_of_list != "absent":
        response["NextToken"] = None if context.service.end_of_list == "null" else ""
    if counted:
        response["TotalCount"] = len(found)
    return aws_response(response)


def search_page(
    context: Context, items: Sequence[T], render: Callable[[T], Json], *, keys: Keys, member: str
) -> Response:
    """Return the page of a search that a request asks for."""
    filters, sorts = criteria(body_members(context), keys)
    service = context.service

    def find() -> Sequence[T]:
        if not filters and not sorts:
            return items
        key, searches = (context.operation, filters, sorts, service.inventory.version), service.store[SEARCHES]
        found = searches.get(key)
        if not isinstance(found, list):
            found = search(items, keys, filters, sorts)
            while len(searches) >= _MOST_SEARCHES:
                del searches[next(iter(searches))]
            searches[key] = found
        return found

    return page(context, find, render, query=(filters, sorts), member=member, counted=True)
