"""Endpoints: the devices, where they are, and whether they can be reached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import attrs

from alexa_props.arguments import Identified, require_id
from alexa_props.client import Resource
from alexa_props.codec import PlainText
from alexa_props.errors import ConfigurationError
from alexa_props.operation import Group
from alexa_props.paging import Pager
from alexa_props.smart_properties.features import Feature, FeatureOperation, FeatureProperty
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


@attrs.frozen
class Connection:
    """A network connection of an endpoint."""

    mac_address: str | None = None


@attrs.frozen
class UnitRef(Identified):
    """A unit, by its id. Methods that take a unit id take it too."""

    id_arguments = (
        "unit_id",
        "unit_ids",
        "units",
        "parent_id",
        "organization_id",
        "property_id",
        "room_type_id",
        "room_id",
    )

    id: str


@attrs.frozen
class Endpoint(Identified):
    """A device. Methods that take an endpoint id take it too. A list without `expand` sets only the id."""

    id_arguments = ("endpoint_id", "endpoint_ids")

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
        """`Feature.reachability`, if the connectivity feature was requested: `expand="feature:connectivity"`."""
        return next((feature.reachability for feature in self.features if feature.name == "connectivity"), None)


_FILTERS: Final = {
    "unit_id": "associatedUnits.id",
    "serial_number": "serialNumber.value.text",
    "mac_address": "connections.macAddress",
    "reachability": "features[name:connectivity].properties[name:reachability].value.value",
}

_api: Final = Group("endpoints", "endpoint-api.html")
LIST: Final = _api.list("list", "/v2/endpoints", Endpoint, wire=_FILTERS)
GET: Final = _api.get("get", "/v2/endpoints/{endpoint_id}", Endpoint)
_features: Final = Group("endpoints", "endpoint-features-api.html")
CONNECTIVITY: Final = _features.get("connectivity", "/v2/endpoints/{endpoint_id}/features/connectivity", Feature)
OPERATIONS: Final = (*_api.operations, *_features.operations)


class Endpoints(Resource):
    """Find and read endpoints."""

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
        """List endpoints by one or several filters, at least one of the first four.

        Args:
            unit_id: Endpoints associated with this unit.
            owner: "~caller", the account of the token. Older pages: only endpoints that are in no unit.
            serial_number: Serial number of the device.
            mac_address: MAC address. Used by Amazon's samples, but not documented.
            reachability: "OK" for devices that are online. Used by Amazon's samples, but not documented.
            expand: "all", "feature:connectivity", or both; otherwise only the ids are set.
            page_size: Endpoints per request. Defaults to 10, the documented maximum.
        """
        filters = {"unit_id": unit_id, "owner": owner, "serial_number": serial_number, "mac_address": mac_address}
        named = {name: require_id(name, value) for name, value in filters.items() if value is not None}
        if not named:
            raise ConfigurationError("name at least one of unit_id, owner, serial_number and mac_address")
        if reachability is not None:
            named["reachability"] = require_id("reachability", reachability)
        subject = ", ".join(f"{name}={value}" for name, value in named.items())
        return self._pager(LIST, **named, subject=subject, expand=expand, page_size=page_size)

    async def get(self, endpoint_id: EndpointId, *, expand: str | Sequence[str] | None = None) -> Endpoint:
        """Return an endpoint. Its id may change when it is moved to another unit. For `expand` see `list`."""
        return await self._call(GET, endpoint_id=endpoint_id, expand=expand)

    async def connectivity(self, endpoint_id: EndpointId) -> Feature:
        """Return the connectivity feature of an endpoint: its `reachability` is "OK" if the device is online."""
        return await self._call(CONNECTIVITY, endpoint_id=endpoint_id)
