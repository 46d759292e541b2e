"""A session as Amazon's own command line tool for Smart Properties holds it, over a socket."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx

from alexa_props.simulator import Simulator


async def test_a_session_of_amazons_command_line_tool(sim: Simulator) -> None:
    async with sim.serve() as base_url, httpx.AsyncClient(base_url=base_url) as client:
        # It refreshes with a JSON body, the scope included.
        refresh = {
            "grant_type": "refresh_token",
            "refresh_token": sim.refresh_token,
            "client_id": sim.client_id,
            "client_secret": sim.client_secret,
            "scope": "alexa::enterprise:management",
        }
        granted = (await client.post("/auth/O2/token", json=refresh)).json()
        assert granted["token_type"] == "bearer"
        headers = {"Authorization": f"Bearer {granted['access_token']}", "Accept": "application/json"}

        async def get(path: str) -> Any:
            response = await client.get(path, headers={**headers, "Content-Type": "application/json"})
            assert response.status_code == 200, response.text
            return response.json()

        # The whole tree of units, in pages of 50, with its own order of parameters.
        units: list[Any] = []
        path = f"/v2/units?maxResults=50&queryDepth=all&expand=all&parentId={sim.organization_id}"
        token: str | None = ""
        while token is not None:
            page = await get(path + (f"&nextToken={quote(token, safe='')}" if token else ""))
            units += page["results"]
            token = page.get("paginationContext", {}).get("nextToken")
        assert len(units) == len(sim.units) - 1
        rooms = [unit for unit in units if unit["level"] == 3]
        assert [room["id"] for room in rooms] == sim.rooms
        assert all(room["name"]["value"]["text"].startswith("Room ") for room in rooms)

        # The endpoints of several units in one query.
        query = {
            "query": {"or": [{"match": {"associatedUnits.id": room}} for room in sim.rooms[:4]]},
            "expand": ["all", "feature:connectivity"],
            "paginationContext": {"maxResults": 10},
        }
        response = await client.post("/v2/endpointQuery", json=query, headers=headers)
        endpoints = response.json()["results"]
        assert [endpoint["id"] for endpoint in endpoints] == sim.endpoints[:8]
        assert endpoints[0]["features"][0]["properties"][0]["value"]["value"] == "OK"

        # Endpoints by unit, by account, by serial number, and one with its connectivity.
        unit = sim.rooms[0]
        page = await get(f"/v2/endpoints?associatedUnits.id={unit}&expand=all&expand=feature:connectivity")
        assert len(page["results"]) == 2
        serial = page["results"][0]["serialNumber"]["value"]["text"]
        page = await get(f"/v2/endpoints?serialNumber.value.text={serial}&expand=all")
        assert page["results"][0]["associatedUnits"] == [{"id": unit}]
        assert (await get("/v2/endpoints?owner=~caller&expand=all"))["results"]
        connectivity = await get(f"/v2/endpoints/{sim.endpoints[0]}/features/connectivity")
        assert connectivity["properties"][0]["name"] == "reachability"

        # After a reboot it waits for the endpoint to come back, by MAC address.
        mac = endpoints[0]["connections"][0]["macAddress"].replace(":", "%3A")
        online = "features%5Bname%3Aconnectivity%5D.properties%5Bname%3Areachability%5D.value.value=OK"
        assert (await get(f"/v2/endpoints?connections.macAddress={mac}&{online}"))["results"]

        # The music of a room.
        setting = f"/v2/units/{unit}/settings/MusicExperience.defaultStationPreferences"
        station = {"providerId": "TUNEIN", "stationId": "s16492"}
        assert (await client.put(setting, json=station, headers=headers)).status_code == 204
        assert await get(setting) == station

        # Resetting a room: with the token alone, as the older samples do, and with Bearer, as the newer ones do.
        for kind in ("alarms", "timers", "reminders"):
            for authorization in (granted["access_token"], headers["Authorization"]):
                response = await client.delete(
                    f"/v1/alerts/{kind}?unitId={unit}", headers={"Authorization": authorization}
                )
                assert response.status_code == 204
        response = await client.delete(f"/v1/alerts/timers?endpoint={sim.endpoints[2]}", headers=headers)
        assert response.status_code == 204
        assert sim.alert_count("timers", sim.endpoints[2]) == 0
    assert {call.status for call in sim.calls} <= {200, 204}
