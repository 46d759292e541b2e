"""Settings of endpoints: one, several, and the postal address.

Reads are answered from the service's own record and work for a device that is offline; writes need the device. That is
inferred: nothing is known of it.
"""

from __future__ import annotations

from typing import cast

from alexa_props.simulator.context import Exchange
from alexa_props.simulator.device_settings import ADDRESS, LOCALES, SETTINGS, SETUP_MODE, WAKE_WORDS, complaint
from alexa_props.simulator.requests import BadRequest, body_object, known_endpoint, page, unreachable
from alexa_props.simulator.responses import Answer, Json, allow, json_answer, no_content
from alexa_props.simulator.state import Endpoint

__all__ = ["get_address", "get_setting", "get_settings", "set_address", "set_setting"]

MOST_SETTINGS = 10


def _no_such(exchange: Exchange) -> Answer:
    return exchange.problem(404, f"No setting is called {exchange.key}.")


def get_setting(exchange: Exchange) -> Answer:
    """The bare value of a setting: 204 when it has none, as for units."""
    endpoint = known_endpoint(exchange)
    if isinstance(endpoint, Answer):
        return endpoint
    if exchange.key not in SETTINGS:
        return _no_such(exchange)
    settings = endpoint.settings
    return json_answer(settings[exchange.key]) if exchange.key in settings else no_content()


def _kept(exchange: Exchange, endpoint: Endpoint, key: str, sent: object) -> Answer:
    value = cast("Json", sent)
    problem = complaint(key, value)
    if problem is not None:
        raise BadRequest(problem)
    settings = endpoint.kept.settings
    if key == WAKE_WORDS:
        locales = settings.get(LOCALES)
        if locales is None:
            raise BadRequest(f"{WAKE_WORDS} depends on {LOCALES}: set that first.")
        if value == ["COMPUTER"] and locales == ["fr-FR"]:
            raise BadRequest("fr-FR does not know the wake word COMPUTER.")
    refused = unreachable(exchange, endpoint)
    if refused is not None:
        return refused
    settings[key] = value
    return no_content()


def set_setting(exchange: Exchange) -> Answer:
    """Sets a setting; the body is its bare value.

    Wake words need locales. A volume limit leaves the volume as it is: what becomes of it is not known.
    """
    endpoint = known_endpoint(exchange)
    if isinstance(endpoint, Answer):
        return endpoint
    if exchange.key not in SETTINGS:
        return _no_such(exchange)
    if exchange.key == SETUP_MODE:
        return exchange.problem(405, f"{SETUP_MODE} can only be read.", headers=(allow(["GET"]),))
    return _kept(exchange, endpoint, exchange.key, exchange.json)


def get_settings(exchange: Exchange) -> Answer:
    """The settings of several keys, in their order; those without a value are left out (inferred)."""
    endpoint = known_endpoint(exchange)
    if isinstance(endpoint, Answer):
        return endpoint
    lists = exchange.query.getlist("keys")
    keys = tuple(dict.fromkeys(lists[0].split(","))) if len(lists) == 1 else ()
    if not keys:
        raise BadRequest("keys is one parameter: names of settings with commas between them.")
    for key in keys:
        if key not in SETTINGS:
            raise BadRequest(f"keys: no setting is called {key!r}.")
    settings = endpoint.settings
    return page(
        exchange,
        query=(endpoint.id, keys),
        items=[key for key in keys if key in settings],
        most=MOST_SETTINGS,
        size=exchange.query.get("maxResults"),
        token=exchange.query.get("nextToken"),
        render=lambda key: {"key": key, "value": settings[key]},
        member="settings",
    )


def get_address(exchange: Exchange) -> Answer:
    """The postal address, wrapped as it is when it is set (inferred): 204 when there is none."""
    endpoint = known_endpoint(exchange)
    if isinstance(endpoint, Answer):
        return endpoint
    address = endpoint.settings.get(ADDRESS)
    return no_content() if address is None else json_answer({ADDRESS: address})


def set_address(exchange: Exchange) -> Answer:
    """Sets the postal address as a whole; which of its lines are required is not known, so none is."""
    endpoint = known_endpoint(exchange)
    if isinstance(endpoint, Answer):
        return endpoint
    return _kept(exchange, endpoint, ADDRESS, body_object(exchange).get(ADDRESS))
