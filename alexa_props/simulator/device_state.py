"""What devices and rooms store: settings, volume, Bluetooth and notifications."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Literal, get_args

import attrs

from alexa_props.simulator.device_settings import ADDRESS, LOCALES, WAKE_WORDS
from alexa_props.simulator.responses import Json

__all__ = ["NOTIFICATION_KINDS", "DeviceState", "NotificationKind", "initial_notifications", "initial_state"]

NotificationKind = Literal["DeviceNotification", "PersistentVisualAlert"]
"""The kinds of notifications that are stored, and can be deleted."""

NOTIFICATION_KINDS: tuple[NotificationKind, ...] = get_args(NotificationKind)

_MOST = 2
_PHONES = ("Ana's iPhone", "Galaxy S24", "Pixel 9", "Kenji\u306e\u30a4\u30e4\u30db\u30f3", "Travel speaker")
_HOME = {
    "addressLine1": "1 Harbour Road",
    "addressLine2": "",
    "city": "Seattle",
    "stateOrRegion": "WA",
    "postalCode": "98104",
    "countryCode": "US",
}
_ON_OR_OFF: tuple[Json, ...] = ("DISABLED", "DISABLED", "ENABLED", None)
# One value of each setting is drawn; None means that it has no value.
_VALUES: Mapping[str, tuple[Json, ...]] = {
    "Accessibility.Captions.AlexaCaptions.enablement": _ON_OR_OFF,
    "Accessibility.Captions.ClosedCaptions.enablement": _ON_OR_OFF,
    "Accessibility.Display.ColorInversion.enablement": _ON_OR_OFF,
    "Accessibility.Display.Magnifier.enablement": _ON_OR_OFF,
    "Alexa.DataFormat.Time.timeFormat": ("12_HOURS", "24_HOURS", None),
    "Alexa.DoNotDisturb.doNotDisturb": (False, False, True),
    "Alexa.ManagedDevice.Settings.errorSuppression": ([], ["CONNECTIVITY"]),
    "Alexa.ManagedDevice.Settings.maximumVolumeLimit": (100, 80, 60, None),
    "SpeechRecognizer.FollowUp.mode": (False, True),
    "SpeechRecognizer.speechConfirmation": ("NONE", "TONE"),
    "SpeechRecognizer.wakeWordConfirmation": ("NONE", "TONE"),
    WAKE_WORDS: (["ALEXA"], ["ALEXA"], ["ECHO"], ["AMAZON"], ["COMPUTER"]),
    "SpeechSynthesizer.speakingRate": (1, 1, 0.85, 1.25),
    "System.distanceUnits": ("IMPERIAL", "METRIC"),
    LOCALES: (["en-US"], ["en-US"], ["en-US"], ["en-GB"], ["de-DE", "en-US"], ["es-US"]),
    "System.temperatureUnit": ("FAHRENHEIT", "CELSIUS"),
    "System.timeZone": ("America/Los_Angeles", "America/Los_Angeles", "America/New_York", "Europe/Paris"),
    ADDRESS: (_HOME, _HOME, None),
}


@attrs.define(eq=False)
class DeviceState:
    """What a device stores."""

    settings: dict[str, Json]
    """Values by key; a setting without a value is absent."""
    volume: int
    """0 to 100."""
    paired: list[str]
    """Names of the Bluetooth devices that are paired with it."""
    notifications: dict[NotificationKind, int]
    """The number of each kind that were sent to this device, not to its unit."""


def _draws(id_: str) -> random.Random:
    # Ids come from the seed. Each has separate draws, so that the order of first use makes no difference.
    return random.Random(f"{id_}/left")  # noqa: S311 - must be repeatable, protects nothing


def initial_state(endpoint_id: str) -> DeviceState:
    """Return what a device stores at first."""
    draws = _draws(endpoint_id)
    values = {key: draws.choice(choices) for key, choices in _VALUES.items()}
    return DeviceState(
        settings={key: value for key, value in values.items() if value is not None},
        volume=draws.randint(10, 100),
        paired=draws.sample(_PHONES, draws.randint(0, _MOST)),
        notifications=_notifications(draws),
    )


def initial_notifications(unit_id: str) -> dict[NotificationKind, int]:
    """Return the number of notifications of each kind in a unit at first."""
    return _notifications(_draws(unit_id))


def _notifications(draws: random.Random) -> dict[NotificationKind, int]:
    return {kind: draws.randint(0, _MOST) for kind in NOTIFICATION_KINDS}
