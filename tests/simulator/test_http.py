"""Odd but legal HTTP requests, and the headers that responses owe to HTTP and OAuth."""

from __future__ import annotations

import base64
import json
from typing import Any

import anyio
import httpx
import pytest

from alexa_props.simulator import ROUTES, Simulator

CONSENT_PATH, TOKEN_PATHS = "/ap/oa", ("/auth/o2/token", "/auth/O2/token")
SCRIPTS = ("quota", "latency", "effect_delay", "offline", "failing", "forbidden", "settings", "expire_tokens", "reset")


def filled(sim: Simulator, path: str) -> str:
    key = "Alexa.ScreenController.screenControllerPolicy"
    for name, value in (("unitId", sim.rooms[0]), ("endpointId", sim.endpoints[0]), ("key", key)):
        path = path.replace(f"{{{name}}}", value)
    return path


def methods() -> dict[str, set[str]]:
    """Methods allowed at each path, worked out without the router."""
    known: dict[str, set[str]] = {
        **{path: {"POST"} for path in ("/", *TOKEN_PATHS, *(f"/_simulator/{each}" for each in SCRIPTS))},
        CONSENT_PATH: {"GET"},
        "/_simulator": {"GET"},
        "/_simulator/faults": {"GET", "POST", "DELETE"},
        "/_simulator/calls": {"GET", "DELETE"},
    }
    for method, path in ROUTES.values():
        known.setdefault(path, set()).add(method)
    return {path: allowed | ({"HEAD"} if "GET" in allowed else set()) for path, allowed in known.items()}


async def pipelined(sim: Simulator, *requests: str) -> list[tuple[int, dict[str, str], bytes]]:
    """Send all requests over one connection before reading any response (pipelining), and return the responses."""
    async with sim.serve() as base_url:
        host, port = base_url.removeprefix("http://").split(":")
        async with await anyio.connect_tcp(host, int(port)) as stream:
            await stream.send("".join(requests).replace("\n", "\r\n").replace("SERVED", f"{host}:{port}").encode())
            received = b""
            while True:
                try:
                    received += await stream.receive()
                except anyio.EndOfStream:
                    break
    responses: list[tuple[int, dict[str, str], bytes]] = []
    for _ in requests:
        head, _, received = received.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = int(headers.get("content-length", "0"))
        responses.append((int(first.split(" ")[1]), headers, received[:length]))
        received = received[length:]
    assert received == b""
    return responses


async def test_unknown_method_gets_405_with_allow(local: httpx.AsyncClient, sim: Simulator) -> None:
    for path in methods():
        for method in {"PATCH", "OPTIONS", "GET", "HEAD", "DELETE"} - methods()[path]:
            response = await local.request(method, filled(sim, path))
            assert response.status_code == 405, method
            assert set(response.headers["allow"].split(", ")) == methods()[path], path
            assert response.headers["x-simulator-unmatched"] == "method", path


async def test_read_only_setting_gets_405_with_allow(api: httpx.AsyncClient, sim: Simulator) -> None:
    path = f"/v2/endpoints/{sim.endpoints[0]}/settings/Alexa.ManagedDevice.Settings.setupModePrivileges"
    response = await api.put(path, json=[])
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")
    assert "x-simulator-unmatched" not in response.headers


async def test_unmatched_requests_differ_from_unknown_ids(api: httpx.AsyncClient, a4b: Any, sim: Simulator) -> None:
    unmatched = (await api.get("/v2/colours"), await api.get("/_simulator/colours"), await a4b("ListSkills"))
    assert [each.status_code for each in unmatched] == [404, 404, 400]
    assert [each.headers["x-simulator-unmatched"] for each in unmatched] == ["path", "path", "target"]
    unknown = (
        await api.get("/v2/units/unknown"),
        await api.get("/v2/endpoints/unknown"),
        await api.get(f"/v2/endpoints/{sim.endpoints[0]}/settings/unknown"),
        await a4b("GetDevice", {"DeviceArn": sim.devices[0] + "0"}),
    )
    assert [each.status_code for each in unknown] == [404, 404, 404, 400]
    assert not any("x-simulator-unmatched" in each.headers for each in unknown)


async def test_401_has_a_challenge(api: httpx.AsyncClient, sim: Simulator) -> None:
    async def challenge(method: str, path: str, **headers: str) -> str:
        response = await api.request(method, path, headers=headers)
        assert response.status_code == 401
        found: str = response.headers["www-authenticate"]
        return found

    unit, bearer = f"/v2/units/{sim.rooms[0]}", 'Bearer realm="Alexa Smart Properties"'
    refused = f'{bearer}, error="invalid_token"'
    assert await challenge("GET", unit, Authorization="") == bearer
    assert await challenge("GET", unit, Authorization="Bearer Atza|none") == refused
    assert await challenge("DELETE", "/v1/alerts/alarms?unitId=x", Authorization="Atza|none") == refused
    assert await challenge("DELETE", "/v1/alerts/alarms?unitId=unknown") == bearer  # not permitted
    sim.fail("units.get", "stale_token")
    assert await challenge("GET", unit) == refused
    sim.fail("units.get", "status", status=401)
    assert await challenge("GET", unit) == bearer
    sim.fail("units.get", "status", status=401, headers={"WWW-Authenticate": "Negotiate"})
    assert await challenge("GET", unit) == "Negotiate"
    basic = base64.b64encode(f"{sim.client_id}:guess".encode()).decode()
    form = {"grant_type": "refresh_token", "refresh_token": sim.refresh_token}
    response = await api.post("/auth/o2/token", data=form, headers={"Authorization": f"Basic {basic}"})
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert response.headers["www-authenticate"] == 'Basic realm="Login with Amazon"'


async def test_login_responses_are_no_store(local: httpx.AsyncClient, sim: Simulator) -> None:
    good = {"grant_type": "refresh_token", "refresh_token": sim.refresh_token, "client_id": sim.client_id}
    good["client_secret"] = sim.client_secret
    responses = [
        await local.post("/auth/o2/token", data=form)
        for form in (good, {}, {**good, "client_secret": "guess"}, {**good, "refresh_token": "x"}, {"grant_type": "x"})
    ]
    responses += [await local.get("/auth/O2/token"), await local.get("/ap/oa"), await local.post("/ap/oa")]
    for fault in ({"kind": "status", "status": 503}, {"kind": "stale_token"}):
        sim.fail("token", **fault)
        responses.append(await local.post("/auth/o2/token", data=good))
    sim.quota("token", 0, 1)
    responses += [await local.post("/auth/o2/token", data=good) for _ in range(2)]
    statuses = [response.status_code for response in responses]
    assert statuses == [200, 400, 401, 400, 400, 405, 400, 405, 503, 400, 200, 429]
    for response in responses:
        assert (response.headers["cache-control"], response.headers["pragma"]) == ("no-store", "no-cache")
        assert response.status_code == 200 or response.json()["error"]


BLANK_AUTHORIZATION: list[str] = ["", " ", "  "]


async def test_token_endpoint_ignores_blank_authorization(sim: Simulator) -> None:
    for scheme in BLANK_AUTHORIZATION:
        form = f"grant_type=refresh_token&refresh_token={sim.refresh_token}&client_id={sim.client_id}&client_secret="
        body = form.replace("|", "%7C") + sim.client_secret + "&code_verifier=&scope="
        kind = "Content-Type: application/x-www-form-urlencoded"
        [(status, _, content)] = await pipelined(
            sim,
            f"POST /auth/o2/token HTTP/1.1\nHost: SERVED\n{kind}\nauthorization:{scheme}\nConnection: close\n"
            f"Content-Length: {len(body)}\n\n{body}",
        )
        assert status == 200, content
        assert sim.calls[0].authorization is None, scheme


BLANK_PARAMETERS: list[str] = ["maxResults=", "nextToken=", "maxResults", "nextToken", "expand=", "queryDepth=", "x"]


async def test_blank_parameters_count_as_absent(api: httpx.AsyncClient, sim: Simulator) -> None:
    for blank in BLANK_PARAMETERS:
        settings = f"/v2/endpoints/{sim.endpoints[0]}/settings?keys=System.timeZone,System.locales"
        for listing in (f"/v2/units?parentId={sim.organization_id}", "/v2/endpoints?owner=~caller", settings):
            response = await api.get(f"{listing}&{blank}")
            assert response.status_code == 200, response.text
            assert response.content == (await api.get(listing)).content, blank
        query = {"query": {"match": {"owner": "~caller"}}}
        blanks = {**query, "paginationContext": {"nextToken": ""}}
        responses = [await api.post("/v2/endpointQuery", json=each) for each in (query, blanks)]
        assert responses[0].content == responses[1].content, blank


async def test_head_is_get_without_body(both: httpx.AsyncClient, sim: Simulator) -> None:
    paths = [filled(sim, path) for method, path in ROUTES.values() if method == "GET"]
    paths += [f"/v2/units?parentId={sim.organization_id}", "/v2/units/unknown", "/nowhere", "/_simulator"]

    def headers(response: httpx.Response) -> dict[str, str]:
        return {name: value for name, value in response.headers.items() if name not in ("date", "x-amzn-requestid")}

    for path in paths:
        head, get = await both.head(path), await both.get(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert headers(head) == headers(get), path
        if get.status_code != 204:
            assert head.headers["content-length"] == str(len(get.content))
    assert sim.count("units.get", 200) == 2
    sim.fail("units.get", "cut_body")
    with pytest.raises(httpx.RemoteProtocolError):
        await both.head(f"/v2/units/{sim.rooms[0]}")


async def test_absolute_form_targets(sim: Simulator) -> None:
    close = "Connection: close\n"
    responses = await pipelined(
        sim,
        "GET http://api.amazonalexa.com/v2/units/a%2Fb?x=http://y/ HTTP/1.1\nHost: api.amazonalexa.com\n\n",
        "GET http://SERVED/_simulator/faults HTTP/1.1\nHost: SERVED\n\n",
        "GET HTTPS://SERVED/nowhere HTTP/1.1\nHost: SERVED\n\n",
        "PATCH http://SERVED HTTP/1.1\nHost: SERVED\n\n",
        # A whole URL takes the place of Host.
        "GET http://a.example/_simulator HTTP/1.1\nHost: SERVED\n\n",
        f"GET http://SERVED/_simulator/faults HTTP/1.1\nHost: a.example\n{close}\n",
    )
    assert [status for status, _, _ in responses] == [401, 200, 404, 405, 403, 200]
    assert [call.operation for call in sim.calls] == ["units.get", "unknown", "unknown"]
    assert sim.calls[0].unit_id == "a/b"


async def test_odd_but_legal_requests(sim: Simulator) -> None:
    body = json.dumps({"operation": "units.get", "kind": "html"})
    chunked = "".join(f"{len(part):x};note=1\n{part}\n" for part in (body[:5], body[5:])) + "0\nX-Trailer: 1\n\n"
    length = f"Content-Length: {len(body)}"
    responses = await pipelined(
        sim,
        f"POST /_simulator/faults HTTP/1.1\nhOST: SERVED\ntransfer-encoding: chunked\n\n{chunked}",
        f"POST /_simulator/faults/ HTTP/1.1\nHost: SERVED\nContent-Type: text/plain\n{length}\n\n{body}",
        "GET /_simulator/faults?&&limit&limit=&=x HTTP/1.1\nHost: SERVED\nX-Empty:\nX-Two: 1\nX-Two: 2\n\n",
        "GET /_simulator/calls?limit=0&limit=9 HTTP/1.1\nHost: SERVED\n\n",
        "DELETE /_simulator/faults HTTP/1.1\nHost: SERVED\nContent-Length: 2\n\n{}",
        "GET /_simulator/faults HTTP/1.0\n\n",
    )
    assert [status for status, _, _ in responses] == [200, 200, 200, 200, 204, 200]
    assert (len(json.loads(responses[2][2])), responses[5][2]) == (2, b"[]")


NAMES = (
    "a.example",
    "a.example:80",
    "localhost.a.example",
    "127.0.0.1.a.example",
    "192.0.2.1",
    "[2001:db8::1]",
    "a.example@127.0.0.1",
)
FOREIGN = [
    *(("Host", name) for name in (*NAMES, "", "[::1")),
    *(("Origin", origin) for origin in (*(f"http://{name}" for name in NAMES), "null", "file://", "http://[::1")),
]


async def test_refuses_scripts_from_foreign_hosts_and_origins(local: httpx.AsyncClient, sim: Simulator) -> None:
    await local.get("/nowhere")
    for name, value in FOREIGN:
        for method, path in (("GET", ""), ("HEAD", ""), ("POST", "/reset"), ("DELETE", "/calls"), ("PUT", "/calls")):
            response = await local.request(method, f"/_simulator{path}", headers={name: value})
            assert response.status_code == 403, (name, value)
            assert method == "HEAD" or response.json()["error"].startswith(f"{name} is "), (name, value)
            assert sim.client_secret not in response.text, (name, value)
        assert len(sim.calls) == 1, (name, value)  # neither reset nor cleared
    # The services themselves accept any name: Amazon's command-line tool sends a host of Amazon's.
    assert (await local.get("/v2/units", headers={"Host": "a.example", "Origin": "null"})).status_code == 401


LOOPBACK_NAMES: list[str] = [
    "localhost",
    "LOCALHOST:1",
    "localhost.",
    "a.localhost",
    "127.0.0.1",
    "127.9.9.9:80",
    "[::1]:5",
]


async def test_accepts_scripts_from_loopback_names(local: httpx.AsyncClient) -> None:
    for host in LOOPBACK_NAMES:
        for headers in ({"Host": host}, {"Host": host, "Origin": f"https://{host}"}):
            assert (await local.get("/_simulator", headers=headers)).status_code == 200, host


async def test_accepts_scripts_for_the_bound_host(sim: Simulator) -> None:
    async with httpx.AsyncClient() as http:

        async def status(base_url: str, host: str) -> int:
            headers = {"Host": host, "Origin": f"http://{host}"}
            return (await http.get(f"{base_url}/_simulator/faults", headers=headers)).status_code

        async with sim.serve(host="0.0.0.0") as base_url:
            url = base_url.replace("0.0.0.0", "127.0.0.1")
            assert [await status(url, host) for host in ("192.0.2.1", "[2001:db8::1]:5", "a.example")] == [
                200,
                200,
                403,
            ]
            # Served a second time, on one address only.
            async with sim.serve(host="127.0.0.2") as other:
                assert [await status(other, host) for host in ("127.0.0.2", "192.0.2.1")] == [200, 403]


async def test_recorded_bodies_and_texts_are_bounded(api: httpx.AsyncClient, sim: Simulator) -> None:
    path = f"/v2/units/{sim.rooms[0]}"
    sim.clear_calls()
    for number in range(40):
        name = {"type": "PLAIN", "value": {"text": f"{number}" + "x" * 500_000}}
        assert (await api.put(path, json={"name": name})).status_code == 204
    sizes = [len(json.dumps(call.body)) for call in sim.calls if call.body is not None]
    assert 4 << 20 < sum(sizes) <= 8 << 20
    assert [call.body is not None for call in sim.calls] == [False] * (40 - len(sizes)) + [True] * len(sizes)
    await api.put(path + "y" * 5000, headers={"User-Agent": "z" * 5000}, json={"name": "small"})
    assert sim.calls[-1].body == {"name": "small"}
    assert (len(sim.calls[-1].unit_id or ""), len(sim.calls[-1].user_agent or "")) == (1024, 1024)
    few = Simulator(rooms=1, kept_calls=3)
    async with httpx.AsyncClient(transport=few.transport(), base_url=few.base_url, headers=api.headers) as http:
        for number in range(5):
            await http.post("/v2/units", json={"number": number})
    assert [call.body for call in few.calls] == [{"number": 2}, {"number": 3}, {"number": 4}]
