"""Devices and their events: which arguments are accepted, their models, and the pages of events."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from alexa_props import errors
from alexa_props.for_business.devices import (
    ConnectionStatus,
    Device,
    DeviceData,
    DeviceEvent,
    DeviceFeature,
    DeviceStatus,
    DeviceStatusDetail,
    DeviceStatusDetailCode,
    DeviceStatusInfo,
    NetworkProfileInfo,
)
from tests.helpers import Service, answer, for_business
from tests.wire.devices import COMMON, DEVICE, DEVICE_DATA, EPOCH, MOMENT, PLACE, PROFILE

REFUSED: dict[str, list[Any]] = {
    "event_type": ["", 5, True, False, b"CONNECTION_STATUS", ["CONNECTION_STATUS"], {}, "\ud800"],
    "page_size": [0, 51, True],
    "device_arn": ["", None, "\ud800"],
}


@pytest.mark.parametrize("argument", REFUSED)
def test_events_refuse_bad_arguments_immediately(argument: str) -> None:
    service = Service()
    for value in REFUSED[argument]:
        arguments: dict[str, Any] = {"device_arn": "arn", argument: value}
        with pytest.raises(errors.ConfigurationError, match=rf"^{argument} must be "):
            for_business(service).devices.events(**arguments)
    assert service.seen == []


async def test_any_type_of_event_is_sent() -> None:
    service = Service(answer(json={"DeviceEvents": []}))
    await for_business(service).devices.events("arn", event_type="OF TOMORROW/é")
    assert service.seen[0].json == {"DeviceArn": "arn", "EventType": "OF TOMORROW/é"}


# Models


def with_unknown(value: Any) -> Any:
    """Return it with an unknown member in every object."""
    if isinstance(value, list):
        return [with_unknown(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {"New": {"deep": [1]}} | {name: with_unknown(member) for name, member in value.items()}


INFO: dict[str, Any] = COMMON["DeviceStatusInfo"]  # type: ignore[assignment]
DEVICES: list[tuple[Any, Device]] = [
    (with_unknown({**COMMON, "NetworkProfileInfo": PROFILE}), DEVICE),
    ({}, Device()),
    (dict.fromkeys([*COMMON, "NetworkProfileInfo"]), Device()),
    ({"DeviceStatusInfo": dict.fromkeys(INFO)}, Device(device_status_info=DeviceStatusInfo())),
    ({"NetworkProfileInfo": dict.fromkeys(PROFILE)}, Device(network_profile_info=NetworkProfileInfo())),
    ({"DeviceName": ""}, Device(device_name="")),
]
FOUND: list[tuple[Any, DeviceData]] = [
    (with_unknown({**COMMON, **PLACE}), DEVICE_DATA),
    (dict.fromkeys([*COMMON, *PLACE]), DeviceData()),
    ({"DeviceStatusInfo": {"DeviceStatusDetails": None}}, DeviceData(device_status_info=DeviceStatusInfo())),
]
EVENTS: list[tuple[Any, DeviceEvent]] = [
    ({"Timestamp": "2018-05-01T02:00:00.250+02:00", "New": 1}, DeviceEvent(timestamp=MOMENT)),
    ({"Type": None, "Value": None, "Timestamp": None}, DeviceEvent()),
    ({"Type": "OF_TOMORROW", "Value": ""}, DeviceEvent("OF_TOMORROW", "")),
    ({"Timestamp": 0}, DeviceEvent(timestamp=dt.datetime(1970, 1, 1, tzinfo=dt.UTC))),
]


async def test_devices_and_events_in_part() -> None:
    for body, device in DEVICES:
        assert await for_business(Service(answer(json={"Device": body, "New": 1}))).devices.get("arn") == device
    page = await for_business(Service(answer(json={"Devices": [body for body, _ in FOUND]}))).devices.search()
    assert [*page.items] == [device for _, device in FOUND]
    service = Service(answer(json={"DeviceEvents": [body for body, _ in EVENTS]}))
    events = await for_business(service).devices.events("arn")
    assert [*events.items] == [event for _, event in EVENTS]
    assert all(event.timestamp is None or event.timestamp.tzinfo is dt.UTC for event in events)
    assert (events.total_count, events.next_token) == (None, None)


async def read(**members: object) -> Device:
    return await for_business(Service(answer(json={"Device": members}))).devices.get("arn")


async def test_known_values_are_members_and_unknown_ones_plain_strings() -> None:
    for status in [*DeviceStatus, "OF_TOMORROW", "ready", ""]:
        found = (await read(DeviceStatus=str(status))).device_status
        assert (found, type(found)) == (status, type(status))
    for connection in [*ConnectionStatus, "OF_TOMORROW", "online", ""]:
        info = (await read(DeviceStatusInfo={"ConnectionStatus": str(connection)})).device_status_info
        assert info is not None
        assert (info.connection_status, type(info.connection_status)) == (connection, type(connection))
    details = [DeviceStatusDetail(code, None) for code in [*DeviceStatusDetailCode, "OF_TOMORROW"]]
    details += [DeviceStatusDetail(None, feature) for feature in [*DeviceFeature, "HOLOGRAM"]]
    wire = [{"Code": each.code, "Feature": each.feature} for each in details]
    info = (await read(DeviceStatusInfo={"DeviceStatusDetails": wire})).device_status_info
    assert info is not None
    assert [(type(each.code), type(each.feature), each) for each in info.device_status_details] == [
        (type(each.code), type(each.feature), each) for each in details
    ]


FAULTS: list[tuple[Any, str]] = [
    ({"DeviceName": True}, ".DeviceName"),
    ({"DeviceStatus": ["READY"]}, ".DeviceStatus"),
    ({"DeviceStatusInfo": "fine"}, ".DeviceStatusInfo"),
    ({"DeviceStatusInfo": {"ConnectionStatusUpdatedTime": "soon"}}, ".DeviceStatusInfo.ConnectionStatusUpdatedTime"),
    ({"DeviceStatusInfo": {"DeviceStatusDetails": [{}, 5]}}, ".DeviceStatusInfo.DeviceStatusDetails[1]"),
    ({"DeviceStatusInfo": {"DeviceStatusDetails": [{"Code": {}}]}}, ".DeviceStatusInfo.DeviceStatusDetails[0].Code"),
]


async def test_an_invalid_member_is_named_as_the_service_names_it() -> None:
    for body, place in FAULTS:
        with pytest.raises(errors.DecodeError, match=r"^devices\.get\('arn'\): ") as caught:
            await for_business(Service(answer(json={"Device": body}))).devices.get("arn")
        assert f"{place} (200" in str(caught.value)
        with pytest.raises(errors.DecodeError, match=r"^devices\.search: ") as caught:
            await for_business(Service(answer(json={"Devices": [{}, body]}))).devices.search()
        assert f" @ Devices[1]{place} (200" in str(caught.value)


async def test_a_response_without_a_device_is_no_empty_device() -> None:
    bodies: list[tuple[Any, str]] = [
        ({}, "no Device"),
        ({"Device": None}, "no Device"),
        ({"device": {}}, "no Device"),
        ({"Device": "x"}, "an object was expected"),
        ({"Device": []}, "an object was expected"),
    ]
    for body, said in bodies:
        service = Service(answer(json=body, x_amzn_RequestId="request-1"))
        with pytest.raises(errors.DecodeError, match=rf"^devices\.get\('arn'\): .*{said}.*request-1"):
            await for_business(service).devices.get("arn")


# Pages of events


async def test_all_arguments_go_with_every_page() -> None:
    service = Service(
        answer(json={"DeviceEvents": [{"Value": "a"}, {"Value": "b"}], "NextToken": "t/1 é"}),
        answer(json={"DeviceEvents": [], "NextToken": "second"}),
        answer(json={"NextToken": "third"}),
        answer(json={"DeviceEvents": [{"Value": "c", "Timestamp": EPOCH}], "NextToken": ""}),
    )
    pager = for_business(service).devices.events("arn", event_type="CONNECTION_STATUS", page_size=2)
    assert service.seen == []
    assert [event.value async for event in pager] == ["a", "b", "c"]
    first = {"DeviceArn": "arn", "EventType": "CONNECTION_STATUS", "MaxResults": 2}
    tokens: list[dict[str, str]] = [{}, *({"NextToken": token} for token in ("t/1 é", "second", "third"))]
    assert [seen.json for seen in service.seen] == [first | more for more in tokens]
