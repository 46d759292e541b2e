"""Routes and plain resources, shown by made-up ones: libraries with shelves, and books on a shelf."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from alexa_props.simulator import Simulator
from alexa_props.simulator.bodies import batch
from alexa_props.simulator.context import Context
from alexa_props.simulator.operations import OPERATIONS
from alexa_props.simulator.requests import body_object
from alexa_props.simulator.resources import Resource
from alexa_props.simulator.responses import Response, accepted, json_response
from alexa_props.simulator.routes import TABLE, Route, RouteTable, route, target
from alexa_props.simulator.store import Key

CRUD = {"create": "create", "list": "list", "get": "get", "update": "update", "delete": "delete"}
VISITS: Key[list[str]] = Key("visits", lambda _: [])


def handler(_: Context) -> Response:
    return accepted()


def register_library() -> None:
    shelves = Resource(
        *("shelves", "/v9/shelves", "shelfId", "amzn1.alexa.shelf.did.", {"unitId": str, "place.floor": int}),
        optional={"open": bool, "width": float},
        update={"place.floor": int},
        filters={"unitId": "unitId", "label": "labels.name"},
        created="item",
        seeds=lambda world: [{"unitId": room, "place": {"floor": 1}} for room in world.rooms[:3]],
    ).serve(**CRUD)
    books = Resource(
        *("books", "/v9/shelves/{shelfId}/books", "id", "book-", {"title": str}),
        parent=shelves,
        filters={"title": "title"},
        required_filters=["title"],
        results="items",
        most=3,
        expands=True,
        statuses={"create": 200, "update": 200, "delete": 202},
    ).serve(create="add", list="list", get="get", update="update", delete="remove")

    Resource("papers", "/v9/papers", "paperId", "paper-").serve(list="list")

    @route("books.add_many", "POST", "/v9/shelves/{shelfId}/books/batch")
    def add_many(context: Context) -> Response:
        for item in batch(context, 2, {"title": str}):
            books.add(context, {"title": item["title"]})
        context.service.store[VISITS].append(context.params["shelfId"])
        return accepted()

    @route("books.query", "POST", "/v9/shelves/{shelfId}/books/query")
    def query(context: Context) -> Response:
        title = body_object(context).get("title")
        return books.page(
            context, (each for each in books.items(context).values() if each.body["title"] == title), title
        )

    @route("shelves.visits", "GET", "/v9/shelves/visits")
    def visits(context: Context) -> Response:
        return json_response({"visits": context.service.store[VISITS]})


@pytest.fixture
def library() -> Iterator[None]:
    known = set(OPERATIONS)
    register_library()
    yield
    for operation in OPERATIONS - known:
        del TABLE.operations[operation]
    OPERATIONS.intersection_update(known)
    del TABLE.root.literals["v9"]


@pytest.fixture
async def books(api: httpx.AsyncClient, library: None, sim: Simulator) -> str:
    """The path of the books on a new shelf."""
    response = await api.post("/v9/shelves", json={"unitId": sim.rooms[0], "place": {"floor": 2}})
    return f"/v9/shelves/{response.json()['shelfId']}/books"


async def titles(api: httpx.AsyncClient, path: str, **params: str) -> tuple[list[str], str | None]:
    body = (await api.get(path, params={"title": "A", "expand": "all", **params})).json()
    return [item["id"] for item in body["items"]], body.get("paginationContext", {}).get("nextToken")


# Routes


def test_literal_paths_win_over_parameters_in_any_order_of_registration() -> None:
    paths = ("/a/{x}", "/a/b", "/a/{x}/c", "/a/b/{y}", "/a/{x}/{y}/d", "/{z}/b/c")
    for order in (paths, paths[::-1]):
        table = RouteTable()
        for path in order:
            table.add(Route(f"test.{path}", "GET", path, handler))
        found = {}
        for path in (
            "/a/b",
            "/a/b/",
            "/a/1",
            "/a/b/c",
            "/a/1/c",
            "/a/b/c/d",
            "/1/b/c",
            "/a/%2F",
            "/1/b/1",
            "/a//c",
            "/",
        ):
            match = table.find(path)
            found[path] = match and (match.routes["GET"].path, match.values)
        assert found == {
            "/a/b": ("/a/b", ()),
            "/a/b/": ("/a/b", ()),
            "/a/1": ("/a/{x}", ("1",)),
            "/a/b/c": ("/a/b/{y}", ("c",)),
            "/a/1/c": ("/a/{x}/c", ("1",)),
            "/a/b/c/d": ("/a/{x}/{y}/d", ("b", "c")),
            "/1/b/c": ("/{z}/b/c", ("1",)),
            "/a/%2F": ("/a/{x}", ("%2F",)),
            "/1/b/1": None,
            "/a//c": None,
            "/": None,
        }
        OPERATIONS.difference_update(table.operations)


def test_an_operation_a_path_and_a_target_are_registered_once(library: None) -> None:
    with pytest.raises(ValueError, match=r"shelves\.visits is registered already"):
        route("shelves.visits", "GET", "/v9/elsewhere")(handler)
    with pytest.raises(ValueError, match="GET /v9/shelves/visits is registered already"):
        route("shelves.others", "GET", "/v9/shelves/visits")(handler)
    with pytest.raises(ValueError, match=r"AlexaForBusiness\.GetDevice is registered already"):
        target("shelves.device", "GetDevice")(handler)


async def test_a_new_route_is_known_to_faults_quotas_and_the_record(
    api: httpx.AsyncClient, books: str, sim: Simulator
) -> None:
    sim.fail("books.*", "status", status=500)
    assert (await api.post(books, json={"title": "A"})).status_code == 500
    sim.quota("shelves.visits", 1, 1)
    responses = [await api.get("/v9/shelves/visits") for _ in range(2)]
    assert [each.status_code for each in responses] == [200, 429]
    assert (sim.count("books.add", 500), sim.calls[-1].operation) == (1, "shelves.visits")
    response = await api.delete("/v9/shelves/visits")  # the literal path wins, even without this method
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")


# Resources


async def test_items_are_created_read_updated_listed_and_deleted(
    api: httpx.AsyncClient, library: None, sim: Simulator
) -> None:
    body = {"unitId": sim.rooms[5], "place": {"floor": 2}, "labels": [{"name": "new"}]}
    created = await api.post("/v9/shelves", json=body)
    shelf = created.json()["shelfId"]
    assert (created.status_code, created.json()) == (201, {"shelfId": shelf, **body})
    assert shelf.startswith("amzn1.alexa.shelf.did.A")
    assert (sim.calls[-1].operation, sim.calls[-1].unit_id, sim.calls[-1].body) == (
        "shelves.create",
        sim.rooms[5],
        body,
    )
    update = {"place": {"floor": 3}, "open": False, "width": 1, "shelfId": "another"}
    changed = await api.put(f"/v9/shelves/{shelf}", json=update)
    assert (changed.status_code, changed.content) == (204, b"")
    now = {"shelfId": shelf, **body, "place": {"floor": 3}, "open": False, "width": 1}
    assert (await api.get(f"/v9/shelves/{shelf}")).json() == now
    assert (await api.get("/v9/shelves", params={"label": "new"})).json() == {"results": [now]}
    assert (await api.get("/v9/shelves", params={"unitId": sim.rooms[5], "label": "old"})).json() == {"results": []}
    assert (await api.delete(f"/v9/shelves/{shelf}")).status_code == 204
    for method in ("GET", "PUT", "DELETE"):
        response = await api.request(method, f"/v9/shelves/{shelf}", json={"place": {"floor": 3}})
        assert (response.status_code, response.json()["type"]) == (404, "NOT_FOUND")


BAD_MEMBERS: list[tuple[dict[str, Any], str]] = [
    ({"unitId": None}, "unitId"),
    ({"unitId": ""}, "unitId"),
    ({"unitId": 5}, "unitId"),
    ({"place": {}}, "place.floor"),
    ({"place": {"floor": True}}, "place.floor"),
    ({"place": {"floor": "2"}}, "place.floor"),
    ({"place": 2}, "place.floor"),
    ({"open": 1}, "open"),
    ({"width": False}, "width"),
]


async def test_members_must_be_there_and_of_their_types(api: httpx.AsyncClient, library: None, sim: Simulator) -> None:
    for change, named in BAD_MEMBERS:
        response = await api.post("/v9/shelves", json={"unitId": sim.rooms[0], "place": {"floor": 1}, **change})
        assert (response.status_code, response.json()["message"].partition(" ")[0]) == (400, named), (change, named)
        assert (await api.post("/v9/shelves", json=["unitId"])).status_code == 400, (change, named)


async def test_units_in_a_request_must_be_known_and_permitted(
    api: httpx.AsyncClient, library: None, sim: Simulator
) -> None:
    def body(unit_id: str) -> dict[str, Any]:
        return {"unitId": unit_id, "place": {"floor": 1}}

    shelf = (await api.post("/v9/shelves", json=body(sim.rooms[7]))).json()["shelfId"]
    sim.set_forbidden(sim.rooms[7])
    for unit_id, status in (("unknown", 404), (sim.rooms[7], 403)):
        assert (await api.post("/v9/shelves", json=body(unit_id))).status_code == status
        assert (await api.get("/v9/shelves", params={"unitId": unit_id})).status_code == status
    for method in ("GET", "PUT", "DELETE"):
        response = await api.request(method, f"/v9/shelves/{shelf}", json=body(sim.rooms[0]))
        assert response.status_code == 403
    assert shelf not in (await api.get("/v9/shelves")).text
    seeded = (await api.get("/v9/shelves", params={"unitId": sim.rooms[0]})).json()["results"][0]["shelfId"]
    sim.set_forbidden(sim.rooms[0])
    assert (await api.get(f"/v9/shelves/{seeded}")).status_code == 403


async def test_nested_items_belong_to_their_parent(api: httpx.AsyncClient, books: str, sim: Simulator) -> None:
    created = await api.post(books, json={"title": "A"})
    book = created.json()["id"]
    assert (created.status_code, created.json(), book[:6]) == (200, {"id": book}, "book-A")
    other = (await api.get("/v9/shelves")).json()["results"][0]["shelfId"]
    assert (await api.get(f"{books}/{book}")).json() == {"id": book, "title": "A"}
    assert (await api.get(f"/v9/shelves/{other}/books/{book}")).status_code == 404
    assert (await api.get(f"/v9/shelves/unknown/books/{book}")).status_code == 404
    assert (await api.put(f"{books}/{book}", json={"title": "B"})).status_code == 200
    assert (await api.delete(f"{books}/{book}")).status_code == 202
    assert (await api.delete(books.removesuffix("/books"))).status_code == 204
    assert (await api.post(books, json={"title": "A"})).status_code == 404


async def test_pages_by_query_and_by_body(api: httpx.AsyncClient, books: str) -> None:
    assert (await api.get(books)).status_code == 400  # the filter is required
    assert (await api.get(books, params={"title": "A", "maxResults": "4"})).status_code == 400
    assert (await api.get(books, params={"title": "A", "expand": "some"})).status_code == 400
    ids = [(await api.post(books, json={"title": title})).json()["id"] for title in "AABAAB"]
    assert (await api.get(books, params={"title": "B"})).json() == {"items": [{"id": ids[2]}, {"id": ids[5]}]}
    first, token = await titles(api, books, maxResults="2")
    assert (first, token is not None) == (ids[:2], True)
    # What is deleted and created between two pages does not shift the others.
    await api.delete(f"{books}/{ids[0]}")
    new = (await api.post(books, json={"title": "A"})).json()["id"]
    assert new not in ids
    assert await titles(api, books, nextToken=token or "", maxResults="3") == ([ids[3], ids[4], new], None)
    assert (await api.get(books, params={"title": "B", "nextToken": token or ""})).status_code == 400
    of_shelves = (await api.get("/v9/shelves", params={"maxResults": "1"})).json()["paginationContext"]
    assert (await api.get("/v9/papers", params=of_shelves)).status_code == 400
    page = {"title": "A", "paginationContext": {"maxResults": 1}}
    asked = (await api.post(f"{books}/query", json=page)).json()
    assert asked["items"] == [{"id": ids[1]}]
    page["paginationContext"] = asked["paginationContext"]
    assert [each["id"] for each in (await api.post(f"{books}/query", json=page)).json()["items"]] == [
        ids[3],
        ids[4],
        new,
    ]


async def test_a_batch_is_accepted_as_a_whole_or_refused(api: httpx.AsyncClient, books: str, sim: Simulator) -> None:
    good = {"itemId": 1, "title": "A"}
    bad: list[Any] = [None, {}, [], [good] * 3, [good, {"title": "A"}], [good, {"itemId": "2"}], [good, "x"]]
    for items in bad:
        assert (await api.post(f"{books}/batch", json={"items": items})).status_code == 400
    unknown = {**good, "entity": {"type": "UNIT", "id": "unknown"}}
    assert (await api.post(f"{books}/batch", json={"items": [good, unknown]})).status_code == 404
    assert await titles(api, books) == ([], None)
    assert (await api.post(f"{books}/batch", json={"items": [good, {**good, "itemId": "b"}]})).status_code == 202
    assert len((await titles(api, books))[0]) == 2


async def test_a_reset_restores_what_is_seeded_and_discards_the_rest(
    api: httpx.AsyncClient, books: str, sim: Simulator
) -> None:
    async def shelves() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await api.get("/v9/shelves")).json()["results"]
        return found

    await api.post(f"{books}/batch", json={"items": [{"itemId": 1, "title": "A"}]})
    assert (await api.get("/v9/shelves/visits")).json()["visits"] == [books.split("/")[3]]
    created = (await shelves())[-1]
    await api.delete(f"/v9/shelves/{(await shelves())[0]['shelfId']}")
    sim.reset()
    assert (await api.get("/v9/shelves/visits")).json() == {"visits": []}
    seeded = await shelves()
    assert [each["unitId"] for each in seeded] == sim.rooms[:3]
    again = await api.post("/v9/shelves", json={"unitId": sim.rooms[0], "place": {"floor": 2}})
    assert again.json()["shelfId"] == created["shelfId"]
    twin = Simulator(rooms=45, endpoints_per_room=2, seed=8, properties=2)
    async with httpx.AsyncClient(transport=twin.transport(), base_url=twin.base_url) as client:
        form = {"grant_type": "refresh_token", "refresh_token": twin.refresh_token}
        token = await client.post("/auth/o2/token", data=form, auth=(twin.client_id, twin.client_secret))
        client.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
        others = (await client.get("/v9/shelves")).json()["results"]
    assert not {each["shelfId"] for each in others} & {each["shelfId"] for each in seeded}


def test_ids_are_known_without_a_request_and_come_from_the_seed(sim: Simulator) -> None:
    notes = Resource(
        "notes", "/v9/units/{unitId}/notes", "noteId", "note-", seeds=lambda world, unit_id: [{"text": unit_id}] * 2
    )
    ids = notes.ids(sim, sim.rooms[0])
    assert len(set(ids)) == 2
    assert all(each.startswith("note-") for each in ids)
    assert not set(ids) & {*notes.ids(sim, sim.rooms[1]), *notes.ids(Simulator(seed=99), sim.rooms[0])}
    sim.reset()
    assert notes.ids(sim, sim.rooms[0]) == ids


async def test_ids_of_seeds_stay_known_when_items_are_created_and_deleted(
    api: httpx.AsyncClient, library: None, sim: Simulator
) -> None:
    racks = Resource("racks", "/v9/racks", "rackId", "rack-", seeds=lambda _: [{}, {}]).serve(**CRUD)
    first = racks.ids(sim)
    assert racks.seed_ids(sim) == first
    assert (await api.delete(f"/v9/racks/{first[0]}")).status_code == 204
    assert (await api.post("/v9/racks", json={})).status_code == 201
    assert racks.ids(sim) != first
    assert racks.seed_ids(sim) == first


# What a request is about


ABOUT: list[tuple[str, str, object, tuple[str | None, ...]]] = [
    ("GET", "/v2/units/A?unitId=B", None, ("A", None)),
    ("GET", "/v2/units?parentId=B&unitId=A", None, ("A", None)),
    ("POST", "/v2/units?unitId=B", {"parentId": "A"}, ("A", None)),
    ("PUT", "/v2/endpoints/E/settings/System.timeZone?unitId=A", {"unitId": "B"}, ("A", "E")),
    ("DELETE", "/v1/alerts/timers?endpoint=E", None, (None, "E")),
    ("DELETE", "/v3/notifications?recipients.id=A&recipients.type=Unit", None, ("A", None)),
    ("POST", "/v3/notifications/delete", {"recipients": [{"type": "Unit", "id": "A"}]}, ("A", None)),
    ("POST", "/v3/notifications/delete", {"recipients": [{"type": "Endpoint", "id": "E"}]}, (None, "E")),
    ("POST", "/v3/notifications/delete", {"recipients": [{"id": "A"}, {"id": "B"}]}, (None, None)),
    ("POST", "/v3/notifications/delete", {"entity": {"id": "A", "type": "UNIT"}, "unitId": 5}, ("A", None)),
]


async def test_what_a_request_is_about(api: httpx.AsyncClient, sim: Simulator) -> None:
    for method, path, body, about in ABOUT:
        fault = sim.fail("*", "status", unit_id=about[0], endpoint_id=about[1])
        await api.request(method, path, json=body)
        assert (sim.calls[-1].unit_id, sim.calls[-1].endpoint_id, fault.hits) == (*about, 1), (
            method,
            path,
            body,
            about,
        )
