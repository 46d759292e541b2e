"""Units: the organization, its properties, floors and rooms.

Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/property-hierarchy-management-api.html
"""

from __future__ import annotations

from typing import Final, Literal

import attrs

from alexa_props.client import Client
from alexa_props.codec import PlainText
from alexa_props.errors import ConfigurationError, DecodeError
from alexa_props.operation import Operation, Paging, Param
from alexa_props.paging import Pager
from alexa_props.settings import Identified, require_id, require_page_size, require_text
from alexa_props.smart_properties.endpoints import UnitRef
from alexa_props.smart_properties.ids import UnitId

__all__ = ["OPERATIONS", "Unit", "Units"]

_SOURCE: Final = (
    "https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/property-hierarchy-management-api.html"
)


@attrs.frozen
class Unit(Identified):
    """A place in the hierarchy. It goes wherever its id goes.

    Attributes:
        id: minted for the calling client; the console shows another id for the same unit.
        name: None in a list that was not asked to `expand`.
        parent_id: the unit above, as Amazon's samples show it.
        level: 0 for the organization, 1 for a property, deeper below; read by an Amazon sample, not documented.

    """

    id_arguments = UnitRef.id_arguments

    id: str
    name: PlainText | None = None
    parent_id: str | None = None
    level: int | None = None


@attrs.frozen
class _Body:
    name: PlainText
    parent_id: str | None = None


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
CREATE: Final = Operation(
    name="units.create",
    method="POST",
    path="/v2/units",
    params=(Param("body", None, "body"),),
    answer=UnitRef,
    idempotent=False,
    subject="parent_id",
    source=_SOURCE,
)
UPDATE: Final = Operation(
    name="units.update",
    method="PUT",
    path="/v2/units/{unit_id}",
    params=(Param("unit_id", None, "path"), Param("body", None, "body")),
    subject="unit_id",
    source=_SOURCE,
)
DELETE: Final = Operation(
    name="units.delete",
    method="DELETE",
    path="/v2/units/{unit_id}",
    params=(Param("unit_id", None, "path"),),
    subject="unit_id",
    source=_SOURCE,
)
OPERATIONS: Final = (LIST, GET, CREATE, UPDATE, DELETE)


class Units:
    """`client.units`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list(
        self,
        parent_id: UnitId,
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

    async def get(self, unit_id: UnitId) -> Unit:
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

    async def create(self, parent_id: UnitId, name: str) -> str:
        """Create a unit below a parent. Doing it twice makes two units: it is repeated only if nothing was sent.

        There can be 15 levels. Who made it gets the role of its administrator within seconds, not at once. Below a
        property, a subscription skill must be enabled on the property first.

        Args:
            parent_id: a unit, or the organization.
            name: what it is called, not empty.

        Returns:
            The id of the new unit.

        Raises:
            ConfigurationError: `parent_id` cannot be an id, or `name` is no text.
            DecodeError: the service says that all is well, but not which id it gave; the unit may be there.
            AlexaError: see `alexa_props.errors` for what any call may raise.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/property-hierarchy-management-api.html

        """
        parent_id = require_id("parent_id", parent_id)
        body = _Body(_require_name(name), parent_id)
        unit: UnitRef | None = await self._client.call(CREATE, {"parent_id": parent_id, "body": body})
        if unit is None:
            raise DecodeError(
                f"{CREATE.name}({parent_id!r}): the answer has no id; the unit may be there, look with units.list",
                operation=CREATE.name,
            )
        return unit.id

    async def update(self, unit_id: UnitId, name: str) -> None:
        """Give a unit another name. Doing it twice is the same as once, so it is retried.

        Args:
            unit_id: any unit.
            name: what it is called from now on, not empty.

        Raises:
            ConfigurationError: `unit_id` cannot be an id, or `name` is no text.
            AlexaError: see `alexa_props.errors` for what any call may raise.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/property-hierarchy-management-api.html

        """
        await self._client.call(UPDATE, {"unit_id": unit_id, "body": _Body(_require_name(name))})

    async def delete(self, unit_id: UnitId) -> None:
        """Delete a unit that has no units below it.

        It is retried: after an answer that was lost, the unit may turn out to be gone already, which is `NotFound` or
        `Forbidden`.

        Args:
            unit_id: the unit. What becomes of endpoints that are in it is not documented: move them first.

        Raises:
            ConfigurationError: `unit_id` cannot be an id.
            BadRequest: there are units below it (400).
            AlexaError: see `alexa_props.errors` for what any call may raise.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/property-hierarchy-management-api.html

        """
        await self._client.call(DELETE, {"unit_id": unit_id})


def _require_name(name: object) -> PlainText:
    if not isinstance(name, str) or not name:
        raise ConfigurationError(f"name must be text, not empty, not {name!r:.80}")
    return PlainText(require_text("name", name))
