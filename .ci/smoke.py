"""What an installed wheel does where nothing but its dependencies is installed: `python -I .ci/smoke.py`.

Every public name is there, a call goes over a socket and comes back as a model, and what needs an extra says which.
"""

# A script, which says what it finds.
# ruff: noqa: INP001, T201

from __future__ import annotations

import asyncio
import http.server
import importlib.metadata
import importlib.util
import json
import threading
from pathlib import Path
from typing import Any

import alexa_props
from alexa_props import AlexaForBusiness, LoginWithAmazon, SigV4, SmartProperties

EXTRAS = {"starlette": "simulator", "uvicorn": "simulator", "typer": "cli", "botocore": "aws", "pandas": "notebook"}
STATION = {"providerId": "I_HEART_RADIO", "stationId": "4802"}
DEVICE = {"Device": {"DeviceArn": "arn:aws:a4b:us-east-1:1:device/a", "DeviceName": "Lobby"}}


def check(fact: object, what: str) -> None:
    """End with what is wrong, if it is."""
    if not fact:
        raise SystemExit(f"smoke: {what}")


class Service(http.server.BaseHTTPRequestHandler):
    """Answers a token, a station and a device."""

    protocol_version = "HTTP/1.1"

    def _answer(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        """A station, for whoever has the token."""
        check(self.headers["Authorization"] == "Bearer Atza|made-up", "the call had no token")
        self._answer(STATION)

    def do_POST(self) -> None:
        """A token, or a device."""
        self.rfile.read(int(self.headers["Content-Length"]))
        token = {"access_token": "Atza|made-up", "token_type": "bearer", "expires_in": 3600}
        self._answer(token if self.path == "/token" else DEVICE)

    def log_message(self, *_: object) -> None:
        """Nothing."""


async def calls(url: str) -> None:
    """One call of each service."""
    auth = LoginWithAmazon(client_id="id", client_secret="s", refresh_token="r", token_url=f"{url}/token")  # noqa: S106
    keys = SigV4(access_key="AKIDEXAMPLE", secret_key="made-up")  # noqa: S106
    async with SmartProperties(auth=auth, base_url=url) as asp, AlexaForBusiness(auth=keys, base_url=url) as a4b:
        station = await asp.unit_settings.get_default_music_station("amzn1.alexa.unit.did.A")
        check(station == alexa_props.DefaultStation("I_HEART_RADIO", "4802"), f"not the station: {station}")
        device = await a4b.devices.get("arn:aws:a4b:us-east-1:1:device/a")
        check(device.device_name == "Lobby", f"not the device: {device}")


def told(do: Any) -> str:
    """What is said where an extra is missing."""
    try:
        do()
    except (ModuleNotFoundError, SystemExit) as error:
        return str(error)
    return "nothing"


def main() -> None:
    """All of it."""
    home = Path(alexa_props.__file__).parent
    check("site-packages" in home.parts, f"this is not the installed package: {home}")
    check((home / "py.typed").is_file(), "there is no py.typed")
    for package, extra in EXTRAS.items():
        check(importlib.util.find_spec(package) is None, f"{package} is installed without the extra {extra}")
    for name in alexa_props.__all__:
        check(getattr(alexa_props, name, None) is not None, f"there is no {name}")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        asyncio.run(calls(f"http://127.0.0.1:{server.server_port}"))
        server.shutdown()

    def simulator() -> None:
        importlib.import_module("alexa_props.simulator")

    def command() -> None:
        importlib.import_module("alexa_props.cli").main()

    check("alexa-props[simulator]" in told(simulator), f"without its extra, the simulator says {told(simulator)}")
    check("alexa-props[cli]" in told(command), f"without its extra, the command says {told(command)}")
    version = importlib.metadata.version("alexa-props")
    print(f"alexa-props {version}: {len(alexa_props.__all__)} names, two calls over a socket")


if __name__ == "__main__":
    main()
