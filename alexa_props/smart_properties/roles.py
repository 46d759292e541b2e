"""Roles: who may act on which unit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final, TypeAlias

import attrs

from alexa_props.arguments import Identified, require_ids
from alexa_props.client import Resource
from alexa_props.codec import Lenient
from alexa_props.errors import ConfigurationError
from alexa_props.field_types import require_type
from alexa_props.operation import Group
from alexa_props.paging import Pager
from alexa_props.smart_properties.batch import BatchResult, batched, read_batch
from alexa_props.smart_properties.ids import UnitId
from alexa_props.smart_properties.profile import Profile
from alexa_props.smart_properties.protocol import numbered, present

__all__ = ["OPERATIONS", "PrincipalId", "Role", "RoleAssignment", "RoleAssignments", "RoleId", "Roles"]


@attrs.frozen
class Role(Identified):
    """A role in a unit. Methods that take a role id take it too."""

    id_arguments = ("role_id",)
    id_field = "role_id"

    role_id: str
    role_name: str | None = None
    """Such as "A4H.OrgAdmin" of the organization and "A4P.UnitAdmin" of any other unit."""
    unit_id: str | None = None


@attrs.frozen
class RoleAssignment(Lenient):
    """A role that a principal holds. Its fields are inferred: no page and no tool shows the items of the lists."""

    principal_id: str | None = None
    role_id: str | None = None
    propagate: bool | None = None


RoleId: TypeAlias = str | Role
PrincipalId: TypeAlias = str | Profile

_PAGE: Final = "role-api.html"
_ROLE: Final = "/v1/roles/{role_id}/assignments"
_PRINCIPAL: Final = "principal_id"
_MOST: Final = 50

_roles: Final = Group("roles", _PAGE)
LIST: Final = _roles.list("list", "/v1/roles", Role, types={"role_name": str}, subject="unit_id")
GET: Final = _roles.get("get", "/v1/roles/{role_id}", Role)

_api: Final = Group("role_assignments", _PAGE)
LIST_ASSIGNMENTS: Final = _api.list("list", _ROLE, RoleAssignment)
LIST_FOR_PRINCIPAL: Final = _api.list(
    "list_for_principal", "/v1/roles/assignments", RoleAssignment, required=(_PRINCIPAL,)
)
_TYPES: Final = {"propagate": bool, "expires_at": dt.datetime | str}
CREATE: Final = _api.post("create", _ROLE, required=(_PRINCIPAL,), types=_TYPES, subject=_PRINCIPAL, check_with="list")
CREATE_MANY: Final = _api.post("create_many", f"{_ROLE}/batchAssign", read_batch, nullable=True, check_with="list")
DELETE: Final = _api.delete("delete", _ROLE, required=(_PRINCIPAL,), types=_TYPES, subject=_PRINCIPAL)
DELETE_MANY: Final = _api.post("delete_many", f"{_ROLE}/batchRevoke", read_batch, nullable=True, check_with="list")
OPERATIONS: Final = (*_roles.operations, *_api.operations)


class Roles(Resource):
    """Read the roles of units.

        async for role in asp.roles.list(unit_id):
            print(role.role_name, role.role_id)

    Every unit has roles of its kind. The role of a new unit exists a few seconds after the unit.
    """

    def list(
        self,
        unit_id: UnitId | None = None,
        *,
        target_entity_id: str | None = None,
        role_name: str | None = None,
        page_size: int | None = None,
    ) -> Pager[Role]:
        """List the roles of a unit, or of another entity such as a device group. One of the two is required."""
        about = {**_entity(unit_id, target_entity_id), "subject": target_entity_id if unit_id is None else None}
        return self._pager(LIST, **about, role_name=role_name, page_size=page_size)

    async def get(self, role_id: RoleId) -> Role:
        """Return a role."""
        return await self._call(GET, role_id=role_id)


class RoleAssignments(Resource):
    """Assign roles to principals, and revoke them.

        role = (await asp.roles.list(unit_id)).items[0]
        await asp.role_assignments.create(role, principal_id, propagate=True)

    A principal is an account: its id is the `user_id` of `await asp.profile()`, which may be passed too. Assigning a
    role that is held already raises `BadRequest`, so list first. The service checks a batch as a whole: one invalid
    item refuses all. It applies an accepted batch in the background: list again to see the result.
    """

    def list(self, role_id: RoleId, *, page_size: int | None = None) -> Pager[RoleAssignment]:
        """List the principals that hold a role."""
        return self._pager(LIST_ASSIGNMENTS, role_id=role_id, page_size=page_size)

    def list_for_principal(
        self,
        principal_id: PrincipalId,
        unit_id: UnitId | None = None,
        *,
        target_entity_id: str | None = None,
        page_size: int | None = None,
    ) -> Pager[RoleAssignment]:
        """List the roles of a principal on a unit, or on another entity. One of the two is required."""
        entity = _entity(unit_id, target_entity_id)
        return self._pager(LIST_FOR_PRINCIPAL, principal_id=principal_id, **entity, page_size=page_size)

    async def create(
        self,
        role_id: RoleId,
        principal_id: PrincipalId,
        *,
        propagate: bool | None = None,
        expires_at: dt.datetime | str | None = None,
    ) -> None:
        """Assign a role to a principal, with `propagate` also in the units below, and until `expires_at` if given.

        The form of this time is not documented: a `datetime` is sent in ISO 8601, and a string verbatim.
        """
        await self._call(CREATE, role_id=role_id, principal_id=principal_id, propagate=propagate, expires_at=expires_at)

    @batched(_MOST)
    async def create_many(
        self, role_id: RoleId, principal_ids: Iterable[PrincipalId], *, propagate: bool | None = None
    ) -> BatchResult:
        """Assign a role to 1 to 50 principals, with `propagate` also in the units below.

        Raises:
            BadRequest: Nothing was assigned; among others, a principal holds the role already.
        """
        items = _items(principal_ids, propagate=propagate)
        return await self._call(CREATE_MANY, role_id=role_id, items=items) or BatchResult()

    async def delete(self, role_id: RoleId, principal_id: PrincipalId, *, propagate: bool | None = None) -> None:
        """Revoke a role from a principal, with `propagate` also in the units below."""
        await self._call(DELETE, role_id=role_id, principal_id=principal_id, propagate=propagate)

    @batched(_MOST)
    async def delete_many(
        self, role_id: RoleId, principal_ids: Iterable[PrincipalId], *, propagate: bool | None = None
    ) -> BatchResult:
        """Revoke a role from 1 to 50 principals, with `propagate` also in the units below.

        Raises:
            BadRequest: Nothing was revoked. Whether a principal without the role is a reason is not documented.
        """
        items = _items(principal_ids, propagate=propagate)
        return await self._call(DELETE_MANY, role_id=role_id, items=items) or BatchResult()


def _items(principal_ids: Iterable[PrincipalId], *, propagate: bool | None) -> list[dict[str, object]]:
    require_type("propagate", propagate, bool | None)
    ids = require_ids("principal_ids", principal_ids, 1, _MOST)
    return numbered("principal_ids", [present(principal_id=each, propagate=propagate) for each in ids])


def _entity(unit_id: UnitId | None, target_entity_id: str | None) -> dict[str, object]:
    """Return the arguments that say what a list is about; raises `ConfigurationError` if there is none."""
    if unit_id is None and target_entity_id is None:
        raise ConfigurationError("unit_id or target_entity_id is required")
    return {"unit_id": unit_id, "target_entity_id": target_entity_id}
