"""Roles in the simulator: who holds them, and how they are assigned and revoked."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator

import pytest

from alexa_props import SmartProperties, errors, fleet
from alexa_props.simulator import Simulator
from tests.wire import ONCE


@pytest.fixture
async def asp(sim: Simulator) -> AsyncIterator[SmartProperties]:
    async with sim, sim.smart_properties(retry=ONCE) as client:
        yield client


async def holders(asp: SmartProperties, role_id: str) -> list[str | None]:
    return [each.principal_id async for each in asp.role_assignments.list(role_id)]


async def test_a_role_is_assigned_and_revoked(asp: SmartProperties, sim: Simulator, seconds: list[float]) -> None:
    me, room = await asp.profile(), sim.rooms[0]
    [role] = (await asp.roles.list(room)).items
    assert (role.role_name, role.unit_id) == ("A4P.UnitAdmin", room)
    assert await asp.roles.get(role) == role
    assert (await asp.roles.list(target_entity_id=room, role_name="A4H.OrgAdmin")).items == ()
    assert await holders(asp, role.role_id) == [me.user_id]
    await asp.role_assignments.create(role, "ada", expires_at="2026-05-01")
    with pytest.raises(errors.BadRequest, match="already"):
        await asp.role_assignments.create(role, "ada")
    assert await holders(asp, role.role_id) == [me.user_id, "ada"]
    [assignment] = (await asp.role_assignments.list_for_principal("ada", room)).items
    assert (assignment.role_id, assignment.raw["expiresAt"]) == (role.role_id, "2026-05-01")
    sim.delay_effect(5, "role_assignments.delete")
    await asp.role_assignments.delete(role, "ada")
    assert len(await holders(asp, role.role_id)) == 2
    seconds[0] += 5
    assert await holders(asp, role.role_id) == [me.user_id]
    # Revoked already.
    await asp.role_assignments.delete(role, "ada")
    await asp.role_assignments.delete(role, me)
    seconds[0] += 5
    assert await holders(asp, role.role_id) == []
    sim.reset()
    assert await holders(asp, role.role_id) == [me.user_id]


async def test_batches_are_accepted_or_refused_as_a_whole_and_take_effect_later(
    asp: SmartProperties, sim: Simulator, seconds: list[float]
) -> None:
    [role] = (await asp.roles.list(sim.rooms[0])).items
    sim.delay_effect(10)
    await asp.role_assignments.create_many(role, ["a", "b"])
    # A role that is about to be held counts, also within one batch.
    for principals in (["c", "a"], ["c", "c"]):
        with pytest.raises(errors.BadRequest, match="already"):
            await asp.role_assignments.create_many(role, principals)
    assert len(await holders(asp, role.role_id)) == 1
    seconds[0] += 10
    assert (await holders(asp, role.role_id))[1:] == ["a", "b"]
    await asp.role_assignments.delete_many(role, ["a", "nobody"])
    seconds[0] += 10
    assert (await holders(asp, role.role_id))[1:] == ["b"]
    principals = [f"principal-{number}" for number in range(120)]
    report = await fleet.collect_many(functools.partial(asp.role_assignments.create_many, role), principals)
    assert (len(report.done), sim.count("role_assignments.create_many", 202)) == (120, 1 + 3)
    seconds[0] += 10
    assert len(await holders(asp, role.role_id)) == 2 + 120


async def test_a_role_reaches_the_units_below_if_it_propagates(asp: SmartProperties, sim: Simulator) -> None:
    [above], [own] = [(await asp.roles.list(unit)).items for unit in (sim.organization_id, sim.rooms[0])]

    async def roles_of(principal: str) -> list[str | None]:
        found = asp.role_assignments.list_for_principal(principal, sim.rooms[0])
        return [each.role_id async for each in found]

    await asp.role_assignments.create(above, "far")
    await asp.role_assignments.create(above, "near", propagate=True)
    assert (await roles_of("far"), await roles_of("near")) == ([], [above.role_id])
    assert await roles_of((await asp.profile()).user_id) == [above.role_id, own.role_id]


async def test_the_role_of_a_new_unit_comes_later(asp: SmartProperties, sim: Simulator, seconds: list[float]) -> None:
    sim.delay_effect(3, "units.create")
    unit_id = await asp.units.create(sim.organization_id, "Hotel")
    assert (await asp.roles.list(unit_id)).items == ()
    seconds[0] += 3
    [role] = (await asp.roles.list(unit_id)).items
    await asp.units.delete(unit_id)
    with pytest.raises(errors.NotFound):
        await asp.role_assignments.create(role, "ada")


async def test_rejects_invalid_requests(asp: SmartProperties, sim: Simulator) -> None:
    [role] = (await asp.roles.list(sim.rooms[0])).items
    path = f"/v1/roles/{role.role_id}/assignments"
    many = {"items": [{"itemId": number, "principalId": str(number)} for number in range(51)]}
    for method, target, body in (
        ("GET", "/v1/roles", None),
        ("GET", f"/v1/roles/assignments?unitId={sim.rooms[0]}", None),
        ("POST", path, {"principalId": "p", "propagate": "yes"}),
        ("POST", path, {}),
        ("DELETE", f"{path}?principalId=p&propagate=maybe", None),
        ("DELETE", path, None),
        ("POST", f"{path}/batchAssign", many),
        ("POST", f"{path}/batchAssign", {"items": [{"itemId": 0, "principalId": "p", "propagate": 1}]}),
        ("POST", f"{path}/batchRevoke", many),
    ):
        assert (await asp.request(method, target, json=body)).status_code == 400, (method, target, body)
    with pytest.raises(errors.NotFound):
        await asp.roles.get("amzn1.alexa.role.did.unknown")
    sim.set_forbidden(sim.rooms[0])
    with pytest.raises(errors.Forbidden):
        await asp.roles.get(role)
