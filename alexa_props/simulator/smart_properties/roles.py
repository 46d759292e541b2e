"""Roles of units, and the principals that hold them.

Every unit has one role. The account that the credentials belong to holds all of them at first.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from alexa_props.simulator.bodies import batch, require_members
from alexa_props.simulator.context import Context
from alexa_props.simulator.requests import known_unit, page
from alexa_props.simulator.responses import Json, Problem, Response, accepted, json_response, no_content
from alexa_props.simulator.routes import route
from alexa_props.simulator.smart_properties.profile import account_id
from alexa_props.simulator.store import Key
from alexa_props.simulator.tree import Unit

__all__ = ["MOST_ASSIGNMENTS", "role_of"]

ROLE = "/v1/roles/{roleId}"
ASSIGNMENTS = "/v1/roles/{roleId}/assignments"

MOST_ASSIGNMENTS = 50
"""Principals in a batch."""
MOST_RESULTS = 100
_POSITION_BITS = 24
"""Keep the positions in one unit apart from those in the unit below it."""

_PREFIX = "amzn1.alexa.role.did."
_UNIT_PREFIX = "amzn1.alexa.unit.did."


@attrs.define
class _Assignment:
    principal_id: str
    position: int
    propagate: bool = False
    expires_at: str | None = None
    begins: float = -math.inf
    """When it takes effect, on the monotonic clock."""
    ends: float = math.inf


@attrs.frozen
class _State:
    by_unit: dict[str, list[_Assignment]] = attrs.field(factory=dict)
    positions: Iterator[int] = attrs.field(factory=lambda: itertools.count(2))


_STATE: Key[_State] = Key("role_assignments", lambda _: _State())


def role_of(unit_id: str) -> str:
    """Return the id of a unit's role."""
    return f"{_PREFIX}{unit_id.removeprefix(_UNIT_PREFIX)}"


def _name_of(unit: Unit) -> str:
    return "A4H.OrgAdmin" if unit.parent_id is None else "A4P.UnitAdmin"


def _role(unit: Unit) -> Json:
    return {"roleId": role_of(unit.id), "roleName": _name_of(unit), "unitId": unit.id}


def _exists(context: Context, unit: Unit) -> bool:
    """Return whether the unit has its role: that of a new one is created later."""
    return context.time >= unit.effective_from


def _unit_of(context: Context) -> Unit:
    """Return the unit whose role a path names."""
    role_id = context.params["roleId"]
    unit = context.service.tree.units.get(role_id.replace(_PREFIX, _UNIT_PREFIX, 1))
    if unit is None or role_of(unit.id) != role_id or not _exists(context, unit):
        raise Problem(404, "There is no such role.")
    return known_unit(context, unit.id)


def _assigned(context: Context, unit: Unit) -> list[_Assignment]:
    """Return what was assigned in a unit, also what takes effect later, without what has ended."""
    first = _Assignment(account_id(context.service), 1, propagate=unit.parent_id is None)
    assigned = context.service.store[_STATE].by_unit.setdefault(unit.id, [first])
    assigned[:] = [each for each in assigned if each.ends > context.time]
    return assigned


def _held(context: Context, unit: Unit) -> list[_Assignment]:
    return [each for each in _assigned(context, unit) if each.begins <= context.time]


def _assignment(unit: Unit, found: _Assignment) -> Json:
    body: dict[str, Json] = {"principalId": found.principal_id, "roleId": role_of(unit.id)}
    body["propagate"] = found.propagate
    return body if found.expires_at is None else {**body, "expiresAt": found.expires_at}


def _entity(context: Context) -> Unit:
    unit_id = context.query.get("unitId") or context.query.get("targetEntityId")
    if unit_id is None:
        raise Problem(400, "unitId or targetEntityId is required.")
    return known_unit(context, unit_id)


@route("roles.list", "GET", "/v1/roles")
def list_roles(context: Context) -> Response:
    """List the role of a unit. Other entities have no roles here."""
    unit, name = _entity(context), context.query.get("roleName")
    found = [unit] if _exists(context, unit) and name in (None, _name_of(unit)) else []
    return page(context, found, _role, query=(unit.id, name), most=MOST_RESULTS)


@route("roles.get", "GET", ROLE)
def get_role(context: Context) -> Response:
    """Return a role."""
    return json_response(_role(_unit_of(context)))


@route("role_assignments.list", "GET", ASSIGNMENTS)
def list_assignments(context: Context) -> Response:
    """List the principals that were assigned a role, without those of roles that propagate to its unit (inferred)."""
    unit = _unit_of(context)
    return page(
        context,
        _held(context, unit),
        lambda each: _assignment(unit, each),
        query=unit.id,
        most=MOST_RESULTS,
        mark=lambda each: each.position,
    )


@route("role_assignments.list_for_principal", "GET", "/v1/roles/assignments")
def list_for_principal(context: Context) -> Response:
    """List the roles of a principal on a unit: those above that propagate (inferred), then those of the unit."""
    principal_id, unit = context.query.get("principalId"), _entity(context)
    if principal_id is None:
        raise Problem(400, "The parameter principalId is missing.")
    found = [
        (each, assignment)
        for each in reversed([*_with_parents(context, unit)])
        for assignment in _held(context, each)
        if assignment.principal_id == principal_id and (each is unit or assignment.propagate)
    ]
    return page(
        context,
        found,
        lambda each: _assignment(*each),
        query=(principal_id, unit.id),
        most=MOST_RESULTS,
        mark=lambda each: (each[0].level << _POSITION_BITS) + each[1].position,
    )


def _with_parents(context: Context, unit: Unit | None) -> Iterator[Unit]:
    while unit is not None:
        yield unit
        unit = context.service.tree.units[unit.parent_id] if unit.parent_id else None


def _assign(context: Context, unit: Unit, body: Mapping[str, Any]) -> None:
    assignment = _Assignment(
        body["principalId"],
        next(context.service.store[_STATE].positions),
        body.get("propagate", False),
        body.get("expiresAt"),
        context.effective_from,
    )
    _assigned(context, unit).append(assignment)


def _require_new(context: Context, unit: Unit, principal_ids: list[str]) -> None:
    known = {each.principal_id for each in _assigned(context, unit) if each.ends == math.inf}
    if len(set(principal_ids)) < len(principal_ids) or known & set(principal_ids):
        raise Problem(400, "A principal has this role already.")


def _revoke(context: Context, unit: Unit, principal_id: str) -> None:
    """Revoke a role. Whether it propagates makes no difference here, and neither does one that is not held."""
    for each in _assigned(context, unit):
        if each.principal_id == principal_id and each.ends == math.inf:
            each.ends = context.effective_from


def _items(context: Context) -> list[dict[str, Any]]:
    items = batch(context, MOST_ASSIGNMENTS, {"principalId": str})
    return [require_members(item, {}, {"propagate": bool}) for item in items]


@route("role_assignments.create", "POST", ASSIGNMENTS)
def create_assignment(context: Context) -> Response:
    """Assign a role. One that is held already is a 400."""
    unit = _unit_of(context)
    body = require_members(context.json, {"principalId": str}, {"propagate": bool, "expiresAt": str})
    _require_new(context, unit, [body["principalId"]])
    _assign(context, unit, body)
    return no_content()


@route("role_assignments.delete", "DELETE", ASSIGNMENTS)
def delete_assignment(context: Context) -> Response:
    """Revoke a role. One that is not held counts as revoked (inferred)."""
    unit, principal_id = _unit_of(context), context.query.get("principalId")
    if principal_id is None or context.query.get("propagate") not in (None, "true", "false"):
        raise Problem(400, "principalId is required, and propagate must be true or false.")
    _revoke(context, unit, principal_id)
    return no_content()


@route("role_assignments.create_many", "POST", f"{ASSIGNMENTS}/batchAssign")
def create_many(context: Context) -> Response:
    """Assign a role to several principals: 202, or 400 for all of them if one is invalid or has the role."""
    unit, items = _unit_of(context), _items(context)
    _require_new(context, unit, [item["principalId"] for item in items])
    for item in items:
        _assign(context, unit, item)
    return accepted()


@route("role_assignments.delete_many", "POST", f"{ASSIGNMENTS}/batchRevoke")
def delete_many(context: Context) -> Response:
    """Revoke a role from several principals: 202. One that does not have it counts as revoked (inferred)."""
    unit = _unit_of(context)
    for item in _items(context):
        _revoke(context, unit, item["principalId"])
    return accepted()
