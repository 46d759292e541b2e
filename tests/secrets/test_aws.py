"""Credentials of botocore's chain: no source shows a secret through this library, with its loggers at DEBUG too."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import anyio.to_thread
import botocore.session
import httpx
import pytest

from alexa_props import errors
from alexa_props.auth.aws_credentials import AWSCredentials
from tests.secrets.leaks import Leaks, faces, watching

URL = "https://a4b.us-east-1.amazonaws.com/"
LEAKS = Leaks(
    {
        "key of a profile": "canary-profile-secret",
        "token of a profile": "canary-profile-session",
        "key of a role": "canary-role-secret",
        "token of a role": "canary-role-session",
        "key of a process": "canary-process-secret",
        "key of the environment": "canary-environment-secret",
    },
    {"a signature": "Signature="},
)
ROLE = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>canary-role-secret</SecretAccessKey>
<SessionToken>canary-role-session</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>
</Credentials></AssumeRoleResult></AssumeRoleResponse>"""
PROCESS = """import json
print(json.dumps({"Version": 1, "AccessKeyId": "AKIDPROCESS", "SecretAccessKey": "canary-process-secret"}))
"""


class Sts(BaseHTTPRequestHandler):
    """A token service that grants a role."""

    status = 200

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = (
            ROLE.encode()
            if self.status == 200
            else b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"
        )
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name for it
        pass


@pytest.fixture(scope="module")
def sts() -> Iterator[type[Sts]]:
    kind = type("OneSts", (Sts,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    kind.url = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]  # for the fixture below
    yield kind
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def _profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sts: type[Sts]) -> None:
    (tmp_path / "process.py").write_text(PROCESS)
    (tmp_path / "failing.py").write_text(
        PROCESS + "import sys\nprint('canary-process-secret', file=sys.stderr)\nsys.exit(1)"
    )
    (tmp_path / "credentials").write_text(
        "[keys]\naws_access_key_id = AKIDKEYS\naws_secret_access_key = canary-profile-secret\n"
        "aws_session_token = canary-profile-session\n"
    )
    (tmp_path / "config").write_text(
        "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = keys\nregion = us-east-1\n"
        f"[profile process]\ncredential_process = {sys.executable} {tmp_path / 'process.py'}\n"
        f"[profile failing]\ncredential_process = {sys.executable} {tmp_path / 'failing.py'}\n"
        "[profile odd]\naws_secret_access_key = canary-profile-secret\naws_access_key_id = \n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)  # type: ignore[attr-defined]  # see there


async def key(auth: httpx.Auth) -> str:
    request = httpx.Request("POST", URL, content=b"{}")
    flow = auth.async_auth_flow(request)
    await anext(flow)
    await flow.aclose()
    return str(request.headers["Authorization"]).partition("Credential=")[2].partition("/")[0]


@pytest.mark.parametrize(
    ("profile", "expected"), [("keys", "AKIDKEYS"), ("role", "ASIAROLE"), ("process", "AKIDPROCESS")]
)
async def test_sources(profile: str, expected: str) -> None:
    auth = AWSCredentials(profile=profile)
    with watching(LEAKS) as watch:
        assert await key(auth) == expected
    assert "botocore.credentials" in watch.names
    LEAKS.check(faces(auth))


async def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-environment-secret")
    auth = AWSCredentials()
    with watching(LEAKS):
        assert await key(auth) == "AKIDENV"
    LEAKS.check(faces(auth))


@pytest.mark.parametrize("profile", ["role", "failing", "odd", "no such"])
async def test_sources_that_fail(profile: str, sts: type[Sts], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sts, "status", 403)
    auth = AWSCredentials(profile=profile)
    with watching(LEAKS), pytest.raises(errors.AlexaError) as caught:
        await key(auth)
    LEAKS.check_error(caught.value)
    LEAKS.check(faces(auth))


async def test_other_uses_of_botocore_are_logged_as_before(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await key(AWSCredentials(profile="role"))
    assert not [record for record in caplog.records if record.name == "botocore.parsers"]

    def other_use() -> None:
        client = botocore.session.Session(profile="keys").create_client("sts", region_name="us-east-1")
        client.assume_role(RoleArn="arn:aws:iam::123456789012:role/r", RoleSessionName="session")

    await anyio.to_thread.run_sync(other_use)
    assert [record for record in caplog.records if record.name == "botocore.parsers"]
    # Secrets in these records are up to that other use.
    assert "key of a role" in LEAKS.of(caplog.text)
