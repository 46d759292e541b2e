"""Features of an endpoint: its speaker and Bluetooth, lights, plugs, sensors and thermostats."""

from __future__ import annotations

from typing import Any, Final

import attrs

from alexa_props.arguments import require_whole
from alexa_props.client import Resource
from alexa_props.codec import Timestamp
from alexa_props.errors import ConfigurationError
from alexa_props.operation import Group
from alexa_props.settings import is_number
from alexa_props.smart_properties.ids import EndpointId

__all__ = ["OPERATIONS", "Color", "Feature", "FeatureOperation", "FeatureProperty", "Features", "Temperature"]


@attrs.frozen
class FeatureProperty:
    """One property of a feature."""

    name: str | None = None
    """Such as "reachability"."""
    value: Any = None
    """Parsed JSON."""
    time_of_sample: Timestamp | None = None
    """When the device reported it."""


@attrs.frozen
class FeatureOperation:
    """An operation of a feature, and its path."""

    name: str | None = None
    path: str | None = None


@attrs.frozen(kw_only=True)
class Color:
    """A color of a light. Ranges are inferred from the smart home skill API, and not checked."""

    hue: float
    """0 to 360 degrees."""
    saturation: float
    """0 to 1."""
    brightness: float
    """0 to 1."""


@attrs.frozen
class Temperature:
    """A temperature that a sensor or a thermostat reports."""

    value: float
    scale: str | None = None
    """Such as "CELSIUS" or "FAHRENHEIT"."""


@attrs.frozen
class Feature:
    """What a device can do or report, such as its connectivity.

    No page shows what features other than connectivity report. `volume`, `brightness` and so on are inferred from the
    smart home skill API. They are None if the response has no such value; `properties` has everything.
    """

    name: str | None = None
    properties: tuple[FeatureProperty, ...] = ()
    operations: tuple[FeatureOperation, ...] = ()
    configuration: dict[str, Any] | None = None
    """What the device reports about the feature itself, as parsed JSON."""

    @property
    def reachability(self) -> str | None:
        """Whether the device is online: "OK", or a value that is not documented. None if the response does not say."""
        value = self._value("reachability")
        return None if value is None else str(value)

    @property
    def volume(self) -> int | None:
        """Volume of the speaker, 0 to 100."""
        return self._whole("volume")

    @property
    def brightness(self) -> int | None:
        """Brightness of the light, 0 to 100."""
        return self._whole("brightness")

    @property
    def color(self) -> Color | None:
        """Color of the light."""
        value = self._object("color")
        hue, saturation, brightness = (value.get(name) for name in ("hue", "saturation", "brightness"))
        if is_number(hue) and is_number(saturation) and is_number(brightness):
            return Color(hue=hue, saturation=saturation, brightness=brightness)
        return None

    @property
    def color_temperature(self) -> int | None:
        """Color temperature of the light, in kelvin."""
        return self._whole("colorTemperatureInKelvin")

    @property
    def power_state(self) -> str | None:
        """Whether the device is on: "ON" or "OFF"."""
        return self._text("powerState")

    @property
    def temperature(self) -> Temperature | None:
        """What the sensor measures."""
        return self._temperature("temperature")

    @property
    def target_setpoint(self) -> Temperature | None:
        """What the thermostat is set to."""
        return self._temperature("targetSetpoint")

    @property
    def thermostat_mode(self) -> str | None:
        """Mode of the thermostat, such as "AUTO", "HEAT", "COOL" or "OFF"."""
        return self._text("thermostatMode")

    def _raw(self, name: str) -> Any:
        return next((prop.value for prop in self.properties if prop.name == name), None)

    def _value(self, name: str) -> Any:
        """Return the value of a property. Amazon's samples wrap it as `{"value": …}`."""
        value = self._raw(name)
        return value.get("value") if isinstance(value, dict) else value

    def _whole(self, name: str) -> int | None:
        value = self._value(name)
        return int(value) if is_number(value) and value == value // 1 else None

    def _text(self, name: str) -> str | None:
        value = self._value(name)
        return value if isinstance(value, str) else None

    def _object(self, name: str) -> dict[str, Any]:
        """Return a value that is an object, wrapped or not; empty if there is none."""
        value = self._raw(name)
        wrapped = value.get("value") if isinstance(value, dict) else None
        return wrapped if isinstance(wrapped, dict) else value if isinstance(value, dict) else {}

    def _temperature(self, name: str) -> Temperature | None:
        value = self._object(name)
        number, scale = value.get("value"), value.get("scale")
        return Temperature(number, scale if isinstance(scale, str) else None) if is_number(number) else None


_FEATURES: Final = "/v2/endpoints/{endpoint_id}/features"
_BRIGHTNESS: Final = f"{_FEATURES}/brightness"
_COLOR: Final = f"{_FEATURES}/color"
_COLOR_TEMPERATURE: Final = f"{_FEATURES}/colorTemperature"

_api: Final = Group("features", "endpoint-features-api.html")
GET_SPEAKER: Final = _api.get("get_speaker", f"{_FEATURES}/speaker", Feature)
SET_VOLUME: Final = _api.post("set_volume", f"{_FEATURES}/speaker/setVolume", idempotent=True)
ADJUST_VOLUME: Final = _api.post("adjust_volume", f"{_FEATURES}/speaker/adjustVolume", check_with="get_speaker")
GET_BLUETOOTH: Final = _api.get("get_bluetooth", f"{_FEATURES}/bluetooth", Feature)
UNPAIR_BLUETOOTH: Final = _api.post("unpair_bluetooth", f"{_FEATURES}/bluetooth/unpair", idempotent=True)
GET_POWER: Final = _api.get("get_power", f"{_FEATURES}/power", Feature)
TURN_ON: Final = _api.post("turn_on", f"{_FEATURES}/power/turnOn", idempotent=True)
TURN_OFF: Final = _api.post("turn_off", f"{_FEATURES}/power/turnOff", idempotent=True)
GET_BRIGHTNESS: Final = _api.get("get_brightness", _BRIGHTNESS, Feature)
SET_BRIGHTNESS: Final = _api.post("set_brightness", f"{_BRIGHTNESS}/setBrightness", idempotent=True)
ADJUST_BRIGHTNESS: Final = _api.post(
    "adjust_brightness", f"{_BRIGHTNESS}/adjustBrightness", check_with="get_brightness"
)
GET_COLOR: Final = _api.get("get_color", _COLOR, Feature)
SET_COLOR: Final = _api.post("set_color", f"{_COLOR}/setColor", idempotent=True)
GET_COLOR_TEMPERATURE: Final = _api.get("get_color_temperature", _COLOR_TEMPERATURE, Feature)
SET_COLOR_TEMPERATURE: Final = _api.post(
    "set_color_temperature", f"{_COLOR_TEMPERATURE}/setColorTemperature", idempotent=True
)
INCREASE_COLOR_TEMPERATURE: Final = _api.post(
    "increase_color_temperature", f"{_COLOR_TEMPERATURE}/increaseColorTemperature", check_with="get_color_temperature"
)
DECREASE_COLOR_TEMPERATURE: Final = _api.post(
    "decrease_color_temperature", f"{_COLOR_TEMPERATURE}/decreaseColorTemperature", check_with="get_color_temperature"
)
GET_TEMPERATURE_SENSOR: Final = _api.get("get_temperature_sensor", f"{_FEATURES}/temperatureSensor", Feature)
GET_THERMOSTAT: Final = _api.get("get_thermostat", f"{_FEATURES}/thermostat", Feature)
OPERATIONS: Final = _api.operations


class Features(Resource):
    """Read and change what an endpoint can do: its speaker and Bluetooth, lights, plugs and thermostats.

        await asp.features.turn_on(endpoint_id)
        await asp.features.set_color(endpoint_id, Color(hue=20, saturation=0.75, brightness=0.34))
        print((await asp.features.get_brightness(endpoint_id)).brightness)

    Not every endpoint has every feature, and what features report is inferred: see `Feature`. For the connectivity see
    `endpoints`. Raises `DeviceUnreachable` for a 504 whose body says that it is about the device (inferred from
    deletions of alerts). A call that adjusts, increases or decreases a value is retried only if nothing was sent.
    """

    async def get_speaker(self, endpoint_id: EndpointId) -> Feature:
        """Return the speaker of an endpoint: its `volume`."""
        return await self._call(GET_SPEAKER, endpoint_id=endpoint_id)

    async def set_volume(self, endpoint_id: EndpointId, volume: int) -> None:
        """Set the volume of an endpoint, 0 to 100."""
        payload = {"volume": require_whole("volume", volume, 0, 100)}
        await self._call(SET_VOLUME, endpoint_id=endpoint_id, payload=payload)

    async def adjust_volume(self, endpoint_id: EndpointId, delta: int) -> None:
        """Change the volume of an endpoint by -100 to 100; the result stays within 0 and 100."""
        payload = {"volumeDelta": require_whole("delta", delta, -100, 100)}
        await self._call(ADJUST_VOLUME, endpoint_id=endpoint_id, payload=payload)

    async def get_bluetooth(self, endpoint_id: EndpointId) -> Feature:
        """Return the Bluetooth operations of an endpoint, without the devices that are paired."""
        return await self._call(GET_BLUETOOTH, endpoint_id=endpoint_id)

    async def unpair_bluetooth(self, endpoint_id: EndpointId) -> None:
        """Unpair every Bluetooth device from an endpoint."""
        await self._call(UNPAIR_BLUETOOTH, endpoint_id=endpoint_id)

    async def get_power(self, endpoint_id: EndpointId) -> Feature:
        """Return the power feature of an endpoint: its `power_state`."""
        return await self._call(GET_POWER, endpoint_id=endpoint_id)

    async def turn_on(self, endpoint_id: EndpointId) -> None:
        """Turn an endpoint on."""
        await self._call(TURN_ON, endpoint_id=endpoint_id)

    async def turn_off(self, endpoint_id: EndpointId) -> None:
        """Turn an endpoint off."""
        await self._call(TURN_OFF, endpoint_id=endpoint_id)

    async def get_brightness(self, endpoint_id: EndpointId) -> Feature:
        """Return the `brightness` of a light."""
        return await self._call(GET_BRIGHTNESS, endpoint_id=endpoint_id)

    async def set_brightness(self, endpoint_id: EndpointId, brightness: int) -> None:
        """Set the brightness of a light, 0 to 100."""
        payload = {"brightness": require_whole("brightness", brightness, 0, 100)}
        await self._call(SET_BRIGHTNESS, endpoint_id=endpoint_id, payload=payload)

    async def adjust_brightness(self, endpoint_id: EndpointId, delta: int) -> None:
        """Change the brightness of a light by -100 to 100."""
        payload = {"brightnessDelta": require_whole("delta", delta, -100, 100)}
        await self._call(ADJUST_BRIGHTNESS, endpoint_id=endpoint_id, payload=payload)

    async def get_color(self, endpoint_id: EndpointId) -> Feature:
        """Return the `color` of a light."""
        return await self._call(GET_COLOR, endpoint_id=endpoint_id)

    async def set_color(self, endpoint_id: EndpointId, color: Color) -> None:
        """Set the color of a light."""
        if not isinstance(color, Color) or not all(map(is_number, attrs.astuple(color))):
            raise ConfigurationError(f"color must be a Color of three numbers, not {color!r:.80}")
        await self._call(SET_COLOR, endpoint_id=endpoint_id, payload={"color": color})

    async def get_color_temperature(self, endpoint_id: EndpointId) -> Feature:
        """Return the `color_temperature` of a light."""
        return await self._call(GET_COLOR_TEMPERATURE, endpoint_id=endpoint_id)

    async def set_color_temperature(self, endpoint_id: EndpointId, kelvin: int) -> None:
        """Set the color temperature of a light in kelvin. Its range is not documented; lower values are warmer."""
        payload = {"colorTemperatureInKelvin": require_whole("kelvin", kelvin)}
        await self._call(SET_COLOR_TEMPERATURE, endpoint_id=endpoint_id, payload=payload)

    async def increase_color_temperature(self, endpoint_id: EndpointId) -> None:
        """Make a light cooler by one step, whose size is not documented."""
        await self._call(INCREASE_COLOR_TEMPERATURE, endpoint_id=endpoint_id)

    async def decrease_color_temperature(self, endpoint_id: EndpointId) -> None:
        """Make a light warmer by one step, whose size is not documented."""
        await self._call(DECREASE_COLOR_TEMPERATURE, endpoint_id=endpoint_id)

    async def get_temperature_sensor(self, endpoint_id: EndpointId) -> Feature:
        """Return the `temperature` that an endpoint measures."""
        return await self._call(GET_TEMPERATURE_SENSOR, endpoint_id=endpoint_id)

    async def get_thermostat(self, endpoint_id: EndpointId) -> Feature:
        """Return a thermostat: its `target_setpoint` and its `thermostat_mode`. It can be read, not set."""
        return await self._call(GET_THERMOSTAT, endpoint_id=endpoint_id)
