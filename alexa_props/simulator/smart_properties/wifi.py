"""Wi-Fi: networks that the account saves, and those of endpoints. Passwords are neither stored nor recorded."""

from __future__ import annotations

import functools
import random
from typing import Any

from alexa_props.simulator.context import Context
from alexa_props.simulator.device_state import FIRST_NETWORK, DeviceState
from alexa_props.simulator.requests import body_object, known_endpoint, require_reachable
from alexa_props.simulator.responses import Json, Problem, Response, accepted, json_response
from alexa_props.simulator.routes import route
from alexa_props.simulator.service import Service
from alexa_props.simulator.smart_properties.certificate_authorities import AUTHORITIES
from alexa_props.simulator.store import Key
from alexa_props.simulator.tree import Endpoint
from alexa_props.simulator.world import World

CONNECTIVITY = "/v2/endpoints/{endpointId}/features/connectivity"
ASSIGN = f"{CONNECTIVITY}/addOrUpdateWifiConfigurations"

MOST_NETWORKS = 32

_Network = tuple[str, str]
"""Name, in quotes as on the wire, and key management."""


def _first_network(_: World) -> set[_Network]:
    return {FIRST_NETWORK}


SAVED: Key[set[_Network]] = Key("wifi.saved", _first_network)


def _is_quoted(text: object) -> bool:
    return isinstance(text, str) and len(text) > 2 and text[0] == text[-1] == '"'  # noqa: PLR2004 - the quotes


def _configurations(body: object) -> list[dict[str, Any]]:
    found = body.get("wifiConfigurations") if isinstance(body, dict) else None
    if not isinstance(found, list) or not found or not all(isinstance(each, dict) for each in found):
        raise Problem(400, "wifiConfigurations is required, and must be a list of objects.")
    return found


def _network(configuration: dict[str, Any], *, bare_name: bool = False) -> _Network:
    name, management = configuration.get("ssid"), configuration.get("keyManagement")
    if bare_name and isinstance(name, str) and name and not _is_quoted(name):
        name = f'"{name}"'
    if not _is_quoted(name):
        raise Problem(400, "ssid is required, and must be a name in literal quotes.")
    if not isinstance(management, str) or not management:
        raise Problem(400, "keyManagement is required, and must be a string.")
    return str(name), management


def _require_credentials(context: Context, configuration: dict[str, Any]) -> None:
    """Check what devices need to join a network. Inferred: the samples have it for these two kinds.

    Also inferred: the certificate authority must exist.
    """
    credentials = configuration.get("credentialConfiguration", {})
    if not isinstance(credentials, dict):
        raise Problem(400, "credentialConfiguration must be an object.")
    management, authority = configuration["keyManagement"], credentials.get("certificateAuthority")
    if management == "WPAPSK" and not _is_quoted(credentials.get("privateSharedKey")):
        raise Problem(400, "privateSharedKey is required for WPAPSK, and must be in literal quotes.")
    if management == "WPA2_EAP":
        authority_id = authority.get("id") if isinstance(authority, dict) else None
        if not isinstance(authority_id, str):
            raise Problem(400, "certificateAuthority is required for WPA2_EAP, and must have an id.")
        if authority_id not in AUTHORITIES.items(context):
            raise Problem(404, "There is no such certificate authority.")


def _priority(configuration: dict[str, Any]) -> int | None:
    priority = configuration.get("priority")
    if priority is not None and (isinstance(priority, bool) or not isinstance(priority, int)):
        raise Problem(400, "priority must be a whole number.")
    return priority


@route("wifi.save", "POST", "/credentiallocker/v2/saveWifiConfigurations", hidden="credentialConfiguration")
def save(context: Context) -> Response:
    """Save networks in the account."""
    configurations = _configurations(context.json)
    networks = [_network(each) for each in configurations]
    for each in configurations:
        _require_credentials(context, each)
    context.service.store[SAVED].update(networks)
    return accepted()


@route("wifi.assign", "POST", ASSIGN)
def assign(context: Context) -> Response:
    """Add saved networks to an endpoint, or update them, and return the id of the operation."""
    endpoint = known_endpoint(context)
    configurations = _configurations(body_object(context).get("payload"))
    priorities = {_network(each): _priority(each) for each in configurations}
    saved = context.service.store[SAVED]
    for name, management in sorted(priorities.keys() - saved):
        raise Problem(400, f"No network {name} with key management {management} is saved.")
    state = endpoint.state
    if len(state.networks.keys() | priorities.keys()) > MOST_NETWORKS:
        raise Problem(400, f"An endpoint has at most {MOST_NETWORKS} networks.")
    require_reachable(context, endpoint)
    context.service.tree.schedule(context.effective_from, functools.partial(state.networks.update, priorities))
    return json_response({"submittedOperationId": _submit(endpoint, state, context.effective_from)}, 202)


def _submit(endpoint: Endpoint, state: DeviceState, done: float) -> str:
    rng = random.Random(f"{endpoint.serial_number}/{len(state.wifi_operations)}")  # noqa: S311 - must be repeatable
    operation_id = f"{rng.getrandbits(64):016x}"
    state.wifi_operations[operation_id] = done
    return operation_id


@route("wifi.get_status", "GET", f"{ASSIGN}/submittedOperations/{{operationId}}")
def get_status(context: Context) -> Response:
    """Return whether an assignment is done. Its values are made up: those of the service are not known."""
    operation_id = context.params["operationId"]
    done = known_endpoint(context).state.wifi_operations.get(operation_id)
    if done is None:
        raise Problem(404, "There is no such operation on this endpoint.")
    status = "IN_PROGRESS" if context.time < done else "SUCCEEDED"
    return json_response({"submittedOperationId": operation_id, "status": status})


@route("wifi.list", "GET", f"{CONNECTIVITY}/wifiConfigurations")
def list_networks(context: Context) -> Response:
    """Return the networks of an endpoint. Inferred: their form, which is that of requests."""

    def render(network: _Network, priority: int | None) -> Json:
        shown = {"ssid": network[0], "keyManagement": network[1]}
        return shown if priority is None else {**shown, "priority": priority}

    networks = known_endpoint(context).state.networks
    return json_response({"wifiConfigurations": [render(*each) for each in networks.items()]})


@route("wifi.forget", "POST", f"{CONNECTIVITY}/forgetWifiConfigurations")
def forget(context: Context) -> Response:
    """Remove networks from an endpoint; those that it does not have are ignored.

    Amazon's command-line tool sends names without quotes here, so both forms are accepted. Inferred: a device without
    networks is offline.
    """
    endpoint = known_endpoint(context)
    configurations = _configurations(body_object(context).get("payload"))
    networks = [_network(each, bare_name=True) for each in configurations]
    require_reachable(context, endpoint)
    effect = functools.partial(_remove, context.service, endpoint, networks)
    context.service.tree.schedule(context.effective_from, effect)
    return accepted()


def _remove(service: Service, endpoint: Endpoint, networks: list[_Network]) -> None:
    kept = endpoint.state.networks
    for each in networks:
        kept.pop(each, None)
    if not kept and service.tree.endpoints.get(endpoint.id) is endpoint:
        service.offline_endpoints.add(endpoint.id)
