"""Features of endpoints: what goes on the wire, what is refused, and how the volume is read."""

from __future__ import annotations

from typing import Any

import pytest

from alexa_props import errors
from alexa_props.smart_properties.endpoints import Feature, FeatureOperation, FeatureProperty
from tests.helpers import Service, answer, smart_properties

ENCODED = [
    ("amzn1.alexa.endpoint.did.AB-C_1", "amzn1.alexa.endpoint.did.AB-C_1"),
    ("~caller", "~caller"),
    ("a/b", "a%2Fb"),
    ("../units", "..%2Funits"),
    ("a?b=c#d", "a%3Fb%3Dc%23d"),
    ("%2F", "%252F"),
    ("Zürich 🛏", "Z%C3%BCrich%20%F0%9F%9B%8F"),
    ("\x00\r\n", "%00%0D%0A"),
]
NOT_IDS: list[Any] = [None, "", ".", "..", 5, True, b"x", ["e"], {"e": "v"}, "\ud800"]
CALLS: dict[str, Any] = {
    "get_speaker": lambda features, endpoint_id: features.get_speaker(endpoint_id),
    "set_volume": lambda features, endpoint_id: features.set_volume(endpoint_id, 40),
    "adjust_volume": lambda features, endpoint_id: features.adjust_volume(endpoint_id, -5),
    "get_bluetooth": lambda features, endpoint_id: features.get_bluetooth(endpoint_id),
    "unpair_bluetooth": lambda features, endpoint_id: features.unpair_bluetooth(endpoint_id),
}
ON_THE_WIRE: dict[str, tuple[str, str, bytes]] = {
    "get_speaker": ("GET", "speaker", b""),
    "set_volume": ("POST", "speaker/setVolume", b'{"payload":{"volume":40}}'),
    "adjust_volume": ("POST", "speaker/adjustVolume", b'{"payload":{"volumeDelta":-5}}'),
    "get_bluetooth": ("GET", "bluetooth", b""),
    "unpair_bluetooth": ("POST", "bluetooth/unpair", b""),
}
READERS = ["get_speaker", "get_bluetooth"]
WRITERS = ["set_volume", "adjust_volume", "unpair_bluetooth"]


# On the wire


@pytest.mark.parametrize(("endpoint_id", "path"), ENCODED)
@pytest.mark.parametrize("name", CALLS)
async def test_what_is_sent(name: str, endpoint_id: str, path: str) -> None:
    method, rest, body = ON_THE_WIRE[name]
    service = Service(answer(json={}))
    await CALLS[name](smart_properties(service).features, endpoint_id)
    (seen,) = service.seen
    assert (seen.method, seen.url.raw_path.decode()) == (method, f"/v2/endpoints/{path}/features/{rest}")
    assert seen.content == body
    assert seen.headers["Accept"] == "application/json"
    assert seen.headers.get("Content-Type") == ("application/json" if body else None)
    # A POST says how long it is, also when it has no body.
    assert seen.headers.get("Content-Length") == (str(len(body)) if method == "POST" else None)


@pytest.mark.parametrize("volume", [0, 1, 99, 100])
async def test_volumes(volume: int) -> None:
    service = Service(204)
    await smart_properties(service).features.set_volume("e", volume)
    assert service.seen[0].json == {"payload": {"volume": volume}}


@pytest.mark.parametrize("delta", [-100, -1, 0, 1, 100])
async def test_deltas(delta: int) -> None:
    service = Service(204)
    await smart_properties(service).features.adjust_volume("e", delta)
    assert service.seen[0].json == {"payload": {"volumeDelta": delta}}


# Refused


@pytest.mark.parametrize("endpoint_id", NOT_IDS)
@pytest.mark.parametrize("name", CALLS)
async def test_what_is_no_id_of_an_endpoint(name: str, endpoint_id: Any) -> None:
    service = Service(204)
    with pytest.raises(errors.ConfigurationError, match=r"^endpoint_id must be an id"):
        await CALLS[name](smart_properties(service).features, endpoint_id)
    assert service.seen == []


NOT_WHOLE: list[Any] = [None, True, False, 5.0, "5", "", b"5", [5], {}, float("nan"), 1 << 80]


@pytest.mark.parametrize("volume", [*NOT_WHOLE, -1, 101])
async def test_what_is_no_volume(volume: Any) -> None:
    service = Service(204)
    with pytest.raises(errors.ConfigurationError, match=r"^volume must be a whole number from 0 to 100, not "):
        await smart_properties(service).features.set_volume("e", volume)
    assert service.seen == []


@pytest.mark.parametrize("delta", [*NOT_WHOLE, -101, 101])
async def test_what_is_no_delta(delta: Any) -> None:
    service = Service(204)
    with pytest.raises(errors.ConfigurationError, match=r"^delta must be a whole number from -100 to 100, not "):
        await smart_properties(service).features.adjust_volume("e", delta)
    assert service.seen == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, errors.BadRequest), (403, errors.Forbidden), (404, errors.NotFound), (409, errors.Conflict)],
)
@pytest.mark.parametrize("name", CALLS)
async def test_refusals_name_the_endpoint(name: str, status: int, kind: type[errors.ApiError]) -> None:
    service = Service(answer(status, {"type": "SOME_TYPE", "message": "said"}, x_amzn_RequestId="request-1"))
    with pytest.raises(kind, match=rf"^features\.{name}\('e'\): {status} SOME_TYPE \"said\" .*request-1"):
        await CALLS[name](smart_properties(service).features, "e")
    assert len(service.seen) == 1


@pytest.mark.parametrize("code", ["DEVICE_UNREACHABLE", "DEVICE_NOT_REACHABLE"])
@pytest.mark.parametrize("name", CALLS)
async def test_a_device_that_cannot_be_reached_is_not_asked_again(name: str, code: str) -> None:
    service = Service(answer(504, {"type": code, "message": "offline"}), 204)
    with pytest.raises(errors.DeviceUnreachable, match=r"'e'\): 504 DEVICE_.* when the device is online"):
        await CALLS[name](smart_properties(service).features, "e")
    assert len(service.seen) == 1


# What comes back


@pytest.mark.parametrize("response", [204, answer(200), answer(200, json=[7]), answer(201, json={}), answer(202)])
@pytest.mark.parametrize("name", WRITERS)
async def test_writing_reads_no_answer(name: str, response: Any) -> None:
    service = Service(response)
    assert await CALLS[name](smart_properties(service).features, "e") is None
    assert len(service.seen) == 1


@pytest.mark.parametrize("name", READERS)
async def test_the_feature(name: str) -> None:
    body = {
        "name": "some",
        "properties": [{"name": "volume", "value": {"value": 40, "new": 1}}],
        "operations": [{"name": "unpair", "path": "/v2/endpoints/e/features/bluetooth/unpair"}],
        "new": {"deep": [1]},
    }
    feature = await CALLS[name](smart_properties(Service(answer(json=body))).features, "e")
    assert feature == Feature(
        "some",
        (FeatureProperty("volume", {"value": 40, "new": 1}),),
        (FeatureOperation("unpair", "/v2/endpoints/e/features/bluetooth/unpair"),),
    )
    assert feature.volume == 40
    assert feature.reachability is None


VOLUMES: list[tuple[Any, int | None]] = [
    ({"properties": [{"name": "volume", "value": {"value": 0}}]}, 0),
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


@pytest.mark.parametrize(("body", "volume"), VOLUMES)
async def test_the_volume(body: Any, volume: int | None) -> None:
    feature = await smart_properties(Service(answer(json=body))).features.get_speaker("e")
    assert feature.volume == volume
    assert type(feature.volume) is type(volume)


@pytest.mark.parametrize("body", [[], "text", 5, {"properties": {}}, {"properties": [5]}, {"operations": "unpair"}])
@pytest.mark.parametrize("name", READERS)
async def test_what_is_no_feature(name: str, body: Any) -> None:
    service = Service(answer(json=body, x_amzn_RequestId="request-1"))
    with pytest.raises(errors.DecodeError, match=rf"^features\.{name}\('e'\): .*request-1"):
        await CALLS[name](smart_properties(service).features, "e")
