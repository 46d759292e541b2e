"""Features of endpoints that need the device itself: its speaker and its Bluetooth."""

from __future__ import annotations

from collections.abc import Callable

from alexa_props.simulator.checks import whole
from alexa_props.simulator.context import Exchange
from alexa_props.simulator.device_state import Kept
from alexa_props.simulator.requests import BadRequest, body_object, feature_property, known_endpoint, unreachable
from alexa_props.simulator.responses import Answer, accepted, json_answer

__all__ = ["adjust_volume", "get_bluetooth", "get_speaker", "set_volume", "unpair_bluetooth"]

LOUDEST = 100


def _on_device(exchange: Exchange, act: Callable[[Kept], Answer]) -> Answer:
    """What a device answers, or why it cannot be asked."""
    endpoint = known_endpoint(exchange)
    if isinstance(endpoint, Answer):
        return endpoint
    return unreachable(exchange, endpoint) or act(endpoint.kept)


def _payload(exchange: Exchange, member: str, least: int) -> int:
    payload = body_object(exchange).get("payload")
    if not isinstance(payload, dict):
        raise BadRequest("payload is an object, and it is required.")
    try:
        return whole(member, payload.get(member), least, LOUDEST)
    except (TypeError, ValueError) as error:
        raise BadRequest(f"{error}.") from None


def get_speaker(exchange: Exchange) -> Answer:
    """The volume, as a property in the form of connectivity's: the name and the form are inferred."""

    def answer(kept: Kept) -> Answer:
        volume = feature_property(exchange.service, "volume", kept.volume)
        return json_answer({"name": "speaker", "properties": [volume]})

    return _on_device(exchange, answer)


def set_volume(exchange: Exchange) -> Answer:
    """Sets the volume; whether the volume limit lowers it is not known, so it does not."""
    volume = _payload(exchange, "volume", 0)

    def act(kept: Kept) -> Answer:
        kept.volume = volume
        return accepted()

    return _on_device(exchange, act)


def adjust_volume(exchange: Exchange) -> Answer:
    """Turns the volume up or down, as far as it goes."""
    delta = _payload(exchange, "volumeDelta", -LOUDEST)

    def act(kept: Kept) -> Answer:
        kept.volume = min(max(kept.volume + delta, 0), LOUDEST)
        return accepted()

    return _on_device(exchange, act)


def get_bluetooth(exchange: Exchange) -> Answer:
    """What can be done about Bluetooth; the service does not say what is paired."""
    path = f"{exchange.path.rstrip('/')}/unpair"
    return _on_device(exchange, lambda _: json_answer({"operations": [{"name": "unpair", "path": path}]}))


def unpair_bluetooth(exchange: Exchange) -> Answer:
    """Unpairs every Bluetooth device; a body is not looked at."""

    def act(kept: Kept) -> Answer:
        kept.paired.clear()
        return accepted()

    return _on_device(exchange, act)
