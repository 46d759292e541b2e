"""Devices of Alexa for Business, and the history of their connections.

Source: the service model of botocore 1.34.120, the last that has it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import attrs

from alexa_props.client import Client
from alexa_props.codec import Timestamp
from alexa_props.errors import ConfigurationError
from alexa_props.for_business.searching import MAX_PAGE_SIZE, SEARCH_PARAMS, search
from alexa_props.operation import Operation, Paging, Param
from alexa_props.paging import Pager
from alexa_props.settings import Identified, require_id, require_page_size, require_text

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
"""What `Devices.search` can sort by, as the model's texts list it."""
FILTER_KEYS: Final = (*SORT_KEYS, "DeviceStatusDetailCode", "UnassociatedOnly")
"""What `Devices.search` can filter by, as the model's texts list it."""


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
    """A device as `Devices.get` gives it. It goes wherever its ARN goes.

    Statuses that this library does not know arrive as plain strings.
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
    """A device as `Devices.search` gives it, with the names of its room and network profile.

    It goes wherever its ARN goes.
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
    room_name: str | None = None
    device_status: DeviceStatus | str | None = None
    device_status_info: DeviceStatusInfo | None = None
    network_profile_arn: str | None = None
    network_profile_name: str | None = None
    created_time: Timestamp | None = None


@attrs.frozen
class DeviceEvent:
    """Something that happened to a device.

    Attributes:
        type: what it is about.
        value: the new state, such as "ONLINE"; a free string in the model.
        timestamp: when.

    """

    type: DeviceEventType | str | None = None
    value: str | None = None
    timestamp: Timestamp | None = None


_MODEL: Final = "https://github.com/boto/botocore/tree/1.34.120/botocore/data/alexaforbusiness/2017-11-09"

GET: Final = Operation(
    name="devices.get",
    method="POST",
    path="/",
    params=(Param("device_arn", "DeviceArn", "body"),),
    answer=Device,
    member="Device",
    subject="device_arn",
    target="GetDevice",
    source=_MODEL,
)
SEARCH: Final = Operation(
    name="devices.search",
    method="POST",
    path="/",
    params=SEARCH_PARAMS,
    answer=DeviceData,
    paging=Paging("Devices", ("NextToken",)),
    target="SearchDevices",
    source=_MODEL,
)
EVENTS: Final = Operation(
    name="devices.events",
    method="POST",
    path="/",
    params=(
        Param("device_arn", "DeviceArn", "body"),
        Param("event_type", "EventType", "body"),
        Param("page_size", "MaxResults", "body"),
        Param("next_token", "NextToken", "body"),
    ),
    answer=DeviceEvent,
    paging=Paging("DeviceEvents", ("NextToken",)),
    subject="device_arn",
    target="ListDeviceEvents",
    source=_MODEL,
)
OPERATIONS: Final = (GET, SEARCH, EVENTS)


DeviceArn: TypeAlias = str | Device | DeviceData
"""What goes where the ARN of a device goes."""


class Devices:
    """`client.devices`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def get(self, device_arn: DeviceArn) -> Device:
        """One device (GetDevice).

        Args:
            device_arn: the device.

        Raises:
            ConfigurationError: `device_arn` is empty.
            NotFound: there is no such device.
            AlexaError: see `alexa_props.errors` for what any call may raise.

        """
        device: Device = await self._client.call(GET, {"device_arn": require_id("device_arn", device_arn)})
        return device

    def search(
        self,
        *,
        filters: Mapping[str, Sequence[str]] | None = None,
        sort: Sequence[str] | None = None,
        page_size: int | None = None,
    ) -> Pager[DeviceData]:
        """Devices that match (SearchDevices).

        Args:
            filters: key → values; a device matches if for every key one of the values does. Keys: `FILTER_KEYS`. At
                most 25 keys and 50 values for each, 1 to 500 characters.
            sort: keys, first things first; "-DeviceName" descends. Keys: `SORT_KEYS`. At most 25.
            page_size: 1 to 50; None leaves it to the service.

        Returns:
            A `Pager`: await it for the first page (with `total_count`), iterate it for all devices.

        Raises:
            ConfigurationError: an argument is outside what the model allows; nothing was sent.
            BadRequest: when awaited or iterated: the service knows no such key.
            AlexaError: when awaited or iterated; see `alexa_props.errors`.

        """
        return search(self._client, SEARCH, filters, sort, page_size)

    def events(
        self,
        device_arn: DeviceArn,
        *,
        event_type: DeviceEventType | str | None = None,
        page_size: int | None = None,
    ) -> Pager[DeviceEvent]:
        """The history of a device, newest first, at most 30 days back (ListDeviceEvents).

        Args:
            device_arn: the device.
            event_type: "CONNECTION_STATUS" or "DEVICE_STATUS"; None gives all.
            page_size: 1 to 50; None is the service's default, 50.

        Returns:
            A `Pager`: await it for the first page, iterate it for all events.

        Raises:
            ConfigurationError: an argument is out of range; nothing was sent.
            NotFound: when awaited or iterated: there is no such device.
            AlexaError: when awaited or iterated; see `alexa_props.errors`.

        """
        if event_type is not None and not (
            isinstance(event_type, str) and event_type and require_text("event_type", event_type)
        ):
            raise ConfigurationError(
                f'event_type must be "CONNECTION_STATUS", "DEVICE_STATUS" or None, not {event_type!r}'
            )
        arguments = {
            "device_arn": require_id("device_arn", device_arn),
            "event_type": event_type,
            "page_size": require_page_size(page_size, maximum=MAX_PAGE_SIZE),
        }
        return self._client.pager(EVENTS, lambda token: {**arguments, "next_token": token})
