"""What the server answers, as plain data: made here once, so that both servers answer the same bytes."""

from __future__ import annotations

import json
from typing import Any, Final

ARN: Final = "arn:aws:a4b:us-east-1:123456789012:device/0000"
UNIT: Final = "amzn1.alexa.unit.did.0000"
STATION_PATH: Final = f"/v2/units/{UNIT}/settings/MusicExperience.defaultStationPreferences"
TOKEN_PATH: Final = "/auth/o2/token"  # noqa: S105 - an address
PAGE: Final = 50
_EPOCH: Final = 1_700_000_000


def device(number: int, *, details: bool = True) -> dict[str, Any]:
    """A device as SearchDevices gives it; without `details`, what devices had in 2018."""
    basic: dict[str, Any] = {
        "DeviceArn": f"{ARN[:-4]}{number:04}",
        "DeviceSerialNumber": f"G0911B{number:010}",
        "DeviceType": "A3S5BH2HU6VAYF",
        "DeviceName": f"Room {number} bedside",
        "SoftwareVersion": "8289072516",
        "MacAddress": f"02:00:00:00:{number // 256:02X}:{number % 256:02X}",
        "RoomArn": f"arn:aws:a4b:us-east-1:123456789012:room/{number:04}",
        "RoomName": f"Room {number}",
        "DeviceStatus": "READY",
        "DeviceStatusInfo": {"DeviceStatusDetails": [], "ConnectionStatus": "ONLINE"},
    }
    if not details:
        return basic
    return basic | {
        "DeviceStatus": "WAS_OFFLINE",
        "DeviceStatusInfo": {
            "DeviceStatusDetails": [
                {"Feature": "BLUETOOTH", "Code": "DEVICE_WAS_OFFLINE"},
                {"Feature": "NETWORK_PROFILE", "Code": "DNS_FAILURE"},
            ],
            "ConnectionStatus": "OFFLINE",
            "ConnectionStatusUpdatedTime": _EPOCH + number + 0.25,
        },
        "NetworkProfileArn": f"arn:aws:a4b:us-east-1:123456789012:network-profile/{number % 7}",
        "NetworkProfileName": f"Floor {number % 7}",
        "CreatedTime": _EPOCH - 86_400 * number + 0.5,
    }


def search(page: int, pages: int, *, details: bool = True) -> bytes:
    """The answer to SearchDevices: page `page` of `pages`, 50 devices on each."""
    body: dict[str, Any] = {"Devices": [device(page * PAGE + n, details=details) for n in range(PAGE)]}
    body["TotalCount"] = pages * PAGE
    if page + 1 < pages:
        body["NextToken"] = f"page-{page + 1}"
    return json.dumps(body).encode()


def files() -> dict[str, bytes]:
    """The answers that never change, by file name."""
    shown = device(0)
    got = {name: shown[name] for name in shown if name not in ("RoomName", "NetworkProfileName", "CreatedTime")}
    got["NetworkProfileInfo"] = {"NetworkProfileArn": got.pop("NetworkProfileArn")}
    return {
        "device.json": json.dumps({"Device": got}).encode(),
        "devices.json": search(0, 1),
        "station.json": b'{"providerId": "I_HEART_RADIO", "stationId": "4802"}',
        "token.json": b'{"access_token": "Atza|made-up", "token_type": "bearer", "expires_in": 3600}',
        "throttled.json": b'{"__type": "ThrottlingException", "message": "Rate exceeded"}',
    }
