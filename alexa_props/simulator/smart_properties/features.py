"""Features of endpoints that need the device itself: its speaker and its Bluetooth."""

from __future__ import annotations

from alexa_props.simulator.checks import whole
from alexa_props.simulator.context import Context
from alexa_props.simulator.device_state import DeviceState
from alexa_props.simulator.requests import body_object, feature_property, known_endpoint, require_reachable
from alexa_props.simulator.responses import Problem, Response, accepted, json_response
from alexa_props.simulator.routes import route

SPEAKER = "/v2/endpoints/{endpointId}/features/speaker"
BLUETOOTH = "/v2/endpoints/{endpointId}/features/bluetooth"

LOUDEST = 100


def _device(context: Context) -> DeviceState:
    """Return the state of a device that can respond."""
    endpoint = known_endpoint(context)
    require_reachable(context, endpoint)
    return endpoint.state


def _payload(context: Context, member: str, least: int) -> int:
    payload = body_object(context).get("payload")
    if not isinstance(payload, dict):
        raise Problem(400, "payload is required, and must be an object.")
    try:
        return whole(member, payload.get(member), least, LOUDEST)
    except (TypeError, ValueError) as error:
        raise Problem(400, f"{error}.") from None


@route("features.get_speaker", "GET", SPEAKER)
def get_speaker(context: Context) -> Response:
    """Return the volume. Inferred: its name and form, which are those of connectivity."""
    volume = feature_property(context.service, "volume", _device(context).volume)
    return json_response({"name": "speaker", "properties": [volume]})


@route("features.set_volume", "POST", f"{SPEAKER}/setVolume")
def set_volume(context: Context) -> Response:
    """Set the volume. It is not known whether the volume limit applies, so it does not."""
    volume = _payload(context, "volume", 0)
    _device(context).volume = volume
    return accepted()


@route("features.adjust_volume", "POST", f"{SPEAKER}/adjustVolume")
def adjust_volume(context: Context) -> Response:
    """Turn the volume up or down, within its range."""
    delta = _payload(context, "volumeDelta", -LOUDEST)
    device = _device(context)
    device.volume = min(max(device.volume + delta, 0), LOUDEST)
    return accepted()


@route("features.get_bluetooth", "GET", BLUETOOTH)
def get_bluetooth(context: Context) -> Response:
    """Return the operations of Bluetooth. The service does not report what is paired."""
    _device(context)
    path = f"{context.path.rstrip('/')}/unpair"
    return json_response({"operations": [{"name": "unpair", "path": path}]})


@route("features.unpair_bluetooth", "POST", f"{BLUETOOTH}/unpair")
def unpair_bluetooth(context: Context) -> Response:
    """Unpair every Bluetooth device. The body is ignored."""
    _device(context).paired.clear()
    return accepted()
