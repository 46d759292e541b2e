"""Device groups: members, names, and the one unit."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from alexa_props import errors
from alexa_props.simulator import Simulator
from tests.wire import clients


async def test_creates_changes_and_deletes_a_group(sim: Simulator) -> None:
    on = clients(sim)
    groups, (first, second) = on.asp.device_groups, sim.endpoints_in(on.room)
    group_id = await groups.create(on.room, "Küche 💡", [first])
    assert group_id is not None

    async def names() -> dict[str | None, list[str]]:
        found = [group async for group in groups.list(on.room, expand="all")]
        assert {unit.id for group in found for unit in group.associated_units} == {on.room}
        return {group.friendly_name: [device.id for device in group.member_devices] for group in found}

    assert await names() == {"Lights": [first], "Küche 💡": [first]}
    assert [group.friendly_name async for group in groups.list(on.room)] == [None, None]
    await groups.add_device(group_id, second)
    await groups.add_device(group_id, second)
    await groups.remove_device(group_id, first)
    await groups.rename(group_id, "Kitchen")
    assert await names() == {"Lights": [first], "Kitchen": [second]}
    with pytest.raises(errors.NotFound, match="not a member"):
        await groups.remove_device(group_id, first)
    for call in (groups.create(on.room, "Lights"), groups.rename(group_id, "Lights")):
        with pytest.raises(errors.BadRequest, match="of this name"):
            await call
    await groups.rename(group_id, "Kitchen")
    assert await groups.create(sim.rooms[1], "Kitchen")
    await groups.delete(group_id)
    with pytest.raises(errors.NotFound):
        await groups.rename(group_id, "Kitchen")
    assert await names() == {"Lights": [first]}
    assert sim.endpoints_in(on.room) == [first, second]


async def test_members_are_in_the_unit(sim: Simulator) -> None:
    on = clients(sim)
    elsewhere = sim.endpoints_in(sim.rooms[1])[0]
    for call in (
        on.asp.device_groups.create(on.room, "Group", [elsewhere]),
        on.asp.device_groups.add_device(on.device_group, elsewhere),
    ):
        with pytest.raises(errors.BadRequest, match="not in the unit"):
            await call
    assert sim.calls[-1].endpoint_id == elsewhere
    with pytest.raises(errors.NotFound):
        await on.asp.device_groups.create(on.room, "Group", ["unknown"])
    sim.set_forbidden(on.room)
    with pytest.raises(errors.Forbidden):
        await on.asp.device_groups.rename(on.device_group, "New")
    with pytest.raises(errors.Forbidden):
        await on.asp.device_groups.list(on.room)


def plain(text: str) -> dict[str, Any]:
    return {"type": "PLAIN", "value": {"text": text}}


async def test_names_are_sent_in_either_form_and_bodies_are_checked(api: httpx.AsyncClient, sim: Simulator) -> None:
    on, path = clients(sim), "/v1/deviceGroups"
    rename = f"{path}/{on.device_group}/friendlyName"
    assert (await api.post(rename, json={"friendlyName": plain("Wrapped")})).status_code == 204
    (group,) = (await on.asp.device_groups.list(on.room, expand="all")).items
    assert group.friendly_name == "Wrapped"
    for body in ({}, {"friendlyName": "New"}, plain("")):
        assert (await api.post(rename, json=body)).status_code == 400, body
    valid = {"friendlyName": plain("New"), "associatedUnits": [{"id": on.room}]}
    changes: list[dict[str, Any]] = [
        {"friendlyName": "New"},
        {"associatedUnits": []},
        {"associatedUnits": [{"id": on.room}, {"id": sim.rooms[1]}]},
        {"memberDevices": on.endpoint},
        {"memberDevices": [on.endpoint]},
    ]
    for change in changes:
        assert (await api.post(path, json={**valid, **change})).status_code == 400, change
    for query in ({}, {"associatedUnits.id": on.room, "expand": "some"}):
        assert (await api.get(path, params=query)).status_code == 400
    assert len((await on.asp.device_groups.list(on.room)).items) == 1
