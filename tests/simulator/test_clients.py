"""The clients that a simulator creates."""

from __future__ import annotations

import os
import sys

import anyio
import pytest

from alexa_props import AlexaForBusiness, LoginWithAmazon, SmartProperties
from alexa_props.errors import AuthenticationError
from alexa_props.simulator import Simulator


async def use(sim: Simulator) -> None:
    asp, a4b = sim.smart_properties(), sim.for_business()
    assert [endpoint.id async for endpoint in asp.endpoints.list(unit_id=sim.rooms[0])] == sim.endpoints_in(
        sim.rooms[0]
    )
    await asp.alerts.delete_alarms(sim.rooms[0])
    assert sim.alert_count("alarms", sim.rooms[0]) == 0
    device = await a4b.devices.get(sim.devices[0])
    assert device.device_arn == sim.devices[0]
    assert len([user async for user in a4b.users.search(page_size=5)]) == len(sim.users)


async def test_clients_in_process_and_on_a_socket() -> None:
    async with Simulator(rooms=3, seed=7) as sim:
        await use(sim)
        async with sim.serve():
            await use(sim)
        sim.reset()
        await use(sim)


async def test_clients_close_with_the_simulator() -> None:
    async with Simulator(rooms=1) as sim:
        outside = sim.smart_properties()
        await outside.units.get(sim.rooms[0])
        async with sim.serve():
            inside = sim.smart_properties()
            await inside.units.get(sim.rooms[0])
        with pytest.raises(Exception, match="closed"):
            await inside.units.get(sim.rooms[0])
        await outside.units.get(sim.rooms[0])
    with pytest.raises(Exception, match="closed"):
        await outside.units.get(sim.rooms[0])


async def test_options_replace_defaults() -> None:
    async with Simulator(rooms=1) as sim:
        wrong = LoginWithAmazon(
            client_id=sim.client_id, client_secret="guess", refresh_token=sim.refresh_token, token_url=sim.token_url
        )
        with pytest.raises(AuthenticationError):
            await sim.smart_properties(auth=wrong).units.get(sim.rooms[0])


async def test_the_environment_is_that_of_both_clients_and_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of another key")
    async with Simulator(rooms=2, seed=7) as sim, sim.serve():
        for name, value in sim.env().items():
            monkeypatch.setenv(name, value)
        async with SmartProperties.from_env() as asp, AlexaForBusiness.from_env() as a4b:
            assert (await asp.units.get(os.environ["ALEXA_PROPS_ORGANIZATION_ID"])).id == sim.organization_id
            assert (await a4b.devices.get(sim.devices[0])).device_arn == sim.devices[0]
        command = sys.executable, "-m", "alexa_props.cli"
        done = await anyio.run_process([*command, "endpoints", sim.rooms[0], "--json"])
        assert sim.endpoints_in(sim.rooms[0])[0] in done.stdout.decode()
        done = await anyio.run_process([*command, "a4b", "devices", "--json"])
        assert len(done.stdout.splitlines()) == len(sim.devices)


def test_the_environment_needs_an_address() -> None:
    sim = Simulator(rooms=1)
    with pytest.raises(RuntimeError, match=r"inside `async with sim\.serve\(\)`"):
        sim.env()
    environment = sim.env("http://simulator:8080/")
    assert environment["ALEXA_PROPS_BASE_URL"] == "http://simulator:8080"
    assert environment["ALEXA_PROPS_TOKEN_URL"] == "http://simulator:8080/auth/o2/token"
