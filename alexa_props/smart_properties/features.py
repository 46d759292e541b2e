"""Features of an endpoint: its speaker and its Bluetooth. For its connectivity see `endpoints`."""

from __future__ import annotations

from typing import Final

from alexa_props.client import Resource
from alexa_props.errors import ConfigurationError
from alexa_props.operation import Group
from alexa_props.smart_properties.endpoints import Feature
from alexa_props.smart_properties.ids import EndpointId

__all__ = ["OPERATIONS", "Feature", "Features"]

_FEATURES: Final = "/v2/endpoints/{endpoint_id}/features"

_api: Final = Group("features", "endpoint-features-api.html")
GET_SPEAKER: Final = _api.get("get_speaker", f"{_FEATURES}/speaker", Feature)
SET_VOLUME: Final = _api.post("set_volume", f"{_FEATURES}/speaker/setVolume", idempotent=True)
ADJUST_VOLUME: Final = _api.post(
    "adjust_volume", f"{_FEATURES}/speaker/adjustVolume", check_with="features.get_speaker"
)
GET_BLUETOOTH: Final = _api.get("get_bluetooth", f"{_FEATURES}/bluetooth", Feature)
UNPAIR_BLUETOOTH: Final = _api.post("unpair_bluetooth", f"{_FEATURES}/bluetooth/unpair", idempotent=True)
OPERATIONS: Final = _api.operations


class Features(Resource):
    """Read and change the speaker and the Bluetooth of an endpoint.

    Raises `DeviceUnreachable` for a 504 whose body says that it is about the device (inferred from deletions of
    alerts).
    """

    async def get_speaker(self, endpoint_id: EndpointId) -> Feature:
        """Return the speaker of an endpoint. Its `volume` is inferred: no page shows what a speaker reports."""
        return await self._call(GET_SPEAKER, endpoint_id=endpoint_id)

    async def set_volume(self, endpoint_id: EndpointId, volume: int) -> None:
        """Set the volume of an endpoint, 0 to 100."""
        payload = {"volume": _require_whole("volume", volume, 0, 100)}
        await self._call(SET_VOLUME, endpoint_id=endpoint_id, payload=payload)

    async def adjust_volume(self, endpoint_id: EndpointId, delta: int) -> None:
        """Change the volume of an endpoint by -100 to 100; the result stays within 0 and 100.

        Doing it twice is not the same as once: it is retried only if nothing was sent.
        """
        payload = {"volumeDelta": _require_whole("delta", delta, -100, 100)}
        await self._call(ADJUST_VOLUME, endpoint_id=endpoint_id, payload=payload)

    async def get_bluetooth(self, endpoint_id: EndpointId) -> Feature:
        """Return the Bluetooth operations of an endpoint. They do not say which devices are paired."""
        return await self._call(GET_BLUETOOTH, endpoint_id=endpoint_id)

    async def unpair_bluetooth(self, endpoint_id: EndpointId) -> None:
        """Unpair every Bluetooth device from an endpoint."""
        await self._call(UNPAIR_BLUETOOTH, endpoint_id=endpoint_id)


def _require_whole(argument: str, value: object, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ConfigurationError(f"{argument} must be a whole number from {low} to {high}, not {value!r:.80}")
    return value
