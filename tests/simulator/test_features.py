"""Features of the device itself: its speaker, its Bluetooth, and smart home features."""

from __future__ import annotations

from datetime import datetime

import httpx
import pytest

from alexa_props.simulator import Simulator
from alexa_props.smart_properties.features import Color
from tests.wire import clients


def path(endpoint_id: str, feature: str) -> str:
    return f"/v2/endpoints/{endpoint_id}/features/{feature}"


async def test_sets_and_reads_the_volume(api: httpx.AsyncClient, sim: Simulator, start: datetime) -> None:
    first, second = sim.endpoints_in(sim.rooms[0])
    before = sim.volume(first), sim.volume(second)
    body = (await api.get(path(first, "speaker"))).json()
    (volume,) = body["properties"]
    assert (body["name"], volume["name"], volume["value"]) == ("speaker", "volume", {"value": before[0]})
    assert abs((datetime.fromisoformat(volume["timeOfSample"]) - start).total_seconds()) < 0.001
    assert sim.calls[-1].operation == "features.get_speaker"
    for level in (0, 40, 100):
        response = await api.post(path(first, "speaker/setVolume"), json={"payload": {"volume": level}})
        assert (response.status_code, response.content) == (202, b"")
        assert response.headers["x-amzn-requestid"]
        assert (await api.get(path(first, "speaker"))).json()["properties"][0]["value"] == {"value": level}
    assert (sim.volume(first), sim.volume(second)) == (100, before[1])
    call = sim.calls[-2]
    assert (call.operation, call.endpoint_id, call.body) == ("features.set_volume", first, {"payload": {"volume": 100}})
    sim.reset()
    assert sim.volume(first) == before[0]


async def test_adjusts_the_volume_within_its_range(api: httpx.AsyncClient, sim: Simulator) -> None:
    endpoint = sim.endpoints[0]
    await api.post(path(endpoint, "speaker/setVolume"), json={"payload": {"volume": 50}})
    found = []
    for delta in (10, -25, 0, -100, 100, 100, -1):
        response = await api.post(path(endpoint, "speaker/adjustVolume"), json={"payload": {"volumeDelta": delta}})
        assert response.status_code == 202
        found.append(sim.volume(endpoint))
    assert found == [60, 35, 35, 0, 100, 100, 99]
    assert (sim.calls[-1].operation, sim.calls[-1].endpoint_id) == ("features.adjust_volume", endpoint)


NO_VOLUMES: list[object] = [
    None,
    [],
    {},
    {"volume": 5, "volumeDelta": 5},
    {"payload": None},
    {"payload": 5},
    {"payload": {}},
    *[{"payload": {"volume": v, "volumeDelta": v}} for v in ("5", 5.5, True, None, [5], 101, -101, 10**30)],
]


async def test_rejects_invalid_volumes(api: httpx.AsyncClient, sim: Simulator) -> None:
    for body in NO_VOLUMES:
        endpoint = sim.endpoints[0]
        before = sim.volume(endpoint)
        for operation in ("setVolume", "adjustVolume"):
            response = await api.post(path(endpoint, f"speaker/{operation}"), json=body)
            assert (response.status_code, response.json()["type"]) == (400, "BAD_REQUEST"), body
        negative = {"payload": {"volume": -1}}
        assert (await api.post(path(endpoint, "speaker/setVolume"), json=negative)).status_code == 400, body
        assert sim.volume(endpoint) == before, body


async def test_reads_and_unpairs_bluetooth(api: httpx.AsyncClient, sim: Simulator) -> None:
    first, second = sim.endpoints_in(sim.rooms[0])
    for endpoint in (first, second):
        sim.pair_bluetooth(endpoint, "Nobody's phone")
    before = sim.bluetooth(second)
    assert before[-1] == "Nobody's phone"
    body = (await api.get(path(first, "bluetooth"))).json()
    (operation,) = body["operations"]
    assert operation["name"] == "unpair"
    assert sim.calls[-1].operation == "features.get_bluetooth"
    for content in (b"", b"{}", b"nonsense"):  # a body is not needed, and the second time there is nothing to unpair
        response = await api.post(operation["path"], content=content)
        assert (response.status_code, response.content) == (202, b"")
        assert sim.bluetooth(first) == ()
    assert sim.bluetooth(second) == before
    assert (sim.calls[-1].operation, sim.calls[-1].endpoint_id) == ("features.unpair_bluetooth", first)
    assert operation["path"] == path(first, "bluetooth/unpair")
    assert (await api.get(f"{path(first, 'bluetooth')}/")).json() == body


async def test_features_need_the_device(api: httpx.AsyncClient, sim: Simulator) -> None:
    endpoint = sim.endpoints[0]
    sim.pair_bluetooth(endpoint, "Phone")
    before = sim.volume(endpoint), sim.bluetooth(endpoint)
    scripts: tuple[tuple[bool, str | None, int, str], ...] = (
        (True, None, 504, "DEVICE_UNREACHABLE"),
        (False, "DEVICE_NOT_REACHABLE", 504, "DEVICE_NOT_REACHABLE"),
        (False, "INTERNAL_SERVER_ERROR", 400, "INTERNAL_SERVER_ERROR"),
    )
    for offline, failing, status, code in scripts:
        sim.set_offline(endpoint, offline=offline)
        sim.set_failing(endpoint, code=failing)
        for response in (
            await api.get(path(endpoint, "speaker")),
            await api.post(path(endpoint, "speaker/setVolume"), json={"payload": {"volume": 1}}),
            await api.post(path(endpoint, "speaker/adjustVolume"), json={"payload": {"volumeDelta": 1}}),
            await api.get(path(endpoint, "bluetooth")),
            await api.post(path(endpoint, "bluetooth/unpair")),
        ):
            assert (response.status_code, response.json()["type"]) == (status, code)
            assert response.json().keys() == {"type", "message"}
    assert (sim.volume(endpoint), sim.bluetooth(endpoint)) == before
    sim.set_failing(endpoint, code=None)
    assert (await api.post(path(endpoint, "bluetooth/unpair"))).status_code == 202


def test_initial_volumes_and_paired_devices_vary(sim: Simulator) -> None:
    assert len({sim.volume(endpoint) for endpoint in sim.endpoints}) > 10
    assert {0 <= sim.volume(endpoint) <= 100 for endpoint in sim.endpoints} == {True}
    assert {len(sim.bluetooth(endpoint)) for endpoint in sim.endpoints} == {0, 1, 2}
    endpoint = sim.endpoints[0]
    before = sim.bluetooth(endpoint)
    with pytest.raises(ValueError, match="name"):
        sim.pair_bluetooth(endpoint, "")
    sim.pair_bluetooth(endpoint, "Phone")
    assert sim.bluetooth(endpoint) == (*before, "Phone")
    sim.reset()
    assert sim.bluetooth(endpoint) == before


# Smart home features


async def test_lights_are_set_and_read(sim: Simulator, seconds: list[float]) -> None:
    on = clients(sim)
    features, light = on.asp.features, on.endpoint
    before = await features.get_brightness(light)

    await features.turn_off(light)
    assert (await features.get_power(light)).power_state == "OFF"
    await features.turn_on(light)
    assert (await features.get_power(light)).power_state == "ON"

    levels = []
    await features.set_brightness(light, 50)
    for delta in (10, -25, -100, 100, 100):
        await features.adjust_brightness(light, delta)
        levels.append((await features.get_brightness(light)).brightness)
    assert levels == [60, 35, 0, 100, 100]

    color = Color(hue=20, saturation=0.75, brightness=0.34)
    await features.set_color(light, color)
    assert (await features.get_color(light)).color == color

    kelvins = []
    await features.set_color_temperature(light, 9_800)
    for step in (features.increase_color_temperature, features.decrease_color_temperature):
        await step(light)
        kelvins.append((await features.get_color_temperature(light)).color_temperature)
    assert kelvins == [10_000, 9_500]

    sim.delay_effect(5, "features.adjust_brightness")
    for _ in range(2):
        await features.adjust_brightness(light, -10)
    assert (await features.get_brightness(light)).brightness == 100
    seconds[0] += 5
    assert (await features.get_brightness(light)).brightness == 80
    sim.reset()
    assert (await features.get_brightness(light)).brightness == before.brightness


async def test_sensors_and_thermostats_are_read(sim: Simulator) -> None:
    on = clients(sim)
    measured = (await on.asp.features.get_temperature_sensor(on.endpoint)).temperature
    thermostat = await on.asp.features.get_thermostat(on.endpoint)
    for temperature in (measured, thermostat.target_setpoint):
        assert temperature is not None
        assert (temperature.scale, 18 <= temperature.value <= 25) == ("CELSIUS", True)
    assert thermostat.thermostat_mode in ("AUTO", "COOL", "HEAT", "OFF")


READS = ["power", "brightness", "color", "colorTemperature", "temperatureSensor", "thermostat"]
CHANGES: list[tuple[str, object]] = [
    ("power/turnOn", None),
    ("power/turnOff", None),
    ("brightness/setBrightness", {"payload": {"brightness": 1}}),
    ("brightness/adjustBrightness", {"payload": {"brightnessDelta": 1}}),
    ("color/setColor", {"payload": {"color": {"hue": 1, "saturation": 1, "brightness": 1}}}),
    ("colorTemperature/setColorTemperature", {"payload": {"colorTemperatureInKelvin": 500}}),
    ("colorTemperature/increaseColorTemperature", None),
    ("colorTemperature/decreaseColorTemperature", None),
]


async def test_some_devices_have_smart_home_features_and_some_are_offline(
    api: httpx.AsyncClient, sim: Simulator
) -> None:
    for room in sim.rooms:
        models = [sim.tree.endpoints[endpoint].model for endpoint in sim.endpoints_in(room)]
        assert [model == "Echo Dot (5th Gen)" for model in models] == [True, False]
    light, other = sim.endpoints_in(sim.rooms[0])
    sim.set_offline(light, other)
    for endpoint, status, code in ((light, 504, "DEVICE_UNREACHABLE"), (other, 404, "NOT_FOUND")):
        responses = [await api.get(path(endpoint, feature)) for feature in READS]
        responses += [await api.post(path(endpoint, feature), json=body) for feature, body in CHANGES]
        assert {(response.status_code, response.json()["type"]) for response in responses} == {(status, code)}


NO_LIGHTS: list[tuple[str, object]] = [
    *[("brightness/setBrightness", {"brightness": value}) for value in (-1, 101, 5.5, "5", True, None)],
    *[("brightness/adjustBrightness", {"brightnessDelta": value}) for value in (-101, 101, 5.5, None)],
    *[("colorTemperature/setColorTemperature", {"colorTemperatureInKelvin": value}) for value in (0, 10_001, 5.5)],
    ("color/setColor", {"color": [1, 1, 1]}),
    ("color/setColor", {"color": {"hue": 1, "saturation": 1}}),
    ("color/setColor", {"color": {"hue": 361, "saturation": 1, "brightness": 1}}),
    ("color/setColor", {"color": {"hue": 1, "saturation": "1", "brightness": 1}}),
]


async def test_rejects_invalid_lights(api: httpx.AsyncClient, sim: Simulator) -> None:
    for feature, payload in NO_LIGHTS:
        response = await api.post(path(sim.endpoints[0], feature), json={"payload": payload})
        assert (response.status_code, response.json()["type"]) == (400, "BAD_REQUEST"), (feature, payload)
