"""Users of Alexa for Business."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from alexa_props.client import Resource
from alexa_props.for_business.protocol import Actions
from alexa_props.for_business.search import search_arguments
from alexa_props.paging import Pager

__all__ = ["FILTER_KEYS", "OPERATIONS", "SORT_KEYS", "EnrollmentStatus", "User", "Users"]

FILTER_KEYS: Final = ("UserId", "FirstName", "LastName", "Email", "EnrollmentStatus")
"""Keys that `Users.search` filters by, as listed in the texts of the service model."""
SORT_KEYS: Final = FILTER_KEYS
"""Keys that `Users.search` sorts by, as listed in the texts of the service model."""


class EnrollmentStatus(enum.StrEnum):
    """How far a user's enrollment is."""

    INITIALIZED = "INITIALIZED"
    PENDING = "PENDING"
    REGISTERED = "REGISTERED"
    DISASSOCIATING = "DISASSOCIATING"
    DEREGISTERING = "DEREGISTERING"


@attrs.frozen
class User:
    """A user. There is no user id in the responses, although searches can filter by it."""

    user_arn: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    enrollment_status: EnrollmentStatus | str | None = None
    enrollment_id: str | None = None


_api: Final = Actions("users")
SEARCH: Final = _api.list("search", "SearchUsers", User, items="Users")
OPERATIONS: Final = _api.operations


class Users(Resource):
    """Find users.

        async for user in a4b.users.search(filters={"EnrollmentStatus": ["DISASSOCIATING"]}, sort=["LastName"]):
            print(user.first_name, user.last_name)

    These are the people who enrolled, not the guests of rooms.
    """

    def search(
        self,
        *,
        filters: Mapping[str, Sequence[str]] | None = None,
        sort: Sequence[str] | None = None,
        page_size: int | None = None,
    ) -> Pager[User]:
        """Find users (SearchUsers). The first page has `total_count`.

        Args:
            filters: Values per key of `FILTER_KEYS`; a user matches if one value of every key does. At most 25 keys and
                50 values per key, each of 1 to 500 characters.
            sort: Up to 25 keys of `SORT_KEYS`, the most significant first; "-LastName" descends.
            page_size: Users per request, 1 to 50.

        Raises:
            BadRequest: The service does not know a key. Raised when awaited or iterated.
        """
        return self._pager(SEARCH, **search_arguments(filters, sort), page_size=page_size)
