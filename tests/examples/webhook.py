"""The web app for check-outs as a process, and a simulator on a socket whose rooms have had guests."""

from __future__ import annotations

import hmac
import json
import os
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import anyio.abc
import attrs
import httpx

from alexa_props.simulator import AlertKind, Simulator, Station

ROOT = Path(__file__).parent.parent.parent
COMMAND = [sys.executable, "-m", "uvicorn", "examples.checkout_webhook:app", "--port", "0", "--loop"]
"""The event loop is to follow: by itself uvicorn takes uvloop if it is installed."""
SECRET = "a secret of the hotel's"
KINDS: tuple[AlertKind, ...] = ("alarms", "timers", "reminders")
WANTED = {
    "System.locales": ["en-US"],
    "SpeechRecognizer.wakeWords": ["ECHO"],
    "Alexa.DoNotDisturb.doNotDisturb": False,
}


@attrs.define
class Gate:
    """Holds back the answers of a simulator with latency until it is opened; `arrived` once one is held."""

    opened: anyio.Event = attrs.field(factory=anyio.Event)
    arrived: anyio.Event = attrs.field(factory=anyio.Event)

    async def sleep(self, _: float) -> None:
        self.arrived.set()
        await self.opened.wait()


Served: TypeAlias = "tuple[Simulator, dict[str, str]]"


@asynccontextmanager
async def served(
    rooms: int = 4, devices: int = 2, tls: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[Served]:
    """A simulator in which guests have left something everywhere, and the environment of an app that uses it."""
    async with (
        Simulator(rooms=rooms, endpoints_per_room=devices, seed=5, **options) as sim,
        sim.serve(tls=tls),
    ):
        for endpoint_id in sim.endpoints:
            sim.pair_bluetooth(endpoint_id, "a guest's phone")
            sim.set_setting(endpoint_id, "Alexa.DoNotDisturb.doNotDisturb", True)
        for room in sim.rooms:
            sim.notify(room, "DeviceNotification")
        yield sim, {**sim.env(), "CHECKOUT_SECRET": SECRET}


def signed(body: bytes) -> dict[str, str]:
    return {"X-Signature": hmac.new(SECRET.encode(), body, "sha256").hexdigest()}


def check_out(http: httpx.AsyncClient, unit_id: object) -> httpx.Request:
    body = json.dumps({"unit_id": unit_id}).encode()
    return http.build_request("POST", "/check-outs", content=body, headers=signed(body))


async def post(http: httpx.AsyncClient, unit_id: object) -> httpx.Response:
    return await http.send(check_out(http, unit_id))


def state(sim: Simulator, room: str) -> dict[str, Any]:
    return {
        "station": sim.station(room),
        "notifications": sum(sim.notifications(room).values()),
        "alerts": {kind: sim.alert_count(kind, room) for kind in KINDS},
        "endpoints": {
            each: (sim.volume(each), sim.bluetooth(each), sim.settings(each)) for each in sim.endpoints_in(room)
        },
    }


def as_reset(before: dict[str, Any]) -> dict[str, Any]:
    """What `state` is of a room that was in this state, after its reset."""
    return {
        "station": Station("TUNEIN", "s16492"),
        "notifications": 0,
        "alerts": dict.fromkeys(KINDS, 0),
        "endpoints": {each: (30, (), {**was, **WANTED}) for each, (_, _, was) in before["endpoints"].items()},
    }


@attrs.define
class App:
    """The app as a process."""

    process: anyio.abc.Process
    http: httpx.AsyncClient
    log: list[bytes]

    @property
    def said(self) -> str:
        return b"".join(self.log).decode()

    async def ended(self) -> None:
        with anyio.fail_after(30):
            await self.process.wait()
        assert self.process.returncode in (0, -signal.SIGTERM), self.said

    async def resets(self, number: int) -> None:
        """Wait until so many resets are under way."""
        with anyio.fail_after(30):
            while (await self.http.get("/health")).json()["resets"] != number:  # noqa: ASYNC110 - in another process
                await anyio.sleep(0.01)


@asynccontextmanager
async def running(environment: Mapping[str, str], loop: str = "asyncio") -> AsyncIterator[App]:
    """The app under uvicorn, until SIGTERM. It has to end by itself, without a traceback, with no secret in its log."""
    log: list[bytes] = []
    listening = anyio.Event()
    # It would run at half its speed under coverage, and what it does here is measured elsewhere.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")} | dict(environment)
    async with (
        await anyio.open_process([*COMMAND, loop], cwd=ROOT, env=env, stderr=subprocess.STDOUT) as process,
        anyio.create_task_group() as tasks,
    ):

        async def drain() -> None:
            assert process.stdout is not None
            async for chunk in process.stdout:
                log.append(chunk)
                if b"Uvicorn running on" in b"".join(log):
                    listening.set()
            listening.set()

        tasks.start_soon(drain)
        try:
            with anyio.fail_after(30):
                await listening.wait()
            found = re.search(rb"Uvicorn running on (\S+)", b"".join(log))
            assert found, log
            # None is kept alive: one that uvicorn closes after 5 s may just be taken for the next request.
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
            async with httpx.AsyncClient(base_url=found[1].decode(), timeout=60, limits=limits) as http:
                app = App(process, http, log)
                yield app
            if process.returncode is None:
                process.terminate()
            await app.ended()
        finally:
            if process.returncode is None:
                process.kill()
        assert "Traceback" not in app.said, app.said
        check_secrets(app.said, environment)


def check_secrets(text: str, environment: Mapping[str, str]) -> None:
    secrets = ("ALEXA_PROPS_CLIENT_SECRET", "ALEXA_PROPS_REFRESH_TOKEN", "CHECKOUT_SECRET")
    assert not [name for name in secrets if environment[name] in text]
    assert "Atza|" not in text
