"""Devices of Alexa for Business, and the history of their connections."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import attrs

from alexa_props.arguments import Identified
from alexa_props.client import Resource
from alexa_props.codec import Timestamp
from alexa_props.errors import ConfigurationError
from alexa_props.for_business.protocol import Actions
from alexa_props.for_business.search import search_arguments
from alexa_props.paging import Pager

__all__ = [
    "FILTER_KEYS",
    "OPERATIONS",
    "SORT_KEYS",
    "ConnectionStatus",
    "Device",
    "DeviceArn",
    "DeviceData",
    "DeviceEvent",
    "DeviceEventType",
    "DeviceFeature",
    "DeviceStatus",
    "DeviceStatusDetail",
    "DeviceStatusDetailCode",
    "DeviceStatusInfo",
    "Devices",
    "NetworkProfileInfo",
]

SORT_KEYS: Final = (
    "DeviceName",
    "DeviceStatus",
    "RoomName",
    "DeviceType",
    "DeviceSerialNumber",
    "ConnectionStatus",
    "NetworkProfileName",
    "NetworkProfileArn",
    "Feature",
    "FailureCode",
)
"""Keys that `Devices.search` sorts by, as listed in the texts of the service model."""
FILTER_KEYS: Final = (*SORT_KEYS, "DeviceStatusDetailCode", "UnassociatedOnly")
"""Keys that `Devices.search` filters by, as listed in the texts of the service model."""


class DeviceStatus(enum.StrEnum):
    """Whether a device is set up and in use."""

    READY = "READY"
    PENDING = "PENDING"
    WAS_OFFLINE = "WAS_OFFLINE"
    DEREGISTERED = "DEREGISTERED"
    FAILED = "FAILED"


class ConnectionStatus(enum.StrEnum):
    """Whether a device is connected."""

    ONLINE = "ONLINE"
    OFFLINE = "OFFLINE"


class DeviceStatusDetailCode(enum.StrEnum):
    """Why a device is not ready."""

    DEVICE_SOFTWARE_UPDATE_NEEDED = "DEVICE_SOFTWARE_UPDATE_NEEDED"
    DEVICE_WAS_OFFLINE = "DEVICE_WAS_OFFLINE"
    CREDENTIALS_ACCESS_FAILURE = "CREDENTIALS_ACCESS_FAILURE"
    TLS_VERSION_MISMATCH = "TLS_VERSION_MISMATCH"
    ASSOCIATION_REJECTION = "ASSOCIATION_REJECTION"
    AUTHENTICATION_FAILURE = "AUTHENTICATION_FAILURE"
    DHCP_FAILURE = "DHCP_FAILURE"
    INTERNET_UNAVAILABLE = "INTERNET_UNAVAILABLE"
    DNS_FAILURE = "DNS_FAILURE"
    UNKNOWN_FAILURE = "UNKNOWN_FAILURE"
    CERTIFICATE_ISSUING_LIMIT_EXCEEDED = "CERTIFICATE_ISSUING_LIMIT_EXCEEDED"
    INVALID_CERTIFICATE_AUTHORITY = "INVALID_CERTIFICATE_AUTHORITY"
    NETWORK_PROFILE_NOT_FOUND = "NETWORK_PROFILE_NOT_FOUND"
    INVALID_PASSWORD_STATE = "INVALID_PASSWORD_STATE"  # noqa: S105 - a status
    PASSWORD_NOT_FOUND = "PASSWORD_NOT_FOUND"  # noqa: S105 - a status
    PASSWORD_MANAGER_ACCESS_DENIED = "PASSWORD_MANAGER_ACCESS_DENIED"  # noqa: S105 - a status
    CERTIFICATE_AUTHORITY_ACCESS_DENIED = "CERTIFICATE_AUTHORITY_ACCESS_DENIED"


class DeviceFeature(enum.StrEnum):
    """What a status detail is about."""

    BLUETOOTH = "BLUETOOTH"
    VOLUME = "VOLUME"
    NOTIFICATIONS = "NOTIFICATIONS"
    LISTS = "LISTS"
    SKILLS = "SKILLS"
    NETWORK_PROFILE = "NETWORK_PROFILE"
    SETTINGS = "SETTINGS"
    ALL = "ALL"


class DeviceEventType(enum.StrEnum):
    """What a device event is about."""

    CONNECTION_STATUS = "CONNECTION_STATUS"
    DEVICE_STATUS = "DEVICE_STATUS"


@attrs.frozen
class DeviceStatusDetail:
    """One reason for a device's status."""

    code: DeviceStatusDetailCode | str | None = None
    feature: DeviceFeature | str | None = None


@attrs.frozen
class DeviceStatusInfo:
    """Details of a device's status, and whether it is connected."""

    device_status_details: tuple[DeviceStatusDetail, ...] = ()
    connection_status: ConnectionStatus | str | None = None
    connection_status_updated_time: Timestamp | None = None


@attrs.frozen
class NetworkProfileInfo:
    """The network profile of a device, and its certificate."""

    network_profile_arn: str | None = None
    certificate_arn: str | None = None
    certificate_expiration_time: Timestamp | None = None


@attrs.frozen
class Device(Identified):
    """A device that `Devices.get` returns. Methods that take a device ARN take it too.

    Statuses that this library does not know are plain strings.
    """

    id_arguments = ("device_arn",)
    id_field = "device_arn"

    device_arn: str | None = None
    device_serial_number: str | None = None
    device_type: str | None = None
    device_name: str | None = None
    software_version: str | None = None
    mac_address: str | None = None
    room_arn: str | None = None
    device_status: DeviceStatus | str | None = None
    device_status_info: DeviceStatusInfo | None = None
    network_profile_info: NetworkProfileInfo | None = None


@attrs.frozen
class DeviceData(Identified):
    """A device that `Devices.search` returns. Methods that take a device ARN take it too."""

    id_arguments = ("device_arn",)
    id_field = "device_arn"

    device_arn: str | None = None
    device_serial_number: str | None = None
    device_type: str | None = None
    device_name: str | None = None
    software_version: str | None = None
    mac_address: str | None = None
    room_arn: str | None = None
    room_name: str | None = None
    device_status: DeviceStatus | str | None = None
    device_status_info: DeviceStatusInfo | None = None
    network_profile_arn: str | None = None
    network_profile_name: str | None = None
    created_time: Timestamp | None = None


@attrs.frozen
class DeviceEvent:
    """Something that happened to a device."""

    type: DeviceEventType | str | None = None
    value: str | None = None
    """The new state, such as "ONLINE"; a free string in the model."""
    timestamp: Timestamp | None = None


DeviceArn: TypeAlias = str | Device | DeviceData
"""The ARN of a device, or a model that has it."""

_api: Final = Actions("devices")
GET: Final = _api.get("get", "GetDevice", Device, required="device_arn")
SEARCH: Final = _api.list("search", "SearchDevices", DeviceData, items="Devices")
EVENTS: Final = _api.list("events", "ListDeviceEvents", DeviceEvent, items="DeviceEvents", required=("device_arn",))
OPERATIONS: Final = _api.operations


class Devices(Resource):
    """Find and read devices, and the history of their connections.

        async for found in a4b.devices.search(filters={"ConnectionStatus": ["OFFLINE"]}, sort=["RoomName"]):
            print(found.device_name, found.room_name)
        async for event in a4b.devices.events(device_arn, event_type="CONNECTION_STATUS"):
            print(event.timestamp, event.value)

    The attributes of models are those of the service in snake case.
    """

    async def get(self, device_arn: DeviceArn) -> Device:
        """Return a device (GetDevice)."""
        return await self._call(GET, device_arn=device_arn)

    def search(
        self,
        *,
        filters: Mapping[str, Sequence[str]] | None = None,
        sort: Sequence[str] | None = None,
        page_size: int | None = None,
    ) -> Pager[DeviceData]:
        """Find devices (SearchDevices). The first page has `total_count`.

        Args:
            filters: Values per key of `FILTER_KEYS`; a device matches if one value of every key does. At most 25 keys
                and 50 values per key, each of 1 to 500 characters.
            sort: Up to 25 keys of `SORT_KEYS`, the most significant first; "-DeviceName" descends.
            page_size: Devices per request, 1 to 50.

        Raises:
            BadRequest: The service does not know a key. Raised when awaited or iterated.
        """
        return self._pager(SEARCH, **search_arguments(filters, sort), page_size=page_size)

    def events(
        self, device_arn: DeviceArn, *, event_type: DeviceEventType | str | None = None, page_size: int | None = None
    ) -> Pager[DeviceEvent]:
        """List the events of a device, newest first, at most 30 days back (ListDeviceEvents).

        Args:
            device_arn: The device.
            event_type: "CONNECTION_STATUS" or "DEVICE_STATUS". Defaults to both.
            page_size: Events per request, 1 to 50. Defaults to 50.
        """
        if event_type is not None and not (isinstance(event_type, str) and event_type):
            raise ConfigurationError(
                f'event_type must be "CONNECTION_STATUS", "DEVICE_STATUS" or None, not {event_type!r}'
            )
        return self._pager(EVENTS, device_arn=device_arn, event_type=event_type, page_size=page_size)
