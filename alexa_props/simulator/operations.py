"""The names of the operations that the simulator answers, and where each one lives on the wire."""

from __future__ import annotations

__all__ = ["CONSENT", "OPERATIONS", "ROUTES", "TARGETS", "TOKEN", "UNKNOWN", "covers", "require_known"]

TOKEN = "token"  # noqa: S105 - the name of an operation
CONSENT = "consent"
UNKNOWN = "unknown"

ROUTES: dict[str, tuple[str, str]] = {
    "unit_settings.get_default_music_station": (
        "GET",
        "/v2/units/{unit_id}/settings/MusicExperience.defaultStationPreferences",
    ),
    "unit_settings.set_default_music_station": (
        "PUT",
        "/v2/units/{unit_id}/settings/MusicExperience.defaultStationPreferences",
    ),
    "alerts.delete_alarms": ("DELETE", "/v1/alerts/alarms"),
    "alerts.delete_timers": ("DELETE", "/v1/alerts/timers"),
    "alerts.delete_reminders": ("DELETE", "/v1/alerts/reminders"),
    "units.list": ("GET", "/v2/units"),
    "units.get": ("GET", "/v2/units/{unit_id}"),
    "units.create": ("POST", "/v2/units"),
    "units.update": ("PUT", "/v2/units/{unit_id}"),
    "units.delete": ("DELETE", "/v2/units/{unit_id}"),
    "endpoints.list": ("GET", "/v2/endpoints"),
    "endpoints.get": ("GET", "/v2/endpoints/{endpoint_id}"),
    "endpoints.connectivity": ("GET", "/v2/endpoints/{endpoint_id}/features/connectivity"),
    "endpoints.query": ("POST", "/v2/endpointQuery"),
    "endpoint_settings.get_many": ("GET", "/v2/endpoints/{endpoint_id}/settings"),
    "endpoint_settings.get_address": ("GET", "/v2/endpoints/{endpoint_id}/settings/address"),
    "endpoint_settings.set_address": ("POST", "/v2/endpoints/{endpoint_id}/settings/address"),
    "endpoint_settings.get": ("GET", "/v2/endpoints/{endpoint_id}/settings/{key}"),
    "endpoint_settings.set": ("PUT", "/v2/endpoints/{endpoint_id}/settings/{key}"),
    "features.get_speaker": ("GET", "/v2/endpoints/{endpoint_id}/features/speaker"),
    "features.set_volume": ("POST", "/v2/endpoints/{endpoint_id}/features/speaker/setVolume"),
    "features.adjust_volume": ("POST", "/v2/endpoints/{endpoint_id}/features/speaker/adjustVolume"),
    "features.get_bluetooth": ("GET", "/v2/endpoints/{endpoint_id}/features/bluetooth"),
    "features.unpair_bluetooth": ("POST", "/v2/endpoints/{endpoint_id}/features/bluetooth/unpair"),
    "notifications.delete": ("DELETE", "/v3/notifications"),
    "notifications.delete_many": ("POST", "/v3/notifications/delete"),
}
"""Smart Properties: operation name to (method, path template). Of two templates that fit a path, the first counts."""

TARGETS: dict[str, str] = {
    "devices.get": "AlexaForBusiness.GetDevice",
    "devices.search": "AlexaForBusiness.SearchDevices",
    "devices.events": "AlexaForBusiness.ListDeviceEvents",
    "users.search": "AlexaForBusiness.SearchUsers",
}
"""Alexa for Business: operation name to `X-Amz-Target`."""

OPERATIONS = frozenset({*ROUTES, *TARGETS, TOKEN, CONSENT, UNKNOWN})


def covers(pattern: str, operation: str) -> bool:
    """Whether a pattern means an operation.

    Args:
        pattern: An operation's name, a group such as `"alerts.*"`, or `"*"` for every operation of both services.
            `"*"` leaves out Login with Amazon, which is not one of them: name its parts, `"token"` and `"consent"`.
        operation: The name of one operation.
    """
    if pattern == "*":
        return operation not in (TOKEN, CONSENT)
    if pattern.endswith(".*"):
        return operation.startswith(pattern[:-1])
    return pattern == operation


def require_known(pattern: str) -> None:
    """Refuses a pattern that means no operation at all, so that a misspelt name does not go unnoticed.

    Raises:
        TypeError: It is no string.
        ValueError: No operation has this name.
    """
    if not isinstance(pattern, str):
        raise TypeError("an operation is named by a string")
    if not any(covers(pattern, operation) for operation in OPERATIONS):
        raise ValueError(f"no operation is called {pattern!r}; there are {', '.join(sorted(OPERATIONS))}")
