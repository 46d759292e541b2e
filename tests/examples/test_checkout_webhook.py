"""The web app for check-outs, against a simulator on a socket: in this process, and under uvicorn as a process."""

from __future__ import annotations

import importlib.util
import json
import ssl
import threading
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import trustme

from alexa_props.errors import ConfigurationError
from examples import checkout_webhook
from tests.examples.webhook import (
    KINDS,
    Gate,
    as_reset,
    check_secrets,
    post,
    running,
    served,
    signed,
    state,
)

ON_UNIT = ["alarms", "timers", "reminders", "notifications", "station", "endpoints"]
ON_ENDPOINT = ["Bluetooth", "locales", "wake word", "do not disturb", "volume"]


@asynccontextmanager
async def here(environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    """The app in this process: a request that is cancelled is cancelled in the app, as some servers do it."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    app = checkout_webhook.app
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        async with httpx.AsyncClient(transport=httpx.ASGITransport(with_state), base_url="http://app") as http:
            yield http


async def resets(http: httpx.AsyncClient, number: int) -> None:
    """Wait until so many resets are in flight."""
    with anyio.fail_after(30):
        while (await http.get("/health")).json()["resets"] != number:  # noqa: ASYNC110 - as a user can see it
            await anyio.sleep(0.01)


@pytest.mark.apart
async def test_200_check_outs_at_once_and_every_room_is_as_it_should_be() -> None:
    async with served(rooms=200, devices=1) as (sim, environment), running(environment) as app:
        sim.quota("*", 200, burst=20)
        # One refusal is certain, however slow the machine is.
        sim.fail("endpoints.list", "status", status=429, after=20)
        before = {room: state(sim, room) for room in sim.rooms}
        answers: dict[str, httpx.Response] = {}
        again: list[str] = []
        over = threading.Event()
        seen: list[httpx.Response] = []

        async def send(room: str) -> None:
            # As such systems do. Where the machine is slow, the limiter may think for a moment that the quota is small.
            while (answer := await post(app.http, room)).status_code == 503:
                again.append(room)
                await anyio.sleep(float(answer.headers["Retry-After"]))
            answers[room] = answer

        def watch() -> None:
            # In a thread: the event loop here has the simulator and 200 senders to do, which is not the app's fault.
            with httpx.Client(base_url=app.http.base_url, timeout=60) as http:
                while not over.wait(0.1):
                    seen.append(http.get("/health"))

        async def send_all() -> None:
            async with anyio.create_task_group() as senders:
                for room in sim.rooms:
                    senders.start_soon(send, room)
            over.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.to_thread.run_sync, watch)
            tasks.start_soon(send_all)

        for room in sim.rooms:
            assert answers[room].status_code == 200, answers[room].text
            told = answers[room].json()
            assert (told["unit_id"], told["status"], told["failures"]) == (room, "done", [])
            steps = [(step["step"], step["endpoint_id"], step["status"]) for step in told["steps"]]
            assert steps == [(name, None, "done") for name in ON_UNIT] + [
                (name, each, "done") for each in sim.endpoints_in(room) for name in ON_ENDPOINT
            ]
            assert state(sim, room) == as_reset(before[room])
        # Nothing was sent twice but what the quota had refused, and what the app asked for again.
        handled = Counter(call.operation for call in sim.calls if call.status != 429)
        once = {
            **dict.fromkeys((f"alerts.delete_{kind}" for kind in KINDS), 200),
            **dict.fromkeys(("notifications.delete_many", "unit_settings.set_default_music_station"), 200),
            **dict.fromkeys(("endpoints.list", "features.unpair_bluetooth", "features.set_volume"), 200),
            "endpoint_settings.set": 600,
        }
        more = handled - Counter({**once, "token": 1})
        assert not Counter(once) - handled
        assert all(number <= len(again) * once[name] // 200 for name, number in more.items())
        health = [answer.json() for answer in seen]
        assert len(again) < 200
        # It answers while it works, and not when all is done.
        assert any(0 < told["resets"] < 200 for told in health)
        assert max(scope["waiting"] for told in health for scope in told["limits"].values()) > 0
        limits = (await app.http.get("/health")).json()["limits"]
        assert {name: scope["refused"] for name, scope in limits.items()} == {
            name: sim.count(name, 429) for name in once
        }
        assert limits["endpoints.list"]["refused"] > 0
        assert limits["endpoints.list"]["ceiling"] is not None
        check_secrets("".join(answer.text for answer in (*answers.values(), *seen)), environment)


@pytest.mark.apart
@pytest.mark.skipif(importlib.util.find_spec("uvloop") is None, reason="uvloop is not installed")
async def test_rooms_are_reset_over_tls_on_uvloop(tmp_path: Path) -> None:
    """It is what `uvicorn[standard]` runs the app on, and Amazon is https."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    async with (
        served(rooms=8, tls=context) as (sim, environment),
        running(environment | {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}, loop="uvloop") as app,
    ):
        before = {room: state(sim, room) for room in sim.rooms}
        async with anyio.create_task_group() as tasks:
            for room in sim.rooms:
                tasks.start_soon(post, app.http, room)
        assert {room: state(sim, room) for room in sim.rooms} == {room: as_reset(before[room]) for room in sim.rooms}


async def test_a_room_that_is_posted_again_is_reset_once_even_if_senders_leave(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = Gate()
    async with served(sleep=gate.sleep) as (sim, environment), here(environment, monkeypatch) as http:
        sim.latency(1, "alerts.delete_alarms")
        before = {room: state(sim, room) for room in sim.rooms}
        room, other, _, _ = sim.rooms
        responses: list[httpx.Response] = []

        async def send() -> None:
            responses.append(await post(http, room))

        async with anyio.create_task_group() as tasks:
            async with anyio.create_task_group() as impatient:
                impatient.start_soon(post, http, room)
                impatient.start_soon(post, http, other)
                await gate.arrived.wait()
                await resets(http, 2)
                impatient.cancel_scope.cancel()
            tasks.start_soon(send)
            tasks.start_soon(send)
            # Anything sent before this has arrived when this is answered.
            await resets(http, 2)
            gate.opened.set()
        first, second = responses
        assert (first.status_code, first.json()["status"]) == (200, "done")
        assert first.content == second.content
        # Nobody waits for the other room any more: it is reset all the same.
        await resets(http, 0)
        assert sim.count("alerts.delete_alarms") == 2
        for each in (room, other):
            assert state(sim, each) == as_reset(before[each])
        # The next guest has left too.
        assert (await post(http, room)).status_code == 200
        assert sim.count("alerts.delete_alarms") == 3


async def test_sigterm_lets_resets_in_flight_end_and_then_the_app() -> None:
    gate = Gate()
    async with served(sleep=gate.sleep) as (sim, environment), running(environment) as app:
        sim.latency(1)
        before = {room: state(sim, room) for room in sim.rooms}
        answers: list[httpx.Response] = []

        async def send(room: str) -> None:
            answers.append(await post(app.http, room))

        # A sender that leaves in the middle of its request is not an error of the app.
        async with await anyio.connect_tcp(app.http.base_url.host, app.http.base_url.port or 0) as leaving:
            await leaving.send(b"POST /check-outs HTTP/1.1\r\nHost: app\r\nContent-Length: 99\r\n\r\nhalf")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send, sim.rooms[0])
            async with anyio.create_task_group() as impatient:
                impatient.start_soon(post, app.http, sim.rooms[1])
                await app.resets(2)
                impatient.cancel_scope.cancel()
            await gate.arrived.wait()
            app.process.terminate()
            with anyio.fail_after(30):
                while "Shutting down" not in app.said:  # noqa: ASYNC110 - likewise
                    await anyio.sleep(0.01)
            assert not answers
            gate.opened.set()
        await app.ended()
        (answer,) = answers
        assert (answer.status_code, answer.json()["status"]) == (200, "done")
        for room in sim.rooms[:2]:
            assert state(sim, room) == as_reset(before[room])
        assert "Application shutdown complete" in app.said


async def test_a_request_that_is_not_a_signed_check_out_is_refused_and_nothing_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with served() as (sim, environment), here(environment, monkeypatch) as http:
        good = json.dumps({"unit_id": sim.rooms[0]}).encode()
        for headers in ({}, {"X-Signature": ""}, signed(good + b" "), {"X-Signature": b"\xff\xc3\xa9"}):
            answer = await http.post("/check-outs", content=good, headers=headers)  # type: ignore[arg-type]
            assert answer.status_code == 401, headers
            check_secrets(answer.text, environment)
        bodies = (
            b"",
            b"null",
            b"[]",
            b"{}",
            b'{"unit_id": 5}',
            b'{"unit_id": ["x"]}',
            b"\xff",
            b"[" * 4096,
            b'{"unit_id"',
        )
        for body in bodies:
            answer = await http.post("/check-outs", content=body, headers=signed(body))
            assert (answer.status_code, answer.text) == (
                400,
                'a check-out is a JSON object such as {"unit_id": "…"}',
            ), body
        for unit_id in ("", ".", "..", "\ud800"):
            answer = await post(http, unit_id)
            assert answer.status_code == 400
            assert "unit_id must be an id" in answer.text

        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(5):
                yield b" " * 1000

        for content in (b" " * 4097, chunks()):
            answer = await http.post("/check-outs", content=content, headers=signed(b" " * 5000))
            assert (answer.status_code, answer.text) == (413, "a check-out has at most 4096 bytes")
        assert (await http.get("/check-outs")).status_code == 405
        assert sim.count() == 0


async def test_an_offline_device_is_named_and_an_unknown_room_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served() as (sim, environment), here(environment, monkeypatch) as http:
        before = {room: state(sim, room) for room in sim.rooms}
        room, forbidden, _, _ = sim.rooms
        gone, well = sim.endpoints_in(room)
        sim.set_offline(gone)
        sim.set_forbidden(forbidden)
        answer = await post(http, room)
        assert answer.status_code == 200
        told = answer.json()
        assert told["status"] == "failed"
        assert {(failure["step"], failure["endpoint_id"]) for failure in told["failures"]} == {
            (name, gone) for name in (*KINDS, *ON_ENDPOINT)
        }
        assert {failure["code"] for failure in told["failures"]} <= {"DEVICE_NOT_REACHABLE", "DEVICE_UNREACHABLE"}
        assert all(failure["request_id"] for failure in told["failures"])
        assert {step["step"] for step in told["steps"] if step["endpoint_id"] == well and step["status"] == "done"} == {
            *ON_ENDPOINT
        }
        assert state(sim, room)["endpoints"] == {
            gone: before[room]["endpoints"][gone],
            well: as_reset(before[room])["endpoints"][well],
        }
        for unit_id in (forbidden, "amzn1.alexa.unit.did.NOBODY"):
            answer = await post(http, unit_id)
            assert (answer.status_code, answer.text) == (404, f"no such room: {unit_id}")
        assert state(sim, forbidden) == before[forbidden]


async def test_too_many_check_outs_are_turned_away_and_health_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served() as (sim, environment), here(environment, monkeypatch) as http:
        sim.quota("alerts.delete_timers", 0.001, burst=1, retry_after=300)
        first, second, third, _ = sim.rooms
        assert (await post(http, first)).status_code == 200
        assert (await http.get("/health")).status_code == 200

        refused = await post(http, second)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "60")
        (failure,) = refused.json()["failures"]
        assert failure["step"] == "timers"

        health = await http.get("/health")
        assert health.status_code == 503
        assert 200 < health.json()["seconds_queued"] <= 300
        assert health.json()["limits"]["alerts.delete_timers"]["refused"] == 1
        seen = sim.count()
        turned_away = await post(http, third)
        assert (turned_away.status_code, turned_away.json()) == (503, {"status": "too busy"})
        assert turned_away.headers["Retry-After"] == "60"
        assert sim.count() == seen


async def test_a_queue_that_is_too_long_takes_no_more_check_outs(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(rooms=21, devices=1) as (sim, environment), here(environment, monkeypatch) as http:
        sim.quota("alerts.delete_reminders", 20, burst=1)
        monkeypatch.setattr(checkout_webhook, "MAX_WAIT", 0.2)
        *rooms, another = sim.rooms
        answers: list[httpx.Response] = []

        async def send(room: str) -> None:
            answers.append(await post(http, room))

        async with anyio.create_task_group() as tasks:
            for room in rooms:
                tasks.start_soon(send, room)
            with anyio.fail_after(30):
                while (await http.get("/health")).status_code == 200:  # noqa: ASYNC110 - its answer is the point
                    await anyio.sleep(0.01)
            turned_away = await post(http, another)
            assert (turned_away.status_code, turned_away.json()) == (503, {"status": "too busy"})
            assert int(turned_away.headers["Retry-After"]) in range(1, 11)
            # A repeated request for a room in progress waits with the others.
            tasks.start_soon(send, rooms[-1])
        assert [answer.status_code for answer in answers] == [200] * 21
        assert (await http.get("/health")).status_code == 200
        assert (await post(http, another)).status_code == 200
        assert sim.count("alerts.delete_alarms") == 21


@pytest.mark.parametrize("wrong", ["ALEXA_PROPS_REFRESH_TOKEN", "ALEXA_PROPS_CLIENT_SECRET"])
async def test_a_refused_login_asks_for_the_check_out_again(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served() as (sim, environment), here({**environment, wrong: "Atzr|revoked"}, monkeypatch) as http:
        answer = await post(http, sim.rooms[0])
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "1"
        assert {failure["code"] for failure in answer.json()["failures"]} == {"AuthenticationError"}
        assert "Atzr|revoked" not in answer.text


@pytest.mark.parametrize(
    ("name", "seconds", "code"), [("DEADLINE", 0.2, "DeadlineExceeded"), ("MAX_WAIT", 0.01, "RateLimitTooLong")]
)
async def test_no_check_out_waits_forever(
    name: str, seconds: float, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    async with served(sleep=gate.sleep) as (sim, environment):
        monkeypatch.setattr(checkout_webhook, name, seconds)
        if name == "MAX_WAIT":
            gate.opened.set()
        sim.latency(1)
        async with here(environment, monkeypatch) as http:
            with anyio.fail_after(15):
                answer = await post(http, sim.rooms[0])
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
            assert code in {failure["code"] for failure in answer.json()["failures"]}
        gate.opened.set()


@pytest.mark.parametrize("patient", [True, False])
async def test_a_reset_continues_if_its_request_is_cancelled_and_ends_with_the_app(
    patient: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    async with served(sleep=gate.sleep) as (sim, environment):
        sim.latency(1)
        room = sim.rooms[0]
        before = state(sim, room)
        with anyio.fail_after(15):
            async with here(environment, monkeypatch) as http:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(post, http, room)
                    await gate.arrived.wait()
                    tasks.cancel_scope.cancel()
                assert (await http.get("/health")).json()["resets"] == 1
                if patient:
                    gate.opened.set()
                else:
                    monkeypatch.setattr(checkout_webhook, "DEADLINE", 0.1)
        gate.opened.set()
        assert state(sim, room) == (as_reset(before) if patient else before)


@pytest.mark.parametrize("secret", [{}, {"CHECKOUT_SECRET": ""}])
async def test_without_a_secret_it_does_not_start(secret: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="set CHECKOUT_SECRET to the secret"):
        async with here(secret, monkeypatch):
            pytest.fail("it started")
