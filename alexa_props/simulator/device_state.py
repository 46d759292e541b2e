"""What devices and rooms store: settings, volume, Bluetooth, Wi-Fi and notifications."""

from __future__ import annotations

import random
from collections.abc import Mapping
from math import inf
from typing import Literal, get_args

import attrs

from alexa_props.simulator.device_settings import ADDRESS, LOCALES, WAKE_WORDS
from alexa_props.simulator.responses import Json

__all__ = [
    "FIRST_NETWORK",
    "NOTIFICATION_KINDS",
    "VISUAL_ALERTS",
    "DeviceState",
    "Notification",
    "NotificationKind",
    "add_notification",
    "initial_notifications",
    "initial_state",
    "made_up_notification",
]

NotificationKind = Literal["DeviceNotification", "PersistentVisualAlert"]
"""The kinds of notifications that are stored, and can be deleted."""

VISUAL_ALERTS = "doc://alexa/apl/documents/enterprise/notifications/persistentvisualalert/"
"""What the layouts of visual alerts start with."""

NOTIFICATION_KINDS: tuple[NotificationKind, ...] = get_args(NotificationKind)

_MOST = 2
_FACTORY_VOLUME = 30
FIRST_NETWORK = ('"Devices"', "WPAPSK")
"""The network that every device was set up with, and that the account has saved."""
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
class Notification:
    """A notification that was sent to one unit or endpoint. Times are on the monotonic clock."""

    kind: NotificationKind
    body: Json
    """What was sent."""
    visible_from: float = -inf
    gone_from: float = inf
    starts: float = inf
    """When a visual alert is on the screen; never if the seed made it, so that it leaves room for others."""

    position: int = 0
    """Its position among those of its recipient, which never changes."""

    def is_visible(self, time: float) -> bool:
        """Return whether it is counted and listed."""
        return self.visible_from <= time < self.gone_from


@attrs.define(eq=False)
class DeviceState:
    """What a device stores."""

    settings: dict[str, Json]
    """Values by key; a setting without a value is absent."""
    volume: int
    """0 to 100."""
    paired: list[str]
    """Names of the Bluetooth devices that are paired with it."""
    notifications: list[Notification]
    """Those that were sent to this device, not to its unit."""
    networks: dict[tuple[str, str], int | None]
    """Priorities of its Wi-Fi networks, by name (in quotes, as on the wire) and key management."""
    wifi_operations: dict[str, float]
    """When each assignment of networks is done, on the monotonic clock, by the id of the operation."""

    def wiped(self) -> DeviceState:
        """Return the state after a reset that leaves the device online."""
        return DeviceState({}, _FACTORY_VOLUME, [], [], self.networks, self.wifi_operations)


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
        networks={FIRST_NETWORK: None},
        wifi_operations={f"{draws.getrandbits(64):016x}": -inf},
    )


def initial_notifications(unit_id: str) -> list[Notification]:
    """Return the notifications in a unit at first."""
    return _notifications(_draws(unit_id))


def made_up_notification(kind: NotificationKind) -> Notification:
    """Return a notification that was not sent by a call."""
    document = {"type": "Link", "src": f"{VISUAL_ALERTS}textWrappingTemplate"}
    values: dict[NotificationKind, tuple[str, Json]] = {
        "DeviceNotification": ("SpokenText", {"locale": "en-US", "text": "You have a message."}),
        "PersistentVisualAlert": (
            "V0Template",
            {
                "locale": "en-US",
                "document": document,
                "datasources": {"displayText": {"primaryText": "You have a message."}},
            },
        ),
    }
    content, value = values[kind]
    variant: Json = {"type": kind, "content": {"variants": [{"type": content, "values": [value]}]}}
    return Notification(kind, {"variants": [variant]})


def add_notification(notifications: list[Notification], added: Notification) -> None:
    """Add a notification to those of a recipient."""
    added.position = notifications[-1].position + 1 if notifications else 1
    notifications.append(added)


def _notifications(draws: random.Random) -> list[Notification]:
    found: list[Notification] = []
    for kind in NOTIFICATION_KINDS:
        for _ in range(draws.randint(0, _MOST)):
            add_notification(found, made_up_notification(kind))
    return found
