"""The wire of SIP trunks and of the extensions on them."""

from __future__ import annotations

from alexa_props.simulator.smart_properties.pbx import FIRST_EXTENSION, TRUNKS
from alexa_props.smart_properties.pbx import ExtensionMapping, FqdnPeer, IpPeer, SipTrunk, Tls
from tests.wire.row import LAST_PAGE, Wire

IDS = {
    "trunk": lambda sim: TRUNKS.ids(sim)[0],
    "spare_trunk": lambda sim: TRUNKS.ids(sim)[1],
    "extension": lambda _: FIRST_EXTENSION,
    "new_extension": lambda _: "4102/b",
}
MODELS = {"trunk": SipTrunk("trunk-1"), "spare_trunk": SipTrunk("spare-trunk-1")}

CERTIFICATE = "-----BEGIN CERTIFICATE----- ..."
TLS = [Tls("primary", CERTIFICATE)]
TLS_JSON = [{"name": "primary", "certificateChain": CERTIFICATE}]
PEERS = [IpPeer("pbx1", "203.0.113.10", 5061)]
PEERS_JSON = [{"name": "pbx1", "port": "5061", "ip": "203.0.113.10"}]
PEER = FqdnPeer("pbx.example.com", "5061")
PEER_JSON = {"name": "pbx.example.com", "port": "5061"}
MAPPING_JSON = {"routingType": "communication-profile", "commsProfileId": "profile-1"}
MAPPING = ExtensionMapping("4101", "profile-1", "communication-profile")

WIRE = {
    "sip_trunks.list": Wire(
        lambda on: on.asp.sip_trunks.list(),
        "GET /v1/communications/network/siptrunk",
        response={"results": [{"trunkId": "a", "status": "ACTIVE"}, {"id": "b"}, {"sipTrunkId": "c"}, {}], **LAST_PAGE},
        result=[SipTrunk("a", "ACTIVE"), SipTrunk("b"), SipTrunk("c"), SipTrunk()],
    ),
    "sip_trunks.list, with every argument": Wire(
        lambda on: on.asp.sip_trunks.list(page_size=5),
        "GET /v1/communications/network/siptrunk?maxResults=5",
        response={"results": []},
        result=[],
    ),
    "sip_trunks.create": Wire(
        lambda on: on.asp.sip_trunks.create(TLS, PEERS),
        "POST /v1/communications/network/siptrunk",
        body={"tls": TLS_JSON, "peers": PEERS_JSON},
        response={"trunkId": "new"},
        result=SipTrunk("new"),
    ),
    "sip_trunks.create, with a host name and no body": Wire(
        lambda on: on.asp.sip_trunks.create(iter(TLS), PEER),
        "POST /v1/communications/network/siptrunk",
        body={"tls": TLS_JSON, "peer": PEER_JSON},
    ),
    "sip_trunks.get": Wire(
        lambda on: on.asp.sip_trunks.get(on.trunk),
        "GET /v1/communications/network/siptrunk/trunk-1",
        response={"trunkId": "trunk-1", "tls": TLS_JSON, "peers": PEERS_JSON, "peer": {"name": 5}},
        result=SipTrunk("trunk-1", tls=tuple(TLS), peers=tuple(PEERS)),
    ),
    "sip_trunks.update": Wire(
        lambda on: on.asp.sip_trunks.update(on.trunk, TLS, iter(PEERS)),
        "PUT /v1/communications/network/siptrunk/trunk-1",
        body={"tls": TLS_JSON, "peers": PEERS_JSON},
    ),
    "sip_trunks.delete": Wire(
        lambda on: on.asp.sip_trunks.delete(on.spare_trunk),
        "DELETE /v1/communications/network/siptrunk/spare-trunk-1",
    ),
    "extension_mappings.list": Wire(
        lambda on: on.asp.extension_mappings.list(on.trunk),
        "GET /v1/communications/network/siptrunk/trunk-1/extensions",
        response={"results": [{"extension": "4101", **MAPPING_JSON}, {"x": 1}], **LAST_PAGE},
        result=[MAPPING, ExtensionMapping()],
    ),
    "extension_mappings.list, under another name": Wire(
        lambda on: on.asp.extension_mappings.list(on.trunk),
        "GET /v1/communications/network/siptrunk/trunk-1/extensions",
        response={"extensions": ["4101"]},
        result=[ExtensionMapping("4101")],
    ),
    "extension_mappings.get": Wire(
        lambda on: on.asp.extension_mappings.get(on.trunk, on.extension),
        "GET /v1/communications/network/siptrunk/trunk-1/extension/extension-1",
        response={"extension": "4101", **MAPPING_JSON},
        result=MAPPING,
    ),
    "extension_mappings.create": Wire(
        lambda on: on.asp.extension_mappings.create(on.trunk, on.new_extension, on.profile),
        "POST /v1/communications/network/siptrunk/trunk-1/extension/new-extension-1",
        body=MAPPING_JSON,
    ),
    "extension_mappings.update": Wire(
        lambda on: on.asp.extension_mappings.update(on.trunk, on.extension, on.profile, routing_type="other"),
        "PUT /v1/communications/network/siptrunk/trunk-1/extension/extension-1",
        body={**MAPPING_JSON, "routingType": "other"},
    ),
    "extension_mappings.delete": Wire(
        lambda on: on.asp.extension_mappings.delete(on.trunk, on.extension),
        "DELETE /v1/communications/network/siptrunk/trunk-1/extension/extension-1",
    ),
}
