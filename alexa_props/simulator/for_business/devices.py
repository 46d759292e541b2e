"""Devices of Alexa for Business and their events."""

from __future__ import annotations

from collections.abc import Sequence

from alexa_props.simulator.context import Context
from alexa_props.simulator.for_business.requests import body_members, page, search_page
from alexa_props.simulator.for_business.search import DEVICE_KEYS, arn, choice, network_profile_name
from alexa_props.simulator.inventory import Device, Event
from alexa_props.simulator.responses import Json, Problem, Response, aws_response
from alexa_props.simulator.routes import target


def _device(device: Device) -> dict[str, Json]:
    details: list[Json] = [
        {"Code": detail.code, "Feature": detail.feature} if detail.feature else {"Code": detail.code}
        for detail in device.details
    ]
    return {
        "DeviceArn": device.arn,
        "DeviceSerialNumber": device.serial_number,
        "DeviceType": device.type,
        "DeviceName": device.name,
        "SoftwareVersion": device.software_version,
        "MacAddress": device.mac_address,
        "DeviceStatus": device.status,
        "DeviceStatusInfo": {
            "DeviceStatusDetails": details,
            "ConnectionStatus": device.connection_status,
            "ConnectionStatusUpdatedTime": device.changed,
        },
        **({"RoomArn": device.room.arn} if device.room else {}),
    }


def _found_device(device: Device) -> Json:
    body = {**_device(device), "CreatedTime": device.created}
    if device.room:
        body["RoomName"] = device.room.name
    if device.network_profile:
        body |= {"NetworkProfileArn": device.network_profile, "NetworkProfileName": network_profile_name(device)}
    return body


def _event(event: Event) -> Json:
    return {"Type": event.type, "Value": event.value, "Timestamp": event.timestamp}


def _known_device(context: Context) -> Device:
    device = context.service.inventory.devices.get(arn(body_members(context), "DeviceArn"))
    if device is None:
        raise Problem(400, "The resource is not found: device", "NotFoundException")
    return device


@target("devices.get", "GetDevice")
def get_device(context: Context) -> Response:
    """Return a device."""
    device = _known_device(context)
    body = _device(device)
    if device.network_profile:
        body["NetworkProfileInfo"] = {"NetworkProfileArn": device.network_profile}
    return aws_response({"Device": body})


@target("devices.search", "SearchDevices")
def search_devices(context: Context) -> Response:
    """Search for devices that pass all filters."""
    fleet = context.service.inventory.fleet
    return search_page(context, fleet, _found_device, keys=DEVICE_KEYS, member="Devices")


@target("devices.events", "ListDeviceEvents")
def list_device_events(context: Context) -> Response:
    """List the events of a device in the last 30 days, newest first."""
    event_type = choice(body_members(context), "EventType", ("CONNECTION_STATUS", "DEVICE_STATUS"))
    device, service = _known_device(context), context.service

    def find() -> Sequence[Event]:
        return device.recent(event_type, service.epoch())

    return page(context, find, _event, query=(device.arn, event_type), member="DeviceEvents")
