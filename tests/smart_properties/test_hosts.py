"""Credentials go to the hosts of the region only: API, credential locker and Login with Amazon."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Literal

import attrs
import httpx
import pytest

from alexa_props import LoginWithAmazon, Region, SmartProperties, errors
from alexa_props.operation import Group
from tests.helpers import TOKEN_URL, Service, answer, login, smart_properties
from tests.pipeline.pool_servers import Exchange, Server, ok

LOGIN = "api.amazon.com"
API = {"NA": "api.amazonalexa.com", "EU": "api.eu.amazonalexa.com", "FE": "api.fe.amazonalexa.com"}
LOCKERS = {
    "NA": "credential-locker-service.amazon.com",
    "EU": "credential-locker-service.amazon.eu",
    "FE": "credential-locker-service.amazon.jp",
}
ALL = {*API.values(), *LOCKERS.values(), LOGIN}
TOKEN = b'{"access_token": "Atza|access", "token_type": "bearer", "expires_in": 3600}'
PROFILE = b'{"user_id": "amzn1.account.A"}'

LOCKED = Group("locked", "endpoint-wifi-api.html").get("get", "/v1/locked/{thing_id}", dict, host="credential locker")
"""An operation on the credential locker."""


@attrs.define(eq=False)
class Routing(httpx.AsyncBaseTransport):
    """Sends the requests for each host to a server on this machine, over a real socket."""

    servers: dict[str, Server] = attrs.field(factory=dict)
    inner: httpx.AsyncHTTPTransport = attrs.field(factory=httpx.AsyncHTTPTransport)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert (request.url.scheme, request.url.port) == ("https", None)
        port = self.servers[request.url.host].port
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=port)
        return await self.inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self.inner.aclose()

    @property
    def reached(self) -> dict[str, list[tuple[str, str | None]]]:
        """The target and the token of each request that a host received."""
        return {
            host: [(each.target, each.header("authorization")) for each in server.requests]
            for host, server in self.servers.items()
            if server.requests
        }


async def respond(exchange: Exchange) -> None:
    bodies = {"/auth/o2/token": TOKEN, "/user/profile": PROFILE}
    exchange.writer.write(ok(bodies.get(exchange.request.target, b'{"id": "u"}')))


@asynccontextmanager
async def production() -> AsyncIterator[Routing]:
    """Yield a transport on which every host of every region, and one of somebody else, is a server of this machine."""
    routing = Routing()
    async with AsyncExitStack() as stack:
        for host in (*ALL, "evil.example"):
            routing.servers[host] = await stack.enter_async_context(Server(respond).running())
        yield routing
        await routing.aclose()


BEARER = "Bearer Atza|access"


@pytest.mark.parametrize("region", ["NA", "EU", "FE"])
async def test_each_call_goes_to_its_host_of_the_region(region: Literal["NA", "EU", "FE"]) -> None:
    async with production() as routing, SmartProperties(auth=login(), region=region, transport=routing) as asp:
        await asp.units.get("u")
        assert (await asp.profile()).user_id == "amzn1.account.A"
        await asp.call(LOCKED, {"thing_id": "t"})
        assert (await asp.request("GET", "/v2/anything")).status_code == 200
        assert routing.reached == {
            LOGIN: [("/auth/o2/token", None), ("/user/profile", BEARER)],
            API[region]: [("/v2/units/u", BEARER), ("/v2/anything", BEARER)],
            LOCKERS[region]: [("/v1/locked/t", BEARER)],
        }


@pytest.mark.parametrize("region", ["NA", "EU", "FE"])
async def test_every_other_host_is_refused_before_anything_is_sent(region: Literal["NA", "EU", "FE"]) -> None:
    own = {API[region], LOCKERS[region], LOGIN}
    others = [f"https://{host}/v2/units/u" for host in (*sorted(ALL - own), "evil.example")]
    # Another port or scheme is another origin, and so is a name around that of a host.
    others += [f"http://{API[region]}/", f"https://{LOCKERS[region]}:8443/", f"https://{API[region]}.evil.example/"]
    others += [f"https://{API[region]}@evil.example/", f"https://x.{LOGIN}/user/profile"]
    async with production() as routing, SmartProperties(auth=login(), region=region, transport=routing) as asp:
        client = httpx.AsyncClient(transport=asp.pipeline)
        for url in others:
            with pytest.raises(errors.ConfigurationError, match=r"credentials are for .* they are not sent to"):
                await client.get(url)
        # Not even a token was requested.
        assert routing.reached == {}
        for host in sorted(own):
            assert (await client.get(f"https://{host}/v2/units/u")).status_code == 200
        assert set(routing.reached) == own


@pytest.mark.parametrize(
    "path",
    [
        "https://credential-locker-service.amazon.eu/v1/x",
        "//credential-locker-service.amazon.eu/v1/x",
        "@credential-locker-service.amazon.eu/v1/x",
        ".evil.example/v1/x",
        ":8443/v1/x",
        "\\evil.example/v1/x",
        "",
    ],
)
async def test_a_raw_request_cannot_name_a_host(path: str) -> None:
    service = Service(answer(200, {}))
    with pytest.raises(errors.ConfigurationError, match='path must begin with one "/"'):
        await smart_properties(service).request("GET", path)
    assert service.seen == []


@pytest.mark.parametrize("path", ["/@evil.example/x", "/\\evil.example", "/..//evil.example/x", "/?@evil.example"])
async def test_a_raw_request_goes_to_the_api_whatever_its_path(path: str) -> None:
    service = Service(answer(200, {}))
    await smart_properties(service, region="FE").request("GET", path)
    assert [seen.url.host for seen in service.seen] == [API["FE"]]


async def test_a_redirect_to_another_host_is_not_followed() -> None:
    service = Service(answer(307, Location="https://evil.example/user/profile"))
    with pytest.raises(errors.ApiError) as caught:
        await smart_properties(service).profile()
    assert caught.value.status == 307
    assert [seen.url.host for seen in service.seen] == [LOGIN]


async def test_a_base_url_takes_the_place_of_all_hosts() -> None:
    """On two servers: one is the base URL, the other has the tokens."""
    async with Server(respond).running() as api, Server(respond).running() as tokens:
        auth = LoginWithAmazon(
            client_id="id",
            client_secret="secret-of-the-client",
            refresh_token="Atzr|secret",
            token_url=f"http://127.0.0.1:{tokens.port}/auth/o2/token",
        )
        base_url = f"http://127.0.0.1:{api.port}"
        async with SmartProperties(auth=auth, base_url=base_url) as asp:
            await asp.profile()
            await asp.call(LOCKED, {"thing_id": "t"})
            async with httpx.AsyncClient(transport=asp.pipeline) as client:
                for url in (f"http://127.0.0.1:{tokens.port}/", *(f"https://{host}/" for host in sorted(ALL))):
                    with pytest.raises(errors.ConfigurationError, match="they are not sent to"):
                        await client.get(url)
        assert [each.target for each in api.requests] == ["/user/profile", "/v1/locked/t"]
        assert [each.target for each in tokens.requests] == ["/auth/o2/token"]


async def test_a_refused_profile_names_the_scope_that_it_takes() -> None:
    for status, kind in ((401, errors.Unauthorized), (403, errors.Forbidden)):
        with pytest.raises(kind, match="profile:user_id"):
            await smart_properties(Service(answer(status, {"error": "insufficient_scope"}))).profile()


def test_hosts_of_the_regions() -> None:
    for region in Region:
        found: Any = (region.base_url, region.credential_locker_url)
        assert found == (f"https://{API[region]}", f"https://{LOCKERS[region]}")
    assert httpx.URL(TOKEN_URL).host == LOGIN
