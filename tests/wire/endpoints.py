"""The wire of endpoints."""

from __future__ import annotations

import datetime as dt
from typing import Any

from alexa_props.smart_properties.endpoints import (
    Connection,
    Endpoint,
    Feature,
    FeatureOperation,
    FeatureProperty,
    UnitRef,
)
from tests.wire.row import LAST_PAGE, Wire


def plain(text: str) -> dict[str, Any]:
    return {"type": "PLAIN", "value": {"text": text}}


CONNECTIVITY = {
    "name": "connectivity",
    "properties": [{"name": "reachability", "value": {"value": "OK"}, "timeOfSample": "2026-02-03T07:30:00.250Z"}],
    "operations": [{"name": "probe", "path": "/v2/endpoints/e/features/connectivity/probe"}],
    "configuration": {"interval": 5, "deep_er": [{"x": None}]},
}
SAMPLED = dt.datetime(2026, 2, 3, 7, 30, 0, 250_000, tzinfo=dt.UTC)
FEATURE = Feature(
    name="connectivity",
    properties=(FeatureProperty("reachability", {"value": "OK"}, SAMPLED),),
    operations=(FeatureOperation("probe", "/v2/endpoints/e/features/connectivity/probe"),),
    configuration={"interval": 5, "deep_er": [{"x": None}]},
)
FULL = {
    "id": "endpoint-1",
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
    id="endpoint-1",
    friendly_name="Echo in 101 🛏",
    description="Beside the bed",
    manufacturer="Amazon",
    model="Echo Show 8 (3rd Gen)",
    serial_number="G000",
    software_version="0",
    connections=(Connection("AA:BB:CC:DD:EE:FF"), Connection()),
    associated_units=(UnitRef("room"), UnitRef("floor")),
    features=(FEATURE, Feature("speaker")),
)

IDS = {
    "leaving": lambda sim: sim.endpoints[-1],
    "lost": lambda sim: sim.endpoints[1],
}
MODELS = {name: Endpoint(f"{name}-1") for name in IDS}

WIRE = {
    "endpoints.list": Wire(
        lambda on: on.asp.endpoints.list(unit_id=on.room),
        "GET /v2/endpoints?associatedUnits.id=room-1",
        response={"results": [FULL, {"id": "last"}]},
        result=[ENDPOINT, Endpoint("last")],
    ),
    "endpoints.list, with every argument": Wire(
        lambda on: on.asp.endpoints.list(
            unit_id=on.room,
            owner="~caller",
            serial_number="G 1",
            mac_address="AA:BB",
            reachability="OK",
            expand=["all", "feature:connectivity"],
            page_size=10,
        ),
        "GET /v2/endpoints?associatedUnits.id=room-1&owner=~caller&serialNumber.value.text=G%201"
        "&connections.macAddress=AA%3ABB"
        "&features%5Bname%3Aconnectivity%5D.properties%5Bname%3Areachability%5D.value.value=OK"
        "&expand=all&expand=feature%3Aconnectivity&maxResults=10",
        response={"results": []},
        result=[],
    ),
    "endpoints.get": Wire(
        lambda on: on.asp.endpoints.get(on.endpoint),
        "GET /v2/endpoints/endpoint-1",
        response=FULL,
        result=ENDPOINT,
    ),
    "endpoints.get, expanded": Wire(
        lambda on: on.asp.endpoints.get(on.endpoint, expand="feature:connectivity"),
        "GET /v2/endpoints/endpoint-1?expand=feature%3Aconnectivity",
        response={"id": "endpoint-1"},
        result=Endpoint("endpoint-1"),
    ),
    "endpoints.query": Wire(
        lambda on: on.asp.endpoints.query(unit_ids=[on.room, *on.spare]),
        "POST /v2/endpointQuery",
        idempotent=True,
        body={
            "query": {
                "or": [{"match": {"associatedUnits.id": "room-1"}}, {"match": {"associatedUnits.id": "room-2"}}],
            }
        },
        response={"results": [FULL, {"id": "last"}], **LAST_PAGE},
        result=[ENDPOINT, Endpoint("last")],
    ),
    "endpoints.query, with every argument": Wire(
        lambda on: on.asp.endpoints.query(
            {"and": [{"match": {"manufacturer.value.text": "Amazon"}}, {"of": "tomorrow"}]}, expand="all", page_size=10
        ),
        "POST /v2/endpointQuery",
        idempotent=True,
        body={
            "query": {"and": [{"match": {"manufacturer.value.text": "Amazon"}}, {"of": "tomorrow"}]},
            "expand": ["all"],
            "paginationContext": {"maxResults": 10},
        },
        response={"results": []},
        result=[],
    ),
    "endpoints.associate": Wire(
        lambda on: on.asp.endpoints.associate(on.endpoint, on.room),
        "PUT /v2/endpoints/endpoint-1/associatedUnits",
        idempotent=False,
        body=[{"id": "room-1"}],
        response={"id": "endpoint-2"},
        result="endpoint-2",
    ),
    "endpoints.associate, without an id in the response": Wire(
        lambda on: on.asp.endpoints.associate(on.endpoint, "~caller.defaultUnitId"),
        "PUT /v2/endpoints/endpoint-1/associatedUnits",
        idempotent=False,
        body=[{"id": "~caller.defaultUnitId"}],
    ),
    "endpoints.rename": Wire(
        lambda on: on.asp.endpoints.rename(on.endpoint, "Desk lamp 🛏"),
        "POST /v2/endpoints/endpoint-1/friendlyName",
        idempotent=True,
        body=plain("Desk lamp 🛏"),
    ),
    "endpoints.deregister": Wire(
        lambda on: on.asp.endpoints.deregister(on.leaving),
        "POST /v2/endpoints/leaving-1/deregister",
        idempotent=True,
    ),
    "endpoints.forget": Wire(
        lambda on: on.asp.endpoints.forget(on.lost),
        "POST /v2/endpoints/lost-1/forget",
        idempotent=True,
    ),
    "endpoints.connectivity": Wire(
        lambda on: on.asp.endpoints.connectivity(on.endpoint),
        "GET /v2/endpoints/endpoint-1/features/connectivity",
        response=CONNECTIVITY,
        result=FEATURE,
    ),
}
