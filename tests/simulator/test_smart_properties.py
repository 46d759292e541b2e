"""Stations, menu icons, alerts, units and endpoints: every documented status."""

from __future__ import annotations

from datetime import datetime

import httpx

from alexa_props.simulator import AlertKind, Simulator, Station
from alexa_props.simulator.smart_properties.unit_settings import MENU_ICONS

KINDS: tuple[AlertKind, ...] = ("alarms", "timers", "reminders")


def station_path(unit_id: str) -> str:
    return f"/v2/units/{unit_id}/settings/MusicExperience.defaultStationPreferences"


async def test_sets_and_reads_a_station(api: httpx.AsyncClient, sim: Simulator) -> None:
    room = sim.rooms[0]
    response = await api.get(station_path(room))
    assert (response.status_code, response.json()) == (200, {"providerId": "I_HEART_RADIO", "stationId": "4802"})
    assert response.headers["x-amzn-requestid"]
    response = await api.put(station_path(room), json={"providerId": "TUNEIN", "stationId": "s16492"})
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["x-amzn-requestid"]
    assert (await api.get(station_path(room))).json() == {"providerId": "TUNEIN", "stationId": "s16492"}
    assert sim.station(room) == Station("TUNEIN", "s16492")
    put = next(call for call in sim.calls if call.method == "PUT")
    assert put.operation == "unit_settings.set_default_music_station"
    assert put.body == {"providerId": "TUNEIN", "stationId": "s16492"}
    assert (put.unit_id, put.status, put.authorization) == (room, 204, "Bearer")


async def test_station_without_value_is_204(api: httpx.AsyncClient, sim: Simulator) -> None:
    sim.set_station(sim.rooms[0], None)
    response = await api.get(station_path(sim.rooms[0]))
    assert (response.status_code, response.content) == (204, b"")
    assert sum(sim.station(room) is None for room in sim.rooms) > 1


BAD_STATIONS: list[bytes] = [b"", b"nonsense", b"[]", b"{}", b'{"providerId": "X"}', b'{"stationId": 4802}']


async def test_rejects_invalid_stations(api: httpx.AsyncClient, sim: Simulator) -> None:
    for content in BAD_STATIONS:
        response = await api.put(station_path(sim.rooms[0]), content=content)
        assert (response.status_code, response.json()["type"]) == (400, "BAD_REQUEST"), content


async def test_unknown_and_forbidden_units_are_403(api: httpx.AsyncClient, sim: Simulator) -> None:
    sim.set_forbidden(sim.rooms[1])
    for unit in (sim.rooms[1], "amzn1.alexa.unit.did.UNKNOWN", "a/b"):
        for response in (
            await api.get(station_path(unit.replace("/", "%2F"))),
            await api.put(station_path(unit.replace("/", "%2F")), json={"providerId": "A", "stationId": "B"}),
        ):
            assert (response.status_code, response.json()["type"]) == (403, "FORBIDDEN")
            assert sim.calls[-1].unit_id == unit
    sim.set_forbidden(sim.rooms[1], forbidden=False)
    assert (await api.get(station_path(sim.rooms[1]))).status_code == 200


async def test_sets_menu_icons(api: httpx.AsyncClient, sim: Simulator) -> None:
    path = f"/v2/units/{sim.rooms[0]}/settings/menuIcons"
    for name, status in (("GAMES", "ON"), ("MUSIC", "ON"), ("GAMES", "OFF")):
        response = await api.post(path, json={"menuIcons": [{"name": name, "status": status}]})
        assert response.status_code == 204
    assert sim.store[MENU_ICONS] == {sim.rooms[0]: {"GAMES": "OFF", "MUSIC": "ON"}}
    for icons in (None, [], "GAMES", ["GAMES"], [{"name": "GAMES"}], [{"name": "GAMES", "status": True}]):
        assert (await api.post(path, json={"menuIcons": icons})).status_code == 400, icons
    assert (await api.post("/v2/units/unknown/settings/menuIcons", json={"menuIcons": []})).status_code == 404


async def test_throttled_station(api: httpx.AsyncClient, sim: Simulator) -> None:
    sim.quota("unit_settings.*", 1, 1, retry_after=2)
    path = station_path(sim.rooms[0])
    assert (await api.get(path)).status_code == 200
    refused = await api.get(path)
    assert (refused.status_code, refused.json().keys()) == (429, {"type", "message"})
    assert refused.headers["retry-after"] == "2"
    assert (await api.put(path, json={"providerId": "A", "stationId": "B"})).status_code == 204
    assert (await api.put(path, json={"providerId": "A", "stationId": "B"})).status_code == 429


async def test_deletes_alerts(api: httpx.AsyncClient, sim: Simulator) -> None:
    for kind, room in zip(KINDS, sim.rooms, strict=False):
        before = {each: sim.alert_count(each, room) for each in ("alarms", "timers", "reminders")}
        assert min(before.values()) >= 2, kind
        for _ in range(2):  # the second time there is nothing to delete
            response = await api.delete(f"/v1/alerts/{kind}", params={"unitId": room})
            assert (response.status_code, response.content) == (204, b""), kind
            assert response.headers["x-amzn-requestid"], kind
        after = {each: sim.alert_count(each, room) for each in ("alarms", "timers", "reminders")}
        assert after == {**before, kind: 0}, kind
        assert sim.alert_count(kind, sim.rooms[5]) > 0, kind


async def test_rejects_deletions_without_unit_or_permission(api: httpx.AsyncClient, sim: Simulator) -> None:
    for kind in KINDS:
        sim.set_forbidden(sim.rooms[1])
        for params, status, code in (
            ({}, 400, "BAD_REQUEST"),
            ({"unitId": ""}, 400, "BAD_REQUEST"),
            ({"unitId": "amzn1.alexa.unit.did.UNKNOWN"}, 401, "FORBIDDEN"),
            ({"unitId": sim.rooms[1]}, 401, "FORBIDDEN"),
        ):
            response = await api.delete(f"/v1/alerts/{kind}", params=params)
            assert response.status_code == status, kind
            (error,) = response.json()["errors"]
            assert error["code"] == code, kind
            assert "endpointId" not in error, kind
        assert sim.alert_count("alarms", sim.rooms[1]) > 0, kind


async def test_throttled_deletion_names_no_endpoint(api: httpx.AsyncClient, sim: Simulator) -> None:
    sim.quota("alerts.delete_alarms", 1, 1)
    params = {"unitId": sim.rooms[0]}
    assert (await api.delete("/v1/alerts/alarms", params=params)).status_code == 204
    response = await api.delete("/v1/alerts/alarms", params=params)
    assert response.status_code == 429
    assert "endpointId" not in response.json()["errors"][0]
    assert "retry-after" not in response.headers


async def test_unreachable_devices_are_504(api: httpx.AsyncClient, sim: Simulator) -> None:
    room = sim.rooms[2]
    sim.set_offline(*sim.endpoints_in(room))
    response = await api.delete("/v1/alerts/alarms", params={"unitId": room})
    assert response.status_code == 504
    errors = response.json()["errors"]
    assert [error["endpointId"] for error in errors] == sim.endpoints_in(room)
    assert {error["code"] for error in errors} == {"DEVICE_NOT_REACHABLE"}
    assert sim.alert_count("alarms", room) > 0


async def test_deletion_is_best_effort(api: httpx.AsyncClient, sim: Simulator) -> None:
    room = sim.rooms[2]
    first, second = sim.endpoints_in(room)
    sim.set_offline(first)
    response = await api.delete("/v1/alerts/timers", params={"unitId": room})
    assert (response.status_code, [e["endpointId"] for e in response.json()["errors"]]) == (504, [first])
    assert sim.alert_count("timers", first) > 0
    assert sim.alert_count("timers", second) == 0
    sim.set_offline(first, offline=False)
    assert (await api.delete("/v1/alerts/timers", params={"unitId": room})).status_code == 204
    assert sim.alert_count("timers", room) == 0


async def test_mixed_failures_are_500(api: httpx.AsyncClient, sim: Simulator) -> None:
    room = sim.rooms[2]
    first, second = sim.endpoints_in(room)
    sim.set_offline(first)
    sim.set_failing(second)
    response = await api.delete("/v1/alerts/reminders", params={"unitId": room})
    assert response.status_code == 500
    assert [(error["code"], error["endpointId"]) for error in response.json()["errors"]] == [
        ("DEVICE_NOT_REACHABLE", first),
        ("INTERNAL_SERVER_ERROR", second),
    ]
    sim.set_failing(second, code="DEVICE_UNREACHABLE")
    response = await api.delete("/v1/alerts/reminders", params={"unitId": room})
    assert (response.status_code, response.json()["errors"][1]["code"]) == (504, "DEVICE_UNREACHABLE")
    sim.set_offline(first, offline=False)
    sim.set_failing(second, code=None)
    assert (await api.delete("/v1/alerts/reminders", params={"unitId": room})).status_code == 204


async def test_deletes_timers_of_one_endpoint(api: httpx.AsyncClient, sim: Simulator) -> None:
    first, second = sim.endpoints_in(sim.rooms[0])
    assert (await api.delete("/v1/alerts/timers", params={"endpoint": first})).status_code == 204
    assert (sim.alert_count("timers", first), sim.alert_count("timers", second) > 0) == (0, True)
    assert sim.calls[-1].endpoint_id == first
    assert (await api.delete("/v1/alerts/timers", params={"endpoint": "nope"})).status_code == 401
    assert (await api.delete("/v1/alerts/alarms", params={"endpoint": first})).status_code == 400
    both = {"endpoint": first, "unitId": sim.rooms[0]}
    assert (await api.delete("/v1/alerts/timers", params=both)).status_code == 400


async def test_gets_units_up_to_the_organization(api: httpx.AsyncClient, sim: Simulator) -> None:
    unit = (await api.get(f"/v2/units/{sim.rooms[0]}")).json()
    assert unit["name"] == {"type": "PLAIN", "value": {"text": "Room 101"}}
    levels = []
    while "parentId" in unit:
        levels.append(unit["level"])
        unit = (await api.get(f"/v2/units/{unit['parentId']}")).json()
    assert (levels, unit["id"]) == ([3, 2, 1], sim.organization_id)
    assert (await api.get("/v2/units/amzn1.alexa.unit.did.UNKNOWN")).status_code == 404
    sim.set_forbidden(sim.rooms[0])
    assert (await api.get(f"/v2/units/{sim.rooms[0]}")).status_code == 403


async def test_lists_units_by_depth(local: httpx.AsyncClient, api: httpx.AsyncClient, sim: Simulator) -> None:
    async def listed(**params: str) -> list[str]:
        found: list[str] = []
        token: str | None = None
        while True:
            page = {"parentId": sim.organization_id, **params, **({"nextToken": token} if token else {})}
            body = (await api.get("/v2/units/", params=page)).json()
            assert all(set(item) == {"id"} for item in body["results"])
            found += [item["id"] for item in body["results"]]
            token = body.get("paginationContext", {}).get("nextToken")
            if token is None:
                return found

    assert len(await listed()) == 2
    assert len(await listed(queryDepth="2")) == 2 + 4
    assert len(await listed(queryDepth="3")) == 2 + 4 + 45
    whole = await listed(queryDepth="all", maxResults="50")
    assert whole == await listed(queryDepth="15")
    assert set(whole) == set(sim.units) - {sim.organization_id}
    assert [unit for unit in whole if unit in set(sim.rooms)] == sim.rooms
    assert (await api.get("/v2/units", params={"parentId": sim.rooms[0]})).json() == {"results": []}


BAD_UNIT_QUERIES: list[dict[str, str]] = [
    {"parentId": ""},
    {"maxResults": "0"},
    {"maxResults": "51"},
    {"maxResults": "ten"},
    {"maxResults": "-1"},
    {"queryDepth": "0"},
    {"queryDepth": "16"},
    {"queryDepth": "deep"},
    {"expand": "name"},
    {"nextToken": "nonsense"},
    {"nextToken": "bm9uc2Vuc2U="},
    {"nextToken": "\u00e4"},
]


async def test_rejects_invalid_lists_of_units(local: httpx.AsyncClient, sim: Simulator) -> None:
    for params in BAD_UNIT_QUERIES:
        local.headers["Authorization"] = await bearer(local, sim)
        response = await local.get("/v2/units", params={"parentId": sim.organization_id, **params})
        assert (response.status_code, response.json()["type"]) == (400, "BAD_REQUEST"), params


async def bearer(client: httpx.AsyncClient, sim: Simulator) -> str:
    form = {"grant_type": "refresh_token", "refresh_token": sim.refresh_token}
    response = await client.post("/auth/o2/token", data=form, auth=(sim.client_id, sim.client_secret))
    return f"Bearer {response.json()['access_token']}"


async def test_unknown_and_forbidden_parents(api: httpx.AsyncClient, sim: Simulator) -> None:
    assert (await api.get("/v2/units", params={"parentId": "amzn1.alexa.unit.did.UNKNOWN"})).status_code == 404
    sim.set_forbidden(sim.organization_id)
    assert (await api.get("/v2/units", params={"parentId": sim.organization_id})).status_code == 403


async def test_gets_an_endpoint(api: httpx.AsyncClient, sim: Simulator, start: datetime) -> None:
    endpoint = sim.endpoints[0]
    path = f"/v2/endpoints/{endpoint}"
    assert (await api.get(path)).json() == {"id": endpoint}
    body = (await api.get(path, params={"expand": ["all", "feature:connectivity"]})).json()
    assert body["friendlyName"] == {"type": "PLAIN", "value": {"text": "Room 101 Echo 1"}}
    assert body["associatedUnits"] == [{"id": sim.rooms[0]}]
    assert body["features"][0]["properties"][0]["value"] == {"value": "OK"}
    sampled = body["features"][0]["properties"][0]["timeOfSample"]
    assert sampled.endswith("Z")
    assert abs((datetime.fromisoformat(sampled) - start).total_seconds()) < 0.001
    assert "features" not in (await api.get(path, params={"expand": "all"})).json()
    assert (await api.get(path, params={"expand": "everything"})).status_code == 400
    assert (await api.get("/v2/endpoints/nope")).status_code == 404
    assert sim.calls[-1].endpoint_id == "nope"


async def test_connectivity_shows_offline_devices(api: httpx.AsyncClient, sim: Simulator) -> None:
    endpoint = sim.endpoints[0]
    path = f"/v2/endpoints/{endpoint}/features/connectivity"
    assert (await api.get(path)).json()["properties"][0]["value"] == {"value": "OK"}
    sim.set_offline(endpoint)
    assert (await api.get(path)).json()["properties"][0]["value"] == {"value": "UNREACHABLE"}
    assert (await api.get("/v2/endpoints/nope/features/connectivity")).status_code == 404
    sim.set_forbidden(sim.rooms[0])
    assert (await api.get(path)).status_code == 403


async def test_lists_endpoints_by_every_filter(api: httpx.AsyncClient, sim: Simulator) -> None:
    async def ids(**params: str) -> list[str]:
        response = await api.get("/v2/endpoints", params={"maxResults": "10", **params})
        assert response.status_code == 200
        return [item["id"] for item in response.json()["results"]]

    endpoint = (await api.get(f"/v2/endpoints/{sim.endpoints[0]}", params={"expand": "all"})).json()
    mac = endpoint["connections"][0]["macAddress"]
    online = "features[name:connectivity].properties[name:reachability].value.value"
    assert await ids(owner="~caller") == sim.endpoints[:10]
    assert await ids(**{"associatedUnits.id": sim.rooms[0]}) == sim.endpoints_in(sim.rooms[0])
    assert await ids(**{"associatedUnits.id": "~caller.defaultUnitId"}) == sim.endpoints[-3:]
    assert await ids(**{"associatedUnits.id": "amzn1.alexa.unit.did.UNKNOWN"}) == []
    assert await ids(**{"serialNumber.value.text": endpoint["serialNumber"]["value"]["text"]}) == [endpoint["id"]]
    assert await ids(**{"connections.macAddress": mac.lower(), online: "OK"}) == [endpoint["id"]]
    assert await ids(**{"connections.macAddress": mac, "associatedUnits.id": sim.rooms[1]}) == []
    sim.set_offline(endpoint["id"])
    assert await ids(**{"connections.macAddress": mac, online: "OK"}) == []
    sim.caller_scope = "unassigned"
    assert await ids(owner="~caller") == sim.endpoints[-3:]
    sim.set_forbidden(sim.rooms[0])
    assert (await api.get("/v2/endpoints", params={"associatedUnits.id": sim.rooms[0]})).status_code == 403
    for params in ({}, {"owner": "someone"}, {online: "OK"}, {"owner": "~caller", "maxResults": "11"}):
        assert (await api.get("/v2/endpoints", params=params)).status_code == 400


async def test_queries_endpoints(api: httpx.AsyncClient, sim: Simulator) -> None:
    def unit(number: int) -> dict[str, object]:
        return {"match": {"associatedUnits.id": sim.rooms[number]}}

    body: dict[str, object] = {
        "query": {"or": [unit(0), unit(1)]},
        "expand": ["all", "feature:connectivity"],
        "paginationContext": {"maxResults": 3},
    }
    first = (await api.post("/v2/endpointQuery", json=body)).json()
    token = first["paginationContext"]["nextToken"]
    body["paginationContext"] = {"maxResults": 3, "nextToken": token}
    second = (await api.post("/v2/endpointQuery", json=body)).json()
    found = [item["id"] for item in first["results"] + second["results"]]
    assert found == sim.endpoints_in(sim.rooms[0]) + sim.endpoints_in(sim.rooms[1])
    assert "paginationContext" not in second
    model = first["results"][0]["model"]["value"]["text"]
    query = {"and": [{"or": [unit(0), unit(1)]}, {"match": {"model.value.text": model}}]}
    results = (await api.post("/v2/endpointQuery", json={"query": query})).json()["results"]
    assert results == [{"id": first["results"][0]["id"]}, {"id": first["results"][2]["id"]}]
    software = first["results"][0]["softwareVersion"]["value"]["text"]
    for field, value in (
        ("manufacturer.value.text", "Amazon"),
        ("softwareVersion.value.text", software),
        ("friendlyName.value.text", "Room 101 Echo 1"),
    ):
        assert (await api.post("/v2/endpointQuery", json={"query": {"match": {field: value}}})).json()["results"]
    assert sim.calls[-1].body == {"query": {"match": {"friendlyName.value.text": "Room 101 Echo 1"}}}


BAD_ENDPOINT_QUERIES: list[object] = [
    None,
    [],
    {},
    {"query": {}},
    {"query": {"not": []}},
    {"query": {"or": []}},
    {"query": {"or": {}}},
    {"query": {"match": {}}},
    {"query": {"match": {"softwareVersion.value.text": 9}}},
    {"query": {"match": {"colour": "blue"}}},
    {"query": {"match": {"owner": "~caller"}}, "expand": "all"},
    {"query": {"match": {"owner": "~caller"}}, "expand": ["colour"]},
    {"query": {"match": {"owner": "~caller"}}, "expand": [1]},
    {"query": {"match": {"owner": "~caller"}}, "paginationContext": [1]},
    {"query": {"match": {"owner": "~caller"}}, "paginationContext": {"maxResults": True}},
    {"query": {"match": {"owner": "~caller"}}, "paginationContext": {"nextToken": 5}},
]


async def test_rejects_invalid_queries(local: httpx.AsyncClient, sim: Simulator) -> None:
    for body in BAD_ENDPOINT_QUERIES:
        local.headers["Authorization"] = await bearer(local, sim)
        response = await local.post("/v2/endpointQuery", json=body)
        assert (response.status_code, response.json()["type"]) == (400, "BAD_REQUEST"), body


async def test_rejects_queries_that_are_too_deep(local: httpx.AsyncClient, sim: Simulator) -> None:
    local.headers["Authorization"] = await bearer(local, sim)
    for depth in (50, 100_000):
        content = b'{"query":' + b'{"or":[' * depth + b"]}" * depth + b"}"
        assert (await local.post("/v2/endpointQuery", content=content)).status_code == 400


async def test_unknown_paths_and_methods(local: httpx.AsyncClient, sim: Simulator) -> None:
    response = await local.get("/v3/units")
    assert (response.status_code, response.json()["type"]) == (404, "NOT_FOUND")
    response = await local.patch("/v2/units")
    assert (response.status_code, response.json()["type"]) == (405, "METHOD_NOT_ALLOWED")
    assert response.headers["x-amzn-requestid"]
    assert sim.count("unknown") == 2
