"""Endpoints: the devices, the units that they are in, and whether they can be reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

import attrs

from alexa_props.arguments import Identified, require_id, require_ids, summarize
from alexa_props.client import Resource
from alexa_props.codec import PlainText
from alexa_props.errors import ConfigurationError
from alexa_props.operation import Group
from alexa_props.paging import Pager
from alexa_props.smart_properties.features import Feature, FeatureOperation, FeatureProperty
from alexa_props.smart_properties.ids import EndpointId, UnitId
from alexa_props.smart_properties.protocol import optional_member, plain_text

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
        *("unit_id", "unit_ids", "parent_id"),
        *("organization_id", "property_id", "room_type_id", "room_id"),
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

_ONE: Final = "/v2/endpoints/{endpoint_id}"
_EXPAND: Final = {"expand": str | Sequence[str]}

_api: Final = Group("endpoints", "endpoint-api.html")
_features: Final = Group("endpoints", "endpoint-features-api.html")
LIST: Final = _api.list("list", "/v2/endpoints", Endpoint, wire=_FILTERS, types=_EXPAND)
GET: Final = _api.get("get", _ONE, Endpoint, types=_EXPAND)
QUERY: Final = _api.list("query", "/v2/endpointQuery", Endpoint, method="POST", types=_EXPAND)
ASSOCIATE: Final = _api.put(
    "associate", f"{_ONE}/associatedUnits", optional_member("id"), nullable=True, idempotent=False, check_with="list"
)
RENAME: Final = _api.post("rename", f"{_ONE}/friendlyName", idempotent=True)
DEREGISTER: Final = _api.post("deregister", f"{_ONE}/deregister", idempotent=True)
FORGET: Final = _api.post("forget", f"{_ONE}/forget", idempotent=True)
CONNECTIVITY: Final = _features.get("connectivity", f"{_ONE}/features/connectivity", Feature)
OPERATIONS: Final = (*_api.operations, *_features.operations)


class Endpoints(Resource):
    """Find endpoints, move them between units, rename and remove them.

        endpoints = [each async for each in asp.endpoints.query(unit_ids=[unit_id], expand="all")]
        await asp.endpoints.rename(endpoints[0], "Bedside Echo")

    The id of an endpoint may change when it is moved to another unit; its serial number does not.
    """

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
        """List endpoints by one or more filters, at least one of the first four.

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
        """Return an endpoint: only its id, unless `expand` is "all", "feature:connectivity", or both."""
        return await self._call(GET, endpoint_id=endpoint_id, expand=expand)

    def query(
        self,
        query: Mapping[str, object] | None = None,
        *,
        unit_ids: Iterable[UnitId] | None = None,
        expand: str | Sequence[str] | None = None,
        page_size: int | None = None,
    ) -> Pager[Endpoint]:
        """List the endpoints of several units, or those that match a query. For the other arguments see `list`.

        A query is `{"or": [query, …]}`, `{"and": [query, …]}` or `{"match": {field: value}}`, and sent unchanged. A
        field is a dotted name such as "associatedUnits.id" or "manufacturer.value.text". "and" is inferred.
        """
        if (query is None) == (unit_ids is None):
            raise ConfigurationError("endpoints.query needs either query or unit_ids")
        subject = None
        if unit_ids is not None:
            units = require_ids("unit_ids", unit_ids, 1)
            query = {"or": [{"match": {"associatedUnits.id": each}} for each in units]}
            subject = summarize(units)
        elif not isinstance(query, Mapping) or not query:
            raise ConfigurationError(f'query must be a mapping with "or", "and" or "match", not {query!r:.80}')
        expands = (expand,) if isinstance(expand, str) else expand
        return self._pager(QUERY, query=query, expand=expands, page_size=page_size, subject=subject)

    async def associate(self, endpoint_id: EndpointId, unit_id: UnitId) -> str | None:
        """Move an endpoint to a unit, and return its new id. "~caller.defaultUnitId" removes it from its unit.

        If the response has no id, the result is None: find the device with `list(serial_number=…)`.

        The device must be online. It loses its settings and reboots, even if it is in this unit already, and must keep
        its power for a minute. Apply settings when it is online again, after about two minutes; check every two
        minutes at most, with `list(mac_address=…, reachability="OK")`.
        """
        unit = {"id": require_id("unit_id", unit_id)}
        return await self._call(ASSOCIATE, endpoint_id=endpoint_id, body=[unit])

    async def rename(self, endpoint_id: EndpointId, name: str) -> None:
        """Rename an endpoint."""
        await self._call(RENAME, endpoint_id=endpoint_id, body=plain_text("name", name))

    async def deregister(self, endpoint_id: EndpointId) -> None:
        """Remove an endpoint that is online from the account. For one that is offline use `forget`."""
        await self._call(DEREGISTER, endpoint_id=endpoint_id)

    async def forget(self, endpoint_id: EndpointId) -> None:
        """Remove Alexa's record of an endpoint that is offline.

        The skill of a smart home device is not informed, and may report the device again: remove it there first.
        """
        await self._call(FORGET, endpoint_id=endpoint_id)

    async def connectivity(self, endpoint_id: EndpointId) -> Feature:
        """Return the connectivity feature of an endpoint: its `reachability` is "OK" if the device is online."""
        return await self._call(CONNECTIVITY, endpoint_id=endpoint_id)
