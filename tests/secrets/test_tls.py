"""Verification of certificates: nothing in the environment switches it off, and no argument but a context can."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
import pytest
import trustme

from alexa_props import AlexaForBusiness, SmartProperties, errors
from alexa_props.pipeline.pool import Pool
from tests.helpers import NoAuth
from tests.pipeline.pool_servers import Server, answering, ok
from tests.wire import ONCE

TRY = """
import asyncio, json, sys
import httpx
from alexa_props import AlexaForBusiness, SmartProperties

async def attempt(kind, url):
    async with kind(auth=httpx.Auth(), base_url=url) as client:
        try:
            return (await client.request("GET", "/v2/x")).status_code
        except Exception as error:
            return f"{type(error).__name__}: {error}"

async def main():
    print(json.dumps([await attempt(kind, sys.argv[1]) for kind in (SmartProperties, AlexaForBusiness)]))

asyncio.run(main())
"""
# What switches it off elsewhere, or might.
OFF = {
    "PYTHONHTTPSVERIFY": "0",
    "PYTHONSSLVERIFY": "0",
    "SSL_VERIFY": "false",
    "HTTPX_VERIFY": "false",
    "VERIFY": "false",
    "ALEXA_PROPS_VERIFY": "false",
    "ALEXA_PROPS_INSECURE": "1",
    "NODE_TLS_REJECT_UNAUTHORIZED": "0",
    "GIT_SSL_NO_VERIFY": "1",
    "CURL_INSECURE": "1",
    "AWS_CA_BUNDLE": "",
    "REQUESTS_CA_BUNDLE": "",
    "CURL_CA_BUNDLE": "",
    "SSL_CERT_FILE": "",
    "SSL_CERT_DIR": "",
    "OPENSSL_CONF": "/dev/null",
}


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """Somebody who is who they say, by the word of nobody known."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    server = Server(answering(ok()), tls=context)
    async with server.running():
        yield server


async def outcomes(server: Server, environment: Mapping[str, str]) -> list[str]:
    def run() -> str:
        return subprocess.run(
            [sys.executable, "-c", TRY, server.url],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=60,
        ).stdout

    found: list[str] = json.loads(await anyio.to_thread.run_sync(run))
    return found


async def test_all_that_switches_it_off_elsewhere(server: Server) -> None:
    """In a process of its own: some of it is read when Python starts."""
    found = await outcomes(server, OFF)
    assert ["certificate was not accepted" in outcome for outcome in found] == [True, True], found
    assert server.requests == []


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
@pytest.mark.parametrize("what", ["missing", "rubbish", "empty", "another authority"])
async def test_certificates_that_are_none(
    server: Server, name: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "certificates"
    file = folder / "ca.pem"
    if what != "missing":
        folder.mkdir()
        file.touch()
    if what == "rubbish":
        file.write_text("no certificate")
    if what == "another authority":
        trustme.CA().cert_pem.write_to_path(str(file))
    monkeypatch.setenv(name, str(file if name == "SSL_CERT_FILE" else folder))
    async with SmartProperties(auth=NoAuth(), base_url=server.url, retry=ONCE) as client:
        with pytest.raises((errors.ConfigurationError, errors.TransportError)):
            await client.request("GET", "/v2/x")
    assert server.requests == []


@pytest.mark.parametrize("source", ["verify", "SSL_CERT_FILE", "certifi"])
async def test_a_certificate_of_another_host(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By an authority that is trusted, whatever names it."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("elsewhere.example").configure_cert(context)
    trusted = str(tmp_path / "ca.pem")
    authority.cert_pem.write_to_path(trusted)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    options: dict[str, Any] = {"retry": ONCE}
    match source:
        case "verify":
            options["verify"] = trusted
        case "SSL_CERT_FILE":
            monkeypatch.setenv(source, trusted)
        case _:
            monkeypatch.setattr("certifi.where", lambda: trusted)
    async with Server(answering(ok()), tls=context).running() as server:
        async with SmartProperties(auth=NoAuth(), base_url=server.url, **options) as client:
            with pytest.raises(errors.TransportError, match="certificate was not accepted: Hostname mismatch"):
                await client.request("GET", "/v2/x")
        assert server.requests == []


UNVERIFIED = ssl.create_default_context()
UNVERIFIED.check_hostname, UNVERIFIED.verify_mode = False, ssl.CERT_NONE
ANYBODYS = ssl.create_default_context()
ANYBODYS.check_hostname = False
NO_TRUST = {
    "False": False,
    "0": 0,
    "1": 1,
    "True": True,
    "empty": b"",
    "CERT_NONE": ssl.CERT_NONE,
    "context": UNVERIFIED,
    "of whomever": ANYBODYS,
}


@pytest.mark.parametrize("verify", NO_TRUST.values(), ids=NO_TRUST)
@pytest.mark.parametrize("kind", [SmartProperties, AlexaForBusiness, Pool])
def test_it_is_no_switch(kind: Any, verify: object) -> None:
    options: dict[str, Any] = {"verify": verify} if kind is Pool else {"verify": verify, "auth": NoAuth()}
    with pytest.raises(errors.ConfigurationError, match="verify must be"):
        kind(**options)


async def test_a_context_that_is_changed_afterwards_sends_nothing(server: Server) -> None:
    context = ssl.create_default_context()
    async with SmartProperties(auth=NoAuth(), base_url=server.url, verify=context, retry=ONCE) as client:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with pytest.raises(errors.ConfigurationError, match="verify must be a context that verifies"):
            await client.request("GET", "/v2/x")
    assert server.connections == 0


async def test_a_patched_default_of_pythons_own_changes_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The usual answer on the web to "how do I make the error go away"."""
    monkeypatch.setattr(ssl, "_create_default_https_context", ssl._create_unverified_context)
    async with SmartProperties(auth=NoAuth(), base_url=server.url, retry=ONCE) as client:
        with pytest.raises(errors.TransportError, match="certificate was not accepted"):
            await client.request("GET", "/v2/x")
    assert server.requests == []


async def test_the_proxys_certificate_is_verified_too(server: Server) -> None:
    proxy = server.url
    async with SmartProperties(auth=NoAuth(), base_url="https://api.example.com", proxy=proxy, retry=ONCE) as client:
        with pytest.raises(errors.TransportError) as caught:
            await client.request("GET", "/v2/x")
    assert isinstance(caught.value.__cause__, httpx.ConnectError | httpx.ProxyError)
    assert "self-signed" in str(caught.value) or "unable to get local issuer" in str(caught.value)
    assert "(by way of a proxy); if its CA is to be trusted, name it by SSL_CERT_FILE or verify=" in str(caught.value)
    assert server.requests == []
