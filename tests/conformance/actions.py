"""Every public method once, and the clients on which it is called: on the simulator, and on canned bytes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import httpx
import pytest

from alexa_props import AlexaForBusiness, DefaultStation, RetryPolicy, SmartProperties, errors
from alexa_props.simulator import Simulator
from alexa_props.smart_properties.endpoint_settings import Address, Setting

STATION = DefaultStation("I_HEART_RADIO", "4802")
ONCE = RetryPolicy(max_attempts=1, max_retry_after=0)
"""With it, a refusal that asks to wait ends a call too."""


@attrs.frozen
class Clients:
    asp: SmartProperties
    a4b: AlexaForBusiness
    room: str
    endpoint: str
    device: str
    organization: str
    spare: list[str] = attrs.field(factory=list)
    """Units without others below them, to be deleted."""


Action = Callable[[Clients], Awaitable[Any]]

ASP: dict[str, Action] = {
    "unit_settings.get_default_music_station": lambda c: c.asp.unit_settings.get_default_music_station(c.room),
    "unit_settings.set_default_music_station": lambda c: c.asp.unit_settings.set_default_music_station(c.room, STATION),
    "alerts.delete_alarms": lambda c: c.asp.alerts.delete_alarms(c.room),
    "alerts.delete_timers": lambda c: c.asp.alerts.delete_timers(c.room),
    "alerts.delete_reminders": lambda c: c.asp.alerts.delete_reminders(c.room),
    "units.list": lambda c: c.asp.units.list(c.organization),
    "units.get": lambda c: c.asp.units.get(c.room),
    "endpoints.list": lambda c: c.asp.endpoints.list(unit_id=c.room),
    "endpoints.get": lambda c: c.asp.endpoints.get(c.endpoint),
    "endpoints.connectivity": lambda c: c.asp.endpoints.connectivity(c.endpoint),
    "units.create": lambda c: c.asp.units.create(c.organization, "New"),
    "units.update": lambda c: c.asp.units.update(c.room, "Other"),
    "units.delete": lambda c: c.asp.units.delete(c.spare.pop()),
    "endpoint_settings.get": lambda c: c.asp.endpoint_settings.get(c.endpoint, Setting.LOCALES),
    "endpoint_settings.set": lambda c: c.asp.endpoint_settings.set(c.endpoint, Setting.DO_NOT_DISTURB, False),
    "endpoint_settings.get_many": lambda c: c.asp.endpoint_settings.get_many(c.endpoint, [Setting.LOCALES]),
    "endpoint_settings.get_address": lambda c: c.asp.endpoint_settings.get_address(c.endpoint),
    "endpoint_settings.set_address": lambda c: c.asp.endpoint_settings.set_address(c.endpoint, Address(city="Ulm")),
    "features.get_speaker": lambda c: c.asp.features.get_speaker(c.endpoint),
    "features.set_volume": lambda c: c.asp.features.set_volume(c.endpoint, 40),
    "features.adjust_volume": lambda c: c.asp.features.adjust_volume(c.endpoint, -5),
    "features.get_bluetooth": lambda c: c.asp.features.get_bluetooth(c.endpoint),
    "features.unpair_bluetooth": lambda c: c.asp.features.unpair_bluetooth(c.endpoint),
    "notifications.delete": lambda c: c.asp.notifications.delete(c.room),
    "notifications.delete_many": lambda c: c.asp.notifications.delete_many([c.room]),
}
A4B: dict[str, Action] = {
    "devices.get": lambda c: c.a4b.devices.get(c.device),
    "devices.search": lambda c: c.a4b.devices.search(),
    "devices.events": lambda c: c.a4b.devices.events(c.device),
    "users.search": lambda c: c.a4b.users.search(),
}
ACTIONS = {**ASP, **A4B}
DELETIONS = [name for name in ASP if name.startswith("alerts.")]
OPERATIONS = {operation.name: operation for operation in SmartProperties.operations()}
ABOUT_A_DEVICE = [name for name in ASP if OPERATIONS[name].subject == "endpoint_id"]
ONLY_ONCE = [name for name in ASP if not OPERATIONS[name].idempotent]


def clients(sim: Simulator) -> Clients:
    return Clients(
        asp=sim.smart_properties(retry=ONCE),
        a4b=sim.for_business(retry=ONCE),
        room=sim.rooms[0],
        endpoint=sim.endpoints[0],
        device=sim.devices[0],
        organization=sim.organization_id,
        spare=sim.rooms[1:],
    )


@asynccontextmanager
async def canned(status: int, body: object, headers: dict[str, str] | None = None) -> AsyncIterator[Clients]:
    """Clients whose service always answers with these bytes."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()

    # With `ONCE`, a refusal that asks to wait ends the call.
    sent = {"X-Amzn-RequestId": "r-1", "Retry-After": "1", **(headers or {})}

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=content, headers=sent)

    auth = httpx.BasicAuth("anybody", "anything")
    async with (
        SmartProperties(auth=auth, transport=httpx.MockTransport(answer), retry=ONCE) as asp,
        AlexaForBusiness(auth=auth, transport=httpx.MockTransport(answer), retry=ONCE) as a4b,
    ):
        yield Clients(asp, a4b, "room-1", "endpoint-1", "device-1", "organization-1", ["room-2"])


async def failure_of(action: Action, on: Clients, kind: type[errors.ApiError], status: int) -> errors.ApiError:
    """The error, after checking what every error says."""
    with pytest.raises(kind) as caught:
        await action(on)
    error = caught.value
    assert type(error) is kind
    assert error.status == status
    assert error.request_id
    assert error.request_id in str(error)
    assert error.operation is not None
    assert error.operation in str(error)
    return error
