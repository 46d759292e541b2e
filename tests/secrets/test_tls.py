"""Certificates are verified: no environment variable and no argument switches that off."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
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
from alexa_props import AlexaForBusiness, RetryPolicy, SmartProperties

async def attempt(kind, url):
    async with kind(auth=httpx.Auth(), base_url=url, retry=RetryPolicy(max_attempts=1)) as client:
        try:
            return (await client.request("GET", "/v2/x")).status_code
        except Exception as error:
            return f"{type(error).__name__}: {error}"

async def main():
    print(json.dumps([await attempt(kind, sys.argv[1]) for kind in (SmartProperties, AlexaForBusiness)]))

asyncio.run(main())
"""
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
"""Variables that switch it off in other programs, or might."""


@pytest.fixture
async def server(tls: ssl.SSLContext) -> AsyncIterator[Server]:
    """A server with a certificate of an unknown authority."""
    server = Server(answering(ok()), tls=tls)
    async with server.running():
        yield server


@pytest.mark.apart
async def test_variables_that_python_reads_at_its_start_do_not_switch_it_off(server: Server) -> None:
    def run() -> str:
        return subprocess.run(
            [sys.executable, "-c", TRY, server.url],
            env={**os.environ, **OFF},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=60,
        ).stdout

    found: list[str] = json.loads(await anyio.to_thread.run_sync(run))
    assert ["certificate was not accepted" in outcome for outcome in found] == [True, True], found
    assert server.requests == []


async def test_no_variable_switches_it_off(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in OFF.items():
        monkeypatch.setenv(name, value)
    # The usual advice on the web, although not an environment variable.
    monkeypatch.setattr(ssl, "_create_default_https_context", ssl._create_unverified_context)
    for kind in (SmartProperties, AlexaForBusiness):
        async with kind(auth=NoAuth(), base_url=server.url, retry=ONCE) as client:
            with pytest.raises(errors.TransportError, match="certificate was not accepted"):
                await client.request("GET", "/v2/x")
    assert server.requests == []


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
async def test_a_bundle_without_the_authority_switches_nothing_off(
    server: Server, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {"missing": None, "rubbish": b"no certificate", "empty": b"", "another": trustme.CA().cert_pem.bytes()}
    for what, content in contents.items():
        file = tmp_path / what / "ca.pem"
        if content is not None:
            file.parent.mkdir()
            file.write_bytes(content)
        monkeypatch.setenv(name, str(file if name == "SSL_CERT_FILE" else file.parent))
        async with SmartProperties(auth=NoAuth(), base_url=server.url, retry=ONCE) as client:
            with pytest.raises((errors.ConfigurationError, errors.TransportError)):
                await client.request("GET", "/v2/x")
    assert server.requests == []


@pytest.mark.parametrize("source", ["verify", "SSL_CERT_FILE", "certifi"])
async def test_a_certificate_of_another_host_is_refused(
    source: str, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By an authority that is trusted, however it was named."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
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
ANY_HOST = ssl.create_default_context()
ANY_HOST.check_hostname = False


@pytest.mark.parametrize("kind", [SmartProperties, AlexaForBusiness, Pool])
def test_verify_is_no_switch(kind: Any) -> None:
    for verify in (False, 0, 1, True, b"", ssl.CERT_NONE, UNVERIFIED, ANY_HOST):
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


async def test_the_proxys_certificate_is_verified_too(server: Server) -> None:
    proxy = server.url
    async with SmartProperties(auth=NoAuth(), base_url="https://api.example.com", proxy=proxy, retry=ONCE) as client:
        with pytest.raises(errors.TransportError) as caught:
            await client.request("GET", "/v2/x")
    assert isinstance(caught.value.__cause__, httpx.ConnectError | httpx.ProxyError)
    assert "self-signed" in str(caught.value) or "unable to get local issuer" in str(caught.value)
    assert "(through a proxy); to trust its CA, set SSL_CERT_FILE or verify=" in str(caught.value)
    assert server.requests == []
