"""Each secret is sent only to the server that it is for."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest
import trustme

from alexa_props import AlexaForBusiness, LoginWithAmazon, SigV4, SmartProperties, errors
from tests.helpers import get
from tests.pipeline.pool_servers import Exchange, Proxy, Server, ok
from tests.secrets.leaks import Leaks
from tests.wire import ONCE

CLIENT_SECRET, REFRESH, ROTATED = "canary-client-secret", "Atzr|canary-refresh", "Atzr|rotated-canary"
ACCESS, AWS_KEY, SESSION = "Atza|canary-access", "key-of-aws-canary", "session-of-aws-canary"
USER, PASSWORD = "canary-proxy-user", "canary-proxy-password"
LEAKS = Leaks(
    {
        "client secret": CLIENT_SECRET,
        "refresh token": REFRESH,
        "rotated token": ROTATED,
        "access token": ACCESS,
        "AWS key": AWS_KEY,
        "AWS session token": SESSION,
        "proxy": f"{USER}:{PASSWORD}",
    }
)
ANYTHING = b'{"providerId": "P", "stationId": "s", "Device": {}}'


def sent_to(server: Server) -> set[str]:
    """Return the secrets that a server was sent, in any form and any place."""
    found: set[str] = set()
    for request in server.requests:
        text = f"{request.method} {request.target} {request.headers} {request.body.decode('latin-1')}"
        found |= set(LEAKS.of(text))
    return found


@attrs.define
class Places:
    """All servers: the token endpoint, the two APIs, and one that must never be connected to."""

    token: Server
    asp: Server
    a4b: Server
    elsewhere: Server
    answer: bytes = b""

    def clients(self, **options: Any) -> tuple[SmartProperties, AlexaForBusiness]:
        auth = LoginWithAmazon(
            client_id="client-1",
            client_secret=CLIENT_SECRET,
            refresh_token=REFRESH,
            token_url=f"{self.token.url}/auth/o2/token",
        )
        keys = SigV4(access_key="AKIDEXAMPLE", secret_key=AWS_KEY, session_token=SESSION)
        return (
            SmartProperties(auth=auth, base_url=self.asp.url, retry=ONCE, **options),
            AlexaForBusiness(auth=keys, base_url=self.a4b.url, retry=ONCE, **options),
        )


@pytest.fixture
async def places(tls: ssl.SSLContext) -> AsyncIterator[Places]:
    async def grant(exchange: Exchange) -> None:
        body = f'{{"access_token": "{ACCESS}", "refresh_token": "{ROTATED}"}}'
        exchange.writer.write(ok(body.encode()))

    async def api(exchange: Exchange) -> None:
        exchange.writer.write(found.answer or ok(ANYTHING))

    found = Places(Server(grant, tls), Server(api, tls), Server(api, tls), Server(api, tls))
    async with found.token.running(), found.asp.running(), found.a4b.running(), found.elsewhere.running():
        yield found


@pytest.fixture
def verify(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


async def test_each_secret_goes_only_to_its_server(places: Places, verify: str) -> None:
    asp, a4b = places.clients(verify=verify)
    async with asp, a4b:
        await get(asp)
        # A refused token is replaced with the refresh token that came with it.
        places.answer = ok(b"{}", status=b"401 Unauthorized")
        with pytest.raises(errors.Unauthorized):
            await get(asp)
        places.answer = b""
        await a4b.devices.get("device-1")
        await asp.request("GET", "/v2/x", params={"q": "1"})
    assert sent_to(places.token) == {"client secret", "refresh token", "rotated token"}
    assert sent_to(places.asp) == {"access token"}
    assert sent_to(places.a4b) == {"AWS session token"}
    assert len(places.token.requests) == 2
    assert not any("?" in request.target for request in places.token.requests)


async def test_no_redirect_is_followed(places: Places, verify: str) -> None:
    for status in (301, 302, 303, 307, 308):
        places.answer = ok(b"", f"Location: {places.elsewhere.url}/stolen".encode(), status=f"{status} Moved".encode())
        asp, a4b = places.clients(verify=verify)
        async with asp, a4b:
            with pytest.raises(errors.ApiError, match=str(status)):
                await get(asp)
            with pytest.raises(errors.ApiError, match=str(status)):
                await a4b.devices.get("device-1")
            assert (await asp.request("GET", "/v2/x")).status_code == status
            # A plain httpx client that follows redirects gets no credentials for the target.
            async with httpx.AsyncClient(transport=asp.pipeline, follow_redirects=True) as http:
                with pytest.raises(errors.ConfigurationError, match="credentials are for"):
                    await http.get(f"{places.asp.url}/v2/x")
    # Those of the token endpoint are not followed either.
    places.token.answer = places.asp.answer
    other, _ = places.clients(verify=verify)
    async with other:
        with pytest.raises(errors.AuthenticationError, match="308"):
            await get(other)
    assert places.elsewhere.requests == []
    assert places.elsewhere.connections == 0


async def test_a_proxy_is_sent_its_own_password_and_no_other_secret(places: Places, verify: str) -> None:
    async with Proxy().running() as proxy:
        address = f"http://{USER}:{PASSWORD}@127.0.0.1:{proxy.port}"
        asp, a4b = places.clients(verify=verify, proxy=address)
        async with asp, a4b:
            await get(asp)
            await a4b.devices.get("device-1")
    basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    assert {seen.method for seen in proxy.seen} == {"CONNECT"}
    assert {seen.header("proxy-authorization") for seen in proxy.seen} == {f"Basic {basic}"}
    for seen in proxy.seen:
        rest = [value for name, value in seen.headers if name.lower() != "proxy-authorization"]
        assert LEAKS.of(f"{seen.target} {rest} {seen.body!r}") == []
        assert seen.header("authorization") is None
    for server in (places.token, places.asp, places.a4b):
        assert server.requests
        assert "proxy" not in sent_to(server)


async def test_cookies_are_not_stored(places: Places, verify: str) -> None:
    places.answer = ok(ANYTHING, b"Set-Cookie: session=canary; Path=/")
    asp, a4b = places.clients(verify=verify)
    async with asp, a4b:
        for _ in range(2):
            await get(asp)
    assert [request.header("cookie") for request in places.asp.requests] == [None, None]


async def test_another_origin_is_refused_before_any_connection(places: Places, verify: str) -> None:
    asp, a4b = places.clients(verify=verify)
    async with asp, a4b:
        for client in (asp, a4b):
            async with httpx.AsyncClient(transport=client.pipeline) as http:
                for url in ("https://evil.example/", "http://localhost/", "https://localhost:1/"):
                    with pytest.raises(errors.ConfigurationError, match="credentials are for"):
                        await http.get(url)
    await asyncio.sleep(0)
    assert [server.connections for server in (places.token, places.asp, places.a4b)] == [0, 0, 0]
