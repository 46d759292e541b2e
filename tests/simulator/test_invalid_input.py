"""Invalid requests and scripts are rejected where they arrive, and never cause an unscripted 500."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from alexa_props.simulator import ROUTES, TARGETS, Simulator, Station

HALF_A_PAIR = b'{"providerId": "\\ud800", "stationId": "1", "Filters": [{"Key": "\\udfff", "Values": ["x"]}]}'
HALF_A_PAIR_AS_A_NAME = b'{"\\ud800": 1, "query": {"match": {"\\ud800": "x"}}}'
NO_NUMBER = b'{"providerId": "P", "stationId": "1", "query": {"match": {"owner": "~caller"}}, "MaxResults": NaN}'
TOO_LARGE = NO_NUMBER.replace(b"NaN", b"-1e999")
TOO_LONG = NO_NUMBER.replace(b"NaN", b"9" * 5000)
TOO_DEEP = b'{"a": ' + b"[" * 200 + b"]" * 200 + b"}"
FAR_TOO_DEEP = b"[" * 200_000
NOT_JSON = [
    HALF_A_PAIR,
    HALF_A_PAIR_AS_A_NAME,
    NO_NUMBER,
    TOO_LARGE,
    TOO_LONG,
    TOO_DEEP,
    FAR_TOO_DEEP,
    b"\xff",
    b"\xef",
]


def station_path(unit_id: str) -> str:
    return f"/v2/units/{unit_id}/settings/MusicExperience.defaultStationPreferences"


async def test_login_scripts_and_targets_reject_bodies_that_are_not_json(
    api: httpx.AsyncClient, signed: Any, sim: Simulator
) -> None:
    for content in NOT_JSON:
        before = sim.station(sim.rooms[0])
        responses = [
            await api.put(station_path(sim.rooms[0]), content=content),
            await api.post("/v2/endpointQuery", content=content),
            await api.post("/auth/o2/token", content=content, headers={"Content-Type": "application/json"}),
            *[await api.post(f"/_simulator/{path}", content=content) for path in ("faults", "settings", "offline")],
        ]
        assert [response.status_code for response in responses] == [400] * 6, content
        assert sim.station(sim.rooms[0]) == before, content
        for target in TARGETS.values():
            operation = target.partition(".")[2]
            response = await api.send(signed(operation, url=f"{api.base_url}/", content=content))
            assert (response.status_code, response.json()["__type"]) == (400, "SerializationException"), content
        response = await api.get("/_simulator/calls")
        assert response.status_code == 200, content
        assert {call["body"] for call in response.json()["calls"]} == {None}, content


async def test_rejects_half_a_surrogate_pair_in_a_token_request(local: httpx.AsyncClient, sim: Simulator) -> None:
    for member in ("client_secret", "refresh_token"):
        form = {"client_id": sim.client_id, "client_secret": sim.client_secret, "refresh_token": sim.refresh_token}
        pairs = ",".join(f'"{name}":"{value}"' for name, value in {**form, member: "\\ud800"}.items())
        content = f'{{"grant_type":"refresh_token",{pairs}}}'
        response = await local.post("/auth/o2/token", content=content, headers={"Content-Type": "application/json"})
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


async def test_rejects_credentials_beyond_ascii(local: httpx.AsyncClient) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    response = await local.post("/auth/o2/token", data=form, headers={b"Authorization": b"Basic Zm9v\xe9"})
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


NO_NUMBERS: list[str] = ["\u00b2", "\u0665", "9" * 5000, "1e1", "+1", " 1", "1_0", "0x1", "-1", "NaN"]


async def test_rejects_invalid_page_sizes_and_depths(api: httpx.AsyncClient, sim: Simulator) -> None:
    for number in NO_NUMBERS:
        units = {"parentId": sim.organization_id}
        for path, params in (
            ("/v2/units", {**units, "maxResults": number}),
            ("/v2/units", {**units, "queryDepth": number}),
            ("/v2/endpoints", {"owner": "~caller", "maxResults": number}),
        ):
            response = await api.get(path, params=params)
            assert (response.status_code, response.json()["type"]) == (400, "BAD_REQUEST"), number
        query = {"query": {"match": {"owner": "~caller"}}, "paginationContext": {"maxResults": number}}
        assert (await api.post("/v2/endpointQuery", json=query)).status_code == 400, number


async def test_largest_pages_are_50_units_and_10_endpoints(api: httpx.AsyncClient, sim: Simulator) -> None:
    async def statuses(*sizes: int) -> list[tuple[int, int, int]]:
        found = []
        for size in sizes:
            units = {"parentId": sim.organization_id, "maxResults": str(size)}
            query = {"query": {"match": {"owner": "~caller"}}, "paginationContext": {"maxResults": size}}
            responses = (
                await api.get("/v2/units", params=units),
                await api.get("/v2/endpoints", params={"owner": "~caller", "maxResults": size}),
                await api.post("/v2/endpointQuery", json=query),
            )
            found.append(tuple(response.status_code for response in responses))
        return found  # type: ignore[return-value]

    assert await statuses(1, 10) == [(200, 200, 200)] * 2
    assert await statuses(11, 50) == [(200, 400, 400)] * 2
    assert await statuses(51, 0) == [(400, 400, 400)] * 2


BAD_SCRIPTS: list[tuple[str, str, dict[str, Any]]] = [
    ("faults", "headers", {"headers": {"a": 5}}),
    ("faults", "headers", {"headers": {"a b": "5"}}),
    ("faults", "headers", {"headers": {"": "5"}}),
    ("faults", "headers", {"headers": {"a": "5\r\nb: 6"}}),
    ("faults", "headers", {"headers": {"a": "\u20ac"}}),
    ("faults", "headers", {"headers": {"Content-Length": "5"}}),
    ("faults", "headers", {"headers": []}),
    ("faults", "headers", {"headers": False}),
    ("faults", "code", {"code": 5}),
    ("faults", "code", {"code": ["A"]}),
    ("faults", "unit_id", {"unit_id": 5}),
    ("faults", "endpoint_id", {"endpoint_id": ["x"]}),
    ("faults", "device_id", {"device_id": {}}),
    ("faults", "times", {"times": "1"}),
    ("faults", "times", {"times": True}),
    ("faults", "times", {"times": -1}),
    ("faults", "after", {"after": -1}),
    ("faults", "after", {"after": 1.5}),
    ("faults", "after", {"after": None}),
    ("faults", "status", {"status": True}),
    ("faults", "status", {"status": 600}),
    ("faults", "status", {"status": 100}),
    ("faults", "status", {"status": "500"}),
    ("faults", "delay", {"delay": "1"}),
    ("faults", "delay", {"delay": True}),
    ("faults", "delay", {"delay": -1}),
    ("faults", "delay", {"delay": 10**400}),
    ("faults", "chunk_size", {"chunk_size": 0}),
    ("faults", "chunk_size", {"chunk_size": True}),
    ("faults", "kind", {"kind": []}),
    ("faults", "operation", {"operation": ["units.list"]}),
    ("quota", "rate", {"operation": "*", "rate": "1"}),
    ("quota", "rate", {"operation": "*", "rate": True}),
    ("quota", "rate", {"operation": "*", "rate": -1}),
    ("quota", "burst", {"operation": "*", "rate": 1, "burst": "2"}),
    ("quota", "burst", {"operation": "*", "rate": 1, "burst": 0}),
    ("quota", "retry_after", {"operation": "*", "rate": 1, "retry_after": "soon"}),
    ("quota", "retry_after", {"operation": "*", "rate": 1, "retry_after": -1}),
    ("quota", "retry_after", {"operation": "*", "rate": 1, "retry_after": True}),
    ("quota", "rate", {"operation": "*"}),
    ("latency", "seconds", {"seconds": True}),
    ("latency", "seconds", {"seconds": "1"}),
    ("latency", "seconds", {"seconds": None}),
    ("latency", "seconds", {"seconds": 10**400}),
    ("latency", "operation", {"seconds": 1, "operation": None}),
    ("effect_delay", "seconds", {"seconds": -1}),
    ("effect_delay", "operation", {"seconds": 1, "operation": "units.lst"}),
    ("offline", "ids", {"ids": [5]}),
    ("offline", "ids", {"ids": [["x"]]}),
    ("offline", "ids", {"ids": ["nothing"]}),
    ("offline", "ids", {}),
    ("offline", "offline", {"ids": [], "offline": "no"}),
    ("offline", "offline", {"ids": [], "offline": 0}),
    ("failing", "endpoint_ids", {"endpoint_ids": ["nothing"]}),
    ("failing", "code", {"endpoint_ids": [], "code": 5}),
    ("failing", "code", {"endpoint_ids": [], "code": []}),
    ("failing", "code", {"endpoint_ids": [], "code": ""}),
    ("forbidden", "unit_ids", {"unit_ids": ["nothing"]}),
    ("forbidden", "forbidden", {"unit_ids": [], "forbidden": "yes"}),
    ("settings", "empty_pages", {"empty_pages": -1}),
    ("settings", "empty_pages", {"empty_pages": True}),
    ("settings", "empty_pages", {"empty_pages": "2"}),
    ("settings", "empty_pages", {"empty_pages": 1.5}),
    ("settings", "empty_pages", {"empty_pages": 65536}),
    ("settings", "token_lifetime", {"token_lifetime": "nan"}),
    ("settings", "token_lifetime", {"token_lifetime": "inf"}),
    ("settings", "token_lifetime", {"token_lifetime": -1}),
    ("settings", "token_lifetime", {"token_lifetime": None}),
    ("settings", "token_lifetime", {"token_lifetime": True}),
    ("settings", "token_lifetime", {"token_lifetime": 10**400}),
    ("settings", "rotate_refresh_tokens", {"rotate_refresh_tokens": "false"}),
    ("settings", "rotate_refresh_tokens", {"rotate_refresh_tokens": 1}),
    ("settings", "end_of_list", {"end_of_list": []}),
    ("settings", "caller_scope", {"caller_scope": "some"}),
]


async def test_rejects_invalid_scripts_by_name(local: httpx.AsyncClient, sim: Simulator) -> None:
    for path, field, body in BAD_SCRIPTS:
        given = {"operation": "units.list", "kind": "status", **body} if path == "faults" else body
        response = await local.post(f"/_simulator/{path}", json=given)
        assert response.status_code == 400, (path, field, body)
        assert field in response.json()["error"], (path, field, body)
        assert (await local.get("/_simulator/faults")).json() == [], (path, field, body)


JSON_NO_NUMBERS: list[str] = ["NaN", "Infinity", "-Infinity", "1e999"]


async def test_rejects_nan_and_infinity_in_scripts(local: httpx.AsyncClient) -> None:
    for number in JSON_NO_NUMBERS:
        for path, content in (
            ("settings", f'{{"token_lifetime": {number}}}'),
            ("latency", f'{{"seconds": {number}}}'),
            ("quota", f'{{"operation": "*", "rate": {number}}}'),
            ("faults", f'{{"operation": "*", "kind": "slow", "delay": {number}}}'),
            ("faults", f'{{"operation": "*", "kind": "status", "body": [{number}]}}'),
        ):
            assert (await local.post(f"/_simulator/{path}", content=content)).status_code == 400, number


BAD_QUESTIONS: list[tuple[str, str]] = [
    ("limit", "\u00b2"),
    ("limit", "-1"),
    ("limit", "9" * 5000),
    ("status", "\u00b2"),
    ("status", "9" * 5000),
    ("status", "ok"),
    ("operation", "units.lst"),
]


async def test_rejects_invalid_queries_of_calls(local: httpx.AsyncClient) -> None:
    for field, value in BAD_QUESTIONS:
        response = await local.get("/_simulator/calls", params={field: value})
        assert response.status_code == 400, (field, value)
        assert field in response.json()["error"], (field, value)


async def test_rejected_script_changes_nothing(local: httpx.AsyncClient, sim: Simulator) -> None:
    settings = {"empty_pages": 2, "token_lifetime": 5, "end_of_list": "null", "rotate_refresh_tokens": "yes"}
    assert (await local.post("/_simulator/settings", json=settings)).status_code == 400
    assert (sim.empty_pages, sim.login.lifetime, sim.end_of_list, sim.login.rotates) == (0, 3600, "absent", False)
    ids = {"ids": [sim.endpoints[0], "nothing"]}
    assert (await local.post("/_simulator/offline", json=ids)).status_code == 400
    misnamed = await local.post("/_simulator/offline", json={"endpoint_ids": []})
    assert (misnamed.status_code, misnamed.json()) == (
        400,
        {"error": "TypeError: the body must have the member 'ids', a list of strings, not 'endpoint_ids'"},
    )
    assert sim.offline_endpoints == set()


NUMBERS: list[Callable[[Simulator, Any], object]] = [
    lambda sim, number: sim.latency(number),
    lambda sim, number: sim.delay_effect(number),
    lambda sim, number: sim.quota("*", number),
    lambda sim, number: sim.quota("*", 1, number),
    lambda sim, number: sim.quota("*", 1, retry_after=number),
    lambda sim, number: sim.fail("*", "slow", delay=number),
    lambda sim, number: setattr(sim.login, "lifetime", number),
    lambda sim, number: Simulator(rooms=1, token_lifetime=number),
]


def test_rejects_invalid_numbers_in_python(sim: Simulator) -> None:
    for script in NUMBERS:
        for number in (math.nan, math.inf, -math.inf, -1, 10**400):
            with pytest.raises(ValueError):
                script(sim, number)
        for other in ("1", True, [1]):
            with pytest.raises(TypeError):
                script(sim, other)
        script(sim, 1)


def test_rejects_invalid_settings_in_python(sim: Simulator) -> None:
    for name, value in (("empty_pages", -1), ("end_of_list", "never"), ("caller_scope", "some")):
        with pytest.raises(ValueError, match=name):
            setattr(sim, name, value)
    for body in (math.nan, "\ud800", ["\ud800"]):
        with pytest.raises(ValueError, match="body"):
            sim.fail("*", "status", body=body)
    with pytest.raises(TypeError, match="body"):
        sim.fail("*", "status", body=object())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="code"):
        sim.fail("*", "status", code="\ud800")
    with pytest.raises(ValueError, match="count"):
        sim.set_alerts("alarms", sim.endpoints[0], -1)
    assert sim.faults.all() == []


async def test_shows_any_station_that_was_set_in_python(api: httpx.AsyncClient, sim: Simulator) -> None:
    sim.set_station(sim.rooms[0], Station("\\\ud800\u00e9", "1"))
    response = await api.get(station_path(sim.rooms[0]))
    assert response.json()["providerId"] == "\\\ud800\u00e9"
    assert b"\xc3\xa9" in response.content


ODD_CONTEXTS: list[object] = [[], "", 0, False]


async def test_rejects_invalid_paging_contexts(api: httpx.AsyncClient) -> None:
    for context in ODD_CONTEXTS:
        query = {"query": {"match": {"owner": "~caller"}}}
        for member in ("paginationContext", "expand"):
            odd = {} if member == "expand" and context == [] else context
            assert (await api.post("/v2/endpointQuery", json={**query, member: odd})).status_code == 400, context
            assert (await api.post("/v2/endpointQuery", json={**query, member: None})).status_code == 200, context


async def test_rejects_misspelt_fields_even_without_a_match(api: httpx.AsyncClient) -> None:
    match = {"serialNumber.value.text": "none", "colour": "blue"}
    assert (await api.post("/v2/endpointQuery", json={"query": {"match": match}})).status_code == 400


async def test_scripted_headers_replace_usual_ones(api: httpx.AsyncClient, sim: Simulator) -> None:
    date, kind = "Thu, 01 Jan 1970 00:00:00 GMT", "application/json"
    sim.fail("units.get", "status", body="{cut", headers={"Content-Type": kind, "Date": date})
    response = await api.get(f"/v2/units/{sim.rooms[0]}")
    assert (response.headers.get_list("content-type"), response.headers.get_list("date")) == ([kind], [date])


async def test_long_waits_are_not_in_scientific_notation(api: httpx.AsyncClient, sim: Simulator) -> None:
    sim.quota("units.get", 0, 1, retry_after=1234567.5)
    responses = [await api.get(f"/v2/units/{sim.rooms[0]}") for _ in range(2)]
    assert responses[1].headers["retry-after"] == "1234567.5"


async def test_date_header_is_utc() -> None:
    east = timezone(timedelta(hours=9))
    sim = Simulator(rooms=1, now=lambda: datetime(2026, 1, 2, 3, tzinfo=east))
    async with httpx.AsyncClient(transport=sim.transport(), base_url=sim.base_url) as client:
        assert (await client.get("/")).headers["date"] == "Thu, 01 Jan 2026 18:00:00 GMT"


async def test_reset_restores_settings(local: httpx.AsyncClient, sim: Simulator) -> None:
    settings = {"token_lifetime": 5, "rotate_refresh_tokens": True, "caller_scope": "unassigned"}
    assert (await local.post("/_simulator/settings", json=settings)).status_code == 200
    assert (sim.login.lifetime, sim.login.rotates, sim.caller_scope) == (5, True, "unassigned")
    sim.reset()
    assert (sim.login.lifetime, sim.login.rotates, sim.caller_scope) == (3600, False, "all")


def test_reset_restores_constructor_arguments() -> None:
    sim = Simulator(rooms=1, caller_scope="unassigned", unassigned_endpoints=2, token_lifetime=9)
    sim.caller_scope, sim.login.lifetime = "all", 5
    sim.reset()
    assert (sim.caller_scope, len(sim.tree.unassigned), sim.login.lifetime) == ("unassigned", 2, 9)
    with pytest.raises(ValueError, match="caller_scope"):
        Simulator(rooms=1, caller_scope="some")  # type: ignore[arg-type]


async def test_responds_to_odd_paths_and_parameters(api: httpx.AsyncClient) -> None:
    odd = ("%ED%A0%80", "%FF", "%00", "%2F", "a%0D%0Ab", "%F0%9F%8F%A8")
    for method, path in ROUTES.values():
        for each in odd:
            where = re.sub(r"\{\w+\}", each, path)
            names = (
                "unitId",
                "endpoint",
                "parentId",
                "owner",
                "associatedUnits.id",
                "recipients.id",
                "nextToken",
                each,
            )
            query = "&".join(f"{name}={each}" for name in names)
            for target in (f"{where}?{query}", f"{where}?expand={each}&{each}={each}"):
                assert (await api.request(method, target)).status_code < 500, (method, target)
    assert (await api.get("/_simulator/calls")).status_code == 200


async def test_rejects_odd_signatures(local: httpx.AsyncClient, signed: Any) -> None:
    for header, value in (
        ("Authorization", b"AWS4-HMAC-SHA256 Credential=\xe9, SignedHeaders=;;, Signature=\xff"),
        ("X-Amz-Date", b"\xb2\xb20260101T000000Z"),
        ("X-Amz-Date", b"00000101T000000Z"),
        ("X-Amz-Target", b"AlexaForBusiness.\xe9"),
        ("Content-Type", b"\xff"),
    ):
        request = signed("GetDevice")
        request.headers = httpx.Headers([*request.headers.raw, (header.encode(), value)])
        assert (await local.send(request)).status_code in (400, 403)
