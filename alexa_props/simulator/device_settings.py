"""The settings of endpoints, and the rules for their values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import attrs

from alexa_props.simulator.responses import Json

__all__ = ["ADDRESS", "LOCALES", "SETTINGS", "SETUP_MODE", "WAKE_WORDS", "violation"]

ADDRESS = "address"
LOCALES = "System.locales"
SETUP_MODE = "Alexa.ManagedDevice.Settings.setupModePrivileges"
WAKE_WORDS = "SpeechRecognizer.wakeWords"

_LOCALE = re.compile(r"[a-z]{2}-[A-Z]{2}")
_TIME_ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")
_LINES = frozenset(
    {
        "addressLine1",
        "addressLine2",
        "addressLine3",
        "city",
        "stateOrRegion",
        "districtOrCounty",
        "postalCode",
        "countryCode",
    }
)


@attrs.frozen
class _Rule:
    """What a value must be, as text and as a test."""

    text: str
    fits: Callable[[object], bool]


def _one_of(*values: str) -> _Rule:
    return _Rule(f"one of {', '.join(values)}", lambda value: value in values)


def _some_of(*values: str, least: int = 0, most: int | None = None) -> _Rule:
    def fits(value: object) -> bool:
        return (
            isinstance(value, list)
            and least <= len(value) <= (len(values) if most is None else most)
            and all(each in values for each in value)
        )

    return _Rule(f"a list of {', '.join(values)}", fits)


def _number_of(*values: float) -> _Rule:
    # In Python, true equals 1; in JSON it does not.
    return _Rule(f"one of {', '.join(map(str, values))}", lambda v: v in values and not isinstance(v, bool))


def _whole(least: int, most: int) -> _Rule:
    text = f"a whole number from {least} to {most}"
    return _Rule(text, lambda v: isinstance(v, int) and not isinstance(v, bool) and least <= v <= most)


def _locales(value: object) -> bool:
    return (
        isinstance(value, list)
        and 1 <= len(value) <= 2  # noqa: PLR2004 - the service's own limit
        and all(isinstance(each, str) and _LOCALE.fullmatch(each) for each in value)
    )


def _address(value: object) -> bool:
    return isinstance(value, dict) and all(name in _LINES and isinstance(line, str) for name, line in value.items())


_FLAG = _Rule("true or false", lambda value: isinstance(value, bool))
_SWITCH = _one_of("ENABLED", "DISABLED")
_SOUND = _one_of("TONE", "NONE")

SETTINGS: Mapping[str, _Rule] = {
    "Accessibility.Captions.AlexaCaptions.enablement": _SWITCH,
    "Accessibility.Captions.ClosedCaptions.enablement": _SWITCH,
    "Accessibility.Display.ColorInversion.enablement": _SWITCH,
    "Accessibility.Display.Magnifier.enablement": _SWITCH,
    "Alexa.DataFormat.Time.timeFormat": _one_of("12_HOURS", "24_HOURS"),
    "Alexa.DoNotDisturb.doNotDisturb": _FLAG,
    "Alexa.ManagedDevice.Settings.errorSuppression": _some_of("CONNECTIVITY"),
    "Alexa.ManagedDevice.Settings.maximumVolumeLimit": _whole(0, 100),
    SETUP_MODE: _some_of("ALL_SETTINGS"),
    "Alexa.ScreenController.screenControllerPolicy": _Rule("an object", lambda value: isinstance(value, dict)),
    "SpeechRecognizer.FollowUp.mode": _FLAG,
    "SpeechRecognizer.speechConfirmation": _SOUND,
    "SpeechRecognizer.wakeWordConfirmation": _SOUND,
    WAKE_WORDS: _some_of("ALEXA", "AMAZON", "COMPUTER", "ECHO", least=1, most=1),
    "SpeechSynthesizer.speakingRate": _number_of(0.75, 0.85, 1, 1.25, 1.5, 1.75, 2),
    "System.distanceUnits": _one_of("METRIC", "IMPERIAL"),
    # The list of locales grows, and so do time zones: only their form is checked.
    LOCALES: _Rule("a list of one or two locales such as en-US", _locales),
    "System.temperatureUnit": _one_of("CELSIUS", "FAHRENHEIT"),
    "System.timeZone": _Rule(
        "a time zone such as Europe/Paris", lambda v: isinstance(v, str) and bool(_TIME_ZONE.fullmatch(v))
    ),
}
"""The settings that can be read and set by their key, and the rules for their values."""

_RULES = {**SETTINGS, ADDRESS: _Rule(f"an object of strings called {', '.join(sorted(_LINES))}", _address)}


def violation(key: str, value: Json) -> str | None:
    """Return what is wrong with a value, as a sentence, or None if nothing is.

    Args:
        key: The key of a setting, or `"address"`.
        value: The parsed JSON.

    Raises:
        KeyError: No setting has this key.
    """
    rule = _RULES[key]
    return None if rule.fits(value) else f"{key} must be {rule.text}."
