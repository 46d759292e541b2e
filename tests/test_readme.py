"""Every Python block of the README runs, against a simulator on a real socket."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
import pytest

from alexa_props.simulator import Simulator

README = (Path(__file__).parent.parent / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n# (.+?)\n(.+?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
async def sim(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    async with Simulator(rooms=20, endpoints_per_room=2, seed=3) as sim, sim.serve() as base_url:
        for name, value in {
            "ALEXA_PROPS_CLIENT_ID": sim.client_id,
            "ALEXA_PROPS_CLIENT_SECRET": sim.client_secret,
            "ALEXA_PROPS_REFRESH_TOKEN": sim.refresh_token,
            "ALEXA_PROPS_BASE_URL": base_url,
            "ALEXA_PROPS_TOKEN_URL": sim.token_url,
            "ORGANIZATION_ID": sim.organization_id,
        }.items():
            monkeypatch.setenv(name, value)
        yield sim


def blocks(kind: str) -> list[str]:
    return [code for name, code in BLOCKS if name == kind]


async def run(code: str, names: dict[str, Any]) -> dict[str, Any]:
    """As a notebook cell is run: `await` may stand at the top."""
    compiled = compile(code, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(compiled, names)
    if inspect.isawaitable(result):
        await result
    return names


def test_every_block_is_run() -> None:
    assert README.count("```python") == len(BLOCKS)
    assert {name for name, _ in BLOCKS} == {
        "web app",
        "check-out",
        "fleet job",
        "batches",
        "notebook",
        "pagers",
        "own calls",
        "limits",
        "simulator",
    }


async def test_web_app(sim: Simulator) -> None:
    (code,) = blocks("web app")
    app = (await run(code, {}))["app"]
    room = sim.rooms[0]
    sim.set_forbidden(sim.rooms[1])
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "state": dict(state)}, receive, send)

        async with httpx.AsyncClient(transport=httpx.ASGITransport(with_state), base_url="http://app") as http:
            ok = await http.get(f"/rooms/{room}/station")
            assert ok.status_code == 200
            expected = sim.station(room)
            assert ok.json() == (None if expected is None else {"station": expected.station_id})
            assert (await http.get(f"/rooms/{sim.rooms[1]}/station")).status_code == 404
            for status, answer in ((401, 502), (404, 404), (429, 503), (500, 502)):
                sim.fail("unit_settings.get_default_music_station", "status", status=status, times=None)
                assert (await http.get(f"/rooms/{room}/station")).status_code == answer, status
                sim.clear_faults()


async def test_limits(sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = blocks("limits")
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        await run(code, {})
    assert "units.list" in (tmp_path / "limits.json").read_text()
    assert sim.count("units.list") >= 2


async def test_batches(sim: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks("batches")
    await anyio.to_thread.run_sync(exec, compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out.count(" done\n") == 20
    bodies: list[Any] = [call.body for call in sim.calls if call.operation == "notifications.send"]
    assert [len(body["recipients"]) for body in bodies] == [20]


async def test_fleet_job(
    sim: Simulator, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = blocks("fleet job")
    monkeypatch.chdir(tmp_path)
    sim.set_offline(sim.endpoints[0])
    # It is a script: it makes a separate event loop.
    await anyio.to_thread.run_sync(lambda: exec(compile(code, "README.md", "exec"), {}))
    assert {station.station_id if (station := sim.station(room)) else None for room in sim.rooms} == {"4242"}
    assert sum(sim.alert_count("alarms", endpoint) for endpoint in sim.endpoints[1:]) == 0
    out = capsys.readouterr().out
    assert "Room 101: amzn1.alexa.endpoint" in out
    assert "kept its alarms: DEVICE_NOT_REACHABLE" in out
    assert "unit_settings.set_default_music_station: 0 to 20 calls" in out
    assert "20 items: 20 done" in out
    # Once more: the room whose device was offline is told again, and nothing is sent.
    sim.clear_calls()
    await anyio.to_thread.run_sync(lambda: exec(compile(code, "README.md", "exec"), {}))
    assert sim.count("alerts.delete_alarms") == 0
    assert "kept its alarms: DEVICE_NOT_REACHABLE" in capsys.readouterr().out


async def test_notebook(
    sim: Simulator, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # its journal
    names: dict[str, Any] = {}
    for code in blocks("notebook"):
        await run(code, names)
    assert "devices are offline" in capsys.readouterr().out
    assert names["report"].counts == {"done": 20, "failed": 0, "unknown": 0}
    await names["sim"].aclose()


async def test_check_out(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = blocks("check-out")
    monkeypatch.setenv("UNIT_ID", sim.rooms[0])
    names = await run(code, {})
    assert names["steps"].status == "done"
    assert [sim.volume(endpoint) for endpoint in sim.endpoints_in(sim.rooms[0])] == [30, 30]


@pytest.mark.parametrize("kind", ["pagers", "own calls", "simulator"])
async def test_block(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks(kind)
    names = await run(code, {})
    if kind == "pagers":
        assert len(names["names"]) == len(names["rest"]) + 10
        assert names["token"]
    if kind == "simulator":
        assert "2 requests were seen\n401\n" in capsys.readouterr().out
