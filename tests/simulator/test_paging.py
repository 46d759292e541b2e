"""Pages of Smart Properties, and tokens that are valid for one list."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from alexa_props.simulator import Simulator
from alexa_props.simulator.paging import FIRST, Pagination, Position, TokenRefused


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
