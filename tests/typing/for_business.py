"""Alexa for Business as users call it. mypy and pyright check the types; nothing here runs."""

from __future__ import annotations

import datetime as dt
from typing import assert_type

from alexa_props import AlexaForBusiness
from alexa_props.for_business.devices import (
    ConnectionStatus,
    Device,
    DeviceData,
    DeviceEvent,
    DeviceEventType,
    DeviceStatus,
    DeviceStatusInfo,
)
from alexa_props.for_business.users import EnrollmentStatus, User
from alexa_props.paging import Page


async def devices(a4b: AlexaForBusiness) -> None:
    device = await a4b.devices.get("arn")
    assert_type(device, Device)
    assert_type(device.device_arn, str | None)
    assert_type(device.device_status, DeviceStatus | str | None)
    assert_type(device.device_status_info, DeviceStatusInfo | None)
    if device.device_status_info is not None:
        assert_type(device.device_status_info.connection_status, ConnectionStatus | str | None)
    assert_type(await a4b.devices.get(device), Device)


async def a_search(a4b: AlexaForBusiness) -> None:
    found = a4b.devices.search(
        filters={"ConnectionStatus": ["OFFLINE"], "DeviceType": ("A1",)}, sort=["DeviceName", "-RoomName"], page_size=50
    )
    page = await found
    assert_type(page, Page[DeviceData])
    assert_type(page.total_count, int | None)
    async for device in found:
        assert_type(device, DeviceData)
        created: dt.datetime | None = device.created_time
        assert created
        assert_type(created.year, int)
        assert_type(await a4b.devices.get(device), Device)


async def events(a4b: AlexaForBusiness, device: Device) -> None:
    a4b.devices.events("arn", event_type=DeviceEventType.DEVICE_STATUS, page_size=50)
    async for event in a4b.devices.events(device, event_type="CONNECTION_STATUS"):
        assert_type(event, DeviceEvent)
        assert_type(event.type, DeviceEventType | str | None)
        assert_type(event.value, str | None)
        at: dt.datetime | None = event.timestamp
        assert at
        assert_type(at.year, int)


async def users(a4b: AlexaForBusiness) -> None:
    async for user in a4b.users.search(filters={"EnrollmentStatus": ["DISASSOCIATING"]}, sort=["LastName"]):
        assert_type(user, User)
        assert_type(user.email, str | None)
        assert_type(user.enrollment_status, EnrollmentStatus | str | None)
