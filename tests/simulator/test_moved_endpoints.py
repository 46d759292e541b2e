"""Endpoints moved, renamed and removed: what is refused, what is lost, and when it shows."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from alexa_props import errors
from alexa_props.simulator import Simulator
from alexa_props.smart_properties import SmartProperties
from alexa_props.smart_properties.endpoint_settings import Setting
from tests.wire import ONCE

NOBODY = "amzn1.alexa.unit.did.NOBODY"
DEFAULT = "~caller.defaultUnitId"


@pytest.fixture
def asp(sim: Simulator) -> SmartProperties:
    return sim.smart_properties(retry=ONCE)


async def listed(asp: SmartProperties, unit_id: str) -> list[str]:
    return [each.id async for each in asp.endpoints.list(unit_id=unit_id)]


def check_indexes(sim: Simulator) -> None:
    """Check that every index of the tree has the same endpoints, in the order of their positions."""
    tree = sim.tree
    assert tree.fleet == sorted(tree.endpoints.values(), key=lambda each: each.position)
    assert all(tree.endpoints[each.id] is each for each in tree.fleet)
    for unit_id, unit in tree.units.items():
        assert unit.endpoints == [each for each in tree.fleet if each.unit_id == unit_id]
    assert tree.unassigned == [each for each in tree.fleet if each.unit_id is None]
    assert {each.serial_number for each in tree.fleet} == tree.by_serial_number.keys()
    assert {each.mac_address for each in tree.fleet} == tree.by_mac_address.keys()


async def test_an_endpoint_moves_after_a_while_under_another_id_and_without_its_settings(
    sim: Simulator, asp: SmartProperties, seconds: list[float]
) -> None:
    old, target = sim.endpoints[1], sim.rooms[4]
    before = await asp.endpoints.get(old, expand="all")
    sim.delay_effect(120, "endpoints.associate")
    new = await asp.endpoints.associate(before, target)
    assert new not in (None, old)
    assert new is not None

    # Until then it reboots where it was, under its old id.
    assert await listed(asp, sim.rooms[0]) == sim.endpoints[:2]
    assert (await asp.endpoints.connectivity(old)).reachability == "UNREACHABLE"
    with pytest.raises(errors.NotFound):
        await asp.endpoints.get(new)
    for call in (asp.endpoints.associate(old, target), asp.features.set_volume(old, 5), asp.endpoints.deregister(old)):
        with pytest.raises(errors.DeviceUnreachable):
            await call

    seconds[0] += 120
    assert (await listed(asp, sim.rooms[0]), await listed(asp, target)) == (
        [sim.endpoints[0]],
        [new, *sim.endpoints[8:10]],
    )
    with pytest.raises(errors.NotFound):
        await asp.endpoints.get(old)
    after = await asp.endpoints.get(new, expand=["all", "feature:connectivity"])
    assert (after.serial_number, after.associated_units[0].id, after.reachability) == (
        before.serial_number,
        target,
        "OK",
    )
    [found] = [each async for each in asp.endpoints.list(serial_number=before.serial_number)]
    assert found.id == new
    assert await asp.endpoint_settings.get(new, Setting.LOCALES) is None
    assert (sim.settings(new), sim.alert_count("alarms", new)) == (
        {"Alexa.ManagedDevice.Settings.setupModePrivileges": []},
        0,
    )
    check_indexes(sim)


async def test_an_id_changes_only_if_the_unit_does_and_only_if_wanted(sim: Simulator, asp: SmartProperties) -> None:
    first, second = sim.endpoints[:2]
    assert await asp.endpoints.associate(first, sim.rooms[0]) == first
    assert sim.settings(first).keys() == {"Alexa.ManagedDevice.Settings.setupModePrivileges"}
    sim.new_endpoint_ids = False
    assert await asp.endpoints.associate(first, DEFAULT) == first
    assert await listed(asp, DEFAULT) == [first, *sim.endpoints[-3:]]
    sim.reset()
    assert sim.new_endpoint_ids
    moved = await asp.endpoints.associate(second, DEFAULT)
    assert moved != second
    assert sim.endpoints[:2] == [first, moved]
    sim.reset()
    # The seed decides.
    assert await asp.endpoints.associate(second, DEFAULT) == moved
    check_indexes(sim)


async def test_what_was_scripted_for_a_device_follows_it(
    sim: Simulator, asp: SmartProperties, seconds: list[float]
) -> None:
    sim.delay_effect(9, "endpoints.associate")
    old = sim.endpoints[0]
    new = await asp.endpoints.associate(old, sim.rooms[1])
    assert new is not None
    sim.set_offline(old)
    sim.set_failing(old, code="C")
    seconds[0] += 9
    assert (await asp.endpoints.connectivity(new)).reachability == "UNREACHABLE"
    assert (sim.offline_endpoints, sim.failing_endpoints) == ({new}, {new: "C"})


async def test_an_endpoint_that_is_forgotten_while_it_moves_is_gone(
    sim: Simulator, asp: SmartProperties, seconds: list[float]
) -> None:
    sim.delay_effect(9, "endpoints.associate")
    for endpoint_id in sim.endpoints[:2]:
        await asp.endpoints.associate(endpoint_id, sim.rooms[1])
    await asp.endpoints.forget(sim.endpoints[0])
    # A device whose unit was deleted meanwhile ends in the default unit.
    await asp.units.delete(sim.rooms[1])
    seconds[0] += 9
    assert len(sim.tree.unassigned) == 3 + 2 + 1
    check_indexes(sim)


async def test_associate_rejects_missing_and_forbidden_units(
    sim: Simulator, asp: SmartProperties, api: httpx.AsyncClient
) -> None:
    endpoint = sim.endpoints[0]
    with pytest.raises(errors.NotFound):
        await asp.endpoints.associate(endpoint, NOBODY)
    sim.set_forbidden(sim.rooms[1])
    with pytest.raises(errors.Forbidden):
        await asp.endpoints.associate(endpoint, sim.rooms[1])
    sim.set_offline(endpoint)
    with pytest.raises(errors.DeviceUnreachable):
        await asp.endpoints.associate(endpoint, sim.rooms[2])
    room = {"id": sim.rooms[2]}
    bodies: list[Any] = [None, {}, room, [], [room, room], ["x"], [{}], [{"id": ""}], [{"id": 5}], [{"id": None}]]
    for body in bodies:
        response = await api.put(f"/v2/endpoints/{sim.endpoints[1]}/associatedUnits", json=body)
        assert response.status_code == 400, body
    assert sim.endpoints_in(sim.rooms[0]) == sim.endpoints[:2]


async def test_rename_deregister_and_forget(sim: Simulator, asp: SmartProperties, seconds: list[float]) -> None:
    first, second = sim.endpoints[:2]
    sim.delay_effect(5, "endpoints.*")
    await asp.endpoints.rename(first, "Lamp")
    await asp.endpoints.deregister(first)
    sim.set_offline(second)
    with pytest.raises(errors.DeviceUnreachable):
        await asp.endpoints.deregister(second)
    await asp.endpoints.forget(second)
    assert (await asp.endpoints.get(first, expand="all")).friendly_name != "Lamp"
    assert await listed(asp, sim.rooms[0]) == [first, second]
    seconds[0] += 5
    assert await listed(asp, sim.rooms[0]) == []
    for endpoint_id in (first, second):
        with pytest.raises(errors.NotFound):
            await asp.endpoints.forget(endpoint_id)
    assert (len(sim.endpoints), sim.offline_endpoints) == (91, set())
    check_indexes(sim)
    await asp.endpoints.rename(sim.endpoints[0], "Lamp")
    seconds[0] += 5
    [found] = [each async for each in asp.endpoints.query({"match": {"friendlyName.value.text": "Lamp"}})]
    assert found.id == sim.endpoints[0]


async def test_endpoints_moved_between_two_pages_are_neither_skipped_nor_repeated(
    sim: Simulator, asp: SmartProperties
) -> None:
    spare = [await asp.endpoints.associate(each, DEFAULT) for each in sim.endpoints[:25]]
    seen = []
    async for endpoint in asp.endpoints.list(unit_id=DEFAULT, page_size=4):
        seen.append(endpoint.id)
        await asp.endpoints.associate(endpoint, sim.rooms[30])
    assert seen == [*spare, *seen[25:]]
    assert (len(seen), sim.tree.unassigned) == (28, [])
    check_indexes(sim)


async def test_timers_of_one_endpoint(sim: Simulator, asp: SmartProperties) -> None:
    first, second = sim.endpoints[:2]
    for endpoint_id in (first, second):
        sim.set_alerts("timers", endpoint_id, 2)
    await asp.alerts.delete_endpoint_timers(first)
    assert (sim.alert_count("timers", first), sim.alert_count("timers", second)) == (0, 2)
    assert [call.operation for call in sim.calls][-1] == "alerts.delete_endpoint_timers"
    sim.set_offline(second)
    assert [each async for each in asp.alerts.delete_endpoint_timers(second)] == [
        errors.EndpointFailure(None, second, "DEVICE_NOT_REACHABLE", "the device is offline")
    ]
    with pytest.raises(errors.Forbidden):
        await asp.alerts.delete_endpoint_timers("nobody")
