"""Endpoints: what goes on the wire for every argument, what is refused, the models, reachability, and the pages."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest

from alexa_props import errors
from alexa_props.codec import PlainText, Timestamp
from alexa_props.smart_properties.endpoints import (
    Connection,
    Endpoint,
    Feature,
    FeatureOperation,
    FeatureProperty,
    UnitRef,
)
from tests.helpers import Seen, Service, answer, smart_properties

ENCODED = [
    ("amzn1.alexa.endpoint.did.AB-C_1", "amzn1.alexa.endpoint.did.AB-C_1"),
    ("~caller", "~caller"),
    ("a/b", "a%2Fb"),
    ("a?b=c&d", "a%3Fb%3Dc%26d"),
    ("a#b", "a%23b"),
    ("%2F", "%252F"),
    ("AA:BB:CC:DD:EE:FF", "AA%3ABB%3ACC%3ADD%3AEE%3AFF"),
    (" a+b ", "%20a%2Bb%20"),
    ("Zürich 部屋 🛏", "Z%C3%BCrich%20%E9%83%A8%E5%B1%8B%20%F0%9F%9B%8F"),
    ("\x00\r\n", "%00%0D%0A"),
]
NOT_IDS: list[Any] = ["", ".", "..", 5, True, b"x", ["e"], {"e": "v"}, "\ud800"]
NOT_EXPAND: list[Any] = [b"", 5, 0, True, False, 1.5, "", [""], [None], [5], ["all", ""], b"all", "\ud800", ["\ud800"]]
REACHABLE = "features%5Bname%3Aconnectivity%5D.properties%5Bname%3Areachability%5D.value.value"
FILTERS = {
    "unit_id": "associatedUnits.id",
    "owner": "owner",
    "serial_number": "serialNumber.value.text",
    "mac_address": "connections.macAddress",
}
EMPTY = answer(json={"results": []})
EXPAND: list[tuple[Any, list[str]]] = [
    (None, []),
    ([], []),
    ("all", ["expand=all"]),
    ("feature:connectivity", ["expand=feature%3Aconnectivity"]),
    (["all"], ["expand=all"]),
    (["all", "feature:connectivity"], ["expand=all", "expand=feature%3Aconnectivity"]),
    (("feature:connectivity", "all"), ["expand=feature%3Aconnectivity", "expand=all"]),
    ("of tomorrow,x&y", ["expand=of%20tomorrow%2Cx%26y"]),
]


def split(seen: Seen) -> tuple[str, str, list[str]]:
    """Method, path and query as they are on the wire."""
    path, _, query = seen.url.raw_path.decode().partition("?")
    return seen.method, path, query.split("&") if query else []


def pairs(seen: Seen) -> list[str]:
    """The query as it is on the wire; the order of parameters means nothing."""
    return sorted(split(seen)[2])


# On the wire: one endpoint


@pytest.mark.parametrize(
    ("method", "rest"), [("get", ""), ("connectivity", "/features/connectivity")], ids=["get", "connectivity"]
)
@pytest.mark.parametrize(("endpoint_id", "path"), ENCODED)
async def test_the_endpoint_is_one_segment_of_the_path(method: str, rest: str, endpoint_id: str, path: str) -> None:
    service = Service(answer(json={"id": "e"}))
    await getattr(smart_properties(service).endpoints, method)(endpoint_id)
    (seen,) = service.seen
    assert (seen.method, seen.url.raw_path.decode()) == ("GET", f"/v2/endpoints/{path}{rest}")
    assert (seen.content, "Content-Type" in seen.headers) == (b"", False)
    assert seen.headers["Accept"] == "application/json"


@pytest.mark.parametrize(("expand", "query"), EXPAND)
async def test_get_expands(expand: Any, query: list[str]) -> None:
    service = Service(answer(json={"id": "e"}))
    await smart_properties(service).endpoints.get("e", expand=expand)
    assert split(service.seen[0]) == ("GET", "/v2/endpoints/e", query)


@pytest.mark.parametrize("method", ["get", "connectivity"])
@pytest.mark.parametrize("endpoint_id", [None, *NOT_IDS])
async def test_what_is_no_id_of_an_endpoint(method: str, endpoint_id: Any) -> None:
    service = Service()
    with pytest.raises(errors.ConfigurationError, match=r"^endpoint_id must be an id"):
        await getattr(smart_properties(service).endpoints, method)(endpoint_id)
    assert service.seen == []


@pytest.mark.parametrize("expand", NOT_EXPAND)
async def test_what_cannot_be_expanded(expand: Any) -> None:
    service = Service()
    endpoints = smart_properties(service).endpoints
    with pytest.raises(errors.ConfigurationError, match=r"^expand must be "):
        await endpoints.get("e", expand=expand)
    with pytest.raises(errors.ConfigurationError, match=r"^expand must be "):
        endpoints.list(unit_id="u", expand=expand)
    assert service.seen == []


@pytest.mark.parametrize(
    "call",
    [
        lambda asp: asp.endpoints.get("x" * 70_000),
        lambda asp: asp.endpoints.get("e", expand="x" * 70_000),
        lambda asp: asp.endpoints.connectivity("x" * 70_000),
        *(lambda asp, name=name: asp.endpoints.list(**{name: "x" * 70_000}) for name in FILTERS),
    ],
    ids=["get", "expand", "connectivity", *FILTERS],
)
async def test_what_is_too_long_for_a_url(call: Any) -> None:
    service = Service()
    with pytest.raises(errors.ConfigurationError, match=r"^endpoints\.\w+ cannot be sent .*too long$"):
        await call(smart_properties(service))
    assert service.seen == []


# On the wire: a list


@pytest.mark.parametrize(("value", "query"), ENCODED)
@pytest.mark.parametrize(("argument", "name"), FILTERS.items())
async def test_list_by_one_filter(argument: str, name: str, value: str, query: str) -> None:
    service = Service(EMPTY)
    arguments: Any = {argument: value}
    await smart_properties(service).endpoints.list(**arguments)
    (seen,) = service.seen
    assert (seen.method, seen.url.raw_path.decode()) == ("GET", f"/v2/endpoints?{name}={query}")
    assert (seen.content, "Content-Type" in seen.headers) == (b"", False)


@pytest.mark.parametrize(
    "names", [names for count in range(1, 5) for names in itertools.combinations(FILTERS, count)], ids=" ".join
)
@pytest.mark.parametrize("reachability", [None, "OK", "NOT OK/?"])
async def test_list_by_every_combination_of_filters(names: tuple[str, ...], reachability: str | None) -> None:
    service = Service(EMPTY)
    arguments: Any = {name: f"of {name}" for name in names}
    await smart_properties(service).endpoints.list(**arguments, reachability=reachability)
    query = [f"{FILTERS[name]}=of%20{name}" for name in names]
    if reachability is not None:
        query.append(f"{REACHABLE}={'OK' if reachability == 'OK' else 'NOT%20OK%2F%3F'}")
    assert pairs(service.seen[0]) == sorted(query)


@pytest.mark.parametrize(
    ("page_size", "size"),
    [(None, []), (1, ["maxResults=1"]), (10, ["maxResults=10"]), (51, ["maxResults=51"]), (5000, ["maxResults=5000"])],
)
@pytest.mark.parametrize(("expand", "query"), EXPAND)
async def test_list_with_every_combination_of_options(
    expand: Any, query: list[str], page_size: Any, size: list[str]
) -> None:
    service = Service(EMPTY)
    await smart_properties(service).endpoints.list(owner="~caller", expand=expand, page_size=page_size)
    method, path, sent = split(service.seen[0])
    assert (method, path, sorted(sent)) == ("GET", "/v2/endpoints", sorted(["owner=~caller", *query, *size]))
    assert [pair for pair in sent if pair.startswith("expand=")] == query


async def test_what_is_to_be_expanded_is_taken_when_the_list_is_made() -> None:
    service = Service(EMPTY)
    expand = ["all"]
    pager = smart_properties(service).endpoints.list(unit_id="u", expand=expand)
    expand.append("feature:connectivity")
    for _ in range(2):
        await pager
    assert [pairs(seen) for seen in service.seen] == [["associatedUnits.id=u", "expand=all"]] * 2


REFUSED: dict[str, list[Any]] = {
    **dict.fromkeys((*FILTERS, "reachability"), NOT_IDS),
    "page_size": [0, -1, True, False, "5", "", 1.0, [], b"5"],
}


@pytest.mark.parametrize(
    ("argument", "value"), [(argument, value) for argument, values in REFUSED.items() for value in values]
)
def test_list_with_what_is_refused(argument: str, value: Any) -> None:
    """At once, not first when it is awaited."""
    service = Service()
    # With another filter beside it, so that it is not refused for want of one.
    arguments: Any = {"unit_id" if argument == "owner" else "owner": "~caller", argument: value}
    with pytest.raises(errors.ConfigurationError, match=rf"^{argument} must be "):
        smart_properties(service).endpoints.list(**arguments)
    assert service.seen == []


@pytest.mark.parametrize("arguments", [{}, {"reachability": "OK"}, {"expand": "all", "page_size": 5}])
def test_list_of_nothing_in_particular(arguments: Any) -> None:
    service = Service()
    with pytest.raises(errors.ConfigurationError) as caught:
        smart_properties(service).endpoints.list(**arguments)
    for name in FILTERS:
        assert name in str(caught.value)
    assert service.seen == []


# Models


def plain(text: str) -> dict[str, Any]:
    return {"type": "PLAIN", "value": {"text": text}}


SAMPLED = Timestamp(dt.datetime(2026, 2, 3, 7, 30, 0, 250_000, tzinfo=dt.UTC))
CONNECTIVITY = {
    "name": "connectivity",
    "properties": [
        {"name": "reachability", "value": {"value": "OK"}, "timeOfSample": "2026-02-03T07:30:00.250Z"},
    ],
    "operations": [{"name": "probe", "path": "/v2/endpoints/e/features/connectivity/probe"}],
    "configuration": {"interval": 5, "deep": [{"x": None}]},
}
FEATURE = Feature(
    name="connectivity",
    properties=(FeatureProperty("reachability", {"value": "OK"}, SAMPLED),),
    operations=(FeatureOperation("probe", "/v2/endpoints/e/features/connectivity/probe"),),
    configuration={"interval": 5, "deep": [{"x": None}]},
)
FULL = {
    "id": "e",
    "friendlyName": plain("Echo in 101 🛏"),
    "description": plain("Beside the bed"),
    "manufacturer": plain("Amazon"),
    "model": plain("Echo Show 8 (3rd Gen)"),
    "serialNumber": plain("G000"),
    "softwareVersion": plain("0"),
    "connections": [{"macAddress": "AA:BB:CC:DD:EE:FF"}, {}],
    "associatedUnits": [{"id": "room"}, {"id": "floor"}],
    "features": [CONNECTIVITY, {"name": "speaker"}],
}
ENDPOINT = Endpoint(
    id="e",
    friendly_name=PlainText("Echo in 101 🛏"),
    description=PlainText("Beside the bed"),
    manufacturer=PlainText("Amazon"),
    model=PlainText("Echo Show 8 (3rd Gen)"),
    serial_number=PlainText("G000"),
    software_version=PlainText("0"),
    connections=(Connection("AA:BB:CC:DD:EE:FF"), Connection()),
    associated_units=(UnitRef("room"), UnitRef("floor")),
    features=(FEATURE, Feature("speaker")),
)


def with_unknown(value: Any) -> Any:
    """With a member that nobody knows in every object, but in what is passed on as it is."""
    if isinstance(value, list):
        return [with_unknown(one) for one in value]
    if not isinstance(value, dict):
        return value
    free = ("configuration", "value")
    return {"new": {"deep": [1]}} | {k: v if k in free else with_unknown(v) for k, v in value.items()}


ENDPOINTS: list[tuple[Any, Endpoint]] = [
    (FULL, ENDPOINT),
    (with_unknown(FULL), ENDPOINT),
    ({"id": "e"}, Endpoint("e")),
    (dict.fromkeys(FULL) | {"id": "e"}, Endpoint("e")),
    ({"id": "e", "connections": [], "associatedUnits": [], "features": []}, Endpoint("e")),
    ({"id": "e", "connections": [{"macAddress": None}]}, Endpoint("e", connections=(Connection(),))),
    ({"id": "e", "features": [dict.fromkeys(CONNECTIVITY)]}, Endpoint("e", features=(Feature(),))),
    ({"id": "e", "features": [{}]}, Endpoint("e", features=(Feature(),))),
    ({"id": "e", "friendlyName": {"value": {"text": ""}}}, Endpoint("e", friendly_name=PlainText(""))),
]


@pytest.mark.parametrize(("body", "endpoint"), ENDPOINTS)
async def test_the_model_of_an_endpoint(body: Any, endpoint: Endpoint) -> None:
    assert await smart_properties(Service(answer(json=body))).endpoints.get("e") == endpoint
    service = Service(answer(json={"results": [body, {"id": "last"}]}))
    page = await smart_properties(service).endpoints.list(unit_id="u")
    assert page.items == (endpoint, Endpoint("last"))


FREE: list[Any] = [0, False, "", [], {}, 1.5, "text", [{"deep": None}]]
FEATURES: list[tuple[Any, Feature]] = [
    (CONNECTIVITY, FEATURE),
    (with_unknown(CONNECTIVITY), FEATURE),
    ({}, Feature()),
    (dict.fromkeys(CONNECTIVITY), Feature()),
    ({"properties": [{}], "operations": [{}]}, Feature(None, (FeatureProperty(),), (FeatureOperation(),))),
    (
        {"properties": [dict.fromkeys(["name", "value", "timeOfSample"])], "configuration": {}},
        Feature(None, (FeatureProperty(),), (), {}),
    ),
    *(
        ({"properties": [{"name": "x", "value": value}]}, Feature(None, (FeatureProperty("x", value),)))
        for value in FREE
    ),
]


@pytest.mark.parametrize(("body", "feature"), FEATURES)
async def test_the_model_of_a_feature(body: Any, feature: Feature) -> None:
    assert await smart_properties(Service(answer(json=body))).endpoints.connectivity("e") == feature


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "id"),
        ({"id": None}, "id"),
        ({"id": "e", "friendlyName": "Echo"}, "friendlyName"),
        ({"id": "e", "softwareVersion": {"value": {}}}, "softwareVersion"),
        ({"id": "e", "connections": {}}, "connections"),
        ({"id": "e", "connections": [{}, {"macAddress": []}]}, "connections[1].macAddress"),
        ({"id": "e", "associatedUnits": [{}]}, "associatedUnits[0].id"),
        ({"id": "e", "features": ["connectivity"]}, "features[0]"),
        (
            {"id": "e", "features": [{"properties": [{"timeOfSample": "soon"}]}]},
            "features[0].properties[0].timeOfSample",
        ),
        ({"id": "e", "features": [{"operations": [{}, {"path": True}]}]}, "features[0].operations[1].path"),
        ({"id": "e", "features": [{"configuration": 5}]}, "features[0].configuration"),
    ],
)
async def test_a_member_at_fault_is_named_as_the_service_names_it(body: Any, place: str) -> None:
    with pytest.raises(errors.DecodeError, match=r"^endpoints\.get\('e'\): ") as caught:
        await smart_properties(Service(answer(json=body))).endpoints.get("e")
    assert f".{place} (200" in str(caught.value)
    with pytest.raises(errors.DecodeError, match=r"^endpoints\.list\('unit_id=u'\): ") as caught:
        await smart_properties(Service(answer(json={"results": [body]}))).endpoints.list(unit_id="u")
    assert f" @ results[0].{place} (200" in str(caught.value)


@pytest.mark.parametrize("body", [{}, {"results": None}, {"results": {}}, {"paginationContext": {"nextToken": "t"}}])
async def test_an_answer_without_a_list_is_no_empty_list(body: Any) -> None:
    with pytest.raises(errors.DecodeError, match="no list 'results'"):
        await smart_properties(Service(answer(json=body))).endpoints.list(unit_id="u")


# Reachability

PROPERTIES: list[tuple[list[Any], str | None]] = [
    ([], None),
    ([{}], None),
    ([{"name": "reachability"}], None),
    ([{"name": "reachability", "value": None}], None),
    ([{"name": "reachability", "value": {}}], None),
    ([{"name": "reachability", "value": {"value": None}}], None),
    ([{"name": "reachability", "value": {"value": "OK"}}], "OK"),
    ([{"name": "reachability", "value": "OK"}], "OK"),
    ([{"name": "reachability", "value": {"value": "OF_TOMORROW", "new": 1}}], "OF_TOMORROW"),
    ([{"name": "Reachability", "value": "OK"}, {"value": "OK"}], None),
    ([{"name": "signal", "value": 5}, {"name": "reachability", "value": {"value": "UNREACHABLE"}}], "UNREACHABLE"),
]


@pytest.mark.parametrize(("properties", "reachability"), PROPERTIES)
async def test_reachability(properties: list[Any], reachability: str | None) -> None:
    feature = {"name": "connectivity", "properties": properties}
    service = Service(answer(json=feature))
    assert (await smart_properties(service).endpoints.connectivity("e")).reachability == reachability
    service = Service(answer(json={"id": "e", "features": [{"name": "speaker"}, {}, feature]}))
    assert (await smart_properties(service).endpoints.get("e")).reachability == reachability


@pytest.mark.parametrize("name", [None, "", "speaker", "Connectivity"])
async def test_reachability_is_that_of_the_connectivity_feature(name: str | None) -> None:
    """The answer to a call for this feature alone need not repeat its name."""
    feature = {"name": name, "properties": [{"name": "reachability", "value": "OK"}]}
    assert (await smart_properties(Service(answer(json=feature))).endpoints.connectivity("e")).reachability == "OK"
    service = Service(answer(json={"id": "e", "features": [feature]}))
    assert (await smart_properties(service).endpoints.get("e")).reachability is None


def test_reachability_of_nothing() -> None:
    assert Endpoint("e").reachability is None
    assert Feature().reachability is None


# Pages

LAST: list[dict[str, Any]] = [
    {},
    {"paginationContext": None},
    {"paginationContext": {}},
    {"paginationContext": {"nextToken": None}},
    {"paginationContext": {"nextToken": ""}},
]


@pytest.mark.parametrize("last", LAST)
async def test_all_arguments_go_with_every_page_and_the_token_is_encoded(last: dict[str, Any]) -> None:
    service = Service(
        answer(json={"results": [{"id": "a"}], "paginationContext": {"nextToken": "t/1+2=&é 🛏#%"}}),
        answer(json={"results": [], "paginationContext": {"nextToken": "~next"}}),
        answer(json={"results": [{"id": "b"}], **last}),
    )
    pager = smart_properties(service).endpoints.list(
        unit_id="u/1",
        owner="~caller",
        serial_number="G 1",
        mac_address="AA:BB",
        reachability="OK",
        expand=["all", "feature:connectivity"],
        page_size=10,
    )
    assert service.seen == []
    assert [endpoint.id async for endpoint in pager] == ["a", "b"]
    query = [
        "associatedUnits.id=u%2F1",
        "owner=~caller",
        "serialNumber.value.text=G%201",
        "connections.macAddress=AA%3ABB",
        f"{REACHABLE}=OK",
        "expand=all",
        "expand=feature%3Aconnectivity",
        "maxResults=10",
    ]
    tokens = [[], ["nextToken=t%2F1%2B2%3D%26%C3%A9%20%F0%9F%9B%8F%23%25"], ["nextToken=~next"]]
    assert [pairs(seen) for seen in service.seen] == [sorted(query + more) for more in tokens]


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_an_error_says_which_endpoints_were_asked_for(status: int) -> None:
    pager = smart_properties(Service(status)).endpoints.list(unit_id="u", serial_number="G1", reachability="OK")
    with pytest.raises(errors.ApiError, match=r"^endpoints\.list\('unit_id=u, serial_number=G1, reachability=OK'\): "):
        await pager
