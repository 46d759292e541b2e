"""The wire of features of endpoints."""

from __future__ import annotations

from typing import Any

from alexa_props.smart_properties.features import Color, Feature, FeatureOperation, FeatureProperty
from tests.wire.row import Wire

FEATURES = "/v2/endpoints/endpoint-1/features"


def reported(name: str, value: Any) -> tuple[dict[str, Any], Feature]:
    """Return a feature with one property, on the wire and as a model."""
    body = {"properties": [{"name": name, "value": {"value": value}}]}
    return body, Feature(properties=(FeatureProperty(name, {"value": value}),))


POWER, POWER_FEATURE = reported("powerState", "ON")
BRIGHTNESS, BRIGHTNESS_FEATURE = reported("brightness", 50)
COLOR, COLOR_FEATURE = reported("color", {"hue": 20, "saturation": 0.75, "brightness": 0.34})
WARMTH, WARMTH_FEATURE = reported("colorTemperatureInKelvin", 2700)
SENSOR, SENSOR_FEATURE = reported("temperature", {"value": 21.5, "scale": "CELSIUS"})
THERMOSTAT, THERMOSTAT_FEATURE = reported("targetSetpoint", {"value": 20, "scale": "CELSIUS"})

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
    "features.get_power": Wire(
        lambda on: on.asp.features.get_power(on.endpoint),
        f"GET {FEATURES}/power",
        response=POWER,
        result=POWER_FEATURE,
    ),
    "features.turn_on": Wire(
        lambda on: on.asp.features.turn_on(on.endpoint), f"POST {FEATURES}/power/turnOn", idempotent=True
    ),
    "features.turn_off": Wire(
        lambda on: on.asp.features.turn_off(on.endpoint), f"POST {FEATURES}/power/turnOff", idempotent=True
    ),
    "features.get_brightness": Wire(
        lambda on: on.asp.features.get_brightness(on.endpoint),
        f"GET {FEATURES}/brightness",
        response=BRIGHTNESS,
        result=BRIGHTNESS_FEATURE,
    ),
    "features.set_brightness": Wire(
        lambda on: on.asp.features.set_brightness(on.endpoint, 50),
        f"POST {FEATURES}/brightness/setBrightness",
        idempotent=True,
        body={"payload": {"brightness": 50}},
    ),
    "features.adjust_brightness": Wire(
        lambda on: on.asp.features.adjust_brightness(on.endpoint, -10),
        f"POST {FEATURES}/brightness/adjustBrightness",
        body={"payload": {"brightnessDelta": -10}},
    ),
    "features.get_color": Wire(
        lambda on: on.asp.features.get_color(on.endpoint),
        f"GET {FEATURES}/color",
        response=COLOR,
        result=COLOR_FEATURE,
    ),
    "features.set_color": Wire(
        lambda on: on.asp.features.set_color(on.endpoint, Color(hue=20, saturation=0.75, brightness=0.34)),
        f"POST {FEATURES}/color/setColor",
        idempotent=True,
        body={"payload": {"color": {"hue": 20, "saturation": 0.75, "brightness": 0.34}}},
    ),
    "features.get_color_temperature": Wire(
        lambda on: on.asp.features.get_color_temperature(on.endpoint),
        f"GET {FEATURES}/colorTemperature",
        response=WARMTH,
        result=WARMTH_FEATURE,
    ),
    "features.set_color_temperature": Wire(
        lambda on: on.asp.features.set_color_temperature(on.endpoint, 2700),
        f"POST {FEATURES}/colorTemperature/setColorTemperature",
        idempotent=True,
        body={"payload": {"colorTemperatureInKelvin": 2700}},
    ),
    "features.increase_color_temperature": Wire(
        lambda on: on.asp.features.increase_color_temperature(on.endpoint),
        f"POST {FEATURES}/colorTemperature/increaseColorTemperature",
    ),
    "features.decrease_color_temperature": Wire(
        lambda on: on.asp.features.decrease_color_temperature(on.endpoint),
        f"POST {FEATURES}/colorTemperature/decreaseColorTemperature",
    ),
    "features.get_temperature_sensor": Wire(
        lambda on: on.asp.features.get_temperature_sensor(on.endpoint),
        f"GET {FEATURES}/temperatureSensor",
        response=SENSOR,
        result=SENSOR_FEATURE,
    ),
    "features.get_thermostat": Wire(
        lambda on: on.asp.features.get_thermostat(on.endpoint),
        f"GET {FEATURES}/thermostat",
        response=THERMOSTAT,
        result=THERMOSTAT_FEATURE,
    ),
}
