"""The wire of roles and their assignments."""

from __future__ import annotations

import datetime as dt

from alexa_props.simulator.smart_properties.profile import account_id
from alexa_props.simulator.smart_properties.roles import role_of
from alexa_props.smart_properties.batch import BatchItem, BatchResult
from alexa_props.smart_properties.profile import Profile
from alexa_props.smart_properties.roles import Role, RoleAssignment
from tests.wire.row import LAST_PAGE, Wire

IDS = {"role": lambda sim: role_of(sim.rooms[0]), "principal": lambda sim: account_id(sim, 1)}
MODELS = {"role": Role("role-1"), "principal": Profile("principal-1")}

ROLE = Role("role-1", "A4P.UnitAdmin", "room-1")
UNTIL = dt.datetime(2026, 5, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=2)))

WIRE = {
    "roles.list": Wire(
        lambda on: on.asp.roles.list(on.room),
        "GET /v1/roles?unitId=room-1",
        response={
            "results": [{"roleId": "role-1", "roleName": "A4P.UnitAdmin", "unitId": "room-1"}],
            "paginationContext": {"nextToken": None},
        },
        result=[ROLE],
    ),
    "roles.list, with every argument": Wire(
        lambda on: on.asp.roles.list(on.room, target_entity_id="group-1", role_name="A4P.UnitAdmin", page_size=3),
        "GET /v1/roles?unitId=room-1&targetEntityId=group-1&roleName=A4P.UnitAdmin&maxResults=3",
        response={"results": []},
        result=[],
    ),
    "roles.list, of another entity": Wire(
        lambda on: on.asp.roles.list(target_entity_id="group-1"),
        "GET /v1/roles?targetEntityId=group-1",
        response={"results": []},
        result=[],
    ),
    "roles.get": Wire(
        lambda on: on.asp.roles.get(on.role),
        "GET /v1/roles/role-1",
        response={"roleId": "role-1", "roleName": "A4P.UnitAdmin", "unitId": "room-1"},
        result=ROLE,
    ),
    "role_assignments.list": Wire(
        lambda on: on.asp.role_assignments.list(on.role),
        "GET /v1/roles/role-1/assignments",
        response={"results": [{"principalId": "p", "propagate": "unclear", "since": 5}], **LAST_PAGE},
        result=[RoleAssignment("p")],
    ),
    "role_assignments.list, with every argument": Wire(
        lambda on: on.asp.role_assignments.list(on.role, page_size=7),
        "GET /v1/roles/role-1/assignments?maxResults=7",
        response={"results": [{"principalId": "p", "roleId": "role-1", "propagate": True}]},
        result=[RoleAssignment("p", "role-1", propagate=True)],
    ),
    "role_assignments.list_for_principal": Wire(
        lambda on: on.asp.role_assignments.list_for_principal(on.principal, on.room),
        "GET /v1/roles/assignments?principalId=principal-1&unitId=room-1",
        response={"results": [{"roleId": "role-1"}], **LAST_PAGE},
        result=[RoleAssignment(role_id="role-1")],
    ),
    "role_assignments.list_for_principal, with every argument": Wire(
        lambda on: on.asp.role_assignments.list_for_principal(
            on.principal, on.room, target_entity_id="group-1", page_size=7
        ),
        "GET /v1/roles/assignments?principalId=principal-1&unitId=room-1&targetEntityId=group-1&maxResults=7",
        response={"results": []},
        result=[],
    ),
    "role_assignments.create": Wire(
        lambda on: on.asp.role_assignments.create(on.role, on.principal),
        "POST /v1/roles/role-1/assignments",
        body={"principalId": "principal-1"},
    ),
    "role_assignments.create, with every argument": Wire(
        lambda on: on.asp.role_assignments.create(on.role, on.principal, propagate=True, expires_at=UNTIL),
        "POST /v1/roles/role-1/assignments",
        body={"principalId": "principal-1", "propagate": True, "expiresAt": "2026-05-01T12:00:00.000+02:00"},
    ),
    "role_assignments.delete": Wire(
        lambda on: on.asp.role_assignments.delete(on.role, on.principal),
        "DELETE /v1/roles/role-1/assignments?principalId=principal-1",
    ),
    "role_assignments.delete, with every argument": Wire(
        lambda on: on.asp.role_assignments.delete(on.role, on.principal, propagate=False),
        "DELETE /v1/roles/role-1/assignments?principalId=principal-1&propagate=false",
    ),
    "role_assignments.create_many": Wire(
        lambda on: on.asp.role_assignments.create_many(on.role, [on.principal]),
        "POST /v1/roles/role-1/assignments/batchAssign",
        body={"items": [{"itemId": 0, "principalId": "principal-1"}]},
        response={},
        result=BatchResult(),
    ),
    "role_assignments.create_many, with every argument": Wire(
        lambda on: on.asp.role_assignments.create_many(on.role, iter([on.principal, "p"]), propagate=True),
        "POST /v1/roles/role-1/assignments/batchAssign",
        body={
            "items": [
                {"itemId": 0, "principalId": "principal-1", "propagate": True},
                {"itemId": 1, "principalId": "p", "propagate": True},
            ]
        },
        response={"results": [{"itemId": 1, "status": 400, "message": "held"}]},
        result=BatchResult((BatchItem("1", "400", None, "held", failed=True),)),
    ),
    "role_assignments.delete_many": Wire(
        lambda on: on.asp.role_assignments.delete_many(on.role, [on.principal], propagate=False),
        "POST /v1/roles/role-1/assignments/batchRevoke",
        body={"items": [{"itemId": 0, "principalId": "principal-1", "propagate": False}]},
        response={},
        result=BatchResult(),
    ),
}
