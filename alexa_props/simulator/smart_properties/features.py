"""Features of endpoints that need the device itself: its speaker, its Bluetooth, and smart home features.

Every Echo Dot, which is the first endpoint of each room, has all smart home features: it stands for the lights and the
thermostat of its room. The other models have none. Inferred: the names of properties and the ranges of values, which
are those of the smart home skill API.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import attrs

from alexa_props.simulator.checks import number, whole
from alexa_props.simulator.context import Context
from alexa_props.simulator.device_state import DeviceState
from alexa_props.simulator.requests import body_object, feature_property, known_endpoint, require_reachable
from alexa_props.simulator.responses import Json, Problem, Response, accepted, json_response
from alexa_props.simulator.routes import Route, register, route
from alexa_props.simulator.store import Key

FEATURES: Final = "/v2/endpoints/{endpointId}/features"
SPEAKER: Final = f"{FEATURES}/speaker"
BLUETOOTH: Final = f"{FEATURES}/bluetooth"

SMART_MODEL: Final = "Echo Dot (5th Gen)"
STEP: Final = 500
WARMEST, COOLEST = 1_000, 10_000
HUE: Final = 360


def _device(context: Context) -> DeviceState:
    """Return the state of a device that can respond."""
    endpoint = known_endpoint(context)
    require_reachable(context, endpoint)
    return endpoint.state


def _member(context: Context, member: str) -> object:
    payload = body_object(context).get("payload")
    if not isinstance(payload, dict):
        raise Problem(400, "payload is required, and must be an object.")
    return payload.get(member)


def _whole(context: Context, member: str, least: int, most: int = 100) -> int:
    try:
        return whole(member, _member(context, member), least, most)
    except (TypeError, ValueError) as error:
        raise Problem(400, f"{error}.") from None


def _clamp(value: int, least: int = 0, most: int = 100) -> int:
    return min(max(value, least), most)


@route("features.get_speaker", "GET", SPEAKER)
def get_speaker(context: Context) -> Response:
    """Return the volume. Inferred: its name and form, which are those of connectivity."""
    volume = feature_property(context.service, "volume", _device(context).volume)
    return json_response({"name": "speaker", "properties": [volume]})


@route("features.set_volume", "POST", f"{SPEAKER}/setVolume")
def set_volume(context: Context) -> Response:
    """Set the volume. It is not known whether the volume limit applies, so it does not."""
    volume = _whole(context, "volume", 0)
    _device(context).volume = volume
    return accepted()


@route("features.adjust_volume", "POST", f"{SPEAKER}/adjustVolume")
def adjust_volume(context: Context) -> Response:
    """Turn the volume up or down, within its range."""
    delta = _whole(context, "volumeDelta", -100)
    device = _device(context)
    device.volume = _clamp(device.volume + delta)
    return accepted()


@route("features.get_bluetooth", "GET", BLUETOOTH)
def get_bluetooth(context: Context) -> Response:
    """Return the operations of Bluetooth. The service does not report what is paired."""
    _device(context)
    path = f"{context.path.rstrip('/')}/unpair"
    return json_response({"operations": [{"name": "unpair", "path": path}]})


@route("features.unpair_bluetooth", "POST", f"{BLUETOOTH}/unpair")
def unpair_bluetooth(context: Context) -> Response:
    """Unpair every Bluetooth device. The body is ignored."""
    _device(context).paired.clear()
    return accepted()


# Smart home features


@attrs.define(eq=False)
class _Value:
    """A value of a property, and those that will show later."""

    changes: list[tuple[float, Any]]
    """Times from which they show, on the monotonic clock, and values."""

    def at(self, time: float) -> Any:
        """Return what shows at a time."""
        while len(self.changes) > 1 and self.changes[1][0] <= time:
            del self.changes[0]
        return self.changes[0][1]

    def change(self, context: Context, new: Callable[[Any], Json]) -> None:
        """Add a new value of the latest one."""
        self.at(context.time)  # drops what has been replaced
        self.changes.append((context.effective_from, new(self.changes[-1][1])))


_Home: TypeAlias = dict[str, _Value]

# By serial number, which remains if an endpoint moves to another unit.
HOMES: Final = Key[dict[str, _Home]]("smart home features", lambda _: {})


def _initial(serial_number: str) -> _Home:
    rng = random.Random(f"{serial_number}/home")  # noqa: S311 - must be repeatable, protects nothing
    values: dict[str, Any] = {
        "powerState": rng.choice(("ON", "OFF")),
        "brightness": rng.randint(1, 100),
        "color": {"hue": rng.randint(0, HUE), "saturation": rng.randint(0, 4) / 4, "brightness": 1},
        "colorTemperatureInKelvin": rng.randrange(2_000, 7_000, STEP),
        "temperature": {"value": rng.randint(36, 50) / 2, "scale": "CELSIUS"},
        "targetSetpoint": {"value": rng.randint(36, 50) / 2, "scale": "CELSIUS"},
        "thermostatMode": rng.choice(("AUTO", "COOL", "HEAT", "OFF")),
    }
    return {name: _Value([(-math.inf, value)]) for name, value in values.items()}


def _home(context: Context) -> _Home:
    """Return the smart home features of a device that has them and can respond."""
    endpoint = known_endpoint(context)
    if endpoint.model != SMART_MODEL:
        raise Problem(404, f"The endpoint has no such feature: in this simulator, only the {SMART_MODEL} has it.")
    require_reachable(context, endpoint)
    return context.service.store[HOMES].setdefault(endpoint.serial_number, _initial(endpoint.serial_number))


def _readable(operation: str, feature: str, *names: str) -> None:
    def read(context: Context) -> Response:
        home = _home(context)
        properties = [feature_property(context.service, name, home[name].at(context.time)) for name in names]
        return json_response({"name": feature, "properties": properties})

    register(Route(f"features.{operation}", "GET", f"{FEATURES}/{feature}", read))


def _changeable(operation: str, path: str, name: str, read: Callable[[Context], Callable[[Any], Json]]) -> None:
    """Register an operation that changes a property: `read` a request, then make a new value of the latest one."""

    def change(context: Context) -> Response:
        new = read(context)
        _home(context)[name].change(context, new)
        return accepted()

    register(Route(f"features.{operation}", "POST", f"{FEATURES}/{path}", change))


def _always(value: Json) -> Callable[[Context], Callable[[Any], Json]]:
    return lambda _: lambda _: value


def _brightness(context: Context) -> Callable[[Any], Json]:
    brightness = _whole(context, "brightness", 0)
    return lambda _: brightness


def _brightness_delta(context: Context) -> Callable[[Any], Json]:
    delta = _whole(context, "brightnessDelta", -100)
    return lambda latest: _clamp(latest + delta)


def _color(context: Context) -> Callable[[Any], Json]:
    color = _member(context, "color")
    if not isinstance(color, dict):
        raise Problem(400, "color is required, and must be an object.")
    try:
        sent: dict[str, Json] = {
            name: number(name, color.get(name), 0, most)
            for name, most in (("hue", HUE), ("saturation", 1), ("brightness", 1))
        }
    except (TypeError, ValueError) as error:
        raise Problem(400, f"{error}.") from None
    return lambda _: sent


def _kelvin(context: Context) -> Callable[[Any], Json]:
    # Amazon's samples send less than any light has.
    kelvin = _whole(context, "colorTemperatureInKelvin", 1, COOLEST)
    return lambda _: kelvin


def _step(delta: int) -> Callable[[Context], Callable[[Any], Json]]:
    return lambda _: lambda latest: _clamp(latest + delta, WARMEST, COOLEST)


_readable("get_power", "power", "powerState")
_changeable("turn_on", "power/turnOn", "powerState", _always("ON"))
_changeable("turn_off", "power/turnOff", "powerState", _always("OFF"))
_readable("get_brightness", "brightness", "brightness")
_changeable("set_brightness", "brightness/setBrightness", "brightness", _brightness)
_changeable("adjust_brightness", "brightness/adjustBrightness", "brightness", _brightness_delta)
_readable("get_color", "color", "color")
_changeable("set_color", "color/setColor", "color", _color)
_readable("get_color_temperature", "colorTemperature", "colorTemperatureInKelvin")
_changeable(
    *("set_color_temperature", "colorTemperature/setColorTemperature", "colorTemperatureInKelvin", _kelvin),
)
_changeable(
    *("increase_color_temperature", "colorTemperature/increaseColorTemperature", "colorTemperatureInKelvin"),
    _step(STEP),
)
_changeable(
    *("decrease_color_temperature", "colorTemperature/decreaseColorTemperature", "colorTemperatureInKelvin"),
    _step(-STEP),
)
_readable("get_temperature_sensor", "temperatureSensor", "temperature")
_readable("get_thermostat", "thermostat", "targetSetpoint", "thermostatMode")
