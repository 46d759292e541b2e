"""Alexa for Business: the signature check that all calls share, and the four operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from alexa_props.simulator.context import Exchange, Handler
from alexa_props.simulator.inventory import Device, Event, User
from alexa_props.simulator.operations import TARGETS
from alexa_props.simulator.paging import TokenRefused
from alexa_props.simulator.responses import Answer, Json, aws_answer, unmatched
from alexa_props.simulator.search import (
    DEVICE_KEYS,
    LONGEST_TOKEN,
    USER_KEYS,
    Keys,
    Rejected,
    arn,
    choice,
    criteria,
    network_profile_name,
    search,
    size,
    text,
)
from alexa_props.simulator.signature import SignedRequest, check, collect

__all__ = ["CONTENT_TYPE", "HANDLERS", "OPERATION_BY_TARGET", "authorize", "unknown_operation"]

T = TypeVar("T")

CONTENT_TYPE = "application/x-amz-json-1.1"
OPERATION_BY_TARGET = {target: operation for operation, target in TARGETS.items()}

# Searches kept with their result, so that the pages of one search cost one search.
_KEPT_SEARCHES = 32


def authorize(exchange: Exchange) -> Answer | None:
    """Checks the signature; the answer that refuses it, or None when it is good."""
    headers = collect(exchange.headers.raw)
    if "authorization" in headers:
        exchange.authorization = "SigV4"
    request = SignedRequest(exchange.method, exchange.path, exchange.raw_query, headers, exchange.body)
    refusal = check(request, exchange.service.keys, exchange.service.now())
    return exchange.problem(refusal.status, refusal.message, refusal.code) if refusal else None


def unknown_operation(exchange: Exchange) -> Answer:
    """The response to any other target."""
    headers = (unmatched("target"),)
    return exchange.problem(400, "There is no such operation.", "UnknownOperationException", headers)


def _members(exchange: Exchange) -> Mapping[str, object]:
    if exchange.headers.get("content-type", "").partition(";")[0].strip().lower() != CONTENT_TYPE:
        raise Rejected("There is no such operation for this content type.", "UnknownOperationException")
    if not isinstance(exchange.json, dict):
        raise Rejected("The body is not a JSON object.", "SerializationException")
    return exchange.json


def _strict(handler: Callable[[Exchange, Mapping[str, object]], Answer]) -> Handler:
    def answer(exchange: Exchange) -> Answer:
        try:
            return handler(exchange, _members(exchange))
        except Rejected as rejected:
            return exchange.problem(400, str(rejected), rejected.code)

    return answer


def _page(
    exchange: Exchange,
    body: Mapping[str, object],
    *,
    query: object,
    member: str,
    find: Callable[[], Sequence[T]],
    render: Callable[[T], Json],
    counted: bool,
) -> Answer:
    pagination = exchange.service.pagination
    number, key = size(body), (exchange.operation, query)
    try:
        position = pagination.locate(key, text(body, "NextToken", LONGEST_TOKEN))
    except TokenRefused as refused:
        raise Rejected(f"NextToken: {refused}.") from None
    found = find()
    page = pagination.cut(key, position, found, number)
    answer: dict[str, Json] = {member: [render(item) for item in page.items]}
    if page.next_token is not None:
        answer["NextToken"] = page.next_token
    elif exchange.service.end_of_list != "absent":
        answer["NextToken"] = None if exchange.service.end_of_list == "null" else ""
    if counted:
        answer["TotalCount"] = len(found)
    return aws_answer(answer)


def _search(
    exchange: Exchange,
    body: Mapping[str, object],
    *,
    keys: Keys,
    member: str,
    things: Sequence[T],
    render: Callable[[T], Json],
) -> Answer:
    filters, sorts = criteria(body, keys)
    service = exchange.service

    def find() -> Sequence[T]:
        if not filters and not sorts:
            return things
        key = (exchange.operation, filters, sorts, service.inventory.version)
        found = service.searches.get(key)
        if not isinstance(found, list):
            found = search(things, keys, filters, sorts)
            while len(service.searches) >= _KEPT_SEARCHES:
                del service.searches[next(iter(service.searches))]
            service.searches[key] = found
        return found

    return _page(exchange, body, query=(filters, sorts), member=member, find=find, render=render, counted=True)


def _shared(device: Device) -> dict[str, Json]:
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


def _device(device: Device) -> Json:
    body = _shared(device)
    if device.network_profile:
        body["NetworkProfileInfo"] = {"NetworkProfileArn": device.network_profile}
    return body


def _device_data(device: Device) -> Json:
    body = {**_shared(device), "CreatedTime": device.created}
    if device.room:
        body["RoomName"] = device.room.name
    if device.network_profile:
        body |= {"NetworkProfileArn": device.network_profile, "NetworkProfileName": network_profile_name(device)}
    return body


def _event(event: Event) -> Json:
    return {"Type": event.type, "Value": event.value, "Timestamp": event.timestamp}


def _user(user: User) -> Json:
    return {
        "UserArn": user.arn,
        "FirstName": user.first_name,
        "LastName": user.last_name,
        "Email": user.email,
        "EnrollmentStatus": user.enrollment_status,
        "EnrollmentId": user.enrollment_id,
    }


def _known_device(exchange: Exchange, body: Mapping[str, object]) -> Device:
    device = exchange.service.inventory.devices.get(arn(body, "DeviceArn"))
    if device is None:
        raise Rejected("The resource is not found: device", "NotFoundException")
    return device


def get_device(exchange: Exchange, body: Mapping[str, object]) -> Answer:
    """One device."""
    return aws_answer({"Device": _device(_known_device(exchange, body))})


def list_device_events(exchange: Exchange, body: Mapping[str, object]) -> Answer:
    """The events of a device in the last 30 days, newest first."""
    event_type = choice(body, "EventType", ("CONNECTION_STATUS", "DEVICE_STATUS"))
    device = _known_device(exchange, body)
    service = exchange.service

    def find() -> Sequence[Event]:
        return device.recent(event_type, service.epoch())

    return _page(
        exchange, body, query=(device.arn, event_type), member="DeviceEvents", find=find, render=_event, counted=False
    )


def search_devices(exchange: Exchange, body: Mapping[str, object]) -> Answer:
    """The devices that pass all filters."""
    fleet = exchange.service.inventory.fleet
    return _search(exchange, body, keys=DEVICE_KEYS, member="Devices", things=fleet, render=_device_data)


def search_users(exchange: Exchange, body: Mapping[str, object]) -> Answer:
    """The users that pass all filters."""
    users = exchange.service.inventory.users
    return _search(exchange, body, keys=USER_KEYS, member="Users", things=users, render=_user)


HANDLERS: dict[str, Handler] = {
    "devices.get": _strict(get_device),
    "devices.events": _strict(list_device_events),
    "devices.search": _strict(search_devices),
    "users.search": _strict(search_users),
}
