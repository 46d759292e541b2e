"""The simulator as a whole: what the seed makes, how it is served, and how it ends."""

from __future__ import annotations

import asyncio
import gc
import signal
import ssl
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import trustme

from alexa_props import DefaultStation, RetryPolicy
from alexa_props.errors import TransportError
from alexa_props.simulator import ROUTES, TARGETS, Simulator
from alexa_props.simulator.inventory import Inventory
from alexa_props.simulator.tree import Tree


def shape(tree: Tree) -> object:
    units = [(unit.id, unit.name, unit.parent_id, unit.level, unit.station) for unit in tree.units.values()]
    endpoints = [
        (each.id, each.name, each.model, each.serial_number, each.mac_address, each.unit_id, dict(each.alerts))
        for each in tree.endpoints.values()
    ]
    return units, endpoints


def stockpile(inventory: Inventory) -> object:
    devices = [
        (
            each.arn,
            each.serial_number,
            each.name,
            each.room,
            each.status,
            each.details,
            each.online,
            len(each.history()),
        )
        for each in inventory.devices.values()
    ]
    return devices, inventory.users


def test_same_seed_gives_the_same_state() -> None:
    one, two, other = Simulator(seed=3), Simulator(seed=3), Simulator(seed=4)
    assert shape(one.tree) == shape(two.tree) != shape(other.tree)
    assert stockpile(one.inventory) == stockpile(two.inventory) != stockpile(other.inventory)
    for name in ("client_id", "client_secret", "refresh_token", "aws_access_key_id", "aws_secret_access_key"):
        assert getattr(one, name) == getattr(two, name) != getattr(other, name)
    assert one.next_request_id() == two.next_request_id()


def test_same_time_gives_the_same_events(sim: Simulator) -> None:
    twin = Simulator(rooms=45, endpoints_per_room=2, seed=7, properties=2, unassigned_endpoints=3, now=sim.now)
    for arn in sim.devices:
        ours, theirs = sim.inventory.devices[arn].history(), twin.inventory.devices[arn].history()
        assert [event.value for event in ours] == [event.value for event in theirs]
        assert all(abs(a.timestamp - b.timestamp) < 1 for a, b in zip(ours, theirs, strict=True))


def test_devices_do_not_depend_on_changes_before_their_first_use(sim: Simulator) -> None:
    twin = Simulator(rooms=45, endpoints_per_room=2, seed=7, properties=2, unassigned_endpoints=3, now=sim.now)
    sim.tree.units[sim.rooms[0]].name = "Renamed"
    sim.tree.delete_unit(sim.tree.rooms[1])
    assert [each.name for each in sim.inventory.fleet] == [each.name for each in twin.inventory.fleet]


def test_makes_as_many_as_asked_for() -> None:
    sim = Simulator(rooms=200, endpoints_per_room=2, seed=7)
    assert (len(sim.rooms), len(sim.endpoints), len(sim.devices)) == (200, 400, 400)
    assert len(sim.units) == 1 + 1 + 10 + 200
    assert all(len(sim.endpoints_in(room)) == 2 for room in sim.rooms)
    names = [sim.tree.units[room].name for room in sim.rooms]
    assert (names[0], names[20], names[-1], len(set(names))) == ("Room 101", "Room 201", "Room 1020", 200)
    ids = [*sim.units, *sim.endpoints, *sim.devices, *sim.users]
    assert len(set(ids)) == len(ids)
    assert sim.organization_id == sim.units[0]
    assert all(unit.startswith("amzn1.alexa.unit.did.") for unit in sim.units)
    assert all(each.startswith("amzn1.alexa.endpoint.did.") for each in sim.endpoints)
    assert all(arn.startswith("arn:aws:a4b:us-east-1:123456789012:device/") for arn in sim.devices)


def test_reset_restores_state_and_removes_scripts(sim: Simulator) -> None:
    fresh = shape(sim.tree)
    sim.set_alerts("alarms", sim.endpoints[0], 0)
    sim.set_station(sim.rooms[0], None)
    sim.set_offline(sim.endpoints[0], sim.devices[0])
    sim.set_failing(sim.endpoints[0])
    sim.set_forbidden(sim.rooms[0])
    sim.quota("*", 0, 1)
    sim.latency(9)
    sim.delay_effect(9)
    sim.fail("*", "drop_before", times=None)
    assert shape(sim.tree) != fresh
    sim.reset()
    assert shape(sim.tree) == fresh
    assert sim.inventory.devices[sim.devices[0]].online
    assert (sim.offline_endpoints, sim.failing_endpoints, sim.forbidden_units) == (set(), {}, set())
    assert (sim.latency_of("units.list"), sim.effect_delay_of("units.list")) == (0, 0)
    assert [sim.quotas.refusal("units.list", 0) for _ in range(3)] == [None] * 3
    assert sim.faults.all() == []


async def test_call_in_flight_at_a_reset_changes_nothing() -> None:
    arrived, opened = anyio.Event(), anyio.Event()

    async def sleep(_: float) -> None:
        arrived.set()
        await opened.wait()

    sim = Simulator(rooms=1, sleep=sleep)
    room = sim.rooms[0]
    sim.set_station(room, None)
    sim.latency(1)
    async with sim.smart_properties().with_options(retry=RetryPolicy(max_attempts=1)) as asp:

        async def late() -> None:
            with pytest.raises(TransportError):
                await asp.unit_settings.set_default_music_station(room, DefaultStation("I_HEART_RADIO", "4802"))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(late)
            await arrived.wait()
            sim.reset()
            fresh = shape(sim.tree)
            opened.set()
    assert shape(sim.tree) == fresh
    assert sim.calls == []


def test_routes_and_targets_are_public() -> None:
    assert ROUTES["alerts.delete_alarms"] == ("DELETE", "/v1/alerts/alarms")
    assert TARGETS["devices.events"] == "AlexaForBusiness.ListDeviceEvents"


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_runs_in_process_on_trio(anyio_backend: str) -> None:
    sim = Simulator(rooms=1)
    sim.latency(0.001, "*")
    sim.fail("unknown", "slow", delay=0.001)
    sim.fail("unknown", "drop_before", after=1)
    async with httpx.AsyncClient(transport=sim.transport(), base_url=sim.base_url) as client:
        assert (await client.get("/nowhere")).status_code == 404
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/nowhere")
        with pytest.raises(RuntimeError, match="asyncio"):
            async with sim.serve():
                pass


def others() -> set[asyncio.Task[object]]:
    return asyncio.all_tasks() - {asyncio.current_task()}


async def test_serving_again_and_again_leaves_nothing_behind(sim: Simulator) -> None:
    before, handlers = others(), [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    inside = sim.base_url
    for _ in range(5):
        async with sim.serve() as base_url:
            assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
            assert others() == before
            assert (sim.base_url, sim.token_url) == (base_url, f"{base_url}/auth/o2/token")
            async with httpx.AsyncClient(base_url=base_url) as client:
                responses = [await client.get("/_simulator/faults") for _ in range(3)]
            assert {response.status_code for response in responses} == {200}
        assert sim.base_url == inside
        with pytest.raises(httpx.ConnectError):
            async with httpx.AsyncClient(base_url=base_url) as client:
                await client.get("/_simulator/faults")
    assert others() == before
    gc.collect()


async def test_serving_ends_with_connections_open_and_calls_in_flight(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    arrived = anyio.Semaphore(0)

    async def never(_: float) -> None:
        arrived.release()
        await anyio.sleep_forever()

    sim = Simulator(rooms=1, sleep=never)
    sim.latency(60, "unknown")
    before = others()
    failures: list[BaseException] = []

    async def call(client: httpx.AsyncClient) -> None:
        try:
            await client.get("/nowhere")
        except httpx.TransportError as error:
            failures.append(error)

    async with httpx.AsyncClient() as client, anyio.create_task_group() as tasks, sim.serve() as base_url:
        client.base_url = httpx.URL(base_url)
        await client.get("/_simulator/faults")
        for _ in range(3):
            tasks.start_soon(call, client)
        for _ in range(3):
            await arrived.acquire()
    assert len(failures) == 3
    assert others() == before
    assert [call.status for call in sim.calls] == [None] * 3
    assert not [record for record in caplog.records if record.name.startswith(("alexa_props", "uvicorn"))]


async def test_exception_in_the_block_is_raised_unchanged(sim: Simulator) -> None:
    async def block() -> None:
        async with sim, sim.serve() as base_url, httpx.AsyncClient(base_url=base_url) as client:
            await client.get("/_simulator/faults")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await block()
    assert sim.base_url == "http://127.0.0.1"


async def test_serving_ends_on_cancellation(sim: Simulator) -> None:
    before = others()
    with anyio.move_on_after(0.01) as scope:
        async with sim.serve():
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert others() == before


async def test_lost_connections_are_silent(sim: Simulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    async with sim.serve() as base_url, httpx.AsyncClient(base_url=base_url) as client:
        for kind in ("drop_before", "drop_after", "cut_body"):
            sim.fail("unknown", kind)
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get("/nowhere")
        response = await client.get("/nowhere")
    assert response.status_code == 404
    assert not [record for record in caplog.records if record.name.startswith(("alexa_props", "uvicorn"))]


async def test_serves_on_two_ports(sim: Simulator) -> None:
    async with sim.serve() as one, sim.serve() as two:
        assert one != two
        assert sim.base_url == two
        async with httpx.AsyncClient() as client:
            for base_url in (one, two):
                assert (await client.get(f"{base_url}/_simulator/faults")).status_code == 200


async def test_serves_on_a_given_port(sim: Simulator) -> None:
    async with sim.serve() as base_url:
        port = int(base_url.rsplit(":", 1)[1])
        with pytest.raises(OSError, match="address already in use"):
            async with sim.serve(port=port):
                pass
    async with sim.serve(port=port) as base_url:
        assert base_url == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(("host", "address"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]")])
async def test_base_url_is_loopback_when_listening_on_all_interfaces(sim: Simulator, host: str, address: str) -> None:
    async with sim.serve(host=host) as base_url:
        assert base_url.startswith(f"http://{address}:")
        assert (await sim.smart_properties().units.get(sim.rooms[0])).id == sim.rooms[0]


async def test_serves_https(sim: Simulator, tmp_path: Path) -> None:
    authority = trustme.CA()
    server, client_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client_side)
    async with sim.serve(tls=server) as base_url:
        assert base_url.startswith("https://127.0.0.1:")
        async with httpx.AsyncClient(base_url=base_url, verify=client_side) as client:
            assert (await client.get("/_simulator/faults")).json() == []
            sim.fail("unknown", "drop_before")
            with pytest.raises(httpx.TransportError):
                await client.get("/nowhere")


async def test_handles_100_concurrent_calls(sim: Simulator) -> None:
    async with sim.serve() as base_url, httpx.AsyncClient(base_url=base_url) as client:

        async def call() -> None:
            assert (await client.get("/nowhere")).status_code == 404

        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(call)
    assert sim.count("unknown", 404) == 100


async def test_application_without_our_server(sim: Simulator) -> None:
    """Clients that leave before their body is there, and a server that announces its start and end."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    for path, method in (("/", "POST"), ("/v2/units", "GET"), ("/nowhere", "GET")):
        scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": []}
        await sim.app(scope, gone, send)
    assert sent == []
    assert sim.calls == []
    messages = iter(("startup", "shutdown"))

    async def life() -> dict[str, Any]:
        return {"type": f"lifespan.{next(messages)}"}

    await sim.app({"type": "lifespan", "state": {}}, life, send)
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_bug_in_the_simulator_is_a_500_and_logged(
    sim: Simulator, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistake() -> str:
        raise ZeroDivisionError

    async with sim.serve() as base_url, httpx.AsyncClient(base_url=base_url) as client:
        monkeypatch.setattr(sim, "next_request_id", mistake)
        assert (await client.get("/nowhere")).status_code == 500
    assert [record.name for record in caplog.records if record.levelname == "ERROR"] == ["alexa_props.simulator.server"]


async def test_client_that_disconnects_is_recorded(sim: Simulator) -> None:
    arrived, leave = anyio.Event(), anyio.Event()

    async def sleep(_: float) -> None:
        arrived.set()
        await leave.wait()

    patient = Simulator(rooms=1, sleep=sleep)
    patient.latency(60)
    async with patient.serve() as base_url:
        async with httpx.AsyncClient(base_url=base_url) as client, anyio.create_task_group() as tasks:
            tasks.start_soon(client.get, "/nowhere")
            await arrived.wait()
            tasks.cancel_scope.cancel()
        leave.set()
        patient.latency(0)
        async with httpx.AsyncClient(base_url=base_url) as client:
            assert (await client.get("/nowhere")).status_code == 404
    assert patient.count("unknown") == 2


async def test_survives_garbage_on_the_socket(sim: Simulator) -> None:
    async with sim.serve() as base_url:
        host, port = base_url.removeprefix("http://").split(":")
        async with await anyio.connect_tcp(host, int(port)) as stream:
            await stream.send(b"nonsense\r\n\r\n")
            assert (await stream.receive()).startswith(b"HTTP/1.1 400")
        async with await anyio.connect_tcp(host, int(port)) as stream:
            await stream.send(b"POST /auth/o2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab")
    assert sim.calls == []
