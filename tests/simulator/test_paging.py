"""Pages of Smart Properties, and tokens that are valid for one list."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest

from alexa_props.simulator import Simulator
from alexa_props.simulator.paging import FIRST, Pagination, Position, TokenRefused
from alexa_props.smart_properties.endpoint_settings import Setting
from tests.wire import clients

ALERTS = "notification.variants.type"
VISUAL: Final = "PersistentVisualAlert"


async def pages(api: httpx.AsyncClient, path: str, **params: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    token: str | None = None
    while True:
        response = await api.get(path, params={**params, **({"nextToken": token} if token else {})})
        assert response.status_code == 200, response.text
        found.append(response.json())
        token = (found[-1].get("paginationContext") or {}).get("nextToken")
        if not token:
            return found
        assert len(found) < 1000


SIZES: list[int] = [1, 7, 10, 50]


async def test_pages_together_have_every_item_once(api: httpx.AsyncClient, sim: Simulator) -> None:
    for size in SIZES:
        units = await pages(api, "/v2/units", parentId=sim.organization_id, queryDepth="all", maxResults=str(size))
        assert [item["id"] for page in units for item in page["results"]] == [*unit_levels(sim)], size
        assert {len(page["results"]) for page in units[:-1]} <= {size}, size
        endpoints = await pages(api, "/v2/endpoints", owner="~caller", maxResults=str(min(size, 10)))
        assert [item["id"] for page in endpoints for item in page["results"]] == sim.endpoints, size


def unit_levels(sim: Simulator) -> list[str]:
    return [unit.id for unit in sorted(sim.tree.units.values(), key=lambda unit: unit.level) if unit.level]


async def test_default_page_has_10_items(api: httpx.AsyncClient) -> None:
    found = await pages(api, "/v2/endpoints", owner="~caller")
    assert [len(page["results"]) for page in found] == [10] * 9 + [3]


async def test_tokens_are_opaque_and_need_no_encoding(api: httpx.AsyncClient, sim: Simulator) -> None:
    found = await pages(api, "/v2/endpoints", owner="~caller", maxResults="1")
    tokens = [page["paginationContext"]["nextToken"] for page in found[:-1]]
    assert len(set(tokens)) == len(tokens)
    assert {quote(token, safe="") for token in tokens} == set(tokens)
    assert not any(sim.endpoints[0] in token for token in tokens)


async def test_token_is_valid_only_for_its_list(api: httpx.AsyncClient, sim: Simulator) -> None:
    query = {"parentId": sim.organization_id, "queryDepth": "all"}
    first = (await api.get("/v2/units", params=query)).json()
    token = first["paginationContext"]["nextToken"]
    for path, params in (
        ("/v2/units", {**query, "expand": "all"}),
        ("/v2/units", {**query, "queryDepth": "3"}),
        ("/v2/units", {**query, "parentId": sim.rooms[0]}),
        ("/v2/endpoints", {"owner": "~caller"}),
    ):
        assert (await api.get(path, params={**params, "nextToken": token})).status_code == 400
    changed = token[:-4] + ("A" if token[-4] != "A" else "B") + token[-3:]
    assert (await api.get("/v2/units", params={**query, "nextToken": changed})).status_code == 400
    again = [await api.get("/v2/units", params={**query, "nextToken": token}) for _ in range(2)]
    assert again[0].json() == again[1].json() != first
    # Another page size is no other listing.
    assert (await api.get("/v2/units", params={**query, "nextToken": token, "maxResults": "3"})).status_code == 200


ENDS: list[tuple[Any, object]] = [("absent", "-"), ("null", {"nextToken": None}), ("empty", {"nextToken": ""})]


async def test_empty_pages_and_the_last_token(api: httpx.AsyncClient, sim: Simulator) -> None:
    for form, context in ENDS:
        sim.empty_pages = 3
        sim.set_end_of_list(form)
        found = await pages(api, "/v2/units", parentId=sim.organization_id)
        assert [len(page["results"]) for page in found] == [0, 0, 0, 2], (form, context)
        assert found[-1].get("paginationContext", "-") == context, (form, context)
        nothing = await pages(api, "/v2/units", parentId=sim.rooms[0])
        assert [len(page["results"]) for page in nothing] == [0, 0, 0, 0], (form, context)


def test_refuses_tokens_of_another_simulator() -> None:
    ours, theirs = Pagination(b"ours"), Pagination(b"theirs")
    items = list(range(5))
    token = ours.cut("q", FIRST, items, 2).next_token
    assert ours.locate("q", token) == Position(2)
    for other, query in ((theirs, "q"), (ours, "other")):
        with pytest.raises(TokenRefused):
            other.locate(query, token)
    assert ours.cut("q", Position(4), items, 2).next_token is None


async def test_lists_that_change_between_pages_neither_repeat_nor_omit_what_stays(
    api: httpx.AsyncClient, sim: Simulator
) -> None:
    on, room, endpoint = clients(sim), sim.rooms[0], sim.endpoints[0]
    asp, organization = on.asp, sim.organization_id

    async def read(path: str, params: Mapping[str, str], body: Mapping[str, Any], change: Awaitable[object]) -> Any:
        """Return a list that is read in pages of one item, and changes after the first one."""
        found: list[Any] = []
        paging: dict[str, Any] = {"maxResults": 1}
        while len(found) < 9:
            sent = {**body, "paginationContext": paging} if body else None
            response = await api.request("POST" if body else "GET", path, params={**params, **paging}, json=sent)
            page = response.json()
            found += page.get("results", page.get("settings"))
            if len(found) == 1:
                await change
            if "paginationContext" not in page:
                break
            paging = {"maxResults": 1, **page["paginationContext"]}
        return found

    for user in "012":
        await asp.account_associations.create(on.unused_provider, user, on.profile)
    users = await read(
        f"/v1/communications/serviceProviders/{on.unused_provider}/externalUsers/query",
        {},
        {"filters": {"externalUserIds": ["0", "1", "2"]}},
        asp.account_associations.delete(on.unused_provider, "0"),
    )
    assert [user["externalUserId"] for user in users] == ["0", "1", "2"]

    keys = ("System.distanceUnits", "System.temperatureUnit", "System.timeZone")
    sim.set_setting(endpoint, keys[0], None)
    settings = await read(
        f"/v2/endpoints/{endpoint}/settings",
        {"keys": ",".join(keys)},
        {},
        asp.endpoint_settings.set(endpoint, Setting.DISTANCE_UNITS, "METRIC"),
    )
    assert [setting["key"] for setting in settings] == [*keys[1:]]

    own, above = [(await asp.roles.list(unit)).items[0] for unit in (room, organization)]
    await asp.role_assignments.create(own, "ada")
    await asp.role_assignments.create(above, "ada", propagate=True)
    held = asp.role_assignments.list_for_principal("ada", room, page_size=1)
    assert [role.role_id async for role in held] == [above.role_id, own.role_id]
    roles = await read(
        "/v1/roles/assignments",
        {"principalId": "ada", "unitId": room},
        {},
        asp.role_assignments.delete(above, "ada"),
    )
    assert [role["roleId"] for role in roles] == [above.role_id, own.role_id]

    units = [await asp.units.create(organization, name) for name in ("First", "Second")]
    for unit in (*units, units[0], units[0]):
        sim.notify(unit, VISUAL)
    assert len([each async for each in asp.notifications.query(units, page_size=1)]) == 4
    either = {"or": [{"match": {"recipients.id": unit, "recipients.type": "Unit", ALERTS: VISUAL}} for unit in units]}
    alerts = await read("/v3/notifications/query", {}, {"query": either}, asp.notifications.delete(units[0], VISUAL))
    assert [alert["recipients"][0]["id"] for alert in alerts] == units
