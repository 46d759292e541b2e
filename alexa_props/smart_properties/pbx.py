"""SIP trunks to a private branch exchange (PBX), and the extensions on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

import attrs

from alexa_props.arguments import Identified, summarize
from alexa_props.client import Resource
from alexa_props.codec import Lenient
from alexa_props.errors import ConfigurationError
from alexa_props.field_types import require_models
from alexa_props.operation import Group
from alexa_props.paging import Page, Pager
from alexa_props.responses import first_string
from alexa_props.smart_properties.communications import ProfileId
from alexa_props.smart_properties.protocol import codec, page_of

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
    members = body if isinstance(body, dict) else {}
    lists = (value for value in (members.get("results"), *members.values()) if isinstance(value, list))
    return page_of(_listed)(members | {"results": next(lists, None)})


_PAGE: Final = "pbx-api-for-alexa-smart-properties.html"
_SCOPE: Final = "amazon_communication::network:siptrunk"
_TRUNK: Final = "/v1/communications/network/siptrunk"

_trunks: Final = Group("sip_trunks", _PAGE, scope=_SCOPE)
LIST: Final = _trunks.list("list", _TRUNK, SipTrunk)
CREATE: Final = _trunks.post("create", _TRUNK, SipTrunk, nullable=True, check_with="list")
GET: Final = _trunks.get("get", f"{_TRUNK}/{{trunk_id}}", SipTrunk)
UPDATE: Final = _trunks.put("update", f"{_TRUNK}/{{trunk_id}}")
DELETE: Final = _trunks.delete("delete", f"{_TRUNK}/{{trunk_id}}")

_EXTENSION: Final = f"{_TRUNK}/{{trunk_id}}/extension/{{extension}}"
_PROFILE: Final = ("profile_id",)
_WIRE: Final = {"profile_id": "commsProfileId"}
_TYPES: Final = {"routing_type": str}
_mappings: Final = Group("extension_mappings", _PAGE, scope=_SCOPE)
LIST_MAPPINGS: Final = _mappings.get("list", f"{_TRUNK}/{{trunk_id}}/extensions", _page)
GET_MAPPING: Final = _mappings.get("get", _EXTENSION, ExtensionMapping, subject="extension")
CREATE_MAPPING: Final = _mappings.post(
    "create", _EXTENSION, required=_PROFILE, wire=_WIRE, types=_TYPES, subject="extension", check_with="get"
)
UPDATE_MAPPING: Final = _mappings.put(
    "update", _EXTENSION, required=_PROFILE, wire=_WIRE, types=_TYPES, subject="extension"
)
DELETE_MAPPING: Final = _mappings.delete("delete", _EXTENSION, subject="extension")
OPERATIONS: Final = (*_trunks.operations, *_mappings.operations)


class SipTrunks(Resource):
    """Create, read, replace and delete SIP trunks to a PBX.

        tls = [Tls("primary", "-----BEGIN CERTIFICATE-----…")]
        trunk = await asp.sip_trunks.create(tls, FqdnPeer("pbx.example.com", 5061))

    A token needs the scope `amazon_communication::network:siptrunk` in addition. Signaling uses TLS 1.2, and media
    SRTP. For the US only, and for a PBX whose public IP address never changes.
    """

    def list(self, *, page_size: int | None = None) -> Pager[SipTrunk]:
        """List all trunks."""
        return self._pager(LIST, page_size=page_size)

    async def create(self, tls: Iterable[Tls], peers: Peers) -> SipTrunk | None:
        """Create a trunk and return what the response shows of it; None if there is no body.

        `peers` is one PBX with a host name, or a list with an IP address each. This decides the SIP domain of calls
        that devices start.
        """
        members = _members(tls, peers)
        named = members.get("peers") or [members["peer"]]
        return await self._call(CREATE, **members, subject=summarize([peer.name for peer in named]))

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

    They need the scope of `SipTrunks`. The only known routing type is "communication-profile".
    """

    def list(self, trunk_id: TrunkId) -> Pager[ExtensionMapping]:
        """List the extensions of a trunk."""
        return self._pager(LIST_MAPPINGS, trunk_id=trunk_id)

    async def get(self, trunk_id: TrunkId, extension: str) -> ExtensionMapping:
        """Return the mapping of an extension, such as "4101"."""
        return await self._call(GET_MAPPING, trunk_id=trunk_id, extension=extension)

    async def create(
        self, trunk_id: TrunkId, extension: str, profile_id: ProfileId, *, routing_type: str = "communication-profile"
    ) -> None:
        """Map an extension to a communication profile. To change a mapping, use `update`."""
        ids = {"trunk_id": trunk_id, "extension": extension, "profile_id": profile_id}
        await self._call(CREATE_MAPPING, **ids, routing_type=routing_type)

    async def update(
        self, trunk_id: TrunkId, extension: str, profile_id: ProfileId, *, routing_type: str = "communication-profile"
    ) -> None:
        """Map an extension to another communication profile. Whether this also creates a mapping is not documented."""
        ids = {"trunk_id": trunk_id, "extension": extension, "profile_id": profile_id}
        await self._call(UPDATE_MAPPING, **ids, routing_type=routing_type)

    async def delete(self, trunk_id: TrunkId, extension: str) -> None:
        """Delete the mapping of an extension."""
        await self._call(DELETE_MAPPING, trunk_id=trunk_id, extension=extension)


def _members(tls: Iterable[Tls], peers: Peers) -> dict[str, Any]:
    """Return the body of a trunk; raises `ConfigurationError` that quotes no certificate."""
    chains = require_models("tls", tls, Tls)
    for each in chains:
        if "PRIVATE KEY" in each.certificate_chain:
            raise ConfigurationError("tls must have PEM text in each certificate_chain, without a private key")
    if isinstance(peers, FqdnPeer):
        return {"tls": chains, "peer": peers}
    return {"tls": chains, "peers": require_models("peers", peers, IpPeer)}
