"""Features of endpoints: which volumes are accepted, and how the volume is read."""

from __future__ import annotations

from typing import Any

import pytest

from alexa_props import errors
from tests.helpers import Service, answer, smart_properties

NOT_WHOLE: list[Any] = [None, True, False, 5.0, "5", "", b"5", [5], {}, float("nan"), 1 << 80]


async def test_volumes_and_deltas_at_their_limits_are_sent() -> None:
    service = Service(204)
    features = smart_properties(service).features
    for volume in (0, 1, 99, 100):
        await features.set_volume("e", volume)
        assert service.seen[-1].json == {"payload": {"volume": volume}}
    for delta in (-100, -1, 0, 1, 100):
        await features.adjust_volume("e", delta)
        assert service.seen[-1].json == {"payload": {"volumeDelta": delta}}


async def test_rejects_what_is_no_volume_and_no_delta() -> None:
    service = Service(204)
    features = smart_properties(service).features
    for volume in (*NOT_WHOLE, -1, 101):
        with pytest.raises(errors.ConfigurationError, match=r"^volume must be a whole number from 0 to 100, not "):
            await features.set_volume("e", volume)
    for delta in (*NOT_WHOLE, -101, 101):
        with pytest.raises(errors.ConfigurationError, match=r"^delta must be a whole number from -100 to 100, not "):
            await features.adjust_volume("e", delta)
    assert service.seen == []


VOLUMES: list[tuple[Any, int | None]] = [
    ({"properties": [{"name": "volume", "value": {"value": 0}}]}, 0),
    ({"properties": [{"name": "volume", "value": {"value": 40, "new": 1}}]}, 40),
    ({"properties": [{"name": "volume", "value": 100}]}, 100),
    ({"properties": [{"name": "volume", "value": 40.0}]}, 40),
    ({"properties": [{"name": "muted", "value": True}, {"name": "volume", "value": 7}]}, 7),
    ({"properties": [{"name": "volume", "value": {"value": 40.5}}]}, None),
    ({"properties": [{"name": "volume", "value": {"value": "40"}}]}, None),
    ({"properties": [{"name": "volume", "value": {"value": True}}]}, None),
    ({"properties": [{"name": "volume", "value": {"value": None}}]}, None),
    ({"properties": [{"name": "volume", "value": {"value": {"value": 1}}}]}, None),
    ({"properties": [{"name": "volume", "value": {"volume": 40}}]}, None),
    ({"properties": [{"name": "volume", "value": [40]}]}, None),
    ({"properties": [{"name": "volume"}]}, None),
    ({"properties": [{"name": "volume", "value": float("inf")}]}, None),
    ({"properties": [{"name": "volume", "value": float("nan")}]}, None),
    ({"properties": [{"value": 40}]}, None),
    ({"properties": None}, None),
    ({}, None),
]


async def test_the_volume_is_a_whole_number_or_none() -> None:
    for body, volume in VOLUMES:
        feature = await smart_properties(Service(answer(json=body))).features.get_speaker("e")
        assert (feature.volume, type(feature.volume)) == (volume, type(volume)), body
        assert feature.reachability is None


@pytest.mark.parametrize("name", ["get_speaker", "get_bluetooth"])
async def test_an_invalid_feature_in_a_response_is_an_error(name: str) -> None:
    bodies: list[Any] = [[], "text", 5, {"properties": {}}, {"properties": [5]}, {"operations": "unpair"}]
    for body in bodies:
        service = Service(answer(json=body, x_amzn_RequestId="request-1"))
        with pytest.raises(errors.DecodeError, match=rf"^features\.{name}\('e'\): .*request-1"):
            await getattr(smart_properties(service).features, name)("e")
