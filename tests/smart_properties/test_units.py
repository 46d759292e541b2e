"""Units: what goes on the wire for every argument, what is refused, the models, and the pages."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from alexa_props import RetryPolicy, errors
from alexa_props.paging import Pager
from alexa_props.smart_properties.units import Unit
from tests.helpers import Seen, Service, answer, smart_properties

ENCODED = [
    ("amzn1.alexa.unit.did.AB-C_1", "amzn1.alexa.unit.did.AB-C_1"),
    ("~caller", "~caller"),
    ("a/b", "a%2Fb"),
    ("../units", "..%2Funits"),
    ("a?b=c&d", "a%3Fb%3Dc%26d"),
    ("a#b", "a%23b"),
    ("%2F", "%252F"),
    ("100%", "100%25"),
    (" a+b ", "%20a%2Bb%20"),
    ("Zürich", "Z%C3%BCrich"),
    ("部屋 🛏", "%E9%83%A8%E5%B1%8B%20%F0%9F%9B%8F"),
    ("\x00\r\n", "%00%0D%0A"),
    ("{parent_id}", "%7Bparent_id%7D"),
]
NOT_IDS: list[Any] = [None, "", ".", "..", 5, True, b"x", ["u"], {"u": "v"}, "\ud800"]
EMPTY = answer(json={"results": []})


def pairs(seen: Seen) -> list[str]:
    """Method, path and query as they are on the wire; the order of query parameters means nothing."""
    path, _, query = seen.url.raw_path.decode().partition("?")
    return [seen.method, path, *sorted(query.split("&"))]


# On the wire: one unit


@pytest.mark.parametrize(("unit_id", "path"), ENCODED)
async def test_get(unit_id: str, path: str) -> None:
    service = Service(answer(json={"id": "u"}))
    await smart_properties(service).units.get(unit_id)
    (seen,) = service.seen
    assert (seen.method, seen.url.raw_path.decode()) == ("GET", f"/v2/units/{path}")
    assert (seen.content, "Content-Type" in seen.headers) == (b"", False)
    assert seen.headers["Accept"] == "application/json"


@pytest.mark.parametrize("unit_id", NOT_IDS)
async def test_get_of_what_is_no_id(unit_id: Any) -> None:
    service = Service()
    with pytest.raises(errors.ConfigurationError, match=r"^unit_id must be an id"):
        await smart_properties(service).units.get(unit_id)
    assert service.seen == []


@pytest.mark.parametrize(
    "call",
    [
        lambda asp: asp.units.get("x" * 70_000),
        lambda asp: asp.units.list("x" * 70_000),
        lambda asp: asp.units.list("org").resume("x" * 70_000),
    ],
    ids=["get", "list", "resume"],
)
async def test_what_is_too_long_for_a_url(call: Any) -> None:
    service = Service()
    with pytest.raises(errors.ConfigurationError, match=r"^units\.(get|list) cannot be sent .*too long$"):
        await call(smart_properties(service))
    assert service.seen == []


# On the wire: a list


@pytest.mark.parametrize(("parent_id", "query"), ENCODED)
async def test_list_of_a_parent(parent_id: str, query: str) -> None:
    service = Service(EMPTY)
    await smart_properties(service).units.list(parent_id)
    (seen,) = service.seen
    assert (seen.method, seen.url.raw_path.decode()) == ("GET", f"/v2/units?parentId={query}")
    assert (seen.content, "Content-Type" in seen.headers) == (b"", False)


OPTIONS: dict[str, list[tuple[Any, list[str]]]] = {
    "depth": [(None, []), (1, ["queryDepth=1"]), (1000, ["queryDepth=1000"]), ("all", ["queryDepth=all"])],
    "expand": [(None, []), ("all", ["expand=all"]), ("of tomorrow&x", ["expand=of%20tomorrow%26x"])],
    "page_size": [
        (None, []),
        (1, ["maxResults=1"]),
        (10, ["maxResults=10"]),
        (51, ["maxResults=51"]),
        (5000, ["maxResults=5000"]),
    ],
}


@pytest.mark.parametrize(("depth", "expand", "page_size"), [*itertools.product(*OPTIONS.values())])
async def test_list_with_every_combination(depth: Any, expand: Any, page_size: Any) -> None:
    service = Service(EMPTY)
    options = {"depth": depth[0], "expand": expand[0], "page_size": page_size[0]}
    await smart_properties(service).units.list("org", **options)
    query = ["parentId=org", *depth[1], *expand[1], *page_size[1]]
    assert pairs(service.seen[0]) == ["GET", "/v2/units", *sorted(query)]


REFUSED: dict[str, list[Any]] = {
    "parent_id": NOT_IDS,
    "depth": [0, -1, True, False, 1.0, "", "1", "some", "ALL", b"all", ["all"], {}],
    "expand": ["", 5, True, False, b"all", ["all"], ("all",), [], {"all": 1}, "\ud800"],
    "page_size": [0, -1, True, False, "5", "", 1.0, [], b"5", float("inf")],
}


@pytest.mark.parametrize(
    ("argument", "value"), [(argument, value) for argument, values in REFUSED.items() for value in values]
)
def test_list_with_what_is_refused(argument: str, value: Any) -> None:
    """At once, not first when it is awaited."""
    service = Service()
    arguments = {"parent_id": "org", argument: value}
    with pytest.raises(errors.ConfigurationError, match=rf"^{argument} must be "):
        smart_properties(service).units.list(**arguments)
    assert service.seen == []


# Models

FULL = {
    "id": "amzn1.alexa.unit.did.ROOM",
    "name": {"type": "PLAIN", "value": {"text": "Zimmer 101 🛏"}},
    "parentId": "amzn1.alexa.unit.did.FLOOR",
    "level": 3,
}
UNIT = Unit("amzn1.alexa.unit.did.ROOM", "Zimmer 101 🛏", "amzn1.alexa.unit.did.FLOOR", 3)  # type: ignore[arg-type]
MODELS: list[tuple[Any, Unit]] = [
    (FULL, UNIT),
    ({**FULL, "new": {"deep": [1]}, "name": {**FULL["name"], "new": 1}}, UNIT),  # type: ignore[dict-item]
    ({"id": "u"}, Unit("u")),
    ({"id": "u", "name": None, "parentId": None, "level": None}, Unit("u")),
    ({"id": "u", "level": 0}, Unit("u", level=0)),
    ({"id": "u", "name": {"type": "OF_TOMORROW", "value": {"text": ""}}}, Unit("u", "")),  # type: ignore[arg-type]
    ({"id": ""}, Unit("")),
]


@pytest.mark.parametrize(("body", "unit"), MODELS)
async def test_the_model(body: Any, unit: Unit) -> None:
    assert await smart_properties(Service(answer(json=body))).units.get("u") == unit
    page = await smart_properties(Service(answer(json={"results": [body, {"id": "last"}], "new": 1}))).units.list("org")
    assert page.items == (unit, Unit("last"))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, r"a required member is missing @ \S*{}id "),
        ({"id": None}, r"a string was expected, not null @ \S*{}id "),
        ({"id": "u", "name": "Room"}, r"was expected @ \S*{}name "),
        ({"id": "u", "parentId": True}, r"a string was expected, not a boolean @ \S*{}parentId "),
        ({"id": "u", "parentId": {}}, r"a string was expected, not an object @ \S*{}parentId "),
        ({"id": "u", "level": "deep"}, r"a whole number was expected, not 'deep' @ \S*{}level "),
    ],
)
async def test_a_member_at_fault_is_named_as_the_service_names_it(body: Any, said: str) -> None:
    service = Service(answer(json=body, x_amzn_RequestId="request-1"))
    with pytest.raises(errors.DecodeError, match=rf"^units\.get\('u'\): .*{said.format('')}.*request-1"):
        await smart_properties(service).units.get("u")
    service = Service(answer(json={"results": [{"id": "fine"}, body]}, x_amzn_RequestId="request-2"))
    place = said.format(r"results\[1\]\.")
    with pytest.raises(errors.DecodeError, match=rf"^units\.list\('org'\): .*{place}.*request-2"):
        await smart_properties(service).units.list("org")


@pytest.mark.parametrize("body", [{}, {"results": None}, {"results": {}}, {"paginationContext": {"nextToken": "t"}}])
async def test_an_answer_without_a_list_is_no_empty_list(body: Any) -> None:
    service = Service(answer(json=body))
    with pytest.raises(errors.DecodeError, match=r"no list 'results'"):
        await smart_properties(service).units.list("org")


# Pages


def page(*ids: str, **rest: Any) -> Any:
    return answer(json={"results": [{"id": unit} for unit in ids], **rest})


def token(value: object) -> dict[str, Any]:
    return {"paginationContext": {"nextToken": value}}


async def ids(pager: Pager[Unit]) -> list[str]:
    return [unit.id async for unit in pager]


LAST: list[dict[str, Any]] = [
    {},
    {"paginationContext": None},
    {"paginationContext": {}},
    {"paginationContext": {"new": 1}},
    token(None),
    token(""),
]


@pytest.mark.parametrize("last", LAST)
async def test_all_arguments_go_with_every_page_and_the_token_is_encoded(last: dict[str, Any]) -> None:
    service = Service(page("a", "b", **token("t/1+2=&é 🛏#%")), page(**token("~next")), page("c", **last))
    pager = smart_properties(service).units.list("a/b", depth="all", expand="all", page_size=2)
    assert service.seen == []
    assert await ids(pager) == ["a", "b", "c"]
    query = ["expand=all", "maxResults=2", "parentId=a%2Fb", "queryDepth=all"]
    tokens = [[], ["nextToken=t%2F1%2B2%3D%26%C3%A9%20%F0%9F%9B%8F%23%25"], ["nextToken=~next"]]
    assert [pairs(seen) for seen in service.seen] == [["GET", "/v2/units", *sorted(query + more)] for more in tokens]


async def test_a_token_goes_without_arguments_that_were_not_given() -> None:
    service = Service(page("a"))
    await smart_properties(service).units.list("org").resume("t")
    assert pairs(service.seen[0]) == ["GET", "/v2/units", "nextToken=t", "parentId=org"]


@pytest.mark.parametrize("value", [5, True, ["t"], {"t": 1}])
async def test_a_token_that_is_no_string(value: object) -> None:
    with pytest.raises(errors.DecodeError, match=r"paginationContext\.nextToken is not a string"):
        await smart_properties(Service(page("a", **token(value)))).units.list("org")


async def test_a_token_that_cannot_be_sent_is_an_error_of_the_library() -> None:
    service = Service(page("a", **token("\ud800")))
    with pytest.raises(errors.AlexaError) as caught:
        await ids(smart_properties(service).units.list("org"))
    assert caught.value.resume_token == "\ud800"
    assert len(service.seen) == 1


# Made, renamed and deleted

NAMED = {"type": "PLAIN", "value": {"text": "Zimmer 101 🛏"}}
WRITES: dict[str, Any] = {
    "create": lambda units, unit_id: units.create(unit_id, "Zimmer 101 🛏"),
    "update": lambda units, unit_id: units.update(unit_id, "Zimmer 101 🛏"),
    "delete": lambda units, unit_id: units.delete(unit_id),
}
SUBJECTS = {"create": "parent_id", "update": "unit_id", "delete": "unit_id"}
MADE = answer(201, json={"id": "new", "more": 1})


@pytest.mark.parametrize(("unit_id", "path"), ENCODED)
async def test_writing(unit_id: str, path: str) -> None:
    service = Service(MADE)
    units = smart_properties(service).units
    assert await units.create(unit_id, "Zimmer 101 🛏") == "new"
    await units.update(unit_id, "Zimmer 101 🛏")
    await units.delete(unit_id)
    created, updated, deleted = service.seen
    assert (created.method, created.url.raw_path) == ("POST", b"/v2/units")
    assert created.json == {"name": NAMED, "parentId": unit_id}
    assert (updated.method, updated.url.raw_path.decode()) == ("PUT", f"/v2/units/{path}")
    assert updated.json == {"name": NAMED}
    assert (deleted.method, deleted.url.raw_path.decode()) == ("DELETE", f"/v2/units/{path}")
    assert (deleted.content, "Content-Type" in deleted.headers) == (b"", False)
    assert created.headers["Content-Type"] == updated.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("name", ["x", " ", "\x00\n", "é 部屋 🛏", '"{}"', "x" * 10_000])
async def test_names_are_sent_as_they_are(name: str) -> None:
    service = Service(MADE)
    await smart_properties(service).units.create("u", name)
    await smart_properties(service).units.update("u", name)
    assert [seen.json["name"]["value"]["text"] for seen in service.seen] == [name, name]


@pytest.mark.parametrize("unit_id", NOT_IDS)
@pytest.mark.parametrize("write", WRITES)
async def test_writing_to_what_is_no_unit(write: str, unit_id: Any) -> None:
    service = Service(MADE)
    with pytest.raises(errors.ConfigurationError, match=rf"^{SUBJECTS[write]} must be an id"):
        await WRITES[write](smart_properties(service).units, unit_id)
    assert service.seen == []


@pytest.mark.parametrize("name", [None, "", 5, True, b"x", ["x"], NAMED, "\ud800"])
async def test_what_is_no_name(name: Any) -> None:
    service = Service(MADE)
    units = smart_properties(service).units
    for call in (units.create("u", name), units.update("u", name)):
        with pytest.raises(errors.ConfigurationError, match=r"^name must be text"):
            await call
    assert service.seen == []


@pytest.mark.parametrize("status", [200, 201, 202])
async def test_the_id_of_a_new_unit(status: int) -> None:
    assert await smart_properties(Service(answer(status, json={"id": "new"}))).units.create("u", "x") == "new"


@pytest.mark.parametrize("response", [204, answer(201), answer(201, json={}), answer(201, json={"id": None})])
async def test_a_new_unit_without_an_id_may_be_there(response: Any) -> None:
    service = Service(response)
    with pytest.raises(errors.DecodeError, match=r"^units\.create\('u'\): the answer"):
        await smart_properties(service).units.create("u", "x")
    assert len(service.seen) == 1


@pytest.mark.parametrize("response", [204, answer(200), answer(200, json=FULL), answer(202, json=[7])])
@pytest.mark.parametrize("write", ["update", "delete"])
async def test_writing_reads_no_answer(write: str, response: Any) -> None:
    service = Service(response)
    assert await WRITES[write](smart_properties(service).units, "u") is None
    assert len(service.seen) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, errors.BadRequest), (403, errors.Forbidden), (404, errors.NotFound), (409, errors.Conflict)],
)
@pytest.mark.parametrize("write", WRITES)
async def test_refusals_name_the_unit(write: str, status: int, kind: type[errors.ApiError]) -> None:
    service = Service(answer(status, {"type": "SOME_TYPE", "message": "said"}, x_amzn_RequestId="request-1"))
    with pytest.raises(kind, match=rf"^units\.{write}\('u'\): {status} SOME_TYPE \"said\" .*request-1"):
        await WRITES[write](smart_properties(service).units, "u")
    assert len(service.seen) == 1


@pytest.mark.parametrize("write", WRITES)
async def test_only_making_one_is_not_repeated(write: str) -> None:
    service = Service(503, MADE)
    units = smart_properties(service, retry=RetryPolicy(max_attempts=2, base=0)).units
    if write == "create":
        with pytest.raises(errors.ServerError):
            await WRITES[write](units, "u")
        assert len(service.seen) == 1
    else:
        await WRITES[write](units, "u")
        assert len(service.seen) == 2
