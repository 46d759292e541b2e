"""Features of endpoints: which values are accepted, and how they are read."""

from __future__ import annotations

from typing import Any

import pytest

from alexa_props import errors
from alexa_props.smart_properties.features import Color, Feature, FeatureProperty, Temperature
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


async def test_rejects_invalid_values_of_lights() -> None:
    service = Service(204)
    features = smart_properties(service).features
    for brightness in (*NOT_WHOLE, -1, 101):
        with pytest.raises(errors.ConfigurationError, match=r"^brightness must be a whole number from 0 to 100, not "):
            await features.set_brightness("e", brightness)
    for delta in (*NOT_WHOLE, -101, 101):
        with pytest.raises(errors.ConfigurationError, match=r"^delta must be a whole number from -100 to 100, not "):
            await features.adjust_brightness("e", delta)
    for kelvin in (value for value in NOT_WHOLE if value != 1 << 80):
        with pytest.raises(errors.ConfigurationError, match=r"^kelvin must be a whole number, not "):
            await features.set_color_temperature("e", kelvin)
    bad: Any
    for bad in (
        None,
        (20, 0.75, 0.34),
        {"hue": 20},
        "red",
        *(odd(value) for value in ("20", None, True, float("nan"))),
    ):
        with pytest.raises(errors.ConfigurationError, match=r"^color must be a Color of three numbers, not "):
            await features.set_color("e", bad)
    assert service.seen == []


def odd(hue: Any) -> Color:
    return Color(hue=hue, saturation=0.5, brightness=0.5)


def feature(name: str, value: Any) -> Feature:
    return Feature(properties=(FeatureProperty(name, value),))


COLOR = {"hue": 20, "saturation": 0.75, "brightness": 0.34}
WARM = {"value": 21.5, "scale": "CELSIUS"}


@pytest.mark.parametrize("wrapped", [True, False])
def test_what_features_report_is_read_in_either_form(wrapped: bool) -> None:
    def reported(name: str, value: Any) -> Feature:
        return feature(name, {"value": value} if wrapped else value)

    assert reported("brightness", 50).brightness == 50
    assert reported("powerState", "ON").power_state == "ON"
    assert reported("thermostatMode", "HEAT").thermostat_mode == "HEAT"
    assert reported("colorTemperatureInKelvin", 2700.0).color_temperature == 2700
    assert reported("color", COLOR).color == Color(**COLOR)
    assert reported("temperature", WARM).temperature == Temperature(21.5, "CELSIUS")
    assert reported("targetSetpoint", {"value": 20}).target_setpoint == Temperature(20)


def test_what_features_report_in_another_form_is_none() -> None:
    nothing = Feature()
    assert (nothing.brightness, nothing.power_state, nothing.color, nothing.temperature) == (None,) * 4
    assert (nothing.color_temperature, nothing.thermostat_mode, nothing.target_setpoint) == (None,) * 3
    for value in (None, "red", 5, [COLOR], {"value": None}, {**COLOR, "hue": "20"}, {"value": {"hue": 20}}):
        assert feature("color", value).color is None
        assert feature("powerState", {"value": value}).power_state == ("red" if value == "red" else None)
    values: list[Any] = [None, 21.5, "warm", {"value": "warm"}, {"value": {"scale": "CELSIUS"}}, {"value": True}]
    for value in values:
        assert feature("temperature", value).temperature is None
    assert feature("temperature", {"value": 21.5, "scale": 5}).temperature == Temperature(21.5)
