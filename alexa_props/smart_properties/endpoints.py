"""Endpoints: the devices, where they are, and whether they can be reached.

Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/endpoint-api.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import attrs

from alexa_props.client import Client
from alexa_props.codec import PlainText, Timestamp
from alexa_props.errors import ConfigurationError
from alexa_props.operation import Operation, Paging, Param
from alexa_props.paging import Pager
from alexa_props.settings import Identified, require_id, require_page_size
from alexa_props.smart_properties.ids import EndpointId, UnitId

__all__ = [
    "OPERATIONS",
    "Connection",
    "Endpoint",
    "Endpoints",
    "Feature",
    "FeatureOperation",
    "FeatureProperty",
    "UnitRef",
]

_SOURCE: Final = "https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/endpoint-api.html"
_FEATURES: Final = "https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/endpoint-features-api.html"


@attrs.frozen
class Connection:
    """A network connection of an endpoint."""

    mac_address: str | None = None


@attrs.frozen
class UnitRef(Identified):
    """A unit, by its id. It goes wherever the id goes."""

    id_arguments = ("unit_id", "unit_ids", "parent_id")

    id: str


@attrs.frozen
class FeatureProperty:
    """One property of a feature.

    Attributes:
        name: such as "reachability".
        value: whatever the feature reports, as parsed JSON.
        time_of_sample: when the device reported it.

    """

    name: str | None = None
    value: Any = None
    time_of_sample: Timestamp | None = None


@attrs.frozen
class FeatureOperation:
    """Something that can be done to a feature, and the path for it."""

    name: str | None = None
    path: str | None = None


@attrs.frozen
class Feature:
    """What a device can do or report, such as its connectivity."""

    name: str | None = None
    properties: tuple[FeatureProperty, ...] = ()
    operations: tuple[FeatureOperation, ...] = ()
    configuration: dict[str, Any] | None = None

    @property
    def reachability(self) -> str | None:
        """Online devices give "OK"; other values are not documented. None if the answer does not say."""
        value = self._value("reachability")
        return None if value is None else str(value)

    @property
    def volume(self) -> int | None:
        """Of the speaker feature, 0 to 100. None if the answer does not say.

        Inferred: no page shows what the speaker reports; it is taken to be as the connectivity feature's reachability.
        """
        value = self._value("volume")
        whole = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
        return int(value) if whole else None

    def _value(self, name: str) -> Any:
        """What a property reports; Amazon's samples wrap it as `{"value": …}`."""
        value = next((prop.value for prop in self.properties if prop.name == name), None)
        return value.get("value") if isinstance(value, dict) else value


@attrs.frozen
class Endpoint(Identified):
    """A device. It goes wherever its id goes. A list that was not asked to `expand` fills in nothing but the id."""

    id_arguments = ("endpoint_id",)

    id: str
    friendly_name: PlainText | None = None
    description: PlainText | None = None
    manufacturer: PlainText | None = None
    model: PlainText | None = None
    serial_number: PlainText | None = None
    software_version: PlainText | None = None
    connections: tuple[Connection, ...] = ()
    associated_units: tuple[UnitRef, ...] = ()
    features: tuple[Feature, ...] = ()

    @property
    def reachability(self) -> str | None:
        """As `Feature.reachability`, if the connectivity feature was asked for: `expand="feature:connectivity"`."""
        return next((feature.reachability for feature in self.features if feature.name == "connectivity"), None)


LIST: Final = Operation(
    name="endpoints.list",
    method="GET",
    path="/v2/endpoints",
    params=(
        Param("unit_id", "associatedUnits.id", "query"),
        Param("owner", "owner", "query"),
        Param("serial_number", "serialNumber.value.text", "query"),
        Param("mac_address", "connections.macAddress", "query"),
        Param("reachability", "features[name:connectivity].properties[name:reachability].value.value", "query"),
        Param("expand", "expand", "query"),
        Param("page_size", "maxResults", "query"),
        Param("next_token", "nextToken", "query"),
    ),
    answer=Endpoint,
    paging=Paging("results", ("paginationContext", "nextToken")),
    subject="which",
    source=_SOURCE,
)
GET: Final = Operation(
    name="endpoints.get",
    method="GET",
    path="/v2/endpoints/{endpoint_id}",
    params=(Param("endpoint_id", None, "path"), Param("expand", "expand", "query")),
    answer=Endpoint,
    subject="endpoint_id",
    source=_SOURCE,
)
CONNECTIVITY: Final = Operation(
    name="endpoints.connectivity",
    method="GET",
    path="/v2/endpoints/{endpoint_id}/features/connectivity",
    params=(Param("endpoint_id", None, "path"),),
    answer=Feature,
    subject="endpoint_id",
    source=_FEATURES,
)
OPERATIONS: Final = (LIST, GET, CONNECTIVITY)


class Endpoints:
    """`client.endpoints`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list(
        self,
        *,
        unit_id: UnitId | None = None,
        owner: Literal["~caller"] | None = None,
        serial_number: str | None = None,
        mac_address: str | None = None,
        reachability: str | None = None,
        expand: str | Sequence[str] | None = None,
        page_size: int | None = None,
    ) -> Pager[Endpoint]:
        """Endpoints of a unit, of the calling account, or with a serial number or MAC address. Name at least one.

        Args:
            unit_id: endpoints associated with this unit.
            owner: "~caller", the account behind the token. Older pages: only endpoints that are in no unit.
            serial_number: device serial number.
            mac_address: as Amazon's samples use it; not on the documentation page.
            reachability: "OK" for devices that are online, beside another filter; likewise from Amazon's samples.
            expand: "all" and "feature:connectivity", one or both; without it only ids are filled in.
            page_size: at least 1; None is the service's default, 10, which is also the documented maximum.

        Returns:
            A `Pager`: await it for the first page, iterate it for all endpoints.

        Raises:
            ConfigurationError: no filter was named, or an argument is out of range.
            AlexaError: when awaited or iterated; see `alexa_props.errors`.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/endpoint-api.html

        """
        filters = {"unit_id": unit_id, "owner": owner, "serial_number": serial_number, "mac_address": mac_address}
        named = {name: require_id(name, value) for name, value in filters.items() if value is not None}
        if not named:
            raise ConfigurationError("name at least one of unit_id, owner, serial_number and mac_address")
        if reachability is not None:
            named["reachability"] = require_id("reachability", reachability)
        arguments = {
            **named,
            "which": ", ".join(f"{name}={value}" for name, value in named.items()),
            "expand": _expand(expand),
            "page_size": require_page_size(page_size, maximum=None),
        }
        return self._client.pager(LIST, lambda token: {**arguments, "next_token": token})

    async def get(self, endpoint_id: EndpointId, *, expand: str | Sequence[str] | None = None) -> Endpoint:
        """One endpoint.

        Args:
            endpoint_id: the endpoint; its id may change when it is moved to another unit.
            expand: as in `list`.

        Raises:
            ConfigurationError: `endpoint_id` cannot be an id.
            AlexaError: see `alexa_props.errors` for what any call may raise.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/endpoint-api.html

        """
        endpoint: Endpoint = await self._client.call(GET, {"endpoint_id": endpoint_id, "expand": _expand(expand)})
        return endpoint

    async def connectivity(self, endpoint_id: EndpointId) -> Feature:
        """The connectivity feature of an endpoint: `.reachability` is "OK" when the device is online.

        Args:
            endpoint_id: the endpoint.

        Raises:
            ConfigurationError: `endpoint_id` cannot be an id.
            AlexaError: see `alexa_props.errors` for what any call may raise.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/endpoint-features-api.html

        """
        feature: Feature = await self._client.call(CONNECTIVITY, {"endpoint_id": endpoint_id})
        return feature


def _expand(expand: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Repeatable on the wire: one name or several."""
    if expand is None:
        return None
    if isinstance(expand, bytes | bytearray) or not isinstance(expand, Sequence):
        raise ConfigurationError(
            f'expand must be "all", "feature:connectivity", a list of them, or None, not {expand!r}'
        )
    names = (expand,) if isinstance(expand, str) else tuple(expand)
    return tuple(require_id("expand", name) for name in names)
