"""The wire of features of endpoints."""

from __future__ import annotations

from alexa_props.smart_properties.endpoints import Feature, FeatureOperation, FeatureProperty
from tests.wire.row import Wire

WIRE = {
    "features.get_speaker": Wire(
        lambda on: on.asp.features.get_speaker(on.endpoint),
        "GET /v2/endpoints/endpoint-1/features/speaker",
        response={"properties": [{"name": "volume", "value": {"value": 40}}]},
        result=Feature(properties=(FeatureProperty("volume", {"value": 40}),)),
    ),
    "features.set_volume": Wire(
        lambda on: on.asp.features.set_volume(on.endpoint, 40),
        "POST /v2/endpoints/endpoint-1/features/speaker/setVolume",
        idempotent=True,
        body={"payload": {"volume": 40}},
    ),
    "features.adjust_volume": Wire(
        lambda on: on.asp.features.adjust_volume(on.endpoint, -5),
        "POST /v2/endpoints/endpoint-1/features/speaker/adjustVolume",
        body={"payload": {"volumeDelta": -5}},
    ),
    "features.get_bluetooth": Wire(
        lambda on: on.asp.features.get_bluetooth(on.endpoint),
        "GET /v2/endpoints/endpoint-1/features/bluetooth",
        response={"operations": [{"name": "unpair", "path": "/unpair"}]},
        result=Feature(operations=(FeatureOperation("unpair", "/unpair"),)),
    ),
    "features.unpair_bluetooth": Wire(
        lambda on: on.asp.features.unpair_bluetooth(on.endpoint),
        "POST /v2/endpoints/endpoint-1/features/bluetooth/unpair",
        idempotent=True,
    ),
}
