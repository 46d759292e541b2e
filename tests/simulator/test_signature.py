"""Signatures that botocore computes and the simulator verifies."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from alexa_props.simulator import Simulator


def refused(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/x-amz-json-1.1"
    assert response.headers["x-amzn-requestid"]
    body = response.json()
    assert body.get("message") or body.get("Message")
    return response.status_code, body["__type"]


URLS: list[str] = ["http://127.0.0.1/", "http://127.0.0.1:8080/", "https://a4b.us-east-1.amazonaws.com/"]


async def test_accepts_any_host_and_port(signed: Any, local: httpx.AsyncClient, sim: Simulator) -> None:
    for url in URLS:
        response = await local.send(signed("SearchUsers", url=url))
        assert response.status_code == 200, url
        assert response.headers["x-amzn-requestid"] == sim.calls[-1].request_id, url
        assert sim.calls[-1].authorization == "SigV4", url


async def test_accepts_a_signature_over_a_socket(signed: Any, sim: Simulator) -> None:
    async with sim.serve() as base_url, httpx.AsyncClient() as client:
        response = await client.send(signed("SearchUsers", url=f"{base_url}/"))
        assert response.status_code == 200
        wrong = signed("SearchUsers", url="http://127.0.0.1/")
        headers = {name: value for name, value in wrong.headers.items() if name != "host"}
        response = await client.post(f"{base_url}/", headers=headers, content=wrong.content)
        assert refused(response) == (400, "InvalidSignatureException")


async def test_session_token_is_optional(a4b: Any, sim: Simulator) -> None:
    assert (await a4b("SearchUsers", session_token=sim.aws_session_token)).status_code == 200
    assert refused(await a4b("SearchUsers", session_token="another")) == (400, "UnrecognizedClientException")


async def test_accepts_a_body_beyond_ascii(a4b: Any) -> None:
    content = '{"Filters": [{"Key": "FirstName", "Values": ["Björn"]}]}'.encode()
    response = await a4b("SearchUsers", content=content)
    assert {user["FirstName"] for user in response.json()["Users"]} == {"Björn"}


async def test_refuses_wrong_keys(a4b: Any) -> None:
    assert refused(await a4b("SearchUsers", secret_key="guess")) == (400, "InvalidSignatureException")
    assert refused(await a4b("SearchUsers", access_key="AKIAGUESS")) == (400, "UnrecognizedClientException")


async def test_refuses_wrong_scope(a4b: Any) -> None:
    assert refused(await a4b("SearchUsers", region="eu-west-1")) == (400, "InvalidSignatureException")
    assert refused(await a4b("SearchUsers", service="iot")) == (400, "InvalidSignatureException")


async def test_refuses_tampered_requests(signed: Any, local: httpx.AsyncClient) -> None:
    request = signed("SearchUsers")
    for tampered in (
        httpx.Request("POST", "http://127.0.0.1/", headers=request.headers, content=b'{"MaxResults": 1}'),
        httpx.Request("POST", "http://127.0.0.1/?a=b", headers=request.headers, content=b"{}"),
        httpx.Request("POST", request.url, headers={**request.headers, "Host": "127.0.0.1:1"}, content=b"{}"),
        httpx.Request(
            "POST",
            request.url,
            headers={**request.headers, "X-Amz-Target": "AlexaForBusiness.SearchDevices"},
            content=b"{}",
        ),
        httpx.Request("POST", request.url, headers={**request.headers, "X-Amz-More": "unsigned"}, content=b"{}"),
    ):
        tampered.headers.pop("content-length")
        tampered.headers["content-length"] = str(len(tampered.content))
        assert refused(await local.send(tampered)) == (400, "InvalidSignatureException")


QUERIES: list[str] = ["a=b", "b=2&a=1", "a=%20x&a=-", "name=%C3%A4"]


async def test_signature_covers_the_query(signed: Any, local: httpx.AsyncClient) -> None:
    for query in QUERIES:
        assert (await local.send(signed("SearchUsers", url=f"http://127.0.0.1/?{query}"))).status_code == 200, query


async def test_refuses_missing_signed_headers(signed: Any, local: httpx.AsyncClient) -> None:
    request = signed("SearchUsers")
    request.headers["Authorization"] = request.headers["Authorization"].replace("host;", "host;range;")
    assert refused(await local.send(request)) == (400, "InvalidSignatureException")


async def test_refuses_unsigned_requests(local: httpx.AsyncClient, sim: Simulator) -> None:
    response = await local.post("/", json={})
    assert refused(response) == (403, "MissingAuthenticationTokenException")
    assert sim.calls[-1].authorization is None


INCOMPLETE: list[tuple[str, str]] = [
    ("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"),
    ("Credential=", "Credentials="),
    ("SignedHeaders=", "Headers="),
    ("Signature=", "Signed="),
    ("/a4b/aws4_request", ""),
]


async def test_refuses_incomplete_authorization(signed: Any, local: httpx.AsyncClient) -> None:
    for old, new in INCOMPLETE:
        request = signed("SearchUsers")
        request.headers["Authorization"] = request.headers["Authorization"].replace(old, new)
        assert refused(await local.send(request)) == (400, "IncompleteSignature"), (old, new)


INCOMPLETE_DATES: list[str | None] = [None, "yesterday", "2026-05-04T12:00:00Z"]


async def test_refuses_invalid_dates(signed: Any, local: httpx.AsyncClient) -> None:
    for date in INCOMPLETE_DATES:
        request = signed("SearchUsers")
        del request.headers["X-Amz-Date"]
        if date is not None:
            request.headers["X-Amz-Date"] = date
        assert refused(await local.send(request)) == (400, "IncompleteSignature"), date


async def test_refuses_expired_signatures_and_sends_its_date(a4b: Any, start: datetime, seconds: list[float]) -> None:
    for skew in (-14 * 60, 14 * 60):
        seconds[0] = skew
        assert (await a4b("SearchUsers")).status_code == 200
    for skew in (-16 * 60, 16 * 60):
        seconds[0] = skew
        response = await a4b("SearchUsers")
        assert refused(response) == (400, "RequestExpired")
        off = parsedate_to_datetime(response.headers["date"]) - start.astimezone(UTC)
        assert abs(off.total_seconds() - skew) <= 1


async def test_unknown_targets_and_content_types(a4b: Any, sim: Simulator) -> None:
    assert refused(await a4b("RingAllBells")) == (400, "UnknownOperationException")
    assert (sim.calls[-1].operation, sim.calls[-1].body) == ("unknown", None)
    response = await a4b("SearchUsers", content_type="application/json")
    assert refused(response) == (400, "UnknownOperationException")
