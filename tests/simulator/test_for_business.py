"""Alexa for Business: responses, paging, filters, sort criteria and invalid input."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from alexa_props.simulator import Simulator
from alexa_props.simulator.for_business.requests import SEARCHES

DAY = 86_400


async def everything(a4b: Any, operation: str, member: str, **body: Any) -> list[Any]:
    found: list[Any] = []
    pages = 0
    while True:
        response = await a4b(operation, body)
        assert response.status_code == 200, response.text
        page = response.json()
        found += page[member]
        pages += 1
        assert pages < 1000
        if not page.get("NextToken"):
            return found
        body["NextToken"] = page["NextToken"]


async def rejected(a4b: Any, operation: str, body: object) -> str:
    response = await a4b(operation, body)
    assert response.status_code == 400
    return str(response.json()["__type"])


async def test_gets_a_device(a4b: Any, sim: Simulator) -> None:
    response = await a4b("GetDevice", {"DeviceArn": sim.devices[0]})
    device = response.json()["Device"]
    assert device["DeviceArn"] == sim.devices[0]
    assert device["DeviceStatusInfo"]["ConnectionStatus"] == "ONLINE"
    assert "NetworkProfileInfo" in device
    assert not {"RoomName", "CreatedTime", "NetworkProfileName", "NetworkProfileArn"} & set(device)
    assert (sim.calls[-1].device_id, sim.calls[-1].operation) == (sim.devices[0], "devices.get")
    assert sim.calls[-1].body == {"DeviceArn": sim.devices[0]}


async def test_unknown_device_is_not_found(a4b: Any, sim: Simulator) -> None:
    for operation in ("GetDevice", "ListDeviceEvents"):
        response = await a4b(operation, {"DeviceArn": sim.devices[0] + "0"})
        assert (response.status_code, response.json()["__type"]) == (400, "NotFoundException")
        assert response.json()["Message"]


async def test_searches_devices(a4b: Any, sim: Simulator) -> None:
    page = (await a4b("SearchDevices", {"MaxResults": 1})).json()
    assert page["TotalCount"] == len(sim.devices) == 90
    device = page["Devices"][0]
    assert {"RoomName", "RoomArn", "CreatedTime", "NetworkProfileArn", "NetworkProfileName"} <= set(device)
    devices = await everything(a4b, "SearchDevices", "Devices", MaxResults=7)
    assert [device["DeviceArn"] for device in devices] == sim.devices
    assert {device["DeviceStatus"] for device in devices} == {"READY", "PENDING", "WAS_OFFLINE"}
    assert any("RoomArn" not in device for device in devices)


async def test_there_are_at_least_60_devices(sim: Simulator) -> None:
    small = Simulator(rooms=1, endpoints_per_room=1)
    assert len(small.endpoints) == 1
    assert len(small.devices) == 60
    assert len(small.users) == 24
    assert len(Simulator(rooms=0, endpoints_per_room=0).devices) == 60
    assert len(Simulator().devices) >= 60


async def test_filters_devices(a4b: Any, sim: Simulator) -> None:
    async def count(*filters: tuple[str, list[str]]) -> int:
        body = {"Filters": [{"Key": key, "Values": values} for key, values in filters]}
        page = (await a4b("SearchDevices", body)).json()
        return int(page["TotalCount"])

    devices = await everything(a4b, "SearchDevices", "Devices")
    offline = [d for d in devices if d["DeviceStatusInfo"]["ConnectionStatus"] == "OFFLINE"]
    assert 0 < await count(("ConnectionStatus", ["OFFLINE"])) == len(offline)
    assert await count(("ConnectionStatus", ["OFFLINE", "ONLINE"])) == len(devices)
    assert await count(("ConnectionStatus", ["OFFLINE"]), ("ConnectionStatus", ["ONLINE"])) == 0
    assert await count(("ConnectionStatus", [])) == 0
    assert await count(("DeviceName", [devices[3]["DeviceName"]])) == 1
    assert await count(("DeviceSerialNumber", [d["DeviceSerialNumber"] for d in devices[:9]])) == 9
    types = [d["DeviceType"] for d in devices]
    assert await count(("DeviceType", types[:1])) == types.count(types[0])
    assert await count(("RoomName", ["Room 101"])) == sum(d.get("RoomName") == "Room 101" for d in devices)
    unassociated = [d for d in devices if "RoomName" not in d]
    assert await count(("UnassociatedOnly", ["TRUE"])) == len(unassociated) > 0
    assert await count(("UnassociatedOnly", ["false"])) == len(devices)
    for key, value in (
        ("DeviceStatus", "PENDING"),
        ("DeviceStatusDetailCode", "DEVICE_WAS_OFFLINE"),
        ("FailureCode", "INVALID_PASSWORD_STATE"),
        ("Feature", "NETWORK_PROFILE"),
        ("NetworkProfileName", "Guest Wi-Fi"),
        ("NetworkProfileArn", devices[0]["NetworkProfileArn"]),
    ):
        assert 0 < await count((key, [value])) < len(devices)
        assert await count((key, [value]), ("RoomName", ["Nowhere"])) == 0


async def test_search_reflects_changes(a4b: Any, sim: Simulator) -> None:
    body = {"Filters": [{"Key": "ConnectionStatus", "Values": ["OFFLINE"]}]}
    before = (await a4b("SearchDevices", body)).json()["TotalCount"]
    sim.set_offline(sim.devices[0])
    assert (await a4b("SearchDevices", body)).json()["TotalCount"] == before + 1
    for number in range(40):
        other = {"Filters": [{"Key": "DeviceName", "Values": [f"Device {number}"]}]}
        assert (await a4b("SearchDevices", other)).json() == {"Devices": [], "TotalCount": 0}
    assert len(sim.store[SEARCHES]) <= 32


async def test_sorts_devices_and_users(a4b: Any, sim: Simulator) -> None:
    sort = [{"Key": "ConnectionStatus", "Value": "DESC"}, {"Key": "DeviceSerialNumber", "Value": "ASC"}]
    devices = await everything(a4b, "SearchDevices", "Devices", SortCriteria=sort, MaxResults=50)
    keys = [(d["DeviceStatusInfo"]["ConnectionStatus"] == "OFFLINE", d["DeviceSerialNumber"]) for d in devices]
    assert keys == sorted(keys)  # "ONLINE" comes first in descending order
    sort = [{"Key": "LastName", "Value": "ASC"}, {"Key": "Email", "Value": "DESC"}]
    users = await everything(a4b, "SearchUsers", "Users", SortCriteria=sort, MaxResults=5)
    expected = sorted(sorted(users, key=lambda u: u["Email"], reverse=True), key=lambda u: u["LastName"])
    assert users == expected
    rooms = await everything(a4b, "SearchDevices", "Devices", SortCriteria=[{"Key": "RoomName", "Value": "ASC"}])
    assert "RoomName" not in rooms[0]


async def test_searches_users(a4b: Any, sim: Simulator) -> None:
    users = await everything(a4b, "SearchUsers", "Users", MaxResults=5)
    assert [user["UserArn"] for user in users] == sim.users
    assert "UserId" not in users[0]
    leaving = [{"Key": "EnrollmentStatus", "Values": ["DISASSOCIATING"]}]
    found = (await a4b("SearchUsers", {"Filters": leaving})).json()
    assert found["TotalCount"] == sum(user["EnrollmentStatus"] == "DISASSOCIATING" for user in users) > 0
    one = [{"Key": "UserId", "Values": [users[4]["UserArn"].rsplit("/")[-1]]}]
    assert (await a4b("SearchUsers", {"Filters": one})).json()["Users"] == [users[4]]


async def test_lists_30_days_of_events_newest_first(
    a4b: Any, sim: Simulator, start: datetime, seconds: list[float]
) -> None:
    now = start.timestamp()
    for arn in sim.devices[:20]:
        events = await everything(a4b, "ListDeviceEvents", "DeviceEvents", DeviceArn=arn, MaxResults=9)
        times = [event["Timestamp"] for event in events]
        assert times == sorted(times, reverse=True)
        assert now - 30 * DAY <= times[-1] < now - 25 * DAY
        assert times[0] <= now
        device = (await a4b("GetDevice", {"DeviceArn": arn})).json()["Device"]["DeviceStatusInfo"]
        newest = next(event for event in events if event["Type"] == "CONNECTION_STATUS")
        assert newest["Value"] == device["ConnectionStatus"]
        assert newest["Timestamp"] == device["ConnectionStatusUpdatedTime"]
    counts = {
        kind: len(await everything(a4b, "ListDeviceEvents", "DeviceEvents", DeviceArn=sim.devices[0], **kind_body))
        for kind, kind_body in {
            "all": {},
            "connection": {"EventType": "CONNECTION_STATUS"},
            "device": {"EventType": "DEVICE_STATUS"},
        }.items()
    }
    assert counts["all"] == counts["connection"] + counts["device"]
    assert min(counts.values()) > 0
    page = (await a4b("ListDeviceEvents", {"DeviceArn": sim.devices[0]})).json()
    assert "TotalCount" not in page
    assert len(page["DeviceEvents"]) <= 50


async def test_events_expire(sim: Simulator, seconds: list[float]) -> None:
    device = sim.inventory.devices[sim.devices[0]]
    now = sim.epoch()
    before = len(device.recent(None, now))
    assert 0 < len(device.recent(None, now + 15 * DAY)) < before
    assert device.recent(None, now + 31 * DAY) == []
    assert 0 < len(device.recent(None, now - 15 * DAY)) < before


async def test_going_online_or_offline_is_an_event(a4b: Any, sim: Simulator, seconds: list[float]) -> None:
    arn = sim.devices[0]
    seconds[0] = 100
    sim.set_offline(arn)
    sim.set_offline(arn)
    sim.set_offline(arn, offline=False)
    events = (await a4b("ListDeviceEvents", {"DeviceArn": arn, "MaxResults": 3})).json()["DeviceEvents"]
    assert [event["Value"] for event in events[1:]] != []
    seconds[0] = 101
    events = (await a4b("ListDeviceEvents", {"DeviceArn": arn, "MaxResults": 3})).json()["DeviceEvents"]
    assert [event["Value"] for event in events] == ["ONLINE", "OFFLINE", "ONLINE"]
    assert events[1]["Timestamp"] == pytest.approx(sim.epoch() - 1)
    with pytest.raises(KeyError):
        sim.set_offline("arn:nothing")


REJECTED_SEARCHES: list[tuple[object, str]] = [
    ({"MaxResults": 0}, "ValidationException"),
    ({"MaxResults": 51}, "ValidationException"),
    ({"MaxResults": "5"}, "SerializationException"),
    ({"MaxResults": True}, "SerializationException"),
    ({"MaxResults": 2.5}, "SerializationException"),
    ({"NextToken": ""}, "ValidationException"),
    ({"NextToken": "x" * 1101}, "ValidationException"),
    ({"NextToken": "made up"}, "ValidationException"),
    ({"NextToken": 5}, "SerializationException"),
    ({"Filters": {}}, "SerializationException"),
    ({"Filters": ["a"]}, "SerializationException"),
    ({"Filters": [{"Key": "LastName", "Values": ["a"]}] * 26}, "ValidationException"),
    ({"Filters": [{"Values": ["a"]}]}, "ValidationException"),
    ({"Filters": [{"Key": "LastName"}]}, "ValidationException"),
    ({"Filters": [{"Key": "", "Values": ["a"]}]}, "ValidationException"),
    ({"Filters": [{"Key": "x" * 501, "Values": ["a"]}]}, "ValidationException"),
    ({"Filters": [{"Key": "ShoeSize", "Values": ["a"]}]}, "ValidationException"),
    ({"Filters": [{"Key": "lastName", "Values": ["a"]}]}, "ValidationException"),
    ({"Filters": [{"Key": "LastName", "Values": ["a"] * 51}]}, "ValidationException"),
    ({"Filters": [{"Key": "LastName", "Values": [""]}]}, "ValidationException"),
    ({"Filters": [{"Key": "LastName", "Values": ["x" * 501]}]}, "ValidationException"),
    ({"Filters": [{"Key": "LastName", "Values": "a"}]}, "SerializationException"),
    ({"Filters": [{"Key": "LastName", "Values": [1]}]}, "SerializationException"),
    ({"SortCriteria": [{"Key": "LastName"}]}, "ValidationException"),
    ({"SortCriteria": [{"Key": "LastName", "Value": "UP"}]}, "ValidationException"),
    ({"SortCriteria": [{"Key": "ShoeSize", "Value": "ASC"}]}, "ValidationException"),
    ({"SortCriteria": [{"Key": "LastName", "Value": "ASC"}] * 26}, "ValidationException"),
    ([], "SerializationException"),
    ("text", "SerializationException"),
]


async def test_rejects_invalid_searches(a4b: Any) -> None:
    for body, code in REJECTED_SEARCHES:
        assert await rejected(a4b, "SearchUsers", body) == code, (body, code)


NO_SORT_KEYS: list[str] = ["DeviceStatusDetailCode", "UnassociatedOnly", "EnrollmentStatus"]


async def test_rejects_keys_that_cannot_sort(a4b: Any) -> None:
    for key in NO_SORT_KEYS:
        body = {"SortCriteria": [{"Key": key, "Value": "ASC"}]}
        assert await rejected(a4b, "SearchDevices", body) == "ValidationException", key


async def test_rejects_invalid_arns_types_and_filters(a4b: Any, sim: Simulator) -> None:
    for operation in ("GetDevice", "ListDeviceEvents"):
        assert await rejected(a4b, operation, {}) == "ValidationException"
        assert await rejected(a4b, operation, {"DeviceArn": "nonsense"}) == "ValidationException"
        assert await rejected(a4b, operation, {"DeviceArn": 1}) == "SerializationException"
    body = {"DeviceArn": sim.devices[0], "EventType": "SOUND"}
    assert await rejected(a4b, "ListDeviceEvents", body) == "ValidationException"
    only = {"Filters": [{"Key": "UnassociatedOnly", "Values": ["perhaps"]}]}
    assert await rejected(a4b, "SearchDevices", only) == "ValidationException"
    response = await a4b("SearchUsers", content=b"{")
    assert response.json()["__type"] == "SerializationException"


async def test_null_and_unknown_members_count_as_absent(a4b: Any, sim: Simulator) -> None:
    body = {"MaxResults": None, "NextToken": None, "Filters": None, "SortCriteria": None, "Colour": "blue"}
    assert (await a4b("SearchUsers", body)).json()["TotalCount"] == len(sim.users)


async def test_token_is_valid_only_for_its_search(a4b: Any, sim: Simulator) -> None:
    token = (await a4b("SearchDevices", {"MaxResults": 5})).json()["NextToken"]
    assert len(token) <= 1100
    sort = [{"Key": "DeviceName", "Value": "ASC"}]
    assert await rejected(a4b, "SearchDevices", {"NextToken": token, "SortCriteria": sort}) == "ValidationException"
    assert await rejected(a4b, "SearchUsers", {"NextToken": token}) == "ValidationException"
    # The page size is no part of the search.
    assert (await a4b("SearchDevices", {"NextToken": token, "MaxResults": 7})).status_code == 200
    first = await a4b("ListDeviceEvents", {"DeviceArn": sim.devices[0], "MaxResults": 5})
    other = {"DeviceArn": sim.devices[1], "NextToken": first.json()["NextToken"]}
    assert await rejected(a4b, "ListDeviceEvents", other) == "ValidationException"


ENDS: list[tuple[Any, object]] = [("absent", "-"), ("null", None), ("empty", "")]


async def test_empty_pages_and_the_last_token(a4b: Any, sim: Simulator) -> None:
    for form, shown in ENDS:
        sim.empty_pages = 2
        sim.set_end_of_list(form)
        body: dict[str, Any] = {}
        sizes = []
        while True:
            page = (await a4b("SearchUsers", body)).json()
            sizes.append(len(page["Users"]))
            assert page["TotalCount"] == 24, (form, shown)
            if not page.get("NextToken"):
                break
            body = {"NextToken": page["NextToken"]}
        assert sizes == [0, 0, 24], (form, shown)
        assert page.get("NextToken", "-") == shown, (form, shown)


async def test_throttles_by_operation(a4b: Any, sim: Simulator, seconds: list[float]) -> None:
    sim.quota("devices.*", 2, 1)
    assert (await a4b("SearchDevices")).status_code == 200
    response = await a4b("SearchDevices")
    assert (response.status_code, response.json()["__type"]) == (400, "ThrottlingException")
    assert (await a4b("GetDevice", {"DeviceArn": sim.devices[0]})).status_code == 200
    seconds[0] = 0.5
    assert (await a4b("SearchDevices")).status_code == 200
    assert sim.count("devices.search", 400) == 1
