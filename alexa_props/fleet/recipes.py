"""Recipes for a room, such as at check-out. Each can be the `call` of `fleet.run`."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from alexa_props.arguments import require_id
from alexa_props.concurrency import gather
from alexa_props.errors import AlexaError, ConfigurationError
from alexa_props.fleet.outcome import Step, Steps
from alexa_props.fleet.plan import CallEstimate, recipe
from alexa_props.smart_properties import SmartProperties
from alexa_props.smart_properties.endpoints import Endpoint
from alexa_props.smart_properties.ids import UnitId
from alexa_props.smart_properties.notifications import NotificationKind
from alexa_props.smart_properties.setting import EndpointSetting, Setting
from alexa_props.smart_properties.unit_settings import DefaultStation, Station, require_station

__all__ = ["RoomDefaults", "ensure_default_music_station", "reset_room"]

_Do = Callable[[], Awaitable[Any]]


def _takes(setting: EndpointSetting[Any]) -> Callable[[Any, Any, Any], None]:
    """Return an attrs validator that accepts what the setting accepts, and None."""

    def check(_: Any, __: Any, value: Any) -> None:
        if value is not None:
            setting.check(value)

    return check


def _wake_word(_: Any, __: Any, value: Any) -> None:
    if value is not None:
        Setting.WAKE_WORDS.check((value,))


def _volume(_: Any, __: Any, value: Any) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100):  # noqa: PLR2004 - the end of the scale
        raise ConfigurationError(f"volume must be a whole number from 0 to 100, or None, not {value!r:.80}")


def _station(value: DefaultStation | Station | None) -> DefaultStation | None:
    return None if value is None else require_station(value)


def _others(value: Mapping[EndpointSetting[Any], Any]) -> dict[EndpointSetting[Any], Any]:
    if not isinstance(value, Mapping) or not all(isinstance(setting, EndpointSetting) for setting in value):
        raise ConfigurationError("settings must be a dict of settings such as Setting.TIME_FORMAT, and their values")
    if read_only := [setting.key for setting in value if setting.read_only]:
        raise ConfigurationError(f"{read_only[0]} can be read, not set")
    return {setting: setting.check(each) for setting, each in value.items()}


@attrs.frozen(kw_only=True)
class RoomDefaults:
    """The state of a room for the next guest. What is None is not changed.

    Raises:
        ConfigurationError: A value is out of range.

    """

    station: DefaultStation | None = attrs.field(default=None, converter=_station)
    """The default music station of the room."""
    volume: int | None = attrs.field(default=None, validator=_volume)
    """Of every endpoint, 0 to 100."""
    do_not_disturb: bool | None = attrs.field(default=False, validator=_takes(Setting.DO_NOT_DISTURB))
    """Whether endpoints hold back notifications. Off by default."""
    locales: Sequence[str] | None = attrs.field(default=None, validator=_takes(Setting.LOCALES))
    """One or two, such as ("en-US",), the preferred one first."""
    wake_word: str | None = attrs.field(default=None, validator=_wake_word)
    """Such as "ALEXA"."""
    time_zone: str | None = attrs.field(default=None, validator=_takes(Setting.TIME_ZONE))
    """Name of an IANA time zone, such as "Europe/Paris"."""
    temperature_unit: str | None = attrs.field(default=None, validator=_takes(Setting.TEMPERATURE_UNIT))
    """"CELSIUS" or "FAHRENHEIT"."""
    distance_units: str | None = attrs.field(default=None, validator=_takes(Setting.DISTANCE_UNITS))
    """"METRIC" or "IMPERIAL"."""
    settings: Mapping[EndpointSetting[Any], Any] = attrs.field(factory=dict, converter=_others)
    """Further settings of every endpoint, such as {Setting.TIME_FORMAT: "24_HOURS"}."""

    def of_endpoints(self) -> Iterator[tuple[str, EndpointSetting[Any], Any]]:
        """Yield what to set on every endpoint, in order: name, setting, value."""
        known: tuple[tuple[str, EndpointSetting[Any], Any], ...] = (
            # Wake words depend on the locales, which come first.
            ("locales", Setting.LOCALES, self.locales),
            ("wake word", Setting.WAKE_WORDS, None if self.wake_word is None else (self.wake_word,)),
            ("time zone", Setting.TIME_ZONE, self.time_zone),
            ("temperature unit", Setting.TEMPERATURE_UNIT, self.temperature_unit),
            ("distance units", Setting.DISTANCE_UNITS, self.distance_units),
            *((setting.key, setting, value) for setting, value in self.settings.items()),
            # Last, because the other settings may make the device speak.
            ("do not disturb", Setting.DO_NOT_DISTURB, self.do_not_disturb),
        )
        return (each for each in known if each[2] is not None)


def _estimates_of_reset(asp: Any, unit_id: Any, defaults: RoomDefaults) -> Iterator[CallEstimate]:  # noqa: ARG001 - the parameters of the recipe
    for what in ("alarms", "timers", "reminders"):
        yield CallEstimate(f"alerts.delete_{what}", per_item=1)
    yield CallEstimate("notifications.delete_many", per_item=1)
    if defaults.station is not None:
        yield CallEstimate("unit_settings.set_default_music_station", per_item=1)
    # The endpoints of a room fit in one page.
    yield CallEstimate("endpoints.list", per_item=1)
    yield CallEstimate("features.unpair_bluetooth", per_endpoint=1)
    yield CallEstimate("endpoint_settings.set", per_endpoint=len(list(defaults.of_endpoints())))
    if defaults.volume is not None:
        yield CallEstimate("features.set_volume", per_endpoint=1)


@recipe(_estimates_of_reset)
async def reset_room(asp: SmartProperties, unit_id: UnitId, defaults: RoomDefaults) -> Steps:
    """Reset a room for the next guest.

    Deletes alarms, timers, reminders and notifications of the room. Unpairs Bluetooth and applies `defaults` on each of
    its endpoints. A step that fails does not stop the others. Every step may be repeated, and so may the recipe.

    Args:
        asp: The client.
        unit_id: The room.
        defaults: The state to set.

    Returns:
        The outcome of each step, on the room and on each endpoint. A failed step does not raise; use
        `raise_for_failures()`. In `fleet.run`, the outcome of the room is failed or unknown if a step is.

    Raises:
        ConfigurationError: `unit_id` is not a valid id, or `defaults` is not a `RoomDefaults`.

    """
    unit_id = require_id("unit_id", unit_id)
    if not isinstance(defaults, RoomDefaults):
        raise ConfigurationError(f"defaults must be RoomDefaults(…), not {defaults!r:.80}")
    parts = await gather(
        (functools.partial(_reset_unit, asp, unit_id, defaults), functools.partial(_reset_all, asp, unit_id, defaults))
    )
    return Steps(unit_id, tuple(step for part in parts for step in part))


async def _reset_unit(asp: SmartProperties, unit_id: str, defaults: RoomDefaults) -> list[Step]:
    async def delete(what: str) -> None:
        await getattr(asp.alerts, f"delete_{what}")(unit_id)

    steps = [
        await _step(what, f"alerts.delete_{what}", functools.partial(delete, what))
        for what in ("alarms", "timers", "reminders")
    ]
    clear = functools.partial(asp.notifications.delete_many, [unit_id], list(NotificationKind))
    steps.append(await _step("notifications", "notifications.delete_many", clear))
    if defaults.station is not None:
        put = functools.partial(asp.unit_settings.set_default_music_station, unit_id, defaults.station)
        steps.append(await _step("station", "unit_settings.set_default_music_station", put))
    return steps


async def _reset_all(asp: SmartProperties, unit_id: str, defaults: RoomDefaults) -> list[Step]:
    endpoints: list[Endpoint] = []

    async def find() -> None:
        # In full, because reports name the devices.
        async for endpoint in asp.endpoints.list(unit_id=unit_id, expand="all"):
            endpoints.append(endpoint)  # noqa: PERF401 - those before a page that fails are needed

    found = await _step("endpoints", "endpoints.list", find)
    steps = await gather(functools.partial(_reset_endpoint, asp, each, defaults) for each in endpoints)
    return [found, *(step for of_one in steps for step in of_one)]


async def _reset_endpoint(asp: SmartProperties, endpoint: Endpoint, defaults: RoomDefaults) -> list[Step]:
    unpair = functools.partial(asp.features.unpair_bluetooth, endpoint)
    steps = [await _step("Bluetooth", "features.unpair_bluetooth", unpair, endpoint)]
    for name, setting, value in defaults.of_endpoints():
        put = functools.partial(asp.endpoint_settings.set, endpoint, setting, value)
        steps.append(await _step(name, "endpoint_settings.set", put, endpoint))
    if defaults.volume is not None:
        turn = functools.partial(asp.features.set_volume, endpoint, defaults.volume)
        steps.append(await _step("volume", "features.set_volume", turn, endpoint))
    return steps


async def _step(name: str, operation: str, do: _Do, endpoint: Endpoint | None = None) -> Step:
    error = None
    try:
        await do()
    except AlexaError as raised:
        error = raised
    return Step(
        name,
        operation,
        None if endpoint is None else endpoint.id,
        error,
        None if endpoint is None else endpoint.friendly_name,
    )


_READ: Final = CallEstimate("unit_settings.get_default_music_station", per_item=1)
_WRITE: Final = CallEstimate("unit_settings.set_default_music_station", per_item=1, perhaps=True)


@recipe(lambda asp, unit_id, station: (_READ, _WRITE))  # noqa: ARG005 - the parameters of the recipe
async def ensure_default_music_station(
    asp: SmartProperties, unit_id: UnitId, station: DefaultStation | Station
) -> bool:
    """Set the default music station of a unit, unless it is set already.

    Args:
        asp: The client.
        unit_id: The unit, normally a room.
        station: Provider and station.

    Returns:
        Whether it was changed.

    Raises:
        ConfigurationError: `unit_id` is not a valid id, or `station` has an empty part.
        AlexaError: As for `get_default_music_station` and `set_default_music_station`.

    """
    station = require_station(station)
    if await asp.unit_settings.get_default_music_station(unit_id) == station:
        return False
    await asp.unit_settings.set_default_music_station(unit_id, station)
    return True
