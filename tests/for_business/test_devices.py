"""Devices and their events: what goes on the wire for every argument, what is refused, the models, and the pages."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest

from alexa_props import errors
from alexa_props.codec import Timestamp
from alexa_props.for_business.devices import (
    ConnectionStatus,
    Device,
    DeviceData,
    DeviceEvent,
    DeviceEventType,
    DeviceFeature,
    DeviceStatus,
    DeviceStatusDetail,
    DeviceStatusDetailCode,
    DeviceStatusInfo,
    NetworkProfileInfo,
)
from tests.helpers import Seen, Service, answer, for_business

ARN = "arn:aws:a4b:us-east-1:123456789012:device/1"
ARNS = [ARN, "a/b?c#d", "%2F", "100%", " ", "...", "~caller", "Zürich 部屋 🛏", '"\\\n\x00']
NOT_ARNS: list[Any] = [None, "", ".", "..", 5, True, b"x", ["arn"], {"arn": 1}, "\ud800"]


def check(seen: Seen, target: str) -> None:
    """What every request of this service has."""
    assert (seen.method, seen.url.raw_path) == ("POST", b"/")
    assert seen.headers["X-Amz-Target"] == f"AlexaForBusiness.{target}"
    assert seen.headers["Content-Type"] == "application/x-amz-json-1.1"
    assert (seen.token or "").startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")


# On the wire


@pytest.mark.parametrize("arn", ARNS)
async def test_get(arn: str) -> None:
    service = Service(answer(json={"Device": {}}))
    await for_business(service).devices.get(arn)
    (seen,) = service.seen
    check(seen, "GetDevice")
    assert seen.json == {"DeviceArn": arn}


async def test_search() -> None:
    service = Service(answer(json={"Devices": []}))
    await for_business(service).devices.search()
    (seen,) = service.seen
    check(seen, "SearchDevices")
    assert seen.content == b"{}"


EVENT_TYPES: list[tuple[Any, dict[str, str]]] = [
    (None, {}),
    ("CONNECTION_STATUS", {"EventType": "CONNECTION_STATUS"}),
    (DeviceEventType.DEVICE_STATUS, {"EventType": "DEVICE_STATUS"}),
    ("OF TOMORROW/é", {"EventType": "OF TOMORROW/é"}),
]
PAGE_SIZES: list[tuple[int | None, dict[str, int]]] = [
    (None, {}),
    (1, {"MaxResults": 1}),
    (50, {"MaxResults": 50}),
]


@pytest.mark.parametrize("arn", ARNS[:2])
@pytest.mark.parametrize(("event_type", "page_size"), [*itertools.product(EVENT_TYPES, PAGE_SIZES)])
async def test_events_with_every_combination(arn: str, event_type: Any, page_size: Any) -> None:
    service = Service(answer(json={"DeviceEvents": []}))
    await for_business(service).devices.events(arn, event_type=event_type[0], page_size=page_size[0])
    (seen,) = service.seen
    check(seen, "ListDeviceEvents")
    assert seen.json == {"DeviceArn": arn, **event_type[1], **page_size[1]}


@pytest.mark.parametrize("arn", ARNS)
async def test_events_of_a_device(arn: str) -> None:
    service = Service(answer(json={"DeviceEvents": []}))
    await for_business(service).devices.events(arn)
    assert service.seen[0].json == {"DeviceArn": arn}


# Refused


@pytest.mark.parametrize("arn", NOT_ARNS)
async def test_what_is_no_id_of_a_device(arn: Any) -> None:
    service = Service()
    with pytest.raises(errors.ConfigurationError, match=r"^device_arn must be an id"):
        await for_business(service).devices.get(arn)
    with pytest.raises(errors.ConfigurationError, match=r"^device_arn must be an id"):
        for_business(service).devices.events(arn)
    assert service.seen == []


REFUSED: dict[str, list[Any]] = {
    "event_type": ["", 5, True, False, b"CONNECTION_STATUS", ["CONNECTION_STATUS"], {}, "\ud800"],
    "page_size": [0, -1, 51, 5000, True, False, "5", "", 1.0, [], b"5", float("nan")],
}


@pytest.mark.parametrize(
    ("argument", "value"), [(argument, value) for argument, values in REFUSED.items() for value in values]
)
def test_events_with_what_is_refused(argument: str, value: Any) -> None:
    """At once, not first when it is awaited."""
    service = Service()
    arguments: dict[str, Any] = {argument: value}
    with pytest.raises(errors.ConfigurationError, match=rf"^{argument} must be "):
        for_business(service).devices.events(ARN, **arguments)
    assert service.seen == []


# Models

MOMENT = Timestamp(dt.datetime(2018, 5, 1, 0, 0, 0, 250_000, tzinfo=dt.UTC))
EPOCH = 1525132800.25
STATUS_INFO = {
    "DeviceStatusDetails": [
        {"Code": "DEVICE_WAS_OFFLINE", "Feature": "ALL"},
        {"Code": "OF_TOMORROW", "Feature": "HOLOGRAM"},
        {},
    ],
    "ConnectionStatus": "OFFLINE",
    "ConnectionStatusUpdatedTime": EPOCH,
}
INFO = DeviceStatusInfo(
    device_status_details=(
        DeviceStatusDetail(DeviceStatusDetailCode.DEVICE_WAS_OFFLINE, DeviceFeature.ALL),
        DeviceStatusDetail("OF_TOMORROW", "HOLOGRAM"),
        DeviceStatusDetail(),
    ),
    connection_status=ConnectionStatus.OFFLINE,
    connection_status_updated_time=MOMENT,
)
COMMON = {
    "DeviceArn": ARN,
    "DeviceSerialNumber": "G000",
    "DeviceType": "A3S5BH2HU6VAYF",
    "DeviceName": "Echo in 101 🛏",
    "SoftwareVersion": "597464020",
    "MacAddress": "AABBCCDDEEFF",
    "RoomArn": "arn:aws:a4b:us-east-1:123456789012:room/1",
    "DeviceStatus": "WAS_OFFLINE",
    "DeviceStatusInfo": STATUS_INFO,
}
FIELDS: dict[str, Any] = {
    "device_arn": ARN,
    "device_serial_number": "G000",
    "device_type": "A3S5BH2HU6VAYF",
    "device_name": "Echo in 101 🛏",
    "software_version": "597464020",
    "mac_address": "AABBCCDDEEFF",
    "room_arn": "arn:aws:a4b:us-east-1:123456789012:room/1",
    "device_status": DeviceStatus.WAS_OFFLINE,
    "device_status_info": INFO,
}
PROFILE = {"NetworkProfileArn": "np", "CertificateArn": "ca", "CertificateExpirationTime": "2018-05-01T00:00:00.250Z"}
DEVICE = {**COMMON, "NetworkProfileInfo": PROFILE}
DATA = {
    **COMMON,
    "RoomName": "101",
    "NetworkProfileArn": "np",
    "NetworkProfileName": "hotel",
    "CreatedTime": EPOCH,
}
EVENT = {"Type": "CONNECTION_STATUS", "Value": "ONLINE", "Timestamp": EPOCH}


def with_unknown(value: Any) -> Any:
    """With a member that nobody knows in every object."""
    if isinstance(value, list):
        return [with_unknown(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {"New": {"deep": [1]}} | {name: with_unknown(member) for name, member in value.items()}


FULL_DEVICE = Device(**FIELDS, network_profile_info=NetworkProfileInfo("np", "ca", MOMENT))
FULL_DATA = DeviceData(
    **FIELDS, room_name="101", network_profile_arn="np", network_profile_name="hotel", created_time=MOMENT
)
FULL_EVENT = DeviceEvent(DeviceEventType.CONNECTION_STATUS, "ONLINE", MOMENT)


@pytest.mark.parametrize(
    ("body", "device"),
    [
        (DEVICE, FULL_DEVICE),
        (with_unknown(DEVICE), FULL_DEVICE),
        ({}, Device()),
        (dict.fromkeys(DEVICE), Device()),
        ({"DeviceStatusInfo": {}}, Device(device_status_info=DeviceStatusInfo())),
        ({"NetworkProfileInfo": {}}, Device(network_profile_info=NetworkProfileInfo())),
        ({"DeviceStatusInfo": dict.fromkeys(STATUS_INFO)}, Device(device_status_info=DeviceStatusInfo())),
        ({"NetworkProfileInfo": dict.fromkeys(PROFILE)}, Device(network_profile_info=NetworkProfileInfo())),
        ({"DeviceName": ""}, Device(device_name="")),
    ],
)
async def test_the_model_of_get(body: Any, device: Device) -> None:
    service = Service(answer(json={"Device": body, "New": 1}))
    assert await for_business(service).devices.get(ARN) == device


@pytest.mark.parametrize(
    ("body", "device"),
    [
        (DATA, FULL_DATA),
        (with_unknown(DATA), FULL_DATA),
        ({}, DeviceData()),
        (dict.fromkeys(DATA), DeviceData()),
        ({"DeviceStatusInfo": {"DeviceStatusDetails": None}}, DeviceData(device_status_info=DeviceStatusInfo())),
    ],
)
async def test_the_model_of_search(body: Any, device: DeviceData) -> None:
    service = Service(answer(json={"Devices": [body, {"DeviceName": "last"}]}))
    page = await for_business(service).devices.search()
    assert page.items == (device, DeviceData(device_name="last"))


@pytest.mark.parametrize(
    ("body", "event"),
    [
        (EVENT, FULL_EVENT),
        (with_unknown(EVENT), FULL_EVENT),
        ({**EVENT, "Timestamp": "2018-05-01T02:00:00.250+02:00"}, FULL_EVENT),
        ({}, DeviceEvent()),
        (dict.fromkeys(EVENT), DeviceEvent()),
        ({"Type": "OF_TOMORROW", "Value": ""}, DeviceEvent("OF_TOMORROW", "")),
        ({"Timestamp": 0}, DeviceEvent(timestamp=Timestamp(dt.datetime(1970, 1, 1, tzinfo=dt.UTC)))),
    ],
)
async def test_the_model_of_events(body: Any, event: DeviceEvent) -> None:
    page = await for_business(Service(answer(json={"DeviceEvents": [body]}))).devices.events(ARN)
    assert page.items == (event,)
    assert event.timestamp is None or event.timestamp.tzinfo is dt.UTC


ENUMS: list[Any] = [
    *(("DeviceStatus", "device_status", status) for status in DeviceStatus),
    *(("DeviceStatusInfo.ConnectionStatus", "device_status_info.connection_status", s) for s in ConnectionStatus),
]


async def read(path: str, name: str, value: object) -> Any:
    body: Any = value
    for member in reversed(path.split(".")):
        body = {member: body}
    found: Any = await for_business(Service(answer(json={"Device": body}))).devices.get(ARN)
    for part in name.split("."):
        found = getattr(found, part)
    return found


@pytest.mark.parametrize(("path", "name", "status"), ENUMS)
async def test_a_known_status_is_a_member(path: str, name: str, status: Any) -> None:
    assert await read(path, name, str(status)) is status


@pytest.mark.parametrize("status", ["OF_TOMORROW", "ready", ""])
@pytest.mark.parametrize(("path", "name"), [*dict.fromkeys(row[:2] for row in ENUMS)])
async def test_an_unknown_status_is_a_plain_string(path: str, name: str, status: str) -> None:
    found = await read(path, name, status)
    assert (found, type(found)) == (status, str)


@pytest.mark.parametrize(
    "details", [{"Code": code} for code in DeviceStatusDetailCode] + [{"Feature": feature} for feature in DeviceFeature]
)
async def test_known_details_are_members(details: dict[str, Any]) -> None:
    (found,) = await read("DeviceStatusInfo.DeviceStatusDetails", "device_status_info.device_status_details", [details])
    ((name, value),) = details.items()
    assert getattr(found, name.lower()) is value


FAULTS: list[tuple[Any, str]] = [
    ({"DeviceName": True}, ".DeviceName"),
    ({"DeviceStatus": ["READY"]}, ".DeviceStatus"),
    ({"DeviceStatusInfo": "fine"}, ".DeviceStatusInfo"),
    ({"DeviceStatusInfo": {"ConnectionStatusUpdatedTime": "soon"}}, ".DeviceStatusInfo.ConnectionStatusUpdatedTime"),
    ({"DeviceStatusInfo": {"DeviceStatusDetails": [{}, 5]}}, ".DeviceStatusInfo.DeviceStatusDetails[1]"),
    ({"DeviceStatusInfo": {"DeviceStatusDetails": [{"Code": {}}]}}, ".DeviceStatusInfo.DeviceStatusDetails[0].Code"),
]


@pytest.mark.parametrize(("body", "place"), FAULTS)
async def test_a_member_at_fault_is_named_as_the_service_names_it(body: Any, place: str) -> None:
    with pytest.raises(errors.DecodeError, match=r"^devices\.get\('arn'\): ") as caught:
        await for_business(Service(answer(json={"Device": body}))).devices.get("arn")
    assert f"{place} (200" in str(caught.value)
    with pytest.raises(errors.DecodeError, match=r"^devices\.search: ") as caught:
        await for_business(Service(answer(json={"Devices": [{}, body]}))).devices.search()
    assert f" @ Devices[1]{place} (200" in str(caught.value)


@pytest.mark.parametrize("body", [{}, {"Device": None}, {"device": {}}, {"Devices": [{}]}])
async def test_an_answer_without_a_device_is_no_empty_device(body: Any) -> None:
    service = Service(answer(json=body, x_amzn_RequestId="request-1"))
    with pytest.raises(errors.DecodeError, match=r"^devices\.get\('arn'\): .*no Device.*request-1"):
        await for_business(service).devices.get("arn")


@pytest.mark.parametrize("body", ["x", 5, [], True])
async def test_a_device_that_is_no_object(body: Any) -> None:
    with pytest.raises(errors.DecodeError, match=r"^devices\.get\('arn'\): .*an object was expected"):
        await for_business(Service(answer(json={"Device": body}))).devices.get("arn")


# Pages of events


@pytest.mark.parametrize("last", [{}, {"NextToken": None}, {"NextToken": ""}])
async def test_all_arguments_go_with_every_page(last: dict[str, Any]) -> None:
    service = Service(
        answer(json={"DeviceEvents": [{"Value": "a"}, {"Value": "b"}], "NextToken": "t/1 é"}),
        answer(json={"DeviceEvents": [], "NextToken": "second"}),
        answer(json={"NextToken": "third"}),
        answer(json={"DeviceEvents": [{"Value": "c"}], **last}),
    )
    pager = for_business(service).devices.events(ARN, event_type="CONNECTION_STATUS", page_size=2)
    assert service.seen == []
    assert [event.value async for event in pager] == ["a", "b", "c"]
    first = {"DeviceArn": ARN, "EventType": "CONNECTION_STATUS", "MaxResults": 2}
    tokens: list[dict[str, str]] = [{}, *({"NextToken": token} for token in ("t/1 é", "second", "third"))]
    assert [seen.json for seen in service.seen] == [first | more for more in tokens]
    for seen in service.seen:
        check(seen, "ListDeviceEvents")


@pytest.mark.parametrize("body", [{}, {"NextToken": ""}, {"DeviceEvents": None}, {"Devices": []}])
async def test_an_answer_with_neither_events_nor_token_is_no_empty_list(body: Any) -> None:
    with pytest.raises(errors.DecodeError, match=r"^devices\.events\('arn'\): .*no list 'DeviceEvents'"):
        await for_business(Service(answer(json=body))).devices.events("arn")


async def test_a_list_of_events_has_no_total() -> None:
    page = await for_business(Service(answer(json={"DeviceEvents": [EVENT]}))).devices.events(ARN)
    assert (page.items, page.total_count, page.next_token) == ((FULL_EVENT,), None, None)
