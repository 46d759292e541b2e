"""Units: the organization, its properties, floors and rooms."""

from __future__ import annotations

from typing import Final, Literal

import attrs

from alexa_props.arguments import Identified
from alexa_props.client import Resource
from alexa_props.codec import PlainText
from alexa_props.errors import ConfigurationError
from alexa_props.operation import Group
from alexa_props.paging import Pager
from alexa_props.smart_properties.endpoints import UnitRef
from alexa_props.smart_properties.ids import UnitId
from alexa_props.smart_properties.protocol import plain_text

__all__ = ["OPERATIONS", "Unit", "Units"]


@attrs.frozen
class Unit(Identified):
    """A place in the hierarchy. Methods that take a unit id take it too."""

    id_arguments = UnitRef.id_arguments

    id: str
    """Unique to the calling client: the console shows another id for the same unit."""
    name: PlainText | None = None
    """None in a list without `expand`."""
    parent_id: str | None = None
    level: int | None = None
    """0 for the organization, 1 for a property, and so on. Used by Amazon's samples, but not documented."""


_api: Final = Group("units", "property-hierarchy-management-api.html")
LIST: Final = _api.list("list", "/v2/units", Unit, required=("parent_id",), wire={"depth": "queryDepth"})
GET: Final = _api.get("get", "/v2/units/{unit_id}", Unit)
CREATE: Final = _api.post("create", "/v2/units", UnitRef, required=("parent_id",), check_with="list")
UPDATE: Final = _api.put("update", "/v2/units/{unit_id}")
DELETE: Final = _api.delete("delete", "/v2/units/{unit_id}")
OPERATIONS: Final = _api.operations


class Units(Resource):
    """Create, read, rename and delete units.

        floor_id = await asp.units.create(property_id, "Floor 3")
        async for unit in asp.units.list(organization_id, depth="all", expand="all"):
            print(unit.level, unit.name)

    The hierarchy can be 15 levels deep.
    """

    def list(
        self,
        parent_id: UnitId,
        *,
        depth: int | Literal["all"] | None = None,
        expand: Literal["all"] | None = None,
        page_size: int | None = None,
    ) -> Pager[Unit]:
        """List the units below a parent that the caller may see.

        Args:
            parent_id: A unit, or the organization.
            depth: How many levels to descend, at least 1, or "all". Defaults to 1.
            expand: "all" to fill in every field; otherwise only the ids are set.
            page_size: Units per request. Defaults to 10; Amazon documents 10 as the maximum, but its own tool sends 50.
                A larger page that the service refuses is requested again with 10, here and in every other list.
        """
        if depth not in (None, "all") and (isinstance(depth, bool) or not isinstance(depth, int) or depth < 1):
            raise ConfigurationError(f'depth must be a whole number of at least 1, "all" or None, not {depth!r}')
        if expand is not None and not (isinstance(expand, str) and expand):
            raise ConfigurationError(f'expand must be "all" or None, not {expand!r}')
        return self._pager(LIST, parent_id=parent_id, depth=depth, expand=expand, page_size=page_size)

    async def get(self, unit_id: UnitId) -> Unit:
        """Return a unit."""
        return await self._call(GET, unit_id=unit_id)

    async def create(self, parent_id: UnitId, name: str) -> str:
        """Create a unit below a parent and return its id.

        The caller becomes its administrator a few seconds later. A new property can have units and devices once a
        subscription skill has been enabled for it: see `skills`.
        """
        return (await self._call(CREATE, parent_id=parent_id, name=plain_text("name", name))).id

    async def update(self, unit_id: UnitId, name: str) -> None:
        """Rename a unit."""
        await self._call(UPDATE, unit_id=unit_id, name=plain_text("name", name))

    async def delete(self, unit_id: UnitId) -> None:
        """Delete a unit that has no units below it and no associations with address books.

        Move its endpoints first: what happens to them is not documented. If the response to a first attempt is lost,
        the retry may raise `NotFound` or `Forbidden` although the unit was deleted.

        Raises:
            BadRequest: The unit has units below it, or uses an address book.
        """
        await self._call(DELETE, unit_id=unit_id)
