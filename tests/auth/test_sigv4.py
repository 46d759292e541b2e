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

ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SESSION_TOKEN = "IQoJb3JpZ2luX2VjEXAMPLE//////////+token=="
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


@pytest.mark.parametrize(
    ("made", "options"),
    [
        pytest.param(request(), {}, id="plain"),
        pytest.param(request(), {"token": SESSION_TOKEN}, id="session token"),
        pytest.param(request(), {"token": "t" * 2000}, id="long session token"),
        pytest.param(request(content=b"{}"), {}, id="empty object"),
        pytest.param(request(content=b""), {}, id="empty body"),
        pytest.param(request(content=b"x" * 3_000_000), {}, id="large body"),
        pytest.param(request(content=bytes(range(256))), {}, id="binary body"),
        pytest.param(request(content='{"k": "Zürich 東京 🏨"}'.encode()), {}, id="unicode body"),
        pytest.param(request(content=b' {"a":\r\n 1}\n\n'), {}, id="blanks in the body"),
        pytest.param(request(url="https://localhost:8443/"), {}, id="other port"),
        pytest.param(request(url="http://127.0.0.1:8080/"), {}, id="http, other port"),
        pytest.param(request(url="http://127.0.0.1/"), {}, id="http"),
        pytest.param(request(url="http://localhost:80/"), {}, id="http, default port given"),
        pytest.param(request(url="https://a4b.us-east-1.amazonaws.com:443/"), {}, id="https, default port given"),
        pytest.param(request(url="http://localhost:443/"), {}, id="port of the other scheme"),
        pytest.param(request(url="https://[::1]:8443/"), {}, id="IPv6 host"),
        pytest.param(request(url="https://A4B.US-East-1.AmazonAWS.com/"), {}, id="upper-case host"),
        pytest.param(request(url="https://user:pass@localhost/"), {}, id="userinfo"),
        pytest.param(request(url="https://a4b.us-east-1.amazonaws.com"), {}, id="no path"),
        pytest.param(request(url=URL + "v1/rooms/12"), {}, id="path"),
        pytest.param(request(url=URL + "v1/rooms/"), {}, id="slash at the end"),
        pytest.param(request(url=URL + "zimmer/Zürich 東京"), {}, id="unicode and blank in the path"),
        pytest.param(request(url=URL + "a%2Fb%20c%25d%7Ee%C3%BC"), {}, id="escapes in the path"),
        pytest.param(request(url=URL + "a%2fb%c3%bc"), {}, id="lower-case escapes in the path"),
        pytest.param(request(url=URL + "a+b~c-d_e.f:g@h=i,j;k!l$m&n'o(p)*q"), {}, id="signs in the path"),
        pytest.param(request(url=URL + "a/./b/../c//d"), {}, id="dot segments in the path"),
        pytest.param(request(url=URL + "a/%2E%2E/b/%2e/c"), {}, id="escaped dot segments in the path"),
        pytest.param(request(url=URL + "?b=2&a=1"), {}, id="query out of order"),
        pytest.param(request(url=URL + "?a=2&a=10&a=1&A=0"), {}, id="repeated keys"),
        pytest.param(request(url=URL + "?a=&b&=c&&d==e"), {}, id="empty keys and values"),
        pytest.param(
            request(url=URL + "?q=a+b%20c~d/e%2Ff%3D%26&r=x:y@z,*'()"), {}, id="signs and escapes in the query"
        ),
        pytest.param(request(url=URL + "?ü=東京&k=a b"), {}, id="unicode and blank in the query"),
        pytest.param(request(url=URL + "?a-b=1&a=2&a.b=3&a%2Db=4"), {}, id="keys that begin alike"),
        pytest.param(request(url=URL + "?"), {}, id="empty query"),
        pytest.param(request(url=URL + "?a=1#part"), {}, id="fragment"),
        pytest.param(request(headers={"X-Amz-Target": "a  b \t  c"}), {}, id="inner blanks in a header"),
        pytest.param(request(headers={**JSON, "X-Amz-Meta": "  a b  "}), {}, id="outer blanks in a header"),
        pytest.param(request(headers={"CONTENT-TYPE": "text/plain", "X-AMZ-TARGET": "T"}), {}, id="upper-case names"),
        pytest.param(request(headers=[*JSON.items(), ("X-Amz-A", "2"), ("x-amz-a", "1")]), {}, id="repeated header"),
        pytest.param(request(headers={**JSON, "X-Amz-Empty": ""}), {}, id="empty header"),
        pytest.param(request(headers={**JSON, "User-Agent": "x", "amz-sdk-request": "attempt=1"}), {}, id="unsigned"),
        pytest.param(request(headers={}), {}, id="no header but the host"),
        pytest.param(
            request(headers={**JSON, "X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}), {}, id="the caller's payload hash"
        ),
        pytest.param(request("GET", content=b""), {}, id="GET"),
        pytest.param(request("delete", URL + "a?b=c", content=b""), {}, id="lower-case method"),
        pytest.param(request(url="https://a4b.eu-west-1.amazonaws.com/"), {"region": "eu-west-1"}, id="other region"),
        pytest.param(request(url="https://sts.amazonaws.com/"), {"service": "sts"}, id="other service"),
    ],
)
def test_signs_as_botocore_does(made: httpx.Request, options: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    freeze_botocore(monkeypatch, NOON)
    expected = signed_by_botocore(made, **options)
    signer(
        session_token=options.get("token"),
        region=options.get("region", "us-east-1"),
        service=options.get("service", "a4b"),
    ).sign(made)
    assert {name: made.headers[name] for name in ADDED if name in made.headers} == expected


@pytest.mark.parametrize(
    "path",
    ["", "/", "//", "/.", "/..", "/../..", "/a/..", "/a/.", "/a//", "/a/../../b/", "/a/./b/../c//d/", "/%2e%2e/~ü"],
)
def test_resolves_paths_as_botocore_does(path: str) -> None:
    # httpx resolves dot segments by itself, so requests do not reach all of this.
    theirs = botocore.auth.SigV4Auth(None, "a4b", "us-east-1")._normalize_url_path(path)
    assert sigv4._canonical_path(path) == theirs


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
    for now in [NOON, NOON + 43_199, NOON + 43_200, NOON, *(NOON + day * 86_400 for day in range(1, 30))]:
        for region in ("us-east-1", "eu-west-1"):
            made = request(url=f"https://a4b.{region}.amazonaws.com/")
            freeze_botocore(monkeypatch, now)
            expected = signed_by_botocore(made, region=region)
            auth.sign(made)
            assert {name: made.headers[name] for name in expected} == expected
    assert len(auth._keyed_hmacs) <= 8


def test_each_attempt_is_signed_anew() -> None:
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


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("a4b.us-east-1.amazonaws.com", "us-east-1"),
        ("a4b.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("a4b-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("a4b.eu-west-1.api.aws", "eu-west-1"),
    ],
)
def test_the_region_comes_from_the_host(host: str, region: str) -> None:
    made = request(url=f"https://{host}/")
    signer().sign(made)
    assert f"/20180426/{region}/a4b/" in made.headers["Authorization"]


def test_the_region_of_the_signer_wins_over_the_calls_and_that_over_the_host() -> None:
    made = request()
    made.extensions["alexa_props"] = types.SimpleNamespace(region="eu-west-1")
    signer().sign(made)
    assert "/eu-west-1/" in made.headers["Authorization"]
    signer(region="eu-north-1").sign(made)
    assert "/eu-north-1/" in made.headers["Authorization"]
    made.extensions["alexa_props"] = types.SimpleNamespace(region=None)
    signer().sign(made)
    assert "/us-east-1/" in made.headers["Authorization"]


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1",
        "a4b.amazonaws.com",
        "sts.us-east-1.amazonaws.com",
        "a4b.us-east-1.amazonaws.com.evil.example",
    ],
)
def test_a_region_that_nobody_names_is_an_error(host: str) -> None:
    with pytest.raises(ConfigurationError, match=f"cannot sign a request to {host}: .*region="):
        signer().sign(request(url=f"https://{host}/"))


@pytest.mark.parametrize("argument", ["access_key", "secret_key", "session_token", "region", "service"])
@pytest.mark.parametrize("value", ["", "with blank", "line\n", "ключ", b"bytes", 7])
def test_refuses_arguments_that_cannot_work(argument: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"^{argument} must be"):
        signer(**{argument: value})


@pytest.mark.parametrize("argument", ["access_key", "secret_key", "service"])
def test_needs_the_keys(argument: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{argument} must be"):
        signer(**{argument: None})


def shown(error: BaseException) -> str:
    """All that a report of the error could show: messages and the locals of every frame but this file's."""
    texts = []
    link: BaseException | None = error
    while link is not None:
        texts.append(repr(link))
        trace = link.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename != __file__:
                texts.append(repr(trace.tb_frame.f_locals))
            trace = trace.tb_next
        link = link.__cause__ or link.__context__
    return "\n".join(texts)


def failing_clock() -> float:
    raise OverflowError("no time")


@pytest.mark.parametrize(
    "wrong",
    [
        {"access_key": ""},
        {"secret_key": SECRET_KEY + "\n"},
        {"session_token": SESSION_TOKEN + "\n"},
        {"service": "a b"},
    ],
)
def test_no_secret_is_shown_when_arguments_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        signer(**{"session_token": SESSION_TOKEN, **wrong})
    assert SECRET_KEY not in shown(caught.value)
    assert SESSION_TOKEN not in shown(caught.value)


def test_no_secret_is_shown_when_signing_fails() -> None:
    with pytest.raises(OverflowError) as caught:
        signer(session_token=SESSION_TOKEN, clock=failing_clock).sign(request())
    with pytest.raises(ConfigurationError) as unnamed:
        signer(session_token=SESSION_TOKEN).sign(request(url="https://localhost/"))
    for error in (caught.value, unnamed.value):
        assert SECRET_KEY not in shown(error)
        assert SESSION_TOKEN not in shown(error)


def test_no_secret_is_in_the_repr() -> None:
    auth = signer(session_token=SESSION_TOKEN, region="us-east-1")
    auth.sign(request())
    assert repr(auth) == "SigV4(region='us-east-1', service='a4b')"
    for secret in (ACCESS_KEY, SECRET_KEY, SESSION_TOKEN):
        assert secret not in repr(vars(auth))


def answer(made: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json=dict(made.headers))


async def test_works_in_an_async_client_and_reads_a_streamed_body() -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield BODY[:10]
        yield BODY[10:]

    expected = request()
    signer().sign(expected)
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), auth=signer()) as client:
        response = await client.post(URL, headers=JSON, content=parts())
    assert response.json()["authorization"] == expected.headers["Authorization"]


def test_works_in_a_sync_client_and_reads_a_streamed_body() -> None:
    def parts() -> Iterator[bytes]:
        yield BODY[:10]
        yield BODY[10:]

    expected = request()
    signer().sign(expected)
    with httpx.Client(transport=httpx.MockTransport(answer), auth=signer()) as client:
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
