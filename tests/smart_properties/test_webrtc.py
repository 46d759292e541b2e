"""WebRTC: what is special about its users, and the DELETE with a body on a real socket."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from alexa_props import SmartProperties, errors
from alexa_props.smart_properties.webrtc import AccountAssociation
from tests.helpers import NoAuth, Service, answer, smart_properties


async def heard_on_a_socket(call: Any) -> bytes:
    """Return what a call sends through the client's own pool to a server that accepts everything."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        _, has_body, rest = head.lower().partition(b"content-length: ")
        heard.append(head + (await reader.readexactly(int(rest.partition(b"\r\n")[0])) if has_body else b""))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    async with server, SmartProperties(auth=NoAuth(), base_url=f"http://127.0.0.1:{port}") as asp:
        await asyncio.wait_for(call(asp), 5)
    [request] = heard
    return request


async def test_a_delete_has_its_body_and_content_type_on_the_socket() -> None:
    request = await heard_on_a_socket(lambda asp: asp.account_associations.delete("provider", "7201"))
    head, _, body = request.partition(b"\r\n\r\n")
    line, *headers = head.decode().split("\r\n")
    named = {name.lower(): value for name, _, value in (header.partition(": ") for header in headers)}
    assert line == "DELETE /v1/communications/serviceProviders/provider/externalUsers HTTP/1.1"
    assert body == b'{"externalUserId":"7201"}'
    assert (named["content-type"], named["content-length"]) == ("application/json", str(len(body)))
    assert "transfer-encoding" not in named


async def test_a_delete_without_a_body_has_no_content_type_on_the_socket() -> None:
    request = await heard_on_a_socket(lambda asp: asp.network_mappings.delete("provider"))
    assert b"content-type" not in request.lower()


async def test_a_query_follows_the_token_that_it_may_receive() -> None:
    service = Service(
        answer(200, {"results": [{"externalUserId": "1"}], "paginationContext": {"nextToken": "more"}}),
        answer(200, {"results": [{"externalUserId": "2", "status": "ACTIVE"}]}),
    )
    found = [each async for each in smart_properties(service).account_associations.query("provider", ["1", "2"])]
    assert found == [AccountAssociation("1"), AccountAssociation("2")]
    assert found[1].raw == {"externalUserId": "2", "status": "ACTIVE"}
    filters = {"filters": {"externalUserIds": ["1", "2"]}}
    assert [seen.json for seen in service.seen] == [filters, {**filters, "paginationContext": {"nextToken": "more"}}]


async def test_messages_name_the_users() -> None:
    asp = smart_properties(Service(403))
    with pytest.raises(errors.Forbidden, match=r"^account_associations\.create\('7201'\): "):
        await asp.account_associations.create("provider", "7201", "profile")
    with pytest.raises(errors.Forbidden, match=r"^account_associations\.query\('7201 and 1 more'\): ") as caught:
        await asp.account_associations.query("provider", ["7201", "7202"])
    assert "amazon_communication::service_provider" in str(caught.value)


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("external_user_ids must be a list of at least 1 item", lambda asp: asp.account_associations.query("p", [])),
        ("external_user_ids must be a list", lambda asp: asp.account_associations.query("p", "7201")),
        ("external_user_id must be an id", lambda asp: asp.account_associations.delete("p", "")),
        ("display_name must be a list", lambda asp: asp.service_providers.create("p", display_name={"en-US": "P"})),
        ("display_name must be a list", lambda asp: asp.service_providers.update("p", None)),
    ],
)
async def test_rejects_invalid_arguments(message: str, call: Any) -> None:
    service = Service(204)
    with pytest.raises(errors.ConfigurationError, match=message):
        await call(smart_properties(service))
    assert service.seen == []
