"""SIP trunks to a private branch exchange (PBX), and the extensions on them."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from typing import Any, Final, TypeAlias

import attrs

from alexa_props.arguments import Identified, require_id, require_limits, require_list
from alexa_props.client import Resource
from alexa_props.codec import Lenient
from alexa_props.errors import ConfigurationError, DecodeError
from alexa_props.operation import Group
from alexa_props.paging import Page, Pager
from alexa_props.responses import first_string
from alexa_props.smart_properties.communications import ProfileId
from alexa_props.smart_properties.protocol import codec

__all__ = [
    "OPERATIONS",
    "ExtensionMapping",
    "ExtensionMappings",
    "FqdnPeer",
    "IpPeer",
    "SipTrunk",
    "SipTrunks",
    "Tls",
    "TrunkId",
]


def _port(value: int | str) -> str:
    """Return a port as text, which is how Amazon's own tool sends it."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ConfigurationError(f"port must be a whole number or its digits, not {value!r:.80}")
    return str(value)


def _found(*names: str) -> Any:
    """Return a field that by default is the first of these members of `raw`, which is declared before it."""
    return attrs.field(default=attrs.Factory(lambda it: first_string(it.raw, *names), takes_self=True))


@attrs.frozen
class Tls:
    """A certificate chain for TLS between Alexa and the PBX."""

    name: str
    certificate_chain: str = attrs.field(repr=False)
    """Certificates as PEM text, never a private key."""


@attrs.frozen
class IpPeer:
    """A PBX with a static public IP address."""

    name: str
    ip: str
    port: str = attrs.field(converter=_port)
    """Such as 5061; always text on the wire."""


@attrs.frozen
class FqdnPeer:
    """A PBX with a host name."""

    name: str
    """The fully qualified domain name."""
    port: str = attrs.field(converter=_port)
    """As in `IpPeer`."""


@attrs.frozen
class SipTrunk(Identified, Lenient):
    """A trunk; methods that take a trunk id take it too. Members are inferred from what is sent: no page shows them."""

    id_arguments = ("trunk_id",)

    id: str | None = _found("trunkId", "sipTrunkId")
    """None if the response has no "trunkId", "sipTrunkId" or "id": then look into `raw`."""
    status: str | None = None
    tls: tuple[Tls, ...] = ()
    peers: tuple[IpPeer, ...] = ()
    peer: FqdnPeer | None = None


@attrs.frozen
class ExtensionMapping(Lenient):
    """The profile that an extension rings. All members are inferred from what is sent."""

    extension: str | None = None
    profile_id: str | None = _found("commsProfileId")
    routing_type: str | None = None
    """Such as "communication-profile"."""


TrunkId: TypeAlias = str | SipTrunk
Peers: TypeAlias = FqdnPeer | Iterable[IpPeer]


def _listed(item: Any) -> ExtensionMapping:
    return ExtensionMapping(extension=item) if isinstance(item, str) else codec.structure(item, ExtensionMapping)


def _page(body: Any) -> Page[ExtensionMapping]:
    """Return the extensions in a response: its "results", or else the first list that it has."""
    if not isinstance(body, dict):
        raise DecodeError("the response is not an object")
    listed = next((value for value in (body.get("results"), *body.values()) if isinstance(value, list)), None)
    if listed is None:
        raise DecodeError("the response has no list")
    token = first_string(body.get("paginationContext"), "nextToken")
    return Page(codec.read_all(listed, _listed, "extensions"), token)


_PAGE: Final = "pbx-api-for-alexa-smart-properties.html"
_SCOPE: Final = "amazon_communication::network:siptrunk"
_TRUNK: Final = "/v1/communications/network/siptrunk"

_trunks: Final = Group("sip_trunks", _PAGE, scope=_SCOPE)
LIST: Final = _trunks.list("list", _TRUNK, SipTrunk)
CREATE: Final = _trunks.post("create", _TRUNK, SipTrunk, nullable=True, check_with="sip_trunks.list")
GET: Final = _trunks.get("get", f"{_TRUNK}/{{trunk_id}}", SipTrunk)
UPDATE: Final = _trunks.put("update", f"{_TRUNK}/{{trunk_id}}")
DELETE: Final = _trunks.delete("delete", f"{_TRUNK}/{{trunk_id}}")

_EXTENSION: Final = f"{_TRUNK}/{{trunk_id}}/extension/{{extension}}"
_WIRE: Final = {"profile_id": "commsProfileId"}
_TYPES: Final = {"routing_type": str}
_mappings: Final = Group("extension_mappings", _PAGE, scope=_SCOPE)
LIST_MAPPINGS: Final = _mappings.get("list", f"{_TRUNK}/{{trunk_id}}/extensions", _page)
GET_MAPPING: Final = _mappings.get("get", _EXTENSION, ExtensionMapping, subject="extension")
CREATE_MAPPING: Final = _mappings.post(
    *("create", _EXTENSION),
    required=("profile_id",),
    wire=_WIRE,
    types=_TYPES,
    subject="extension",
    check_with="extension_mappings.get",
)
UPDATE_MAPPING: Final = _mappings.put(
    "update", _EXTENSION, required=("profile_id",), wire=_WIRE, types=_TYPES, subject="extension"
)
DELETE_MAPPING: Final = _mappings.delete("delete", _EXTENSION, subject="extension")
OPERATIONS: Final = (*_trunks.operations, *_mappings.operations)


class SipTrunks(Resource):
    """Create, read, replace and delete SIP trunks to a PBX.

        tls = [Tls("primary", "-----BEGIN CERTIFICATE-----…")]
        trunk = await asp.sip_trunks.create(tls, FqdnPeer("pbx.example.com", 5061))

    The token needs the scope `amazon_communication::network:siptrunk`. Signaling uses TLS 1.2, and media SRTP. For the
    US only, and for a PBX whose public IP address never changes.
    """

    def list(self, *, page_size: int | None = None) -> Pager[SipTrunk]:
        """List all trunks."""
        return self._pager(LIST, page_size=page_size)

    async def create(self, tls: Iterable[Tls], peers: Peers) -> SipTrunk | None:
        """Create a trunk and return what the response shows of it, or None if the response has no body.

        Args:
            tls: At least one certificate chain.
            peers: At least one PBX with an IP address, or one PBX with a host name. This decides the SIP domain of
                calls that devices start.
        """
        members = _members(tls, peers)
        names = [peer.name for peer in members.get("peers") or [members["peer"]]]
        subject = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
        return await self._call(CREATE, **members, subject=subject)

    async def get(self, trunk_id: TrunkId) -> SipTrunk:
        """Return a trunk and its status."""
        return await self._call(GET, trunk_id=trunk_id)

    async def update(self, trunk_id: TrunkId, tls: Iterable[Tls], peers: Peers) -> None:
        """Replace everything in a trunk. The arguments are those of `create`."""
        await self._call(UPDATE, trunk_id=trunk_id, **_members(tls, peers))

    async def delete(self, trunk_id: TrunkId) -> None:
        """Delete a trunk. Delete its extensions first: what happens to them is not documented."""
        await self._call(DELETE, trunk_id=trunk_id)


class ExtensionMappings(Resource):
    """Map extensions of a PBX to communication profiles, so that they ring in units.

        await asp.extension_mappings.create(trunk_id, "4102", profile_id)
        async for mapping in asp.extension_mappings.list(trunk_id):
            print(mapping.extension, mapping.profile_id)

    The token needs the scope `amazon_communication::network:siptrunk`. The only known routing type is
    "communication-profile".
    """

    def list(self, trunk_id: TrunkId) -> Pager[ExtensionMapping]:
        """List the extensions of a trunk."""
        trunk = require_id("trunk_id", trunk_id)

        def fetch(token: str | None) -> Awaitable[Page[ExtensionMapping]]:
            return self._call(LIST_MAPPINGS, trunk_id=trunk, next_token=token)

        return Pager(fetch, LIST_MAPPINGS.name)

    async def get(self, trunk_id: TrunkId, extension: str) -> ExtensionMapping:
        """Return the mapping of an extension, such as "4101"."""
        return await self._call(GET_MAPPING, trunk_id=trunk_id, extension=extension)

    async def create(
        self, trunk_id: TrunkId, extension: str, profile_id: ProfileId, *, routing_type: str = "communication-profile"
    ) -> None:
        """Map an extension to a communication profile. To change a mapping, use `update`."""
        await self._call(
            CREATE_MAPPING, trunk_id=trunk_id, extension=extension, routing_type=routing_type, profile_id=profile_id
        )

    async def update(
        self, trunk_id: TrunkId, extension: str, profile_id: ProfileId, *, routing_type: str = "communication-profile"
    ) -> None:
        """Map an extension to another communication profile. Whether this also creates a mapping is not documented."""
        await self._call(
            UPDATE_MAPPING, trunk_id=trunk_id, extension=extension, routing_type=routing_type, profile_id=profile_id
        )

    async def delete(self, trunk_id: TrunkId, extension: str) -> None:
        """Delete the mapping of an extension."""
        await self._call(DELETE_MAPPING, trunk_id=trunk_id, extension=extension)


def _members(tls: Iterable[Tls], peers: Peers) -> dict[str, Any]:
    """Return the body of a trunk; raises `ConfigurationError` that quotes no certificate."""
    members: dict[str, Any] = {"tls": _require_models("tls", tls, Tls)}
    if not all(isinstance(each.certificate_chain, str) for each in members["tls"]):
        raise ConfigurationError("tls: each certificate_chain must be PEM text")
    if any("PRIVATE KEY" in each.certificate_chain for each in members["tls"]):
        raise ConfigurationError("tls must hold certificates only: a certificate chain contains a private key")
    if isinstance(peers, FqdnPeer):
        return {**members, "peer": peers}
    return {**members, "peers": _require_models("peers", peers, IpPeer)}


def _require_models(argument: str, value: object, model: type[Any]) -> tuple[Any, ...]:
    listed: tuple[object, ...] = require_list(argument, value)
    require_limits(argument, listed, 1, None)
    if not all(isinstance(each, model) for each in listed):
        raise ConfigurationError(f"{argument} must be a list of {model.__name__}")
    return listed
