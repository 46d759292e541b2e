"""Users of Alexa for Business.

Source: the service model of botocore 1.34.120, the last that has it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from alexa_props.client import Client
from alexa_props.for_business.searching import SEARCH_PARAMS, search
from alexa_props.operation import Operation, Paging
from alexa_props.paging import Pager

__all__ = ["FILTER_KEYS", "OPERATIONS", "SORT_KEYS", "EnrollmentStatus", "User", "Users"]

FILTER_KEYS: Final = ("UserId", "FirstName", "LastName", "Email", "EnrollmentStatus")
"""What `Users.search` can filter by, as the model's texts list it."""
SORT_KEYS: Final = FILTER_KEYS
"""What `Users.search` can sort by, as the model's texts list it."""


class EnrollmentStatus(enum.StrEnum):
    """How far a user's enrollment is."""

    INITIALIZED = "INITIALIZED"
    PENDING = "PENDING"
    REGISTERED = "REGISTERED"
    DISASSOCIATING = "DISASSOCIATING"
    DEREGISTERING = "DEREGISTERING"


@attrs.frozen
class User:
    """A user. There is no user id in the answers, although searches can filter by it."""

    user_arn: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    enrollment_status: EnrollmentStatus | str | None = None
    enrollment_id: str | None = None


SEARCH: Final = Operation(
    name="users.search",
    method="POST",
    path="/",
    params=SEARCH_PARAMS,
    answer=User,
    paging=Paging("Users", ("NextToken",)),
    target="SearchUsers",
    source="https://github.com/boto/botocore/tree/1.34.120/botocore/data/alexaforbusiness/2017-11-09",
)
OPERATIONS: Final = (SEARCH,)


class Users:
    """`client.users`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def search(
        self,
        *,
        filters: Mapping[str, Sequence[str]] | None = None,
        sort: Sequence[str] | None = None,
        page_size: int | None = None,
    ) -> Pager[User]:
        """Users that match (SearchUsers).

        Args:
            filters: key → values; a user matches if for every key one of the values does. Keys: `FILTER_KEYS`. At most
                25 keys and 50 values for each, 1 to 500 characters.
            sort: keys, first things first; "-LastName" descends. Keys: `SORT_KEYS`. At most 25.
            page_size: 1 to 50; None leaves it to the service.

        Returns:
            A `Pager`: await it for the first page (with `total_count`), iterate it for all users.

        Raises:
            ConfigurationError: an argument is outside what the model allows; nothing was sent.
            BadRequest: when awaited or iterated: the service knows no such key.
            AlexaError: when awaited or iterated; see `alexa_props.errors`.

        """
        return search(self._client, SEARCH, filters, sort, page_size)
