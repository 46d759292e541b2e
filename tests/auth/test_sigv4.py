"""Signature V4: the signatures of botocore, the region that is signed for, and no secret shown."""

from __future__ import annotations

import types
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import botocore.auth
import httpx
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from alexa_props.auth import sigv4
from alexa_props.auth.sigv4 import SigV4
from alexa_props.errors import ConfigurationError
from tests.helpers import Service, answer, for_business
from tests.secrets.leaks import Leaks

ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SESSION_TOKEN = "IQoJb3JpZ2luX2VjEXAMPLE//////////+token=="
LEAKS = Leaks({"secret key": SECRET_KEY, "session token": SESSION_TOKEN})
NOON = 1_524_744_000.0  # 2018-04-26 12:00:00 UTC
URL = "https://a4b.us-east-1.amazonaws.com/"
JSON = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AlexaForBusiness.GetDevice"}
BODY = b'{"DeviceArn": "arn:aws:a4b:us-east-1:123456789012:device/4f0f0ab5/0d9e"}'


def freeze_botocore(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    if hasattr(botocore.auth, "get_current_datetime"):
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: now)
    else:
        # Before 1.40 it asks the class itself.
        stub = types.SimpleNamespace(datetime=types.SimpleNamespace(utcnow=lambda: now))
        monkeypatch.setattr(botocore.auth, "datetime", stub)


def signed_by_botocore(
    request: httpx.Request, *, token: str | None = None, region: str = "us-east-1", service: str = "a4b"
) -> dict[str, str]:
    """The headers that botocore adds to the request as it looks when botocore signs for this service."""
    twin = AWSRequest(method=request.method, url=str(request.url), data=request.content)
    for name, value in request.headers.multi_items():
        if name in ("content-type", "user-agent") or name.startswith("x-amz-"):
            twin.headers[name] = value
    botocore.auth.SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY, token), service, region).add_auth(twin)
    return {name: twin.headers[name] for name in ADDED if name in twin.headers}


ADDED = ("Authorization", "X-Amz-Date", "X-Amz-Security-Token")


def signer(**options: Any) -> SigV4:
    keys = {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY, "clock": lambda: NOON}
    return SigV4(**{**keys, **options})


def request(method: str = "POST", url: str = URL, *, headers: Any = JSON, content: bytes = BODY) -> httpx.Request:
    return httpx.Request(method, url, headers=headers, content=content)


REQUESTS: dict[str, list[httpx.Request]] = {
    "bodies": [
        request(content=body)
        for body in (
            BODY,
            b"{}",
            b"",
            b"x" * 300_000,
            bytes(range(256)),
            '{"k": "Zürich 東京 🏨"}'.encode(),
            b' {"a":\r\n 1}\n\n',
        )
    ],
    "hosts": [
        request(url=url)
        for url in (
            "https://localhost:8443/",
            "http://127.0.0.1:8080/",
            "http://127.0.0.1/",
            "http://localhost:80/",
            "https://a4b.us-east-1.amazonaws.com:443/",
            "http://localhost:443/",  # the other scheme's port
            "https://[::1]:8443/",
            "https://A4B.US-East-1.AmazonAWS.com/",
            "https://user:pass@localhost/",
            "https://a4b.us-east-1.amazonaws.com",
        )
    ],
    "paths": [
        request(url=URL + path)
        for path in (
            "v1/rooms/12",
            "v1/rooms/",
            "zimmer/Zürich 東京",
            "a%2Fb%20c%25d%7Ee%C3%BC",
            "a%2fb%c3%bc",
            "a+b~c-d_e.f:g@h=i,j;k!l$m&n'o(p)*q",
            "a/./b/../c//d",
            "a/%2E%2E/b/%2e/c",
        )
    ],
    "queries": [
        request(url=URL + query)
        for query in (
            "?b=2&a=1",
            "?a=2&a=10&a=1&A=0",
            "?a=&b&=c&&d==e",
            "?q=a+b%20c~d/e%2Ff%3D%26&r=x:y@z,*'()",
            "?ü=東京&k=a b",
            "?a-b=1&a=2&a.b=3&a%2Db=4",  # keys that begin alike
            "?",
            "?a=1#part",
        )
    ],
    "headers": [
        request(headers=headers)
        for headers in (
            {"X-Amz-Target": "a  b \t  c"},
            {**JSON, "X-Amz-Meta": "  a b  "},
            {"CONTENT-TYPE": "text/plain", "X-AMZ-TARGET": "T"},
            [*JSON.items(), ("X-Amz-A", "2"), ("x-amz-a", "1")],
            {**JSON, "X-Amz-Empty": ""},
            {**JSON, "User-Agent": "x", "amz-sdk-request": "attempt=1"},  # not signed
            {},
            {**JSON, "X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"},
        )
    ],
    "methods": [request("GET", content=b""), request("delete", URL + "a?b=c", content=b"")],
}


@pytest.mark.parametrize("kind", REQUESTS)
def test_signs_as_botocore_does(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    freeze_botocore(monkeypatch, NOON)
    for made in REQUESTS[kind]:
        expected = signed_by_botocore(made)
        signer(region="us-east-1").sign(made)
        assert {name: made.headers[name] for name in ADDED if name in made.headers} == expected, made


@pytest.mark.parametrize(
    "options", [{"token": SESSION_TOKEN}, {"token": "t" * 2000}, {"region": "eu-west-1"}, {"service": "sts"}], ids=str
)
def test_signs_with_other_options_as_botocore_does(options: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    freeze_botocore(monkeypatch, NOON)
    made = request()
    expected = signed_by_botocore(made, **options)
    signer(
        session_token=options.get("token"),
        region=options.get("region", "us-east-1"),
        service=options.get("service", "a4b"),
    ).sign(made)
    assert {name: made.headers[name] for name in ADDED if name in made.headers} == expected


def test_resolves_paths_as_botocore_does() -> None:
    # httpx resolves dot segments by itself, so requests do not reach all of this.
    paths = ["", "/", "//", "/.", "/..", "/../..", "/a/..", "/a/.", "/a//", "/a/../../b/", "/a/./b/../c//d/"]
    for path in [*paths, "/%2e%2e/~ü"]:
        theirs = botocore.auth.SigV4Auth(None, "a4b", "us-east-1")._normalize_url_path(path)
        assert sigv4._canonical_path(path) == theirs, path


def test_signs_as_published() -> None:
    # "get-vanilla" of AWS's own Signature V4 test suite.
    made = httpx.Request("GET", "https://example.amazonaws.com/")
    signer(service="service", region="us-east-1", clock=lambda: 1_440_938_160.0).sign(made)
    assert made.headers["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    )


def test_signs_what_the_service_needs_and_nothing_else() -> None:
    made = request(headers={**JSON, "User-Agent": "x", "X-Amzn-Trace-Id": "Root=1", "Date": "today"})
    signer(session_token=SESSION_TOKEN).sign(made)
    names = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target"
    assert f"SignedHeaders={names}, " in made.headers["Authorization"]
    assert "X-Amz-Content-SHA256" not in made.headers
    assert made.headers["X-Amz-Date"] == "20180426T120000Z"


def test_every_day_and_region_has_its_own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    now = NOON
    auth = signer(clock=lambda: now)
    for now in [NOON, NOON + 43_199, NOON + 43_200, NOON, *(NOON + day * 86_400 for day in range(1, 9))]:
        for region in ("us-east-1", "eu-west-1"):
            made = request(url=f"https://a4b.{region}.amazonaws.com/")
            freeze_botocore(monkeypatch, now)
            expected = signed_by_botocore(made, region=region)
            auth.sign(made)
            assert {name: made.headers[name] for name in expected} == expected
    assert len(auth._keyed_hmacs) <= 8


def test_each_attempt_is_signed_again() -> None:
    now = NOON
    auth = signer(clock=lambda: now, session_token=SESSION_TOKEN)
    made = request()
    auth.sign(made)
    now += 60
    auth.sign(made)
    afresh = request()
    auth.sign(afresh)
    assert sorted(made.headers.multi_items()) == sorted(afresh.headers.multi_items())


def test_a_token_of_other_credentials_is_taken_off() -> None:
    made, afresh = request(), request()
    signer(session_token=SESSION_TOKEN).sign(made)
    signer().sign(made)
    signer().sign(afresh)
    assert "X-Amz-Security-Token" not in made.headers
    assert made.headers["Authorization"] == afresh.headers["Authorization"]


def test_signs_the_host_header_that_is_sent() -> None:
    behind, named = request(url="https://127.0.0.1:8443/"), request()
    behind.headers["Host"] = "a4b.us-east-1.amazonaws.com"
    dropped = request()
    del dropped.headers["Host"]
    for made in (behind, named, dropped):
        signer(region="us-east-1").sign(made)
    assert behind.headers["Authorization"] == named.headers["Authorization"] == dropped.headers["Authorization"]


def test_the_region_comes_from_the_host() -> None:
    for host, region in {
        "a4b.us-east-1.amazonaws.com": "us-east-1",
        "a4b.cn-north-1.amazonaws.com.cn": "cn-north-1",
        "a4b-fips.us-gov-west-1.amazonaws.com": "us-gov-west-1",
        "a4b.eu-west-1.api.aws": "eu-west-1",
    }.items():
        made = request(url=f"https://{host}/")
        signer().sign(made)
        assert f"/20180426/{region}/a4b/" in made.headers["Authorization"]


async def test_the_signers_region_wins_over_the_clients_and_that_over_the_hosts() -> None:
    service = Service(answer(json={"Devices": []}))
    for options, region, expected in (
        ({"region": "eu-north-1"}, "eu-west-1", "eu-north-1"),
        ({}, "eu-west-1", "eu-west-1"),
    ):
        client = for_business(service, auth=signer(**options), region=region, base_url=URL)
        await client.devices.search()
        assert f"/{expected}/a4b/" in str(service.seen[-1].token)
    made = request()
    made.extensions["alexa_props"] = "not a call"
    signer().sign(made)
    assert "/us-east-1/" in made.headers["Authorization"]


def test_an_unknown_region_is_an_error() -> None:
    evil = "a4b.us-east-1.amazonaws.com.evil.example"
    for host in ("localhost", "a4b.amazonaws.com", "sts.us-east-1.amazonaws.com", evil):
        with pytest.raises(ConfigurationError, match=f"cannot sign a request to {host}: .*region="):
            signer().sign(request(url=f"https://{host}/"))


@pytest.mark.parametrize("argument", ["access_key", "secret_key", "session_token", "region", "service"])
def test_refuses_invalid_arguments(argument: str) -> None:
    invalid: list[object] = ["", "with blank", "line\n", "ключ", b"bytes", 7]
    if argument not in ("session_token", "region"):
        invalid.append(None)
    for value in invalid:
        with pytest.raises(ConfigurationError, match=f"^{argument} must be"):
            signer(**{argument: value})


def failing_clock() -> float:
    raise OverflowError("no time")


def test_no_secret_is_shown_when_arguments_are_refused() -> None:
    for wrong in (
        {"access_key": ""},
        {"secret_key": SECRET_KEY + "\n"},
        {"session_token": SESSION_TOKEN + "\n"},
        {"service": "a b"},
    ):
        with pytest.raises(ConfigurationError) as caught:
            signer(**{"session_token": SESSION_TOKEN, **wrong})
        LEAKS.check_error(caught.value)


def test_no_secret_is_shown_when_signing_fails() -> None:
    with pytest.raises(OverflowError) as caught:
        signer(session_token=SESSION_TOKEN, clock=failing_clock).sign(request())
    with pytest.raises(ConfigurationError) as unnamed:
        signer(session_token=SESSION_TOKEN).sign(request(url="https://localhost/"))
    for error in (caught.value, unnamed.value):
        LEAKS.check_error(error)


def test_no_secret_is_in_the_repr() -> None:
    auth = signer(session_token=SESSION_TOKEN, region="us-east-1")
    auth.sign(request())
    assert repr(auth) == "SigV4(region='us-east-1', service='a4b')"
    for secret in (ACCESS_KEY, SECRET_KEY, SESSION_TOKEN):
        assert secret not in repr(vars(auth))


def echo(made: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json=dict(made.headers))


async def test_works_in_an_async_client_and_reads_a_streamed_body() -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield BODY[:10]
        yield BODY[10:]

    expected = request()
    signer().sign(expected)
    async with httpx.AsyncClient(transport=httpx.MockTransport(echo), auth=signer()) as client:
        response = await client.post(URL, headers=JSON, content=parts())
    assert response.json()["authorization"] == expected.headers["Authorization"]


def test_works_in_a_sync_client_and_reads_a_streamed_body() -> None:
    def parts() -> Iterator[bytes]:
        yield BODY[:10]
        yield BODY[10:]

    expected = request()
    signer().sign(expected)
    with httpx.Client(transport=httpx.MockTransport(echo), auth=signer()) as client:
        response = client.post(URL, headers=JSON, content=parts())
    assert response.json()["authorization"] == expected.headers["Authorization"]


async def test_a_refused_signature_is_not_sent_again() -> None:
    sent = []

    def refuse(made: httpx.Request) -> httpx.Response:
        sent.append(made)
        return httpx.Response(401)

    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse), auth=signer()) as client:
        assert (await client.post(URL, headers=JSON, content=BODY)).status_code == 401
    assert len(sent) == 1


def test_the_clock_is_the_machines_by_default() -> None:
    made = request()
    SigV4(access_key=ACCESS_KEY, secret_key=SECRET_KEY).sign(made)
    signed = datetime.strptime(made.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - signed).total_seconds()) < 60
