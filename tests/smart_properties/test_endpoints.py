"""Endpoints: which filters are accepted, what may be expanded, and how reachability is read."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from alexa_props import errors
from alexa_props.smart_properties.endpoints import Connection, Endpoint, Feature, FeatureOperation, FeatureProperty
from tests.helpers import Service, answer, smart_properties
from tests.wire.endpoints import CONNECTIVITY, ENDPOINT, FEATURE, FULL

NOT_IDS: list[Any] = ["", ".", "..", 5, True, b"x", ["e"], {"e": "v"}, "\ud800"]
FILTERS = {
    "unit_id": "associatedUnits.id",
    "owner": "owner",
    "serial_number": "serialNumber.value.text",
    "mac_address": "connections.macAddress",
}
REACHABLE = "features%5Bname%3Aconnectivity%5D.properties%5Bname%3Areachability%5D.value.value"
EXPAND: list[tuple[Any, str]] = [
    (None, ""),
    ([], ""),
    ("all", "expand=all"),
    (["all"], "expand=all"),
    (("feature:connectivity", "all"), "expand=feature%3Aconnectivity&expand=all"),
    ("of tomorrow,x&y", "expand=of%20tomorrow%2Cx%26y"),
]


# Arguments


async def test_any_combination_of_filters_is_sent() -> None:
    service = Service(answer(json={"results": []}))
    for count in range(1, 5):
        for names in itertools.combinations(FILTERS, count):
            for reachability in (None, "NOT OK/?"):
                arguments: Any = {name: f"of {name}/" for name in names}
                await smart_properties(service).endpoints.list(**arguments, reachability=reachability)
                query = [f"{FILTERS[name]}=of%20{name}%2F" for name in names]
                query += [] if reachability is None else [f"{REACHABLE}=NOT%20OK%2F%3F"]
                assert sorted(service.seen[-1].url.query.decode().split("&")) == sorted(query)


async def test_one_or_several_things_are_expanded() -> None:
    service = Service(answer(json={"id": "e", "results": []}))
    endpoints = smart_properties(service).endpoints
    for expand, query in EXPAND:
        await endpoints.get("e", expand=expand)
        assert service.seen[-1].url.query.decode() == query
        await endpoints.list(owner="~caller", expand=expand)
        assert service.seen[-1].url.query.decode() == f"owner=~caller{'&' if query else ''}{query}"


async def test_arguments_are_taken_when_the_list_is_made() -> None:
    service = Service(answer(json={"results": []}))
    expand = ["all"]
    pager = smart_properties(service).endpoints.list(unit_id="u", expand=expand)
    expand.append("feature:connectivity")
    for _ in range(2):
        await pager
    assert [seen.url.query for seen in service.seen] == [b"associatedUnits.id=u&expand=all"] * 2


@pytest.mark.parametrize("argument", [*FILTERS, "reachability"])
def test_a_list_refuses_bad_filters_immediately(argument: str) -> None:
    service = Service()
    for value in NOT_IDS:
        # With another filter beside it, so that it is not refused for the lack of one.
        arguments: Any = {"unit_id" if argument == "owner" else "owner": "~caller", argument: value}
        with pytest.raises(errors.ConfigurationError, match=rf"^{argument} must be "):
            smart_properties(service).endpoints.list(**arguments)
    assert service.seen == []


def test_a_list_without_a_filter_is_refused() -> None:
    service = Service()
    without: list[Any] = [{}, {"reachability": "OK"}, {"expand": "all", "page_size": 5}]
    for arguments in without:
        with pytest.raises(errors.ConfigurationError) as caught:
            smart_properties(service).endpoints.list(**arguments)
        for name in FILTERS:
            assert name in str(caught.value)
    assert service.seen == []


async def test_an_error_names_the_filters() -> None:
    pager = smart_properties(Service(404)).endpoints.list(unit_id="u", serial_number="G1", reachability="OK")
    with pytest.raises(errors.NotFound, match=r"^endpoints\.list\('unit_id=u, serial_number=G1, reachability=OK'\): "):
        await pager


# Models


def with_unknown(value: Any) -> Any:
    """Return it with an unknown member in every object, except in free JSON."""
    if isinstance(value, list):
        return [with_unknown(one) for one in value]
    if not isinstance(value, dict):
        return value
    free = ("configuration", "value")
    return {"new": {"deep": [1]}} | {k: v if k in free else with_unknown(v) for k, v in value.items()}


ENDPOINTS: list[tuple[Any, Endpoint]] = [
    (with_unknown(FULL), ENDPOINT),
    (dict.fromkeys(FULL) | {"id": "e"}, Endpoint("e")),
    ({"id": "e", "connections": [], "associatedUnits": [], "features": []}, Endpoint("e")),
    ({"id": "e", "connections": [{"macAddress": None}]}, Endpoint("e", connections=(Connection(),))),
    ({"id": "e", "features": [dict.fromkeys(CONNECTIVITY), {}]}, Endpoint("e", features=(Feature(), Feature()))),
    ({"id": "e", "friendlyName": {"value": {"text": ""}}}, Endpoint("e", friendly_name="")),
]
FREE: list[Any] = [0, False, "", [], {}, 1.5, "text", [{"deep": None}]]
FEATURES: list[tuple[Any, Feature]] = [
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


async def test_endpoints_and_features_in_part() -> None:
    for body, endpoint in ENDPOINTS:
        assert await smart_properties(Service(answer(json=body))).endpoints.get("e") == endpoint
    for body, feature in FEATURES:
        assert await smart_properties(Service(answer(json=body))).endpoints.connectivity("e") == feature


FAULTS: list[tuple[Any, str]] = [
    ({}, "id"),
    ({"id": "e", "friendlyName": "Echo"}, "friendlyName"),
    ({"id": "e", "softwareVersion": {"value": {}}}, "softwareVersion"),
    ({"id": "e", "connections": {}}, "connections"),
    ({"id": "e", "connections": [{}, {"macAddress": []}]}, "connections[1].macAddress"),
    ({"id": "e", "associatedUnits": [{}]}, "associatedUnits[0].id"),
    ({"id": "e", "features": ["connectivity"]}, "features[0]"),
    ({"id": "e", "features": [{"properties": [{"timeOfSample": "soon"}]}]}, "features[0].properties[0].timeOfSample"),
    ({"id": "e", "features": [{"operations": [{}, {"path": True}]}]}, "features[0].operations[1].path"),
    ({"id": "e", "features": [{"configuration": 5}]}, "features[0].configuration"),
]


async def test_an_invalid_member_is_named_as_the_service_names_it() -> None:
    for body, place in FAULTS:
        with pytest.raises(errors.DecodeError, match=r"^endpoints\.get\('e'\): ") as caught:
            await smart_properties(Service(answer(json=body))).endpoints.get("e")
        assert f".{place} (200" in str(caught.value)
        with pytest.raises(errors.DecodeError, match=r"^endpoints\.list\('unit_id=u'\): ") as caught:
            await smart_properties(Service(answer(json={"results": [body]}))).endpoints.list(unit_id="u")
        assert f" @ results[0].{place} (200" in str(caught.value)


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


async def test_reachability() -> None:
    for properties, reachability in PROPERTIES:
        feature = {"name": "connectivity", "properties": properties}
        service = Service(answer(json=feature))
        assert (await smart_properties(service).endpoints.connectivity("e")).reachability == reachability
        service = Service(answer(json={"id": "e", "features": [{"name": "speaker"}, {}, feature]}))
        assert (await smart_properties(service).endpoints.get("e")).reachability == reachability


async def test_reachability_is_that_of_the_connectivity_feature() -> None:
    """The response to a call for this feature alone need not repeat its name."""
    for name in (None, "", "speaker", "Connectivity"):
        feature = {"name": name, "properties": [{"name": "reachability", "value": "OK"}]}
        assert (await smart_properties(Service(answer(json=feature))).endpoints.connectivity("e")).reachability == "OK"
        service = Service(answer(json={"id": "e", "features": [feature]}))
        assert (await smart_properties(service).endpoints.get("e")).reachability is None


def test_reachability_is_none_by_default() -> None:
    assert Endpoint("e").reachability is None
    assert Feature().reachability is None


# Queries and changes

NOT_QUERIES: list[tuple[dict[str, Any], str]] = [
    ({}, "either query or unit_ids"),
    ({"query": {"match": {"a": "b"}}, "unit_ids": ["u"]}, "either query or unit_ids"),
    ({"query": {}}, "query must be"),
    ({"query": "or"}, "query must be"),
    ({"query": ["or"]}, "query must be"),
    ({"unit_ids": []}, "unit_ids must be a list of at least 1"),
    ({"unit_ids": "u"}, "unit_ids must be a list"),
    ({"unit_ids": ["u", ""]}, "unit_ids must be an id"),
    ({"unit_ids": ["u"], "page_size": 0}, "page_size"),
]


def test_rejects_invalid_queries() -> None:
    service = Service()
    for arguments, message in NOT_QUERIES:
        with pytest.raises(errors.ConfigurationError, match=message):
            smart_properties(service).endpoints.query(**arguments)
    assert service.seen == []


async def test_a_query_is_sent_again_for_the_next_page() -> None:
    page = {"results": [{"id": "a"}], "paginationContext": {"nextToken": "t"}}
    service = Service(answer(json=page), answer(json={"results": [{"id": "b"}]}))
    units = iter(["u", "v"])
    pager = smart_properties(service).endpoints.query(unit_ids=units, page_size=1)
    assert [endpoint.id async for endpoint in pager] == ["a", "b"]
    first, second = (seen.json for seen in service.seen)
    assert second == {**first, "paginationContext": {"maxResults": 1, "nextToken": "t"}}


async def test_an_error_of_a_query_names_its_units() -> None:
    for units, subject in ((["u"], "u"), (["u", "v", "w"], "u and 2 more")):
        with pytest.raises(errors.NotFound, match=rf"^endpoints\.query\('{subject}'\): "):
            await smart_properties(Service(404)).endpoints.query(unit_ids=units)
    unsendable = smart_properties(Service(404)).endpoints.query({"match": {"a": b"b"}})
    with pytest.raises(errors.ConfigurationError, match="cannot be sent"):
        await unsendable


async def test_the_id_after_a_move_is_that_of_the_response_or_none() -> None:
    for body, expected in (({"id": "new", "more": 1}, "new"), ({}, None), ({"id": 5}, None)):
        assert await smart_properties(Service(answer(json=body))).endpoints.associate("e", "u") == expected
    assert await smart_properties(Service(200)).endpoints.associate("e", "u") is None
    with pytest.raises(errors.DecodeError, match=r"check with endpoints\.list whether it took effect"):
        await smart_properties(Service(answer(json=[{"id": "x"}]))).endpoints.associate("e", "u")


async def test_a_move_is_not_repeated_after_it_may_have_been_handled() -> None:
    service = Service(503, answer(json={"id": "e"}))
    with pytest.raises(errors.ServerError, match=r"check with endpoints\.list whether it took effect"):
        await smart_properties(service).endpoints.associate("e", "u")
    assert len(service.seen) == 1


async def test_rejects_invalid_changes() -> None:
    service = Service(202)
    endpoints = smart_properties(service).endpoints
    odd: list[Any] = [endpoints.associate("e", ""), endpoints.associate("", "u"), endpoints.rename("e", "")]
    for call in odd:
        with pytest.raises(errors.ConfigurationError, match=r"^(unit_id|endpoint_id|name) must be"):
            await call
    assert service.seen == []
