"""The settings of an endpoint as data: their names on the wire and the values that they take."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Generic, TypeVar, cast

import attrs

from alexa_props.arguments import require_id, require_text
from alexa_props.errors import ConfigurationError, DecodeError
from alexa_props.settings import is_number
from alexa_props.smart_properties.protocol import codec

__all__ = [
    "Confirmation",
    "DistanceUnits",
    "Enablement",
    "EndpointSetting",
    "Setting",
    "TemperatureUnit",
    "TimeFormat",
    "WakeWord",
]

T = TypeVar("T")
E = TypeVar("E", bound=enum.StrEnum)


class Enablement(enum.StrEnum):
    """Whether an accessibility feature is on."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"


class Confirmation(enum.StrEnum):
    """How a device confirms the wake word or a request."""

    TONE = "TONE"
    NONE = "NONE"


class DistanceUnits(enum.StrEnum):
    """Units of distances."""

    METRIC = "METRIC"
    IMPERIAL = "IMPERIAL"


class TemperatureUnit(enum.StrEnum):
    """Unit of temperatures."""

    CELSIUS = "CELSIUS"
    FAHRENHEIT = "FAHRENHEIT"


class TimeFormat(enum.StrEnum):
    """How the time of day is shown."""

    HOURS_12 = "12_HOURS"
    HOURS_24 = "24_HOURS"


class WakeWord(enum.StrEnum):
    """Words that a device listens for. The choice differs by device and locale."""

    ALEXA = "ALEXA"
    AMAZON = "AMAZON"
    COMPUTER = "COMPUTER"
    ECHO = "ECHO"


def _is_object(value: object) -> bool:
    try:
        return isinstance(value, dict) and json.dumps(value, allow_nan=False, ensure_ascii=False).encode() != b""
    except (TypeError, ValueError, RecursionError):
        return False


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


_TAKES: Final[Mapping[type[Any], tuple[str, Callable[[Any], bool]]]] = {
    bool: ("True or False", lambda value: isinstance(value, bool)),
    int: ("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool)),
    float: ("a number", is_number),
    str: ("a string that is not empty", _is_text),
    tuple: ("a list of strings", lambda value: isinstance(value, list | tuple) and all(map(_is_text, value))),
    dict: ("a dict that is a JSON object", _is_object),
}
"""Per kind, what a value must be: as text, and as a check."""


def _check_key(_: Any, __: Any, key: str) -> None:
    # Several keys go into one parameter, with commas between them.
    if "," in require_id("key", key):
        raise ConfigurationError(f"key must be the name of one setting, without a comma, not {key!r:.80}")


def _check_kind(_: Any, __: Any, kind: Any) -> None:
    if kind not in tuple(_TAKES):
        raise ConfigurationError(f"kind must be bool, int, float, str, tuple or dict, not {kind!r:.80}")


@attrs.frozen
class EndpointSetting(Generic[T]):
    """A setting of endpoints: its name on the wire and the values that it takes. `Setting` holds the known ones.

    Another one: `EndpointSetting[bool]("Some.newSetting", bool)`. To set a value that is not among the known choices,
    use `attrs.evolve(Setting.WAKE_WORDS, choices=())`.
    """

    key: str = attrs.field(validator=_check_key)
    """The service's name for it."""
    kind: type[Any] = attrs.field(validator=_check_kind, repr=False)
    """bool, int, float, str, tuple (a list of strings) or dict (a JSON object)."""
    choices: tuple[object, ...] = attrs.field(default=(), repr=False)
    """Values that can be set, or that a list can hold; empty if there is no restriction. The service may return
    others."""
    limits: tuple[int, int] | None = attrs.field(default=None, repr=False)
    """Smallest and largest number, or number of strings in a list."""
    read_only: bool = attrs.field(default=False, repr=False)
    """Whether it cannot be set."""

    def check(self, value: object) -> object:
        """Return the value in the form that is sent.

        Raises:
            ConfigurationError: It has another type, is out of range, or is not among the choices; or the setting is
                read only.

        """
        if self.read_only:
            raise ConfigurationError(f"{self.key} can be read, not set")
        takes, fits = _TAKES[self.kind]
        if not fits(value):
            raise ConfigurationError(f"{self.key} takes {takes}, not {value!r:.80}")
        parts = tuple(value) if isinstance(value, list | tuple) else (value,)
        if self.limits is not None:
            low, high = self.limits
            size: Any = len(parts) if self.kind is tuple else value
            if not low <= size <= high:
                of = " strings" if self.kind is tuple else ""
                raise ConfigurationError(f"{self.key} takes {low} to {high}{of}, not {value!r:.80}")
        for part in parts:
            if isinstance(part, str):
                require_text(self.key, part)
            if self.choices and part not in self.choices:
                raise ConfigurationError(f"{self.key} takes {', '.join(map(str, self.choices))}, not {part!r:.80}")
        return parts if self.kind is tuple else value

    def read(self, value: Any) -> T | None:
        """Return the value from parsed JSON, known choices as enum members and others unchanged; null is None.

        Raises:
            DecodeError: It has another type.

        """
        if value is None:
            return None
        read: Any
        if self.kind in (int, str):
            read = self._known(codec.structure(value, self.kind, self.key))
        elif self.kind is tuple:
            read = tuple(map(self._known, codec.structure(value, tuple[str, ...], self.key)))
        else:
            # Not by the codec, which converts values of other types where it can.
            takes, fits = _TAKES[self.kind]
            if not fits(value):
                raise DecodeError(f"invalid response: {self.key} is not {takes}")
            read = self._known(float(value) if self.kind is float else value)
        return cast("T", read)

    def _known(self, value: Any) -> Any:
        return next((choice for choice in self.choices if choice == value), value)


def _flag(key: str) -> EndpointSetting[bool]:
    return EndpointSetting(key, bool)


def _choice(key: str, choices: type[E]) -> EndpointSetting[E | str]:
    return EndpointSetting(key, str, tuple(choices))


def _texts(
    key: str, choices: Iterable[str] = (), *, limits: tuple[int, int] | None = None, read_only: bool = False
) -> EndpointSetting[tuple[str, ...]]:
    return EndpointSetting(key, tuple, tuple(choices), limits, read_only)


class Setting:
    """The settings that Amazon's pages and samples name.

    The values that they take are from Amazon's samples; the values that are returned are inferred from those. A device
    or a locale may support fewer.

    Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/endpoint-settings-api.html
    """

    DO_NOT_DISTURB: Final = _flag("Alexa.DoNotDisturb.doNotDisturb")
    """Whether notifications and announcements are held back."""
    FOLLOW_UP: Final = _flag("SpeechRecognizer.FollowUp.mode")
    """Whether the device keeps listening for a while after it has responded."""
    LOCALES: Final = _texts("System.locales", limits=(1, 2))
    """One or two, such as "en-US", the preferred one first. Unknown locales are not refused."""
    WAKE_WORDS: Final = _texts("SpeechRecognizer.wakeWords", WakeWord, limits=(1, 1))
    """One `WakeWord`; set the locales first."""
    TIME_ZONE: Final[EndpointSetting[str]] = EndpointSetting("System.timeZone", str)
    """Name of an IANA zone, such as "Europe/Paris"."""
    TIME_FORMAT: Final = _choice("Alexa.DataFormat.Time.timeFormat", TimeFormat)
    TEMPERATURE_UNIT: Final = _choice("System.temperatureUnit", TemperatureUnit)
    DISTANCE_UNITS: Final = _choice("System.distanceUnits", DistanceUnits)
    MAXIMUM_VOLUME_LIMIT: Final[EndpointSetting[int]] = EndpointSetting(
        "Alexa.ManagedDevice.Settings.maximumVolumeLimit", int, limits=(0, 100)
    )
    """The maximum volume, 0 to 100."""
    SPEAKING_RATE: Final[EndpointSetting[float]] = EndpointSetting(
        "SpeechSynthesizer.speakingRate", float, (0.75, 0.85, 1.0, 1.25, 1.5, 1.75, 2.0)
    )
    """How fast Alexa speaks; 1 is normal."""
    SPEECH_CONFIRMATION: Final = _choice("SpeechRecognizer.speechConfirmation", Confirmation)
    WAKE_WORD_CONFIRMATION: Final = _choice("SpeechRecognizer.wakeWordConfirmation", Confirmation)
    ALEXA_CAPTIONS: Final = _choice("Accessibility.Captions.AlexaCaptions.enablement", Enablement)
    CLOSED_CAPTIONS: Final = _choice("Accessibility.Captions.ClosedCaptions.enablement", Enablement)
    COLOR_INVERSION: Final = _choice("Accessibility.Display.ColorInversion.enablement", Enablement)
    MAGNIFIER: Final = _choice("Accessibility.Display.Magnifier.enablement", Enablement)
    ERROR_SUPPRESSION: Final = _texts("Alexa.ManagedDevice.Settings.errorSuppression", ("CONNECTIVITY",))
    """Errors that the device does not announce; an empty list suppresses none."""
    SETUP_MODE_PRIVILEGES: Final = _texts(
        "Alexa.ManagedDevice.Settings.setupModePrivileges", ("ALL_SETTINGS",), read_only=True
    )
    """Read only. Empty: setup mode is off, as it is while the endpoint is in a unit of a property."""
    SCREEN_CONTROLLER_POLICY: Final[EndpointSetting[dict[str, Any]]] = EndpointSetting(
        "Alexa.ScreenController.screenControllerPolicy", dict
    )
    """A JSON object, known only from Amazon's tool. Setting it replaces all of it: read it, change it, set it."""

    ALL: Final[tuple[EndpointSetting[Any], ...]] = tuple(
        value for value in tuple(vars().values()) if isinstance(value, EndpointSetting)
    )
