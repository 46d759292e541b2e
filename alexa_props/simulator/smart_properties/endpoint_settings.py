"""Settings of endpoints: one, several, and the postal address.

Reads are served from the service's own record and work for a device that is offline; writes need the device (inferred).
"""

from __future__ import annotations

from typing import cast

from alexa_props.simulator.context import Context
from alexa_props.simulator.device_settings import ADDRESS, LOCALES, SETTINGS, SETUP_MODE, WAKE_WORDS, violation
from alexa_props.simulator.requests import body_object, known_endpoint, page, require_reachable
from alexa_props.simulator.responses import Json, Problem, Response, allow, json_response, no_content
from alexa_props.simulator.routes import route
from alexa_props.simulator.tree import Endpoint

ALL = "/v2/endpoints/{endpointId}/settings"
ONE = "/v2/endpoints/{endpointId}/settings/{key}"

MOST_SETTINGS = 10


def _key(context: Context) -> str:
    key = context.params["key"]
    if key not in SETTINGS:
        raise Problem(404, f"No setting is called {key}.")
    return key


def _set(context: Context, endpoint: Endpoint, key: str, sent: object) -> Response:
    value = cast("Json", sent)
    problem = violation(key, value)
    if problem is not None:
        raise Problem(400, problem)
    settings = endpoint.state.settings
    if key == WAKE_WORDS:
        locales = settings.get(LOCALES)
        if locales is None:
            raise Problem(400, f"{WAKE_WORDS} depends on {LOCALES}: set that first.")
        if value == ["COMPUTER"] and locales == ["fr-FR"]:
            raise Problem(400, "The wake word COMPUTER is not available in fr-FR.")
    require_reachable(context, endpoint)
    settings[key] = value
    return no_content()


@route("endpoint_settings.get_many", "GET", ALL)
def get_settings(context: Context) -> Response:
    """Return the settings of several keys, in their order. Those without a value are omitted (inferred)."""
    endpoint = known_endpoint(context)
    lists = context.query.getlist("keys")
    keys = tuple(dict.fromkeys(lists[0].split(","))) if len(lists) == 1 else ()
    if not keys:
        raise Problem(400, "keys must be one parameter: names of settings, separated by commas.")
    for key in keys:
        if key not in SETTINGS:
            raise Problem(400, f"keys: no setting is called {key!r}.")
    settings = endpoint.settings
    return page(
        context,
        [key for key in keys if key in settings],
        lambda key: {"key": key, "value": settings[key]},
        query=(endpoint.id, keys),
        most=MOST_SETTINGS,
        member="settings",
        mark=lambda key: keys.index(key) + 1,
    )


@route("endpoint_settings.get_address", "GET", f"{ALL}/{ADDRESS}")
def get_address(context: Context) -> Response:
    """Return the postal address, wrapped as in a request that sets it (inferred): 204 if there is none."""
    address = known_endpoint(context).settings.get(ADDRESS)
    return no_content() if address is None else json_response({ADDRESS: address})


@route("endpoint_settings.set_address", "POST", f"{ALL}/{ADDRESS}")
def set_address(context: Context) -> Response:
    """Set the whole postal address. It is not known which of its lines are required, so none is."""
    endpoint = known_endpoint(context)
    return _set(context, endpoint, ADDRESS, body_object(context).get(ADDRESS))


@route("endpoint_settings.get", "GET", ONE)
def get_setting(context: Context) -> Response:
    """Return the bare value of a setting: 204 if it has none, as for units."""
    endpoint, key = known_endpoint(context), _key(context)
    settings = endpoint.settings
    return json_response(settings[key]) if key in settings else no_content()


@route("endpoint_settings.set", "PUT", ONE)
def set_setting(context: Context) -> Response:
    """Set a setting. The body is its bare value.

    Wake words need locales. A volume limit does not change the volume: what the service does is not known.
    """
    endpoint, key = known_endpoint(context), _key(context)
    if key == SETUP_MODE:
        raise Problem(405, f"{SETUP_MODE} is read-only.", None, allow(["GET"]))
    return _set(context, endpoint, key, context.json)
