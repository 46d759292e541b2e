"""Units: the organization, its properties, floors and rooms.

Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/property-hierarchy-management-api.html
"""

from __future__ import annotations

from typing import Final, Literal

import attrs

from alexa_props.client import Client
from alexa_props.codec import PlainText
from alexa_props.errors import ConfigurationError
from alexa_props.operation import Operation, Paging, Param
from alexa_props.paging import Pager
from alexa_props.settings import require_id, require_page_size

__all__ = ["OPERATIONS", "Unit", "Units"]

_SOURCE: Final = (
    "https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/property-hierarchy-management-api.html"
)


@attrs.frozen
class Unit:
    """A place in the hierarchy.

    Attributes:
        id: minted for the calling client; the console shows another id for the same unit.
        name: None in a list that was not asked to `expand`.
        parent_id: the unit above, as Amazon's samples show it.
        level: 0 for the organization, 1 for a property, deeper below; read by an Amazon sample, not documented.

    """

    id: str
    name: PlainText | None = None
    parent_id: str | None = None
    level: int | None = None


LIST: Final = Operation(
    name="units.list",
    method="GET",
    path="/v2/units",
    params=(
        Param("parent_id", "parentId", "query"),
        Param("depth", "queryDepth", "query"),
        Param("expand", "expand", "query"),
        Param("page_size", "maxResults", "query"),
        Param("next_token", "nextToken", "query"),
    ),
    answer=Unit,
    paging=Paging("results", ("paginationContext", "nextToken")),
    subject="parent_id",
    source=_SOURCE,
)
GET: Final = Operation(
    name="units.get",
    method="GET",
    path="/v2/units/{unit_id}",
    params=(Param("unit_id", None, "path"),),
    answer=Unit,
    subject="unit_id",
    source=_SOURCE,
)
OPERATIONS: Final = (LIST, GET)


class Units:
    """`client.units`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list(
        self,
        parent_id: str,
        *,
        depth: int | Literal["all"] | None = None,
        expand: Literal["all"] | None = None,
        page_size: int | None = None,
    ) -> Pager[Unit]:
        """Units below a parent that the caller may see.

        Args:
            parent_id: a unit, or the organization.
            depth: how many levels below the parent, at least 1, or "all"; None is the service's default, 1.
            expand: "all" fills in more than the id.
            page_size: at least 1; None is the service's default, 10. Amazon's pages say up to 10, its tool sends 50.

        Returns:
            A `Pager`: await it for the first page, iterate it for all units.

        Raises:
            ConfigurationError: an argument is out of range.
            AlexaError: when awaited or iterated; see `alexa_props.errors`.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/property-hierarchy-management-api.html

        """
        if depth not in (None, "all") and (isinstance(depth, bool) or not isinstance(depth, int) or depth < 1):
            raise ConfigurationError(f'depth must be a whole number of at least 1, "all" or None, not {depth!r}')
        arguments = {
            "parent_id": require_id("parent_id", parent_id),
            "depth": depth,
            "expand": None if expand is None else require_id("expand", expand),
            "page_size": require_page_size(page_size, maximum=None),
        }
        return self._client.pager(LIST, lambda token: {**arguments, "next_token": token})

    async def get(self, unit_id: str) -> Unit:
        """One unit.

        Args:
            unit_id: any unit.

        Raises:
            ConfigurationError: `unit_id` cannot be an id.
            AlexaError: see `alexa_props.errors` for what any call may raise.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/property-hierarchy-management-api.html

        """
        unit: Unit = await self._client.call(GET, {"unit_id": unit_id})
        return unit
