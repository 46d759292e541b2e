"""The wire of devices of Alexa for Business."""

from __future__ import annotations

import datetime as dt
from typing import Any

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
from tests.wire.row import Wire

MOMENT = dt.datetime(2018, 5, 1, 0, 0, 0, 250_000, tzinfo=dt.UTC)
EPOCH = 1525132800.25
COMMON = {
    "DeviceArn": "device-1",
    "DeviceSerialNumber": "G000",
    "DeviceType": "A3S5BH2HU6VAYF",
    "DeviceName": "Echo in 101 🛏",
    "SoftwareVersion": "597464020",
    "MacAddress": "AABBCCDDEEFF",
    "RoomArn": "arn:room",
    "DeviceStatus": "WAS_OFFLINE",
    "DeviceStatusInfo": {
        "DeviceStatusDetails": [{"Code": "DEVICE_WAS_OFFLINE", "Feature": "ALL"}, {"Code": "OF_TOMORROW"}],
        "ConnectionStatus": "OFFLINE",
        "ConnectionStatusUpdatedTime": EPOCH,
    },
}
FIELDS: dict[str, Any] = {
    "device_arn": "device-1",
    "device_serial_number": "G000",
    "device_type": "A3S5BH2HU6VAYF",
    "device_name": "Echo in 101 🛏",
    "software_version": "597464020",
    "mac_address": "AABBCCDDEEFF",
    "room_arn": "arn:room",
    "device_status": DeviceStatus.WAS_OFFLINE,
    "device_status_info": DeviceStatusInfo(
        device_status_details=(
            DeviceStatusDetail(DeviceStatusDetailCode.DEVICE_WAS_OFFLINE, DeviceFeature.ALL),
            DeviceStatusDetail("OF_TOMORROW"),
        ),
        connection_status=ConnectionStatus.OFFLINE,
        connection_status_updated_time=MOMENT,
    ),
}
PROFILE = {"NetworkProfileArn": "np", "CertificateArn": "ca", "CertificateExpirationTime": "2018-05-01T00:00:00.250Z"}
PLACE = {"RoomName": "101", "NetworkProfileArn": "np", "NetworkProfileName": "hotel", "CreatedTime": EPOCH}
DEVICE = Device(**FIELDS, network_profile_info=NetworkProfileInfo("np", "ca", MOMENT))
DEVICE_DATA = DeviceData(
    **FIELDS, room_name="101", network_profile_arn="np", network_profile_name="hotel", created_time=MOMENT
)

WIRE = {
    "devices.get": Wire(
        lambda on: on.a4b.devices.get(on.device),
        "POST / AlexaForBusiness.GetDevice",
        body={"DeviceArn": "device-1"},
        response={"Device": {**COMMON, "NetworkProfileInfo": PROFILE}},
        result=DEVICE,
    ),
    "devices.search": Wire(
        lambda on: on.a4b.devices.search(),
        "POST / AlexaForBusiness.SearchDevices",
        body={},
        response={"Devices": [{**COMMON, **PLACE}, {"DeviceName": "last"}], "TotalCount": 2},
        result=[DEVICE_DATA, DeviceData(device_name="last")],
    ),
    "devices.search, with every argument": Wire(
        lambda on: on.a4b.devices.search(
            filters={"ConnectionStatus": [ConnectionStatus.OFFLINE], "RoomName": ("é", "b")},
            sort=["RoomName", "-DeviceName"],
            page_size=50,
        ),
        "POST / AlexaForBusiness.SearchDevices",
        body={
            "Filters": [
                {"Key": "ConnectionStatus", "Values": ["OFFLINE"]},
                {"Key": "RoomName", "Values": ["é", "b"]},
            ],
            "SortCriteria": [{"Key": "RoomName", "Value": "ASC"}, {"Key": "DeviceName", "Value": "DESC"}],
            "MaxResults": 50,
        },
        response={"Devices": []},
        result=[],
    ),
    "devices.search, with lists that are empty": Wire(
        lambda on: on.a4b.devices.search(filters={"RoomName": []}, sort=[]),
        "POST / AlexaForBusiness.SearchDevices",
        body={"Filters": [{"Key": "RoomName", "Values": []}], "SortCriteria": []},
        response={"Devices": []},
        result=[],
    ),
    "devices.events": Wire(
        lambda on: on.a4b.devices.events(on.device),
        "POST / AlexaForBusiness.ListDeviceEvents",
        body={"DeviceArn": "device-1"},
        response={"DeviceEvents": [{"Type": "CONNECTION_STATUS", "Value": "ONLINE", "Timestamp": EPOCH}]},
        result=[DeviceEvent(DeviceEventType.CONNECTION_STATUS, "ONLINE", MOMENT)],
    ),
    "devices.events, with every argument": Wire(
        lambda on: on.a4b.devices.events(on.device, event_type=DeviceEventType.DEVICE_STATUS, page_size=1),
        "POST / AlexaForBusiness.ListDeviceEvents",
        body={"DeviceArn": "device-1", "EventType": "DEVICE_STATUS", "MaxResults": 1},
        response={"DeviceEvents": [], "NextToken": ""},
        result=[],
    ),
}
