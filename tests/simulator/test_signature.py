"""Signatures, computed by botocore and checked by the simulator."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from alexa_props.simulator import Simulator


def refused(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/x-amz-json-1.1"
    assert response.headers["x-amzn-requestid"]
    body = response.json()
    assert body.get("message") or body.get("Message")
    return response.status_code, body["__type"]


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://127.0.0.1:8080/", "https://a4b.us-east-1.amazonaws.com/"])
async def test_good_over_any_host_and_port(signed: Any, local: httpx.AsyncClient, sim: Simulator, url: str) -> None:
    response = await local.send(signed("SearchUsers", url=url))
    assert response.status_code == 200
    assert response.headers["x-amzn-requestid"] == sim.calls[-1].request_id
    assert sim.calls[-1].authorization == "SigV4"


async def test_good_over_a_socket(signed: Any, sim: Simulator) -> None:
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


async def test_body_beyond_ascii(a4b: Any) -> None:
    content = '{"Filters": [{"Key": "FirstName", "Values": ["Björn"]}]}'.encode()
    response = await a4b("SearchUsers", content=content)
    assert {user["FirstName"] for user in response.json()["Users"]} == {"Björn"}


async def test_wrong_keys(a4b: Any) -> None:
    assert refused(await a4b("SearchUsers", secret_key="guess")) == (400, "InvalidSignatureException")
    assert refused(await a4b("SearchUsers", access_key="AKIAGUESS")) == (400, "UnrecognizedClientException")


async def test_wrong_scope(a4b: Any) -> None:
    assert refused(await a4b("SearchUsers", region="eu-west-1")) == (400, "InvalidSignatureException")
    assert refused(await a4b("SearchUsers", service="iot")) == (400, "InvalidSignatureException")


async def test_tampered_body_target_and_host(signed: Any, local: httpx.AsyncClient) -> None:
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


@pytest.mark.parametrize("query", ["a=b", "b=2&a=1", "a=%20x&a=-", "name=%C3%A4"])
async def test_a_query_is_signed_as_well(signed: Any, local: httpx.AsyncClient, query: str) -> None:
    assert (await local.send(signed("SearchUsers", url=f"http://127.0.0.1/?{query}"))).status_code == 200


async def test_a_signed_header_that_is_missing(signed: Any, local: httpx.AsyncClient) -> None:
    request = signed("SearchUsers")
    request.headers["Authorization"] = request.headers["Authorization"].replace("host;", "host;range;")
    assert refused(await local.send(request)) == (400, "InvalidSignatureException")


async def test_missing(local: httpx.AsyncClient, sim: Simulator) -> None:
    response = await local.post("/", json={})
    assert refused(response) == (403, "MissingAuthenticationTokenException")
    assert sim.calls[-1].authorization is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"),
        ("Credential=", "Credentials="),
        ("SignedHeaders=", "Headers="),
        ("Signature=", "Signed="),
        ("/a4b/aws4_request", ""),
    ],
)
async def test_incomplete(signed: Any, local: httpx.AsyncClient, old: str, new: str) -> None:
    request = signed("SearchUsers")
    request.headers["Authorization"] = request.headers["Authorization"].replace(old, new)
    assert refused(await local.send(request)) == (400, "IncompleteSignature")


@pytest.mark.parametrize("date", [None, "yesterday", "2026-05-04T12:00:00Z"])
async def test_incomplete_date(signed: Any, local: httpx.AsyncClient, date: str | None) -> None:
    request = signed("SearchUsers")
    del request.headers["X-Amz-Date"]
    if date is not None:
        request.headers["X-Amz-Date"] = date
    assert refused(await local.send(request)) == (400, "IncompleteSignature")


async def test_expired_and_the_servers_date(a4b: Any, start: datetime, seconds: list[float]) -> None:
    for skew in (-14 * 60, 14 * 60):
        seconds[0] = skew
        assert (await a4b("SearchUsers")).status_code == 200
    for skew in (-16 * 60, 16 * 60):
        seconds[0] = skew
        response = await a4b("SearchUsers")
        assert refused(response) == (400, "RequestExpired")
        off = parsedate_to_datetime(response.headers["date"]) - start.astimezone(UTC)
        assert abs(off.total_seconds() - skew) <= 1


async def test_unknown_operation_and_content_type(a4b: Any, sim: Simulator) -> None:
    assert refused(await a4b("RingAllBells")) == (400, "UnknownOperationException")
    assert (sim.calls[-1].operation, sim.calls[-1].body) == ("unknown", None)
    response = await a4b("SearchUsers", content_type="application/json")
    assert refused(response) == (400, "UnknownOperationException")
