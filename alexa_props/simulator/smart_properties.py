"""Smart Properties: who may call, and what answers each operation."""

from __future__ import annotations

from alexa_props.simulator import alerts, endpoint_settings, endpoints, features, notifications, units
from alexa_props.simulator.context import Exchange, Handler
from alexa_props.simulator.requests import strict
from alexa_props.simulator.responses import BEARER, Answer

__all__ = ["HANDLERS", "authorize"]


def authorize(exchange: Exchange) -> Answer | None:
    """Checks the access token; the answer that refuses it, or None when it is good."""
    header = exchange.headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() == "bearer" and token:
        exchange.authorization = "Bearer"
    elif exchange.dialect == "alerts" and header and not token:
        # The one group of calls that also takes the token all by itself.
        exchange.authorization, token = "bare", header
    else:
        return exchange.problem(401, "The Authorization header holds no bearer token.")
    if not exchange.service.login.accepts(token.strip()):
        challenge = f'{BEARER}, error="invalid_token"'
        return exchange.problem(
            401, "The access token is invalid or expired.", headers=(("www-authenticate", challenge),)
        )
    return None


_HANDLERS: dict[str, Handler] = {
    "unit_settings.get_default_music_station": units.get_station,
    "unit_settings.set_default_music_station": units.set_station,
    "alerts.delete_alarms": alerts.delete_alarms,
    "alerts.delete_timers": alerts.delete_timers,
    "alerts.delete_reminders": alerts.delete_reminders,
    "units.list": units.list_units,
    "units.get": units.get_unit,
    "units.create": units.create_unit,
    "units.update": units.update_unit,
    "units.delete": units.delete_unit,
    "endpoints.list": endpoints.list_endpoints,
    "endpoints.get": endpoints.get_endpoint,
    "endpoints.connectivity": endpoints.get_connectivity,
    "endpoints.query": endpoints.query_endpoints,
    "endpoint_settings.get_many": endpoint_settings.get_settings,
    "endpoint_settings.get_address": endpoint_settings.get_address,
    "endpoint_settings.set_address": endpoint_settings.set_address,
    "endpoint_settings.get": endpoint_settings.get_setting,
    "endpoint_settings.set": endpoint_settings.set_setting,
    "features.get_speaker": features.get_speaker,
    "features.set_volume": features.set_volume,
    "features.adjust_volume": features.adjust_volume,
    "features.get_bluetooth": features.get_bluetooth,
    "features.unpair_bluetooth": features.unpair_bluetooth,
    "notifications.delete": notifications.delete_for_one,
    "notifications.delete_many": notifications.delete_for_many,
}

HANDLERS = {operation: strict(handler) for operation, handler in _HANDLERS.items()}
"""Operation name to what answers it."""
