"""SIP trunks and extensions: bad input, private keys, the additional scope, and responses that are not documented."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from alexa_props import errors
from alexa_props.smart_properties.pbx import ExtensionMapping, FqdnPeer, IpPeer, SipTrunk, Tls
from tests.helpers import Service, answer, smart_properties

CERTIFICATE, KEY = "-----BEGIN CERTIFICATE----- ...", "MIGHAgEAMBMGByqGSM49AgEG"
TLS = [Tls("primary", CERTIFICATE)]
PEER = FqdnPeer("pbx.example.com", 5061)
PEERS = [IpPeer("pbx1", "203.0.113.10", 5061), IpPeer("pbx2", "203.0.113.11", 5061)]


async def test_rejects_invalid_trunks() -> None:
    service = Service(204)
    trunks = smart_properties(service).sip_trunks
    bad: list[tuple[Any, Any, str]] = [
        ([], PEER, "tls must be a list of at least 1 item, not of 0"),
        (TLS[0], PEER, "tls must be a list, not Tls"),
        (["c"], PEER, r"tls\[0\] must be of type Tls, not str"),
        (None, PEER, "tls must be a list, not NoneType"),
        ([Tls("primary", b"...")], PEER, "certificate_chain must be a string, not bytes"),  # type: ignore[arg-type]
        (TLS, [], "peers must be a list of at least 1 item, not of 0"),
        (TLS, [PEER], r"peers\[0\] must be of type IpPeer, not FqdnPeer"),
        (TLS, PEERS[0], "peers must be a list, not IpPeer"),
        (TLS, "pbx.example.com", "peers must be a list, not str"),
    ]
    for tls, peers, said in bad:
        with pytest.raises(errors.ConfigurationError, match=f"^{said}"):
            await trunks.create(tls, peers)
        with pytest.raises(errors.ConfigurationError, match=f"^{said}"):
            await trunks.update("t", tls, peers)
    ports: list[Any] = [None, True, 5061.0, b"5061"]
    for port in ports:
        with pytest.raises(errors.ConfigurationError, match=r"^port must be a whole number or its digits"):
            FqdnPeer("pbx.example.com", port)
    assert service.seen == []


async def test_a_private_key_is_refused_and_shown_nowhere() -> None:
    service = Service(204)
    tls = [*TLS, Tls("primary", f"{CERTIFICATE}-----BEGIN PRIVATE KEY----- {KEY}")]
    with pytest.raises(errors.ConfigurationError, match=r"^tls must have .* without a private key") as caught:
        await smart_properties(service).sip_trunks.create(tls, PEER)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert KEY not in "".join(shown.format())
    assert CERTIFICATE not in repr(TLS)
    assert service.seen == []


async def test_an_error_names_the_peers_the_scope_and_what_to_check() -> None:
    trunks = smart_properties(Service(403)).sip_trunks
    for peers, named in ((PEER, "'pbx.example.com'"), (PEERS[:1], "'pbx1'"), (PEERS, "'pbx1 and 1 more'")):
        with pytest.raises(errors.Forbidden, match=rf"^sip_trunks\.create\({named}\): 403") as caught:
            await trunks.create(TLS, peers)
        assert "it also needs the scope amazon_communication::network:siptrunk" in str(caught.value)
    service = Service(502)
    asp = smart_properties(service)
    with pytest.raises(errors.ServerError, match=r"check with sip_trunks\.list whether it took effect"):
        await asp.sip_trunks.create(TLS, PEER)
    with pytest.raises(errors.ServerError, match=r"check with extension_mappings\.get whether it took effect"):
        await asp.extension_mappings.create("t", "4101", "p")
    assert len(service.seen) == 2


async def test_a_trunk_without_an_id_does_not_stand_in_for_one() -> None:
    service = Service(answer(201, {"trunk": {"identifier": "t"}}))
    trunks = smart_properties(service).sip_trunks
    created = await trunks.create(TLS, PEER)
    assert created == SipTrunk()
    assert created.raw == {"trunk": {"identifier": "t"}}
    with pytest.raises(errors.ConfigurationError, match="trunk_id must be an id"):
        await trunks.get(created)


LISTS: list[tuple[Any, list[ExtensionMapping]]] = [
    ({"results": []}, []),
    ({"other": ["4101"], "results": [{"extension": "4102"}]}, [ExtensionMapping("4102")]),
    ({"count": 1, "extensions": [{"extension": "4102", "routingType": []}]}, [ExtensionMapping("4102")]),
    ({"mappings": ["4101", {}]}, [ExtensionMapping("4101"), ExtensionMapping()]),
]


@pytest.mark.parametrize(("body", "expected"), LISTS)
async def test_extensions_are_found_in_any_list(body: Any, expected: list[ExtensionMapping]) -> None:
    mappings = smart_properties(Service(answer(json=body))).extension_mappings
    assert [each async for each in mappings.list("t")] == expected


async def test_a_response_without_extensions_is_an_error_and_a_token_is_followed() -> None:
    bodies: list[Any] = [{}, {"results": {}}, [], {"results": [5]}]
    for body in bodies:
        with pytest.raises(errors.DecodeError, match=r"^extension_mappings\.list\('t'\)"):
            await smart_properties(Service(answer(json=body))).extension_mappings.list("t")
    pages = [
        answer(json={"results": ["4101"], "paginationContext": {"nextToken": "a&b"}}),
        answer(json={"results": ["4102"], "paginationContext": {"nextToken": None}}),
    ]
    service = Service(*pages)
    mappings = smart_properties(service).extension_mappings
    assert [each.extension async for each in mappings.list("t")] == ["4101", "4102"]
    assert [seen.url.query.decode() for seen in service.seen] == ["", "nextToken=a%26b"]
    with pytest.raises(errors.ConfigurationError, match="trunk_id must be an id"):
        mappings.list("")
