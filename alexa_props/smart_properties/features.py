"""Features of an endpoint: how loud its speaker is, and its Bluetooth. For its connectivity see `endpoints`.

Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/endpoint-features-api.html
"""

from __future__ import annotations

from typing import Any, Final

from alexa_props.client import Client
from alexa_props.errors import ConfigurationError
from alexa_props.operation import Operation, Param
from alexa_props.smart_properties.endpoints import Feature
from alexa_props.smart_properties.ids import EndpointId

__all__ = ["OPERATIONS", "Feature", "Features"]


def _operation(name: str, method: str, rest: str, *params: Param, **more: Any) -> Operation:
    return Operation(
        name=f"features.{name}",
        method=method,
        path=f"/v2/endpoints/{{endpoint_id}}/features/{rest}",
        params=(Param("endpoint_id", None, "path"), *params),
        subject="endpoint_id",
        source="https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/endpoint-features-api.html",
        **more,
    )


_BODY: Final = Param("body", None, "body")

GET_SPEAKER: Final = _operation("get_speaker", "GET", "speaker", answer=Feature)
SET_VOLUME: Final = _operation("set_volume", "POST", "speaker/setVolume", _BODY)
ADJUST_VOLUME: Final = _operation("adjust_volume", "POST", "speaker/adjustVolume", _BODY, idempotent=False)
GET_BLUETOOTH: Final = _operation("get_bluetooth", "GET", "bluetooth", answer=Feature)
UNPAIR_BLUETOOTH: Final = _operation("unpair_bluetooth", "POST", "bluetooth/unpair")
OPERATIONS: Final = (GET_SPEAKER, SET_VOLUME, ADJUST_VOLUME, GET_BLUETOOTH, UNPAIR_BLUETOOTH)


class Features:
    """`client.features`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def get_speaker(self, endpoint_id: EndpointId) -> Feature:
        """The speaker of an endpoint: `.volume` is how loud it is.

        That it reports a property of the name "volume" is inferred: no page shows what it reports.

        Args:
            endpoint_id: the endpoint.

        Raises:
            ConfigurationError: `endpoint_id` cannot be an id.
            DeviceUnreachable: 504, and the service says that it is for the device (inferred from deletions of alerts).
            AlexaError: see `alexa_props.errors` for what any call may raise.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/endpoint-features-api.html

        """
        feature: Feature = await self._client.call(GET_SPEAKER, {"endpoint_id": endpoint_id})
        return feature

    async def set_volume(self, endpoint_id: EndpointId, volume: int) -> None:
        """Set how loud an endpoint is. Setting it twice is the same as once, so it is retried.

        Args:
            endpoint_id: the endpoint.
            volume: 0 to 100.

        Raises:
            ConfigurationError: `endpoint_id` cannot be an id, or `volume` is out of range.
            DeviceUnreachable: 504, and the service says that it is for the device (inferred from deletions of alerts).
            AlexaError: see `alexa_props.errors` for what any call may raise.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/endpoint-features-api.html

        """
        payload = {"volume": _require_whole("volume", volume, 0, 100)}
        await self._client.call(SET_VOLUME, {"endpoint_id": endpoint_id, "body": {"payload": payload}})

    async def adjust_volume(self, endpoint_id: EndpointId, delta: int) -> None:
        """Make an endpoint louder or softer; the result stays within 0 and 100.

        Doing it twice is not the same as once: it is repeated only if nothing was sent.

        Args:
            endpoint_id: the endpoint.
            delta: by how much, -100 to 100.

        Raises:
            ConfigurationError: `endpoint_id` cannot be an id, or `delta` is out of range.
            DeviceUnreachable: 504, and the service says that it is for the device (inferred from deletions of alerts).
            AlexaError: see `alexa_props.errors` for what any call may raise.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/endpoint-features-api.html

        """
        payload = {"volumeDelta": _require_whole("delta", delta, -100, 100)}
        await self._client.call(ADJUST_VOLUME, {"endpoint_id": endpoint_id, "body": {"payload": payload}})

    async def get_bluetooth(self, endpoint_id: EndpointId) -> Feature:
        """Bluetooth of an endpoint: what can be done to it. It does not say which devices are paired.

        Args:
            endpoint_id: the endpoint.

        Raises:
            ConfigurationError: `endpoint_id` cannot be an id.
            DeviceUnreachable: 504, and the service says that it is for the device (inferred from deletions of alerts).
            AlexaError: see `alexa_props.errors` for what any call may raise.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/endpoint-features-api.html

        """
        feature: Feature = await self._client.call(GET_BLUETOOTH, {"endpoint_id": endpoint_id})
        return feature

    async def unpair_bluetooth(self, endpoint_id: EndpointId) -> None:
        """Unpair every Bluetooth device from an endpoint. Doing it twice is the same as once, so it is retried.

        Args:
            endpoint_id: the endpoint.

        Raises:
            ConfigurationError: `endpoint_id` cannot be an id.
            DeviceUnreachable: 504, and the service says that it is for the device (inferred from deletions of alerts).
            AlexaError: see `alexa_props.errors` for what any call may raise.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/endpoint-features-api.html

        """
        await self._client.call(UNPAIR_BLUETOOTH, {"endpoint_id": endpoint_id})


def _require_whole(argument: str, value: object, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ConfigurationError(f"{argument} must be a whole number from {low} to {high}, not {value!r:.80}")
    return value
